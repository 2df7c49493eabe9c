"""Put a plan's questions to a backend and bring the answers home."""

from __future__ import annotations

from collections.abc import Sequence

from pumgpt.backends.protocol import Backend
from pumgpt.catalog.understanding import ModelInfo, Understanding
from pumgpt.engine.intake import Intake
from pumgpt.engine.understand import Plan, Reply
from pumgpt.errors import BackendError


def understand(backend: Backend, plan: Plan, intakes: Sequence[Intake]) -> list[Understanding | BackendError]:
    """Ask everything about some products in one call of the backend.

    A `BackendError` takes the place of a product that the backend had no answer for at all.
    """
    if not intakes:
        return []
    requests = [plan.requests(intake.product, intake.photos) for intake in intakes]
    answers = iter(backend.answer([request for group in requests for request in group], evidence=plan.evidence))
    model = ModelInfo(name=backend.name, revision=backend.revision)
    results: list[Understanding | BackendError] = []
    for intake, group in zip(intakes, requests, strict=True):
        replies = [Reply(*pair) for request in group for pair in zip(request.questions, next(answers), strict=True)]
        if replies and all(reply.answer.error is not None for reply in replies):
            results.append(BackendError(f"the model did not answer: {replies[0].answer.error}"))
        else:
            results.append(plan.understanding(intake.product, replies, model, intake.warnings, intake.numbers))
    return results


def understand_one(backend: Backend, plan: Plan, intake: Intake) -> Understanding:
    """The same for one product. Raises `BackendError` where there was no answer at all."""
    (result,) = understand(backend, plan, [intake])
    if isinstance(result, BackendError):
        raise result
    return result
