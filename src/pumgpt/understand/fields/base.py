"""What every kind of field needs to be made of a reply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from PIL.Image import Image

from pumgpt.backends.calibration import by_class_key
from pumgpt.backends.protocol import Answer
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Question
from pumgpt.catalog.understanding import Evidence, Source
from pumgpt.extraction.extractor import Listing
from pumgpt.ocr.reader import Line, PrintReader, shared_reader
from pumgpt.tasks.registry import get_task
from pumgpt.understand.judge import NO_PREDICTION, FieldPrediction, Judge
from pumgpt.understand.listing_check import DISPUTED_BELOW, agreement, told_and_seen
from pumgpt.understand.plan import Plan
from pumgpt.understand.statements import Reading, StatementReader


class Reply(NamedTuple):
    """A question with its answer."""

    question: Question
    answer: Answer


def calibration_key(reply: Reply) -> str:
    key = get_task(reply.question.task).calibration_key(reply.question)
    return by_class_key(key) if reply.answer.by_class else key


@dataclass(frozen=True)
class FieldContext:
    """One product under one plan. `photo_numbers`: which of its photos the model saw, where not all. `replies` are all that it
    said of the product.
    """

    plan: Plan
    product: Product
    photo_numbers: Sequence[int] | None = None
    photos: Sequence[Image] = ()
    remarks: list[str] = field(default_factory=list)
    """What a person should know of the fields; it grows while they are made."""
    replies: Sequence[Reply] = ()

    @cached_property
    def print_lines(self) -> tuple[Line, ...] | None:
        """The text in its photos; None where nothing is installed that reads it."""
        if not PrintReader.is_installed():
            return None
        return tuple(line for photo in self.photos for line in shared_reader().read(photo))

    @cached_property
    def judge(self) -> Judge:
        return self._judge(self.plan.shows_listing(self.product))

    @cached_property
    def photo_judge(self) -> Judge:
        """Of answers that no listing had a say in."""
        return self._judge(listed=False)

    def _judge(self, listed: bool) -> Judge:
        plan = self.plan
        return Judge(plan.calibration, plan.precision, listed=listed, precision_of=plan.precision_of)

    @cached_property
    def category_reply(self) -> Reply | None:
        """What the model says of the category, whether the record has one or not."""
        return next((reply for reply in self.replies if reply.question.task == "category"), None)

    @cached_property
    def is_listing_disputed(self) -> bool:
        """Whether the photos show another product than the one that the listing tells of."""
        return agreement(told_and_seen(self.replies)) < DISPUTED_BELOW

    def photo_reply(self, reply: Reply) -> Reply | None:
        """What was replied to the same question when it was asked of the photos alone; None where it wasn't."""
        asked = reply.question
        return next(
            (
                other
                for other in self.replies
                if other.question.photo_only
                and (other.question.task, other.question.field, other.question.choices)
                == (asked.task, asked.field, asked.choices)
            ),
            None,
        )

    @cached_property
    def statements(self) -> StatementReader:
        return StatementReader(Listing.of(self.product), self.plan.precision)

    @property
    def model_source(self) -> Source:
        """What the model's own answers rest on."""
        has_photo = bool(self.product.images) if self.photo_numbers is None else bool(self.photo_numbers)
        if not has_photo:
            return "text"
        return "photo and text" if self.judge.listed else "photo"

    def predict(self, reply: Reply) -> FieldPrediction:
        if reply.question.unshown is not None and self.plan.precision > 0:
            return NO_PREDICTION
        judge = self.photo_judge if reply.question.photo_only else self.judge
        return judge.judge(calibration_key(reply), *reply)

    def evidence(self, answer: Answer) -> Evidence | None:
        """The photo whose map is the sharpest."""
        if self.plan.evidence is None or not answer.evidence:
            return None
        peaks = [float(grid.max()) * grid.size for grid in answer.evidence]
        sharpest = peaks.index(max(peaks))
        number = sharpest if self.photo_numbers is None else self.photo_numbers[sharpest]
        grid = [[round(float(share), 4) for share in row] for row in answer.evidence[sharpest]]
        return Evidence(image=number, kind=self.plan.evidence, grid=grid)

    def evidence_of(self, reading: Reading, answer: Answer | None = None) -> Evidence | None:
        """The map of the answer where that is what the reading rests on, and the words that state the value."""
        is_of_text = reading.quote is not None and reading.source == "text"
        seen = None if answer is None or is_of_text else self.evidence(answer)
        if reading.quote is None:
            return seen
        quoted = {"text": reading.quote.words, "part": reading.quote.part}
        return (
            seen.model_copy(update=quoted) if seen is not None else Evidence.model_validate({"kind": "text", **quoted})
        )


def text_or_none(value: object) -> str | None:
    return None if value is None else str(value)
