"""Put a plan's questions to a backend and bring the answers home."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from pumgpt.backends.protocol import Backend, Request
from pumgpt.catalog.understanding import ModelInfo, Understanding
from pumgpt.errors import BackendError
from pumgpt.understand.assemble import Plan, Reply
from pumgpt.understand.intake import Intake


def understand(backend: Backend, plan: Plan, intakes: Sequence[Intake]) -> list[Understanding | BackendError]:
    """Ask everything about some products in one call of the backend, and in a second one what their categories bring.

    A `BackendError` takes the place of a product that the backend had no answer for at all.
    """
    if not intakes:
        return []
    first = [plan.requests(intake.product, intake.photos) for intake in intakes]
    if plan.category_schemas is None:
        replies = _ask(backend, plan, first)
    else:
        with getattr(backend, "photos_kept", nullcontext)():
            replies = _ask(backend, plan, first)
            follow_ups = [
                () if _is_silent(told) else plan.follow_up(intake.product, intake.photos, told)
                for intake, told in zip(intakes, replies, strict=True)
            ]
            for told, more in zip(replies, _ask(backend, plan, follow_ups), strict=True):
                told.extend(more)
    model = ModelInfo(name=backend.name, revision=backend.revision)
    results: list[Understanding | BackendError] = []
    for intake, told in zip(intakes, replies, strict=True):
        if _is_silent(told):
            results.append(BackendError(f"the model did not answer: {told[0].answer.error}"))
        else:
            results.append(plan.understanding(intake.product, told, model, intake.warnings, intake.numbers))
    return results


def _ask(backend: Backend, plan: Plan, groups: Sequence[Sequence[Request]]) -> list[list[Reply]]:
    """The replies to each product's requests, all asked in one call."""
    requests = [request for group in groups for request in group]
    answers = iter(backend.answer(requests, evidence=plan.evidence) if requests else ())
    return [
        [Reply(*pair) for request in group for pair in zip(request.questions, next(answers), strict=True)]
        for group in groups
    ]


def _is_silent(replies: Sequence[Reply]) -> bool:
    return bool(replies) and all(reply.answer.error is not None for reply in replies)


def understand_one(backend: Backend, plan: Plan, intake: Intake) -> Understanding:
    """The same for one product. Raises `BackendError` where there was no answer at all."""
    (result,) = understand(backend, plan, [intake])
    if isinstance(result, BackendError):
        raise result
    return result
