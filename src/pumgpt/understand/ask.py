"""Put a plan's questions to a backend, and make records of the answers."""

from __future__ import annotations

from collections.abc import Sequence

from pumgpt.backends.protocol import Backend, Request
from pumgpt.catalog.understanding import ModelInfo, Understanding
from pumgpt.errors import BackendError
from pumgpt.understand.assemble import assemble, predicted_category
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.intake import Intake
from pumgpt.understand.plan import Plan


def understand(backend: Backend, plan: Plan, intakes: Sequence[Intake]) -> list[Understanding | BackendError]:
    """Ask everything about some products in one call of the backend, and their categories' attributes in a second one.

    A `BackendError` takes the place of a product that the backend had no answer for at all.
    """
    if not intakes:
        return []
    with backend.session():
        first = [plan.requests(intake.product, intake.photos) for intake in intakes]
        replies = _ask(backend, plan, first)
        # The second round shows the same photos, which the session keeps encoded.
        if plan.category_schemas is not None:
            follow_ups = [
                ()
                if _all_failed(answered)
                else plan.follow_up(intake.product, intake.photos, predicted_category(plan, intake.product, answered))
                for intake, answered in zip(intakes, replies, strict=True)
            ]
            for answered, more in zip(replies, _ask(backend, plan, follow_ups), strict=True):
                answered.extend(more)
    model = ModelInfo(name=backend.name, revision=backend.revision)
    return [
        BackendError(f"the model did not answer: {answered[0].answer.error}")
        if _all_failed(answered)
        else assemble(plan, intake.product, answered, model, intake.warnings, intake.numbers, intake.photos)
        for intake, answered in zip(intakes, replies, strict=True)
    ]


def understand_one(backend: Backend, plan: Plan, intake: Intake) -> Understanding:
    """The same for one product. Raises `BackendError` where there was no answer at all."""
    (result,) = understand(backend, plan, [intake])
    if isinstance(result, BackendError):
        raise result
    return result


def _ask(backend: Backend, plan: Plan, groups: Sequence[Sequence[Request]]) -> list[list[Reply]]:
    """The replies to each product's requests, all asked in one call."""
    requests = [request for group in groups for request in group]
    answers = iter(backend.answer(requests, evidence=plan.evidence) if requests else ())
    return [
        [Reply(*pair) for request in group for pair in zip(request.questions, next(answers), strict=True)]
        for group in groups
    ]


def _all_failed(replies: Sequence[Reply]) -> bool:
    return bool(replies) and all(reply.answer.error is not None for reply in replies)
