"""An attribute of a record, and the verdict on one that the shop lists."""

from __future__ import annotations

from pumgpt.catalog.understanding import AttributeField, CorrectionField
from pumgpt.catalog.vocabulary.attribute_names import find_attribute
from pumgpt.understand.fields.base import FieldContext, Reply, text_or_none
from pumgpt.understand.judge import NO_PREDICTION, reconcile


def attribute_field(context: FieldContext, reply: Reply) -> AttributeField:
    name = reply.question.field or ""
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
