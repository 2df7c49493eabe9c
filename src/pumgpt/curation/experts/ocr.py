"""What is printed on the product: the photo is read by `rapidocr`, and its words are judged as the title's are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL.Image import Image, Resampling

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.curation.experts.base import Case
from pumgpt.curation.experts.mentions import Text
from pumgpt.curation.experts.text import TextExpert
from pumgpt.curation.verdict import Claim, Vote

MIN_SIDE_PX = 320
"""A smaller photo is enlarged: letters of a few pixels aren't found otherwise."""
LEAST_SURE = 0.6
"""Lines that the reader is less sure of are left out."""
_BETWEEN = " | "
"""A clause ends between two lines."""


@dataclass(frozen=True)
class Line:
    """`box` is left, top, right, bottom, in shares of the photo's sides."""

    text: str
    box: tuple[float, float, float, float]


class OcrExpert:
    """Has no say about photos without words."""

    name = "ocr"
    cost = 1.0

    def __init__(self, schema: AttributeSchema | None = None, reads: TextExpert | None = None) -> None:
        self._reads = reads or TextExpert(schema)

    def prepare(self, catalog: Iterable[Product]) -> None:
        """Nothing to prepare."""

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        return [self._votes(case) for case in cases]

    def _votes(self, case: Case) -> list[Vote | None]:
        lines = [(place, line) for place, photo in enumerate(case.photos) for line in self.read(photo)]
        text = _BETWEEN.join(line.text for _, line in lines)
        if not text.strip():
            return [None] * len(case.claims)
        return [self._vote(claim, text, lines) for claim in case.claims]

    def _vote(self, claim: Claim, text: str, lines: Sequence[tuple[int, Line]]) -> Vote:
        vote = self._reads.vote(claim, {"photo": Text(text)})
        evidence = dict(vote.evidence)
        at = evidence.pop("at", None)
        if at is not None:
            number, line = _line_at(lines, at[0])
            evidence |= {"image": number, "box": [round(side, 3) for side in line.box]}
        return Vote(self.name, vote.verdict, vote.score, evidence)

    def read(self, photo: Image) -> Iterator[Line]:
        """The lines of words in a photo, in the reader's order."""
        scale = max(1.0, MIN_SIDE_PX / min(photo.size))
        size = (round(photo.width * scale), round(photo.height * scale))
        pixels = np.asarray(
            photo.convert("RGB").resize(size, Resampling.BICUBIC) if scale > 1 else photo.convert("RGB")
        )
        found = self._reader(pixels[:, :, ::-1])
        if found.boxes is None or found.txts is None:
            return
        for corners, text, sure in zip(found.boxes, found.txts, found.scores, strict=True):
            if sure >= LEAST_SURE and text.strip():
                low, high = np.min(corners, axis=0), np.max(corners, axis=0)
                sides = (low[0] / size[0], low[1] / size[1], high[0] / size[0], high[1] / size[1])
                yield Line(text, (float(sides[0]), float(sides[1]), float(sides[2]), float(sides[3])))

    @cached_property
    def _reader(self) -> Any:
        import logging

        from rapidocr import RapidOCR

        reader = RapidOCR(params={"Global.log_level": "error"})
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        return reader


def _line_at(lines: Sequence[tuple[int, Line]], place: int) -> tuple[int, Line]:
    """The line that holds a letter of the joined text."""
    start = 0
    for number, line in lines:
        start += len(line.text) + len(_BETWEEN)
        if place < start:
            return number, line
    return lines[-1]
