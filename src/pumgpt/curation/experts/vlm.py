"""A vision-language model, asked several times what the photo shows; the title is not shown to it.

Each time the question is worded differently, by the task's own phrasings, and the valid answers are the listed value, other
values of the attribute, and *cannot be inferred*. How far it agrees with itself is part of its score.

What a model knows as a category ('Casual Shoes' as the type of an article) it is asked as one: a model with categories of its own
has learned these, and no attribute that lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pumgpt.backends.protocol import CANNOT_TELL, Answer, Backend, Choices, Question, Request
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR
from pumgpt.curation.experts.base import Case
from pumgpt.curation.experts.inventory import Inventory
from pumgpt.curation.verdict import Claim, Verdict, Vote
from pumgpt.tasks.template import load_template

TIMES = 3
_TASK, _CATEGORY = "attribute_qa", "category"


class VlmExpert:
    """Has no say about a product without a photo that opens, nor where its model didn't answer."""

    name = "vlm"
    cost = 0.5

    def __init__(self, backend: Backend, schema: AttributeSchema | None = None, times: int = TIMES) -> None:
        self.backend, self.times = backend, times
        self.inventory = Inventory(schema)
        self._choices: dict[tuple[str, ...], Choices] = {}
        own = backend.capabilities
        self._learned = {fold_attribute(name) for name in own.schema.names} if own.schema else set()
        paths = own.taxonomy.paths if own.taxonomy else ()
        self._levels = {level.casefold() for path in paths for level in path}
        self._paths = Choices(tuple(SEPARATOR.join(path) for path in paths)) if paths else None

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
        if self._is_of_category(claim):
            phrasings = load_template(_CATEGORY).phrasings["open"]
            wordings = [phrasings[time % len(phrasings)] for time in range(self.times)]
            return [Question(_CATEGORY, wording, _CATEGORY, self._paths) for wording in wordings]
        values = tuple(dict.fromkeys((claim.value, *self.inventory.rivals(claim))))
        choices = self._choices.setdefault(values, Choices(values))
        phrasings = load_template(_TASK).phrasings["open"]
        wordings = [phrasings[time % len(phrasings)].format(name=claim.name) for time in range(self.times)]
        return [Question(_TASK, wording, claim.name, choices) for wording in wordings]

    def _is_of_category(self, claim: Claim) -> bool:
        """Whether the value, and half of the attribute's others, are levels of the model's categories, and the attribute is none
        that it learned.
        """
        if claim.value.casefold() not in self._levels or fold_attribute(claim.name) in self._learned:
            return False
        rivals = self.inventory.rivals(claim)
        return 2 * sum(value.casefold() in self._levels for value in rivals) >= len(rivals)

    def _votes(self, case: Case, answers: Sequence[Answer]) -> list[Vote | None]:
        groups = [answers[start : start + self.times] for start in range(0, len(answers), self.times)]
        return [self._vote(claim, group) for claim, group in zip(case.claims, groups, strict=True)]

    def _vote(self, claim: Claim, answers: Sequence[Answer]) -> Vote | None:
        given = [shares(answer) for answer in answers if answer.error is None]
        if self._is_of_category(claim):
            given = [_by_level(one, (claim.value, *self.inventory.rivals(claim))) for one in given]
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


def _by_level(shares_of_paths: Mapping[str, float], values: Sequence[str]) -> dict[str, float]:
    """Shares of categories put together by the first of `values` that is a level of the path; its last level where none is."""
    known = {value.casefold(): value for value in values}
    found: dict[str, float] = {}
    for path, share in shares_of_paths.items():
        levels = [level.casefold() for level in path.split(SEPARATOR)]
        name = (
            path
            if path == CANNOT_TELL
            else next((v for f, v in known.items() if f in levels), path.split(SEPARATOR)[-1])
        )
        found[name] = found.get(name, 0.0) + share
    return found


def shares(answer: Answer) -> dict[str, float]:
    """The probability of every answer that the model ranked; all on its text where it has none."""
    if not answer.ranked:
        told = 1.0 - answer.cannot_tell if answer.probability is None else answer.probability
        return (
            {answer.text: 1.0} if answer.text == CANNOT_TELL else {answer.text: told, CANNOT_TELL: answer.cannot_tell}
        )
    return {**dict(answer.ranked), CANNOT_TELL: answer.cannot_tell}
