"""From a backend's answers about a product to its record, the `Understanding`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pumgpt.backends.protocol import Answer
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Question
from pumgpt.catalog.understanding import (
    AnswerField,
    AttributeField,
    CaptionField,
    CategoryChoice,
    CategoryField,
    CorrectionField,
    Evidence,
    ModelInfo,
    Understanding,
)
from pumgpt.catalog.vocabulary.attribute_names import find_attribute
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath
from pumgpt.tasks.registry import get_task
from pumgpt.understand.categories import translate
from pumgpt.understand.judge import NO_PREDICTION, FieldPrediction, Judge, reconcile
from pumgpt.understand.plan import Plan

MAX_ALTERNATIVES = 4
LEAST_ALTERNATIVE = 0.01


class Reply(NamedTuple):
    """A question with its answer."""

    question: Question
    answer: Answer


def calibration_key(reply: Reply) -> str:
    return get_task(reply.question.task).calibration_key(reply.question)


def assemble(
    plan: Plan,
    product: Product,
    replies: Iterable[Reply],
    model: ModelInfo,
    warnings: Sequence[str] = (),
    photo_numbers: Sequence[int] | None = None,
) -> Understanding:
    """The record of all replies. `photo_numbers`: which of the product's photos the model saw, where not all."""
    replies = list(replies)
    fields = _FieldBuilder(plan, product, photo_numbers)
    asked = {get_task(name).record_field for name in plan.asked}

    def replies_for(name: str) -> list[Reply]:
        return [reply for reply in replies if get_task(reply.question.task).record_field == name]

    record = Understanding(id=product.id, model=model, warnings=[*warnings, *_failures(replies)])
    if "attributes" in asked:
        record.attributes = [fields.attribute(reply) for reply in replies_for("attributes")]
    if "corrections" in asked:
        record.corrections = [fields.correction(reply) for reply in replies_for("corrections")]
    if "answers" in asked:
        record.answers = [fields.answer(reply) for reply in replies_for("answers")]
    for reply in replies_for("completion"):
        record.completion = fields.text(reply)
    # After the attributes, which may decide how a category is called in the shop's own taxonomy.
    for reply in replies_for("category"):
        record.category = fields.category(reply, record.attributes or ())
    if "caption" in asked:
        record.caption = CaptionField(text=None)
    for reply in replies_for("caption"):
        record.caption = fields.text(reply)
    # A caption of a picture that shows none of the known categories would be made up.
    if record.caption is not None and plan.precision > 0 and any(map(_is_refused, replies_for("category"))):
        record.caption = CaptionField(text=None, confidence=record.caption.confidence)
    return record


def predicted_category(plan: Plan, product: Product, replies: Iterable[Reply]) -> CategoryPath | None:
    """The category that the record of these replies would have."""
    category = assemble(plan, product, replies, ModelInfo(name="", revision="")).category
    return tuple(category.path) if category is not None and category.path else None


def _is_refused(reply: Reply) -> bool:
    ranked = reply.answer.ranked
    return bool(ranked) and reply.answer.cannot_tell > ranked[0][1]


def _failures(replies: Sequence[Reply]) -> list[str]:
    """One line for each kind of failure, however many questions it hit."""
    errors: dict[str, list[str]] = {}
    for question, answer in replies:
        if answer.error is not None:
            errors.setdefault(answer.error, []).append(question.field or question.task)
    return [f"no answer for {', '.join(names)}: {error}" for error, names in errors.items()]


