"""The expert that reads: does title or description say the value, in any of its wordings, forms and units, and as this
attribute rather than another?

`mentions` finds where a value stands, `word_owner` says whose words those are, `text_score` makes a probability of it.
Where the text says another value of the same attribute, or denies this one, the value is contradicted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.units import parse_quantity
from pumgpt.catalog.vocabulary.words import words
from pumgpt.curation.experts.base import Case
from pumgpt.curation.experts.mentions import Mention, Text
from pumgpt.curation.experts.text_score import TextScore, features
from pumgpt.curation.experts.word_owner import Ownership, WordOwner
from pumgpt.curation.verdict import Claim, Verdict, Vote

MAX_DESCRIPTION = 4_000
"""Letters of a description that are read."""
MAX_RIVALS = 64
"""A closed attribute with more values than this is not searched for another one in the text."""
LISTED_LOGIT = 2.0
"""Log-odds that a closed attribute's own values get: the schema says that these words are its. Stated, not fitted, as
the titles of the fit come without a schema.
"""
_TELLS = 0.5
_CONTRADICTED = 0.02
_MAX_QUOTE = 60


@dataclass(frozen=True)
class Reading:
    """A mention and what was made of it."""

    field: str
    text: Text
    mention: Mention
    ownership: Ownership
    numbers: tuple[float, ...]
    probability: float

    @property
    def quote(self) -> str:
        return self.text.text[self.mention.start : self.mention.end][:_MAX_QUOTE]


class TextExpert:
    """Reads title and description. Has no say about a product that has neither."""

    name = "text"
    cost = 0.0005

    def __init__(
        self, schema: AttributeSchema | None = None, score: TextScore | None = None, owner: WordOwner | None = None
    ) -> None:
        self.schema = schema
        self.score = score or TextScore.load()
        self.owner = owner or WordOwner.load()

    def prepare(self, catalog: Iterable[Product]) -> None:
        """Nothing to prepare: each row is read for itself."""

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        return [self._votes(case) for case in cases]

    def _votes(self, case: Case) -> list[Vote | None]:
        texts = texts_of(case.product)
        return [self.vote(claim, texts) if texts else None for claim in case.claims]

    def vote(self, claim: Claim, texts: Mapping[str, Text]) -> Vote:
        """What the texts, by the name of their field, say of the claim."""
        readings = [reading for field, text in texts.items() for reading in self.readings(claim, field, text)]
        told = max((r for r in readings if not r.mention.denied), key=lambda r: r.probability, default=None)
        if told is not None and told.probability >= _TELLS:
            return Vote(self.name, Verdict.SUPPORTED, told.probability, _evidence(told))
        denied = next((r for r in readings if r.mention.denied), None)
        if denied is not None:
            return Vote(self.name, Verdict.CONTRADICTED, _CONTRADICTED, {**_evidence(denied), "denied": True})
        rival = next(self._rivals(claim, texts), None)
        if rival is not None:
            return Vote(self.name, Verdict.CONTRADICTED, _CONTRADICTED, _evidence(rival))
        if told is not None:
            owned = {"belongs to": told.ownership.owner} if told.ownership.other > 0 else {}
            return Vote(self.name, Verdict.NOT_INFERABLE, told.probability, {**_evidence(told), **owned})
        chance = max(self.score.probability(unmentioned(claim, text)) for text in texts.values())
        return Vote(self.name, Verdict.NOT_INFERABLE, min(chance, _TELLS))

    def readings(self, claim: Claim, field: str, text: Text) -> Iterator[Reading]:
        """Every mention of the value but those that measure something else ("fits 13-inch laptops")."""
        num_words = sum(1 for _ in words(claim.value))
        spec = self._spec(claim)
        bonus = LISTED_LOGIT if spec is not None and spec.values is not None else 0.0
        for mention in text.mentions(claim.value, spec):
            if not mention.fitting:
                ownership = self.owner.judge(text, mention.start, mention.end, claim.name)
                numbers = features(mention, ownership, 1.0, num_words)
                yield Reading(field, text, mention, ownership, numbers, self.score.probability(numbers, bonus))

    def _spec(self, claim: Claim) -> AttributeSpec | None:
        return self.schema.get(claim.name) if self.schema else None

    def _rivals(self, claim: Claim, texts: Mapping[str, Text]) -> Iterator[Reading]:
        """Where the text says another value of the attribute: one that the schema lists, or another measure."""
        spec = self._spec(claim)
        for field, text in texts.items():
            for other in (*_listed_others(claim, spec), *_other_measures(claim, spec, text)):
                for reading in self.readings(Claim(claim.name, other), field, text):
                    if reading.probability >= _TELLS and not reading.mention.denied:
                        yield reading


def _listed_others(claim: Claim, spec: AttributeSpec | None) -> Sequence[str]:
    values = spec.values or () if spec else ()
    return (
        [value for value in values if value.casefold() != claim.value.casefold()] if len(values) <= MAX_RIVALS else []
    )


def _other_measures(claim: Claim, spec: AttributeSpec | None, text: Text) -> Iterator[str]:
    """Quantities of the text that measure the same kind of thing as the claim, and come to something else."""
    listed = parse_quantity(claim.value, spec.unit if spec else None)
    for found, start, end in text.quantities if listed is not None else ():
        if listed is not None and listed.comparable_with(found) and not listed.same_as(found):
            yield text.text[start:end]


def unmentioned(claim: Claim, text: Text) -> tuple[float, ...]:
    """What is known of a claim that the text doesn't mention: the numbers of `FEATURES`."""
    return features(None, None, text.overlap(claim.value), sum(1 for _ in words(claim.value)))


def texts_of(product: Product) -> dict[str, Text]:
    """The fields that are read, by name."""
    given = {"title": product.title, "description": (product.description or "")[:MAX_DESCRIPTION]}
    return {field: Text(text) for field, text in given.items() if text and text.strip()}


def _evidence(reading: Reading) -> dict[str, Any]:
    """The words themselves and where they stand, in letters from the start of the field."""
    mention = reading.mention
    return {"field": reading.field, "words": reading.quote, "at": [mention.start, mention.end], "as": str(mention.how)}
