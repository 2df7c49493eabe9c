"""An attribute of a record, and the verdict on one that the shop lists."""

from __future__ import annotations

from collections.abc import Sequence

from pumgpt.catalog.product import AttributeValue
from pumgpt.catalog.understanding import AttributeField, CorrectionField
from pumgpt.catalog.vocabulary.attribute_names import find_attribute
from pumgpt.understand.fields.base import FieldContext, Reply, text_or_none
from pumgpt.understand.judge import NO_PREDICTION, reconcile
from pumgpt.understand.translation import translate_value


def attribute_fields(context: FieldContext, replies: Sequence[Reply]) -> list[AttributeField]:
    """The shop's attributes, in the order of its schema; those that its category brings follow."""
    deciding = {asked.choices for asked in context.plan.deciding}
    fields = [attribute_field(context, reply) for reply in replies if reply.question.choices not in deciding]
    fields += [_untold(context, spec.name) for spec in context.plan.unlearnt]
    order = {name: place for place, name in enumerate(context.plan.attribute_names)}
    return sorted(fields, key=lambda field: order.get(field.name, len(order)))


def attribute_field(context: FieldContext, reply: Reply) -> AttributeField:
    match = context.plan.matches.get(reply.question.choices) if reply.question.choices else None
    name = match.shop if match else reply.question.field or ""
    if match is not None:
        reply = Reply(*translate_value(*reply, match))
    own = find_attribute(context.product.attributes, name)
    decision = reconcile(own, context.predict(reply), context.plan.overwrite_values)
    value = decision.value if isinstance(decision.value, list) else text_or_none(decision.value)
    return AttributeField(
        name=name,
        value=value,
        confidence=decision.confidence,
        status=decision.status,
        precision=decision.precision,
        suggestion=text_or_none(decision.suggestion),
        evidence=context.evidence(reply.answer),
    )


def _untold(context: FieldContext, name: str) -> AttributeField:
    """An attribute that the model wasn't asked for, since it never learnt it."""
    own = find_attribute(context.product.attributes, name)
    return AttributeField(name=name, value=own, status="abstained" if own is None else "kept")


def own_attributes(context: FieldContext, replies: Sequence[Reply]) -> dict[str, AttributeValue]:
    """What is known of a product in the model's own words: what the shop states, else what the model is sure of."""
    known: dict[str, AttributeValue] = {}
    for reply in replies:
        prediction = context.predict(reply)
        if prediction.sure and isinstance(prediction.value, str) and reply.question.field:
            known[reply.question.field] = prediction.value
    for match in context.plan.matches.values():
        stated = find_attribute(context.product.attributes, match.shop)
        if isinstance(stated, str) and (own := match.own_values(stated)):
            known[match.own] = own
    return known


def correction_field(context: FieldContext, reply: Reply) -> CorrectionField:
    name = reply.question.field or ""
    listed = (context.product.attributes or {}).get(name, "")
    prediction = context.predict(reply)
    shown = prediction if prediction.sure and prediction.verdict else NO_PREDICTION
    return CorrectionField(
        name=name,
        listed=listed if isinstance(listed, str) else ", ".join(listed),
        verdict=shown.verdict or "cannot be inferred",
        value=text_or_none(shown.value),
        confidence=prediction.confidence,
    )
