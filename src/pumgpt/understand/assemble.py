"""From a backend's answers about a product to its record, the `Understanding`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PIL.Image import Image

from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import CaptionField, ModelInfo, Understanding
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath
from pumgpt.tasks.registry import get_task
from pumgpt.understand.fields.answer import answer_field, reply_field
from pumgpt.understand.fields.attribute import attribute_fields, correction_field
from pumgpt.understand.fields.base import FieldContext, Reply
from pumgpt.understand.fields.caption import caption_field, completion_field
from pumgpt.understand.fields.category import best_path, category_field, is_refused
from pumgpt.understand.plan import Plan


def assemble(
    plan: Plan,
    product: Product,
    replies: Iterable[Reply],
    model: ModelInfo,
    warnings: Sequence[str] = (),
    photo_numbers: Sequence[int] | None = None,
    photos: Sequence[Image] = (),
) -> Understanding:
    """The record of all replies. `photo_numbers`: which of the product's photos the model saw, where not all.

    `photos` are those that it saw, where print on them may be read.
    """
    replies = list(replies)
    context = FieldContext(plan, product, photo_numbers, photos, replies=replies)
    asked = {get_task(name).record_field for name in plan.asked}

    def replies_for(name: str) -> list[Reply]:
        mine = (reply for reply in replies if get_task(reply.question.task).record_field == name)
        return [reply for reply in mine if reply.question.recorded]

    record = Understanding(id=product.id, model=model, warnings=[*warnings, *_failures(replies)])
    for reply in replies_for("category"):
        record.category = category_field(context, reply, replies_for("attributes"))
    of_category = len(context.remarks)
    path = record.category.path if record.category is not None else None
    record.attributes = attribute_fields(context, replies_for("attributes"), tuple(path) if path else None)
    if "corrections" in asked:
        record.corrections = [correction_field(context, reply) for reply in replies_for("corrections")]
    _add_texts(record, context, replies)
    # After the fields, which answer what is asked about them.
    if "answers" in asked:
        others = [reply for reply in replies_for("answers") if reply.question.task != "question"]
        record.answers = [answer_field(context, intent, replies, record) for intent in plan.questions.intents]
        record.answers += [reply_field(context, reply) for reply in others]
    # Fields that were only asked to hold the texts against.
    own_remarks = context.remarks[:of_category] if "category" in asked else []
    if "attributes" in asked:
        own_remarks += context.remarks[of_category:]
    else:
        record.attributes = None
    record.warnings += dict.fromkeys(own_remarks)
    if "category" not in asked:
        record.category = None
    return record


def _add_texts(record: Understanding, context: FieldContext, replies: Sequence[Reply]) -> None:
    """Caption and completion come last, as they are held against all other fields."""
    by_field = {get_task(reply.question.task).record_field: reply for reply in replies}
    if "completion" in by_field:
        record.completion = completion_field(context, by_field["completion"], record)
    if "caption" not in {get_task(name).record_field for name in context.plan.asked}:
        return
    record.caption = CaptionField(text=None, status="abstained")
    if "caption" not in by_field:
        return
    category = by_field.get("category")
    record.caption = caption_field(context, by_field["caption"], record, best_path(category) if category else None)
    # A caption of a picture that shows none of the known categories would be made up.
    if context.plan.precision > 0 and category is not None and is_refused(category):
        record.caption = CaptionField(text=None, confidence=record.caption.confidence, status="abstained")


def predicted_category(plan: Plan, product: Product, replies: Iterable[Reply]) -> CategoryPath | None:
    """The category that the record of these replies would have."""
    category = assemble(plan, product, replies, ModelInfo(name="", revision="")).category
    return tuple(category.path) if category is not None and category.path else None


def _failures(replies: Sequence[Reply]) -> list[str]:
    """One line for each kind of failure, however many questions it hit."""
    errors: dict[str, list[str]] = {}
    for question, answer in replies:
        if answer.error is not None:
            errors.setdefault(answer.error, []).append(question.field or question.task)
    return [f"no answer for {', '.join(names)}: {error}" for error, names in errors.items()]
