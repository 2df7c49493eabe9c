"""The caption of a record, and the completion of a title: texts that the model wrote, held against the rest of the record."""

from __future__ import annotations

from pumgpt.catalog.understanding import CaptionField, Source, Understanding
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath
from pumgpt.understand.caption_check import ProductFacts, check_caption, check_words
from pumgpt.understand.caption_writer import write_caption
from pumgpt.understand.fields.base import FieldContext, Reply


def caption_field(
    context: FieldContext, reply: Reply, record: Understanding, seen_path: CategoryPath | None
) -> CaptionField:
    """The model's own words where nothing speaks against them and it is sure enough, else a sentence of the record's fields.

    `record` is complete but for its texts; `seen_path` is the model's own category.
    """
    prediction = context.predict(reply)
    text = vouched_caption(context, reply, record, seen_path)
    if prediction.sure and text is not None:
        # The prompt shows no listing: these words come from the photo.
        return CaptionField(text=text, confidence=prediction.confidence, status="filled", source="photo")
    sentence = write_caption(record, context.plan.precision)
    if sentence is None:
        return CaptionField(text=None, confidence=prediction.confidence, status="abstained")
    return CaptionField(
        text=sentence.text,
        confidence=sentence.confidence,
        status="filled",
        source=_source(context, record),
        composed=True,
    )


def vouched_caption(
    context: FieldContext, reply: Reply, record: Understanding, seen_path: CategoryPath | None
) -> str | None:
    """The model's own words, None where something speaks against them."""
    text = context.predict(reply).value
    facts = ProductFacts.of(context.product, record, seen_path, context.plan.context.attributes)
    return text if isinstance(text, str) and not check_caption(text, facts) else None


def completion_field(context: FieldContext, reply: Reply, record: Understanding) -> CaptionField:
    """The end of a title, unless it adds what neither the title nor the record says."""
    prediction, text = context.predict(reply), vouched_completion(context, reply, record)
    if prediction.sure and text is not None:
        return CaptionField(text=text, confidence=prediction.confidence, status="filled", source="photo and text")
    return CaptionField(text=None, confidence=prediction.confidence, status="abstained")


def vouched_completion(context: FieldContext, reply: Reply, record: Understanding) -> str | None:
    text, asked = context.predict(reply).value, context.plan.context
    facts = ProductFacts.of(context.product, record, None, asked.attributes, asked.beginning or "")
    return text if isinstance(text, str) and not check_words(text, facts) else None


def _source(context: FieldContext, record: Understanding) -> Source:
    """What the fields of a sentence were taken from; its kind decides."""
    if record.category is not None and record.category.status == "kept":
        return "shop"
    return "photo and text" if context.plan.shows_listing(context.product) else "photo"