class _FieldBuilder:
    """Makes the fields of one product's record, each of one reply."""

    def __init__(self, plan: Plan, product: Product, photo_numbers: Sequence[int] | None) -> None:
        self.plan = plan
        self.product = product
        self.photo_numbers = photo_numbers
        self.judge = Judge(plan.calibration, plan.precision, listed=plan.shows_listing(product))

    def text(self, reply: Reply) -> CaptionField:
        """A text has no status: it is left out only where validation showed how sure it must be."""
        key = calibration_key(reply)
        prediction = self.judge.judge(key, *reply)
        measured = bool(self.plan.calibration.of(key).precision)
        shown = isinstance(prediction.value, str) and (prediction.sure or not measured)
        return CaptionField(text=str(prediction.value) if shown else None, confidence=prediction.confidence)

    def category(self, reply: Reply, attributes: Sequence[AttributeField]) -> CategoryField:
        if self.plan.crosswalk is not None:
            predicted = {field.name: field.value for field in attributes if field.value}
            reply = Reply(*translate(*reply, self.plan.crosswalk, self.product, predicted))
        prediction = self.judge.judge(calibration_key(reply), *reply)
        own, overwrite = self.product.category, self.plan.overwrite_values
        # An id that the taxonomy doesn't know can't be compared with what the model says; it stands.
        is_foreign = self.product.category_id is not None and not self._has(own)
        decision = reconcile(own, NO_PREDICTION if is_foreign and not overwrite else prediction, overwrite)
        path = tuple(decision.value) if isinstance(decision.value, tuple) else None
        return CategoryField(
            path=list(path) if path else None,
            id=self._id(path) or (self.product.category_id if path == own else None),
            confidence=decision.confidence,
            status=decision.status,
            suggestion=list(decision.suggestion) if isinstance(decision.suggestion, tuple) else None,
            alternatives=self._alternatives(prediction, path),
            evidence=self._evidence(reply.answer),
        )

    def _alternatives(self, prediction: FieldPrediction, path: CategoryPath | None) -> list[CategoryChoice]:
        """The model's other candidates, its best one first where the field does not show it."""
        best = (prediction.value, prediction.confidence or 0.0)
        candidates = [best, *((other.value, other.share) for other in prediction.others)]
        return [
            CategoryChoice(path=list(value), id=self._id(value), confidence=round(share, 4))
            for value, share in candidates
            if isinstance(value, tuple) and value != path and share >= LEAST_ALTERNATIVE
        ][:MAX_ALTERNATIVES]

    def _has(self, path: CategoryPath | None) -> bool:
        return path is not None and self.plan.taxonomy is not None and self.plan.taxonomy.find_path(path) is not None

    def _id(self, path: CategoryPath | None) -> str | None:
        return self.plan.taxonomy.id_of(path) if self.plan.taxonomy and path else None

    def attribute(self, reply: Reply) -> AttributeField:
        name = reply.question.field or ""
        prediction = self.judge.judge(calibration_key(reply), *reply)
        own = find_attribute(self.product.attributes, name)
        decision = reconcile(own, prediction, self.plan.overwrite_values)
        value = decision.value if isinstance(decision.value, list) else _text_or_none(decision.value)
        return AttributeField(
            name=name,
            value=value,
            confidence=decision.confidence,
            status=decision.status,
            suggestion=_text_or_none(decision.suggestion),
            evidence=self._evidence(reply.answer),
        )

    def answer(self, reply: Reply) -> AnswerField:
        decision = reconcile(None, self.judge.judge(calibration_key(reply), *reply), overwrite=False)
        return AnswerField(
            question=reply.question.text,
            answer=_text_or_none(decision.value),
            confidence=decision.confidence,
            status=decision.status,
            evidence=self._evidence(reply.answer),
        )

    def correction(self, reply: Reply) -> CorrectionField:
        name = reply.question.field or ""
        listed = (self.product.attributes or {}).get(name, "")
        prediction = self.judge.judge(calibration_key(reply), *reply)
        shown = prediction if prediction.sure and prediction.verdict else NO_PREDICTION
        return CorrectionField(
            name=name,
            listed=listed if isinstance(listed, str) else ", ".join(listed),
            verdict=shown.verdict or "cannot be inferred",
            value=_text_or_none(shown.value),
            confidence=prediction.confidence,
        )

    def _evidence(self, answer: Answer) -> Evidence | None:
        """The photo whose map is the sharpest."""
        if not self.plan.evidence or not answer.evidence:
            return None
        peaks = [float(grid.max()) * grid.size for grid in answer.evidence]
        sharpest = peaks.index(max(peaks))
        number = sharpest if self.photo_numbers is None else self.photo_numbers[sharpest]
        grid = [[round(float(share), 4) for share in row] for row in answer.evidence[sharpest]]
        return Evidence(image=number, grid=grid)


def _text_or_none(value: object) -> str | None:
    return None if value is None else str(value)
