"""Put a plan's questions to a backend, and make records of the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from pumgpt.backends.protocol import Answer, Backend, Request
from pumgpt.catalog.understanding import ModelInfo, Understanding
from pumgpt.errors import BackendError
from pumgpt.understand.assemble import assemble, predicted_category
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.intake import Intake
from pumgpt.understand.occlusion import occlusion_maps
from pumgpt.understand.plan import Plan


def understand(backend: Backend, plan: Plan, intakes: Sequence[Intake]) -> list[Understanding | BackendError]:
    """Ask everything about some products in one call of the backend, and in a second one what depends on the answers.

    A `BackendError` takes the place of a product that the backend had no answer for at all.
    """
    if not intakes:
        return []
    with backend.session():
        groups = [plan.requests(intake.product, intake.photos) for intake in intakes]
        replies = _ask(backend, plan, groups)
        # The second round shows the same photos, which the session keeps encoded.
        follow_ups = [
            () if _all_failed(answered) else _follow_up(plan, intake, answered)
            for intake, answered in zip(intakes, replies, strict=True)
        ]
        if any(follow_ups):
            for answered, more in zip(replies, _ask(backend, plan, follow_ups), strict=True):
                answered.extend(more)
            groups = [(*group, *more) for group, more in zip(groups, follow_ups, strict=True)]
    if plan.evidence == "occlusion" and backend.capabilities.gives_evidence:
        replies = _explain(backend, plan, intakes, groups, replies)
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


def _follow_up(plan: Plan, intake: Intake, answered: Sequence[Reply]) -> tuple[Request, ...]:
    """What is asked once the first answers are there: the category's own attributes, and the photos alone where a listing is
    in doubt.
    """
    requests = plan.second_look(intake.product, intake.photos, answered)
    if plan.category_schemas is None:
        return requests
    category = predicted_category(plan, intake.product, answered)
    return (*plan.follow_up(intake.product, intake.photos, category), *requests)


def _ask(backend: Backend, plan: Plan, groups: Sequence[Sequence[Request]]) -> list[list[Reply]]:
    """The replies to each product's requests, all asked in one call."""
    requests = [request for group in groups for request in group]
    answers = iter(backend.answer(requests, evidence=plan.evidence == "attention") if requests else ())
    return [
        [Reply(*pair) for request in group for pair in zip(request.questions, next(answers), strict=True)]
        for group in groups
    ]


def _explain(
    backend: Backend,
    plan: Plan,
    intakes: Sequence[Intake],
    groups: Sequence[Sequence[Request]],
    replies: Sequence[Sequence[Reply]],
) -> list[list[Reply]]:
    """The replies, with an occlusion map as the evidence of each that a filled field or a conflict rests on."""
    explained = [list(answered) for answered in replies]
    requests: list[Request] = []
    answers: list[list[Answer]] = []
    places: list[list[tuple[int, int]]] = []
    """For each question its product, and its place among the product's replies."""
    for product, (intake, group, answered) in enumerate(zip(intakes, groups, explained, strict=True)):
        shown = _shown_replies(plan, intake, answered)
        start = 0
        for request in group:
            own = [place for place in range(start, start + len(request.questions)) if place in shown]
            start += len(request.questions)
            if own:
                requests.append(replace(request, questions=tuple(answered[place].question for place in own)))
                answers.append([answered[place].answer for place in own])
                places.append([(product, place) for place in own])
    found = occlusion_maps(backend, requests, answers)
    for (product, place), maps in zip(chain.from_iterable(places), chain.from_iterable(found), strict=True):
        question, answer = explained[product][place]
        explained[product][place] = Reply(question, replace(answer, evidence=maps))
    return explained


def _shown_replies(plan: Plan, intake: Intake, replies: Sequence[Reply]) -> set[int]:
    """The places of the replies that a filled field or a conflict rests on."""
    if not intake.photos or _all_failed(replies):
        return set()
    # Fields rename, translate and weigh what the model says. A map that holds nothing but the reply's place comes out in the
    # field that was made of it, whatever happens to the rest.
    numbered = [
        Reply(question, replace(answer, evidence=(np.full((1, 1), place, dtype=np.float32),)))
        for place, (question, answer) in enumerate(replies)
        if answer.ranked
    ]
    unnamed = ModelInfo(name="", revision="")
    record = assemble(plan, intake.product, numbered, unnamed, photo_numbers=intake.numbers)
    fields = [record.category, *(record.attributes or ()), *(record.answers or ())]
    return {
        int(field.evidence.grid[0][0])
        for field in fields
        if field and field.status in ("filled", "conflict") and field.evidence and field.evidence.grid
    }


def _all_failed(replies: Sequence[Reply]) -> bool:
    return bool(replies) and all(reply.answer.error is not None for reply in replies)
