"""What is printed on the product: `rapidocr` reads the photo, and the words are judged as those of a title."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL.Image import Image, Resampling

from pumgpt.curation.experts.base import Case, Expert, ExpertOptions
from pumgpt.curation.experts.mentions import Text
from pumgpt.curation.experts.text import TextExpert
from pumgpt.curation.verdict import Claim, Vote

MIN_SIDE_PX = 320
"""Smaller photos are enlarged, or letters of a few pixels would be missed."""
MIN_CONFIDENCE = 0.6
"""Lines that are recognised with less are left out."""
_LINE_BREAK = " | "
"""Between two lines, so that a denial on one doesn't reach into the next: `mentions` ends a clause here."""


@dataclass(frozen=True)
class Line:
    """`box` is left, top, right, bottom, in shares of the photo's sides."""

    text: str
    box: tuple[float, float, float, float]


class OcrExpert(Expert):
    """Abstains on photos without words."""

    name = "ocr"
    cost = 1.0
    needs_photo = True
    searches_text = True
    trust = 1.0
    modules = ("rapidocr", "onnxruntime")
    extra = "ocr"

    def __init__(self, text_expert: TextExpert) -> None:
        self.text_expert = text_expert

    @classmethod
    def create(cls, options: ExpertOptions) -> OcrExpert:
        return cls(TextExpert(options.schema))

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        return [self._judge_case(case) for case in cases]

    def _judge_case(self, case: Case) -> list[Vote | None]:
        lines = [(place, line) for place, photo in enumerate(case.photos) for line in self.recognise(photo)]
        text = _LINE_BREAK.join(line.text for _, line in lines)
        if not text.strip():
            return [None] * len(case.claims)
        return [self._vote(claim, text, lines) for claim in case.claims]

    def _vote(self, claim: Claim, text: str, lines: Sequence[tuple[int, Line]]) -> Vote:
        vote = self.text_expert.vote(claim, {"photo": Text(text)})
        evidence = dict(vote.evidence)
        # A position in the joined text means nothing to the user; the box of its line does.
        at = evidence.pop("at", None)
        if at is not None:
            number, line = _line_at(lines, at[0])
            evidence |= {"image": number, "box": [round(side, 3) for side in line.box]}
        return Vote(self.name, vote.verdict, vote.score, evidence)

    def recognise(self, photo: Image) -> Iterator[Line]:
        """The lines of text in a photo, in the order in which `rapidocr` returns them."""
        scale = max(1.0, MIN_SIDE_PX / min(photo.size))
        size = (round(photo.width * scale), round(photo.height * scale))
        pixels = np.asarray(
            photo.convert("RGB").resize(size, Resampling.BICUBIC) if scale > 1 else photo.convert("RGB")
        )
        found = self._engine(pixels[:, :, ::-1])  # BGR
        if found.boxes is None or found.txts is None:
            return
        for corners, text, confidence in zip(found.boxes, found.txts, found.scores, strict=True):
            if confidence >= MIN_CONFIDENCE and text.strip():
                low, high = np.min(corners, axis=0), np.max(corners, axis=0)
                sides = (low[0] / size[0], low[1] / size[1], high[0] / size[0], high[1] / size[1])
                yield Line(text, (float(sides[0]), float(sides[1]), float(sides[2]), float(sides[3])))

    @cached_property
    def _engine(self) -> Any:
        import logging

        from rapidocr import RapidOCR

        engine = RapidOCR(params={"Global.log_level": "error"})
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        return engine


def _line_at(lines: Sequence[tuple[int, Line]], place: int) -> tuple[int, Line]:
    """The photo's number and the line that contain a position of the joined text."""
    start = 0
    for number, line in lines:
        start += len(line.text) + len(_LINE_BREAK)
        if place < start:
            return number, line
    return lines[-1]
