"""A vision-language model, asked several times what the photo shows, without the title: the category, and if the user names
this expert each value too.

Each time the question is phrased differently, by the task's own templates, and the valid answers are the listed value, other
values of the attribute, and *cannot be inferred*. Its score is the mean probability over the phrasings.

A value that the model knows as a category ('Casual Shoes' as the type of an article) is asked about as a category: a model
with categories of its own was trained on these, and not on an attribute that lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pumgpt.backends.protocol import CANNOT_TELL, Answer, Backend, Choices, Question, Request
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR
from pumgpt.curation.experts.base import Case, Expert, ExpertOptions
from pumgpt.curation.experts.inventory import Inventory
from pumgpt.curation.verdict import Claim, Verdict, Vote
from pumgpt.tasks.template import load_template

NUM_PHRASINGS = 3
_TASK, _CATEGORY = "attribute_qa", "category"


class VlmExpert(Expert):
    """Abstains if no photo can be opened, or the model didn't answer."""

    name = "vlm"
    cost = 0.5
    needs_photo = True
    trust = 0.8
    options = ("model",)

    def __init__(
        self,
        backend: Backend,
        schema: AttributeSchema | None = None,
        num_phrasings: int = NUM_PHRASINGS,
        categories_only: bool = False,
    ) -> None:
        self.backend, self.num_phrasings, self.categories_only = backend, num_phrasings, categories_only
        self.inventory = Inventory(schema)
        self._choices: dict[tuple[str, ...], Choices] = {}
        own = backend.capabilities
        self._learned = {fold_attribute(name) for name in own.schema.names} if own.schema else set()
        paths = own.taxonomy.paths if own.taxonomy else ()
        self._levels = {level.casefold() for path in paths for level in path}
        self._own_paths = {SEPARATOR.join(path).casefold(): SEPARATOR.join(path) for path in paths}
        self._paths = Choices(tuple(SEPARATOR.join(path) for path in paths)) if paths else None

    @classmethod
    def create(cls, options: ExpertOptions) -> VlmExpert:
        # Here, because every run resolves this class, and few load a model.
        from pumgpt.curation.experts.checkpoints import load_shared

        return cls(load_shared(options.model), options.schema, categories_only=options.vlm_categories_only)

    @classmethod
    def is_default(cls, options: ExpertOptions) -> bool:
        return options.vlm_categories_only

    def prepare(self, catalog: Iterable[Product]) -> None:
        self.inventory.count(catalog)

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        asked = [
            [place for place, claim in enumerate(case.claims) if case.photos and self._knows(claim)] for case in cases
        ]
        requests = [
            Request(
                case.photos, tuple(question for place in places for question in self._questions(case.claims[place]))
            )
            for case, places in zip(cases, asked, strict=True)
            if places
        ]
        answers = iter(self.backend.answer(requests) if requests else [])
        votes: list[list[Vote | None]] = []
        for case, places in zip(cases, asked, strict=True):
            row: list[Vote | None] = [None] * len(case.claims)
            given = next(answers) if places else ()
            for number, place in enumerate(places):
                start = number * self.num_phrasings
                row[place] = self._vote(case.claims[place], given[start : start + self.num_phrasings])
            votes.append(row)
        return votes

    def _knows(self, claim: Claim) -> bool:
        """Whether it is asked about this claim: a model with categories of its own was trained on no others."""
        if claim.path is None:
            return not self.categories_only
        return self._paths is None or claim.path[-1].casefold() in self._levels

    def _questions(self, claim: Claim) -> list[Question]:
        if (claim.path is not None and self._paths) or self._is_of_category(claim):
            task, field, choices = _CATEGORY, _CATEGORY, self._paths
        else:
            values = tuple(dict.fromkeys((claim.value, *self.inventory.alternatives(claim))))
            # The same object for the same values: backends cache the trie of a `Choices` that they know.
            choices = self._choices.setdefault(values, Choices(values))
            task, field = (_TASK if claim.path is None else _CATEGORY), claim.name
        phrasings = load_template(task).phrasings["open"]
        texts = [phrasings[turn % len(phrasings)] for turn in range(self.num_phrasings)]
        if task == _TASK:
            texts = [text.format(name=claim.name) for text in texts]
        return [Question(task, text, field, choices) for text in texts]

    def _is_of_category(self, claim: Claim) -> bool:
        """Whether the value and half of the alternatives are levels of the model's categories, and the model was not trained
        on the attribute itself.
        """
        if claim.path is not None:
            return False
        if claim.value.casefold() not in self._levels or fold_attribute(claim.name) in self._learned:
            return False
        alternatives = self.inventory.alternatives(claim)
        return 2 * sum(value.casefold() in self._levels for value in alternatives) >= len(alternatives)

    def _vote(self, claim: Claim, answers: Sequence[Answer]) -> Vote | None:
        given = [probabilities(answer) for answer in answers if answer.error is None]
        if not given:
            return None
        listed = claim.value
        if claim.path is not None and self._paths is not None:
            listed = self._own_paths.get(claim.value.casefold(), claim.path[-1])
            if listed == claim.path[-1]:  # the shop has other paths to a name that the model has too
                given = [_by_level(one, (listed,)) for one in given]
        elif self._is_of_category(claim):
            given = [_by_level(one, (claim.value, *self.inventory.alternatives(claim))) for one in given]
        mean = {text: sum(one.get(text, 0.0) for one in given) / len(given) for one in given for text in one}
        best = max(mean, key=lambda text: mean[text])
        agreeing = sum(max(one, key=lambda text: one[text]) == best for one in given)
        verdict = {listed: Verdict.SUPPORTED, CANNOT_TELL: Verdict.NOT_INFERABLE}.get(best, Verdict.CONTRADICTED)
        evidence: Mapping[str, Any] = {
            "said": best,
            "agreed": f"{agreeing} of {len(given)}",
            "model": self.backend.name,
        }
        return Vote(self.name, verdict, mean.get(listed, 0.0), evidence)


def _by_level(probability_of_path: Mapping[str, float], values: Sequence[str]) -> dict[str, float]:
    """Probabilities of category paths, summed by the first of `values` that is a level of the path, else by its last level."""
    known = {value.casefold(): value for value in values}
    summed: dict[str, float] = {}
    for path, probability in probability_of_path.items():
        name = path
        if path != CANNOT_TELL:
            levels = path.split(SEPARATOR)
            folded = [level.casefold() for level in levels]
            name = next((value for key, value in known.items() if key in folded), levels[-1])
        summed[name] = summed.get(name, 0.0) + probability
    return summed


def probabilities(answer: Answer) -> dict[str, float]:
    """The probability of every answer that the model ranked; if it ranked none, of the text that it gave."""
    if answer.ranked:
        return {**dict(answer.ranked), CANNOT_TELL: answer.cannot_tell}
    if answer.text == CANNOT_TELL:
        return {CANNOT_TELL: 1.0}
    # A chat model gives a text without a probability: all of it then, but for what it leaves to a refusal.
    own = 1.0 - answer.cannot_tell if answer.probability is None else answer.probability
    return {answer.text: own, CANNOT_TELL: answer.cannot_tell}
