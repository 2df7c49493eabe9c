"""A vision-language model, asked several times what the photo shows; the title is not shown to it.

Each time the question is worded differently, by the task's own phrasings, and the valid answers are the listed value, other
values of the attribute, and *cannot be inferred*. How far it agrees with itself is part of its score.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pumgpt.backends.protocol import CANNOT_TELL, Answer, Backend, Choices, Question, Request
from pumgpt.catalog.product import Product
from pumgpt.catalog.schema import AttributeSchema
from pumgpt.curation.expert import Case
from pumgpt.curation.inventory import Inventory
from pumgpt.curation.verdict import Claim, Verdict, Vote
from pumgpt.tasks.template import load_template

TIMES = 3
_TASK = "attribute_qa"


class VlmExpert:
    """Has no say about a product without a photo that opens, nor where its model didn't answer."""

    name = "vlm"
    cost = 0.5

    def __init__(self, backend: Backend, schema: AttributeSchema | None = None, times: int = TIMES) -> None:
        self.backend, self.times = backend, times
        self.inventory = Inventory(schema)
        self._choices: dict[tuple[str, ...], Choices] = {}

    def prepare(self, catalog: Iterable[Product]) -> None:
        self.inventory.count(catalog)

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        seen = [case for case in cases if case.photos and case.claims]
        requests = [
            Request(case.photos, tuple(question for claim in case.claims for question in self._questions(claim)))
            for case in seen
        ]
        answers = iter(self.backend.answer(requests) if requests else [])
        return [
            self._votes(case, next(answers)) if case.photos and case.claims else [None] * len(case.claims)
            for case in cases
        ]

    def _questions(self, claim: Claim) -> list[Question]:
        values = tuple(dict.fromkeys((claim.value, *self.inventory.rivals(claim))))
        choices = self._choices.setdefault(values, Choices(values))
        phrasings = load_template(_TASK).phrasings["open"]
        wordings = [phrasings[time % len(phrasings)].format(name=claim.name) for time in range(self.times)]
        return [Question(_TASK, wording, claim.name, choices) for wording in wordings]

    def _votes(self, case: Case, answers: Sequence[Answer]) -> list[Vote | None]:
        groups = [answers[start : start + self.times] for start in range(0, len(answers), self.times)]
        return [self._vote(claim, group) for claim, group in zip(case.claims, groups, strict=True)]

    def _vote(self, claim: Claim, answers: Sequence[Answer]) -> Vote | None:
        given = [shares(answer) for answer in answers if answer.error is None]
        if not given:
            return None
        mean = {text: sum(one.get(text, 0.0) for one in given) / len(given) for one in given for text in one}
        said = max(mean, key=lambda text: mean[text])
        own = mean.get(claim.value, 0.0)
        agreeing = sum(max(one, key=lambda text: one[text]) == said for one in given)
        verdict = {claim.value: Verdict.SUPPORTED, CANNOT_TELL: Verdict.NOT_INFERABLE}.get(said, Verdict.CONTRADICTED)
        evidence: Mapping[str, Any] = {
            "said": said,
            "agreed": f"{agreeing} of {len(given)}",
            "model": self.backend.name,
        }
        return Vote(self.name, verdict, own, evidence)


def shares(answer: Answer) -> dict[str, float]:
    """The probability of every answer that the model ranked; all on its text where it has none."""
    if not answer.ranked:
        told = 1.0 - answer.cannot_tell if answer.probability is None else answer.probability
        return (
            {answer.text: 1.0} if answer.text == CANNOT_TELL else {answer.text: told, CANNOT_TELL: answer.cannot_tell}
        )
    return {**dict(answer.ranked), CANNOT_TELL: answer.cannot_tell}
