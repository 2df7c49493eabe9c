"""What is printed on the product: `PrintReader` reads the photo, and the words are judged as those of a title.

Print in a script that its models don't know is left out or comes out as other letters. So what is written in such a script
can't be held against a value.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from pumgpt.catalog.vocabulary.words import unescaped
from pumgpt.curation.experts.base import Case, Expert, ExpertOptions
from pumgpt.curation.experts.text import TextExpert
from pumgpt.curation.verdict import Claim, Verdict, Vote
from pumgpt.extraction.mentions import Text
from pumgpt.ocr.reader import EXTRA, MODULES, Line, PrintReader

_LINE_BREAK = " | "
"""Between two lines, so that a denial on one doesn't reach into the next: `mentions` ends a clause here."""


class OcrExpert(Expert):
    """Abstains on photos without words, and where value or title are in a script that the recogniser doesn't know."""

    name = "ocr"
    cost = 1.0
    needs_photo = True
    searches_text = True
    trust = 1.0
    modules = MODULES
    extra = EXTRA

    def __init__(self, text_expert: TextExpert) -> None:
        self.text_expert = text_expert
        self.reader = PrintReader()
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
        lines = [(place, line) for place, photo in enumerate(case.photos) for line in self.reader.read(photo)]
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
            if letter.isalpha() and not self.reader.letters.intersection((letter, letter.upper(), letter.lower()))
        }
        self._unread_scripts |= unknown - {"Latin"}  # of Latin, only rare letters are unknown
        return not unknown


def script_of(letter: str) -> str:
    """The script of a letter ("Cyrillic", "Arabic"), by its name in Unicode."""
    return unicodedata.name(letter, "unknown").split()[0].capitalize()


def _line_at(lines: Sequence[tuple[int, Line]], place: int) -> tuple[int, Line]:
    """The photo's number and the line that contain a position of the joined text."""
    start = 0
    for number, line in lines:
        start += len(line.text) + len(_LINE_BREAK)
        if place < start:
            return number, line
    return lines[-1]
