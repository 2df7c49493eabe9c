"""The answer to a question that a user asked."""

from __future__ import annotations

from pumgpt.catalog.understanding import AnswerField
from pumgpt.understand.fields.base import FieldContext, Reply, text_or_none
from pumgpt.understand.judge import reconcile


def answer_field(context: FieldContext, reply: Reply) -> AnswerField:
    decision = reconcile(None, context.predict(reply), overwrite=False)
    return AnswerField(
        question=reply.question.text,
        answer=text_or_none(decision.value),
        confidence=decision.confidence,
        status=decision.status,
        precision=decision.precision,
        evidence=context.evidence(reply.answer),
    )
