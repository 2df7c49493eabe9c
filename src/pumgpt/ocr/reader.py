"""The lines of text in a photo, read by `rapidocr`, an optional package: `pip install 'pumgpt[ocr]'`.

Print in a script that its models don't know is left out or comes out as other letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.util import find_spec
from typing import Any

import numpy as np
from PIL.Image import Image, Resampling, Transpose

MODULES = ("rapidocr", "onnxruntime")
EXTRA = "ocr"
MIN_SIDE_PX = 320
"""Smaller photos are enlarged, or letters of a few pixels would be missed."""
MIN_CONFIDENCE = 0.6
"""Lines that are recognised with less are left out."""
SURE = 0.9
"""A photo whose lines are recognised with less on average, weighted by their letters, is read upside down too."""


@dataclass(frozen=True)
class Line:
    """`box` is left, top, right, bottom, in shares of the photo's sides."""

    text: str
    box: tuple[float, float, float, float]
    confidence: float


class PrintReader:
    """Loads its models, which come with the package, with the first photo."""

    @staticmethod
    def is_installed() -> bool:
        return all(find_spec(module) for module in MODULES)

    def read(self, photo: Image) -> Iterator[Line]:
        """The lines of text in a photo, in the order in which `rapidocr` returns them."""
        scale = max(1.0, MIN_SIDE_PX / min(photo.size))
        picture = photo.convert("RGB")
        if scale > 1:
            picture = picture.resize((round(photo.width * scale), round(photo.height * scale)), Resampling.BICUBIC)
        lines = list(self._lines(picture))
        if lines and mean_confidence(lines) < SURE:
            turned = [_turned(line) for line in self._lines(picture.transpose(Transpose.ROTATE_180))]
            lines = max(lines, turned, key=mean_confidence)
        yield from (line for line in lines if line.confidence >= MIN_CONFIDENCE)

    @cached_property
    def letters(self) -> frozenset[str]:
        """What the recogniser can tell, by the list of characters in its model."""
        return frozenset(self._engine.text_rec.postprocess_op.character)

    def _lines(self, picture: Image) -> Iterator[Line]:
        found = self._engine(np.asarray(picture)[:, :, ::-1])  # BGR
        if found.boxes is None or found.txts is None:
            return
        for corners, text, confidence in zip(found.boxes, found.txts, found.scores, strict=True):
            if text.strip():
                low, high = np.min(corners, axis=0) / picture.size, np.max(corners, axis=0) / picture.size
                yield Line(text, (float(low[0]), float(low[1]), float(high[0]), float(high[1])), float(confidence))

    @cached_property
    def _engine(self) -> Any:
        import logging

        from rapidocr import RapidOCR

        # Its classifier of orientation turns an upright 99 into 66, so we compare what is recognised either way up. Lines of
        # little confidence, which it would drop, tell that a photo is upside down.
        engine = RapidOCR(params={"Global.log_level": "error", "Global.use_cls": False, "Global.text_score": 0.0})
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        return engine


@cache
def shared_reader() -> PrintReader:
    """One reader for all products of a run: its models take a second to load."""
    return PrintReader()


def mean_confidence(lines: Sequence[Line]) -> float:
    """The mean of the lines, weighted by their letters; 0 without lines."""
    return sum(line.confidence * len(line.text) for line in lines) / max(sum(len(line.text) for line in lines), 1)


def _turned(line: Line) -> Line:
    left, top, right, bottom = line.box
    return replace(line, box=(1 - right, 1 - bottom, 1 - left, 1 - top))
