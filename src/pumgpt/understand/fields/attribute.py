"""An attribute of a record, and the verdict on one that the shop lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pumgpt.backends.protocol import Answer
from pumgpt.catalog.product import AttributeValue
from pumgpt.catalog.understanding import AttributeField, CorrectionField
from pumgpt.catalog.vocabulary.applicability import Applicability
from pumgpt.catalog.vocabulary.attribute_names import find_attribute, fold_attribute
from pumgpt.catalog.vocabulary.matching.released_attributes import released_attributes
from pumgpt.catalog.vocabulary.schema import AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath, split_path
from pumgpt.tasks.words import alike
from pumgpt.understand.fields.base import FieldContext, Reply, calibration_key, text_or_none
from pumgpt.understand.judge import LEAST_CONFIDENCE, NO_PREDICTION, reconcile
from pumgpt.understand.plan import Plan
from pumgpt.understand.statements import Reading
from pumgpt.understand.translation import translate_value


def attribute_fields(
    context: FieldContext, replies: Sequence[Reply], category: CategoryPath | None = None
) -> list[AttributeField]:
    """The shop's attributes, in the order of its schema; those that its `category` brings follow."""
    category = category or context.product.category
    unlearnt = (*context.plan.unlearnt, *context.plan.unlearnt_of(category))
    deciding = {asked.choices for asked in context.plan.deciding}
    fields = [
        attribute_field(context, reply, category)
        for reply in replies
        if reply.question.choices not in deciding and has_attribute(context, reply.question.field or "")
    ]
    fields += [_stated_field(context, spec) for spec in unlearnt]
    order = {name: place for place, name in enumerate(context.plan.attribute_names)}
    return sorted(fields, key=lambda field: order.get(field.name, len(order)))


def has_attribute(context: FieldContext, name: str) -> bool:
    """Whether the product has an attribute that nobody asked for by name: a desk has no gender.

    The shop's own category decides, else the model's: whether it is likelier that the product has the attribute or that it
    hasn't. Of a product of unknown kind it has what most products of any kind have.
    """
    plan, folded = context.plan, fold_attribute(name)
    if plan.precision == 0 or folded not in plan.unrequested or plan.applicability is None:
        return True
    if find_attribute(context.product.attributes, name) is not None:
        return True
    if context.product.category:
        known = _attributes_of_shops(plan, plan.applicability, context.product.category)
        return known is None or folded in known
    reply = context.category_reply
    if reply is None or not reply.answer.ranked:
        return True
    answer = reply.answer
    likely = sum(
        share
        for text, share in answer.ranked
        if (known := _attributes_of_models(plan.applicability, split_path(text))) is None or folded in known
    )
    is_known = (1 - answer.cannot_tell) * answer.known
    return likely * answer.known + (1 - is_known) * (folded in released_attributes().anywhere) >= LEAST_CONFIDENCE


def _attributes_of_models(applicability: Applicability, category: CategoryPath) -> frozenset[str] | None:
    """Those of a category that the model ranks: its own, or one of Shopify's that a class of ImageNet leads to. None where
    neither knows it.
    """
    own = applicability.attributes(category)
    return released_attributes().applicability.attributes(category) if own is None else own


def _attributes_of_shops(plan: Plan, applicability: Applicability, category: CategoryPath) -> frozenset[str] | None:
    """Those of a category of the shop's: as the model's own categories that lead to it, else as a public taxonomy has them."""
    rows = plan.crosswalk.counterparts.items() if plan.crosswalk else ()
    leading = [source for source, found in rows if any(row.path == category for row in found)]
    return applicability.attributes_of_any(leading or [category]) or released_attributes().attributes(category)


def attribute_field(context: FieldContext, reply: Reply, category: CategoryPath | None) -> AttributeField:
    match = context.plan.matches.get(reply.question.choices) if reply.question.choices else None
    name = match.shop if match else reply.question.field or ""
    alone = context.photo_reply(reply)
    if match is not None:
        reply = Reply(*translate_value(*reply, match))
        alone = None if alone is None else Reply(*translate_value(*alone, match))
    prediction = context.predict(reply)
    seen = Reading(prediction, context.model_source if prediction.value is not None else None)
    has_refused = bool(reply.answer.ranked) and reply.answer.cannot_tell > reply.answer.ranked[0][1]
    spec = context.plan.spec(name, category)
    if spec is None:
        values = reply.question.choices.values if reply.question.choices else None
        spec = AttributeSpec(name, values)
    is_measured = context.plan.calibration.is_measured(calibration_key(reply))
    reading = context.statements.combine(spec, seen, is_measured, has_refused)
    if alone is not None and context.is_listing_disputed:
        reading = context.statements.hold_against(name, reading, context.predict(alone))
    field = _field(context, name, reading, reply.answer)
    if reply.question.unshown is not None and field.status == "abstained":
        field.reason = reply.question.unshown
    return field


def _stated_field(context: FieldContext, spec: AttributeSpec) -> AttributeField:
    """An attribute that the model wasn't asked for, since it never learnt it: only the listing can tell it."""
    reading = context.statements.read(spec) or Reading(NO_PREDICTION, None)
    if reading.remark is not None and context.plan.precision > 0:
        reading = replace(reading, prediction=replace(reading.prediction, sure=False))
    return _field(context, spec.name, reading)


def _field(context: FieldContext, name: str, reading: Reading, answer: Answer | None = None) -> AttributeField:
    own = find_attribute(context.product.attributes, name)
    prediction = reading.prediction
    if reading.source == "text" and isinstance(own, str) and alike(own, str(prediction.value)):
        prediction = NO_PREDICTION  # a title that says "wool" speaks against no "Merino wool"
    decision = reconcile(own, prediction, context.plan.overwrite_values)
    shop_stands = decision.status in ("kept", "conflict")
    if reading.remark is not None and decision.status != "kept":
        context.remarks.append(reading.remark)
    value = decision.value if isinstance(decision.value, list) else text_or_none(decision.value)
    return AttributeField(
        name=name,
        value=value,
        confidence=decision.confidence,
        status=decision.status,
        precision=decision.precision,
        suggestion=text_or_none(decision.suggestion),
        source="shop" if shop_stands else reading.source if decision.status == "filled" else None,
        evidence=context.evidence_of(reading, answer),
    )


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
