"""What is printed on the product: `rapidocr` reads the photo, and the words are judged as those of a title.

Print in a script that its models don't know is left out or comes out as other letters. So what is written in such a script
can't be held against a value.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from PIL.Image import Image, Resampling, Transpose

from pumgpt.catalog.vocabulary.words import unescaped
from pumgpt.curation.experts.base import Case, Expert, ExpertOptions
from pumgpt.curation.experts.text import TextExpert
from pumgpt.curation.verdict import Claim, Verdict, Vote
from pumgpt.extraction.mentions import Text

MIN_SIDE_PX = 320
"""Smaller photos are enlarged, or letters of a few pixels would be missed."""
MIN_CONFIDENCE = 0.6
"""Lines that are recognised with less are left out."""
SURE = 0.9
"""A photo whose lines are recognised with less on average, weighted by their letters, is read upside down too."""
_LINE_BREAK = " | "
"""Between two lines, so that a denial on one doesn't reach into the next: `mentions` ends a clause here."""


@dataclass(frozen=True)
class Line:
    """`box` is left, top, right, bottom, in shares of the photo's sides."""

    text: str
    box: tuple[float, float, float, float]
    confidence: float


class OcrExpert(Expert):
    """Abstains on photos without words, and where value or title are in a script that the recogniser doesn't know."""

    name = "ocr"
    cost = 1.0
    needs_photo = True
    searches_text = True
    trust = 1.0
    modules = ("rapidocr", "onnxruntime")
    extra = "ocr"

    def __init__(self, text_expert: TextExpert) -> None:
        self.text_expert = text_expert
        self._unread_scripts: set[str] = set()

    @classmethod
    def create(cls, options: ExpertOptions) -> OcrExpert:
        return cls(TextExpert(options.schema))

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        return [self._judge_case(case) for case in cases]

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(
            f"print in {script} letters isn't recognised on photos: expert 'ocr' abstains where a value or title has them"
            for script in sorted(self._unread_scripts)
        )

    def _judge_case(self, case: Case) -> list[Vote | None]:
        lines = [(place, line) for place, photo in enumerate(case.photos) for line in self.recognise(photo)]
        text = _LINE_BREAK.join(line.text for _, line in lines)
        if not text.strip():
            return [None] * len(case.claims)
        is_title_read = self._is_readable(case.product.title or "")
        votes: list[Vote | None] = []
        for claim in case.claims:
            vote = self._vote(claim, text, lines)
            # What was found speaks for the value in any case; what wasn't may stand there in letters that can't be read.
            is_read = self._is_readable(claim.value) and is_title_read
            votes.append(vote if is_read or vote.verdict is Verdict.SUPPORTED else None)
        return votes

    def _vote(self, claim: Claim, text: str, lines: Sequence[tuple[int, Line]]) -> Vote:
        vote = self.text_expert.vote(claim, {"photo": Text(text)})
        evidence = dict(vote.evidence)
        # A position in the joined text means nothing to the user; the box of its line does.
        at = evidence.pop("at", None)
        if at is not None:
            number, line = _line_at(lines, at[0])
            evidence |= {"image": number, "box": [round(side, 3) for side in line.box]}
        return Vote(self.name, vote.verdict, vote.score, evidence)

    def _is_readable(self, text: str) -> bool:
        """Whether the recogniser's models know the letters of a text; scripts that they don't know are remembered."""
        unknown = {
            script_of(letter)
            for letter in unescaped(text)
            if letter.isalpha() and not self._letters.intersection((letter, letter.upper(), letter.lower()))
        }
        self._unread_scripts |= unknown - {"Latin"}  # of Latin, only rare letters are unknown
        return not unknown

    def recognise(self, photo: Image) -> Iterator[Line]:
        """The lines of text in a photo, in the order in which `rapidocr` returns them."""
        scale = max(1.0, MIN_SIDE_PX / min(photo.size))
        picture = photo.convert("RGB")
        if scale > 1:
            picture = picture.resize((round(photo.width * scale), round(photo.height * scale)), Resampling.BICUBIC)
        lines = list(self._lines(picture))
        if lines and _confidence(lines) < SURE:
            turned = [_turned(line) for line in self._lines(picture.transpose(Transpose.ROTATE_180))]
            lines = max(lines, turned, key=_confidence)
        yield from (line for line in lines if line.confidence >= MIN_CONFIDENCE)

    def _lines(self, picture: Image) -> Iterator[Line]:
        found = self._engine(np.asarray(picture)[:, :, ::-1])  # BGR
        if found.boxes is None or found.txts is None:
            return
        for corners, text, confidence in zip(found.boxes, found.txts, found.scores, strict=True):
            if text.strip():
                low, high = np.min(corners, axis=0) / picture.size, np.max(corners, axis=0) / picture.size
                yield Line(text, (float(low[0]), float(low[1]), float(high[0]), float(high[1])), float(confidence))

    @cached_property
    def _letters(self) -> frozenset[str]:
        """What the recogniser can tell, by the list of characters in its model."""
        return frozenset(self._engine.text_rec.postprocess_op.character)

    @cached_property
    def _engine(self) -> Any:
        import logging

        from rapidocr import RapidOCR

        # Its classifier of orientation turns an upright 99 into 66, so we compare what is recognised either way up. Lines of
        # little confidence, which it would drop, tell that a photo is upside down.
        engine = RapidOCR(params={"Global.log_level": "error", "Global.use_cls": False, "Global.text_score": 0.0})
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        return engine


def script_of(letter: str) -> str:
    """The script of a letter ("Cyrillic", "Arabic"), by its name in Unicode."""
    return unicodedata.name(letter, "unknown").split()[0].capitalize()


def _confidence(lines: Sequence[Line]) -> float:
    """The mean of the lines, weighted by their letters; 0 without lines."""
    return sum(line.confidence * len(line.text) for line in lines) / max(sum(len(line.text) for line in lines), 1)


def _turned(line: Line) -> Line:
    left, top, right, bottom = line.box
    return replace(line, box=(1 - right, 1 - bottom, 1 - left, 1 - top))


def _line_at(lines: Sequence[tuple[int, Line]], place: int) -> tuple[int, Line]:
    """The photo's number and the line that contain a position of the joined text."""
    start = 0
    for number, line in lines:
        start += len(line.text) + len(_LINE_BREAK)
        if place < start:
            return number, line
    return lines[-1]
