"""The caption of a record, and the completion of a title: texts that the model wrote."""

from __future__ import annotations

from pumgpt.catalog.understanding import CaptionField
from pumgpt.understand.fields.base import FieldContext, Reply, calibration_key


def caption_field(context: FieldContext, reply: Reply) -> CaptionField:
    """A text has no status: it is left out only where validation showed how sure it must be."""
    prediction = context.predict(reply)
    measured = bool(context.plan.calibration.of(calibration_key(reply)).precision)
    shown = isinstance(prediction.value, str) and (prediction.sure or not measured)
    return CaptionField(text=str(prediction.value) if shown else None, confidence=prediction.confidence)
