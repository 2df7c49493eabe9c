"""The expert without a model of its own: can this attribute be told from photo and title at all, in this very catalogue?

It looks at a sample of the catalogue once. An attribute that can't be predicted on products that the fit has not seen is
not inferable, whatever the value. Of one that can, single values are held against the prediction by confident learning.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence

from pumgpt.catalog.product import Product
from pumgpt.curation.experts.base import Case, claims_of
from pumgpt.curation.experts.predictability import Predictor, Row, fit_predictor
from pumgpt.curation.experts.traits import Traits
from pumgpt.curation.verdict import Claim, Verdict, Vote

MAX_PRODUCTS = 3_000
"""Products of the sample; memory and time are bounded by it, however long the catalogue."""
MAX_ATTRIBUTES = 64
"""The most frequent attributes of the sample are judged."""
INFERABLE_SKILL = 0.45
"""The share of the majority's errors that a prediction has to mend for an attribute to count as inferable."""
LEAST_TITLES = 0.5
"""Of the sample. Without titles the plain features of photos are too weak to say that nobody could tell."""
_CONTRADICTED = 0.1
_AGREES = 0.3


class StatisticsExpert:
    """Silent about attributes that the sample has too seldom, and about values that the prediction leaves open."""

    name = "statistics"
    cost = 0.001

    def __init__(self, max_products: int = MAX_PRODUCTS, seed: int = 0) -> None:
        self.max_products, self.seed = max_products, seed
        self.predictors: dict[str, Predictor] = {}
        self.has_titles = False

    def prepare(self, catalog: Iterable[Product]) -> None:
        """Draw a sample in one pass (reservoir), and fit on it."""
        sample = sorted(_reservoir(catalog, self.max_products, self.seed), key=lambda product: product.id)
        self.has_titles = sum(product.title is not None for product in sample) >= LEAST_TITLES * max(len(sample), 1)
        rows: dict[str, list[Row]] = defaultdict(list)
        for product in sample:
            traits = Traits.of(product)
            for claim in claims_of(product):
                rows[_key(claim.name)].append(Row(product.id, _key(claim.value), traits))
        frequent = sorted(rows, key=lambda name: -len(rows[name]))[:MAX_ATTRIBUTES]
        fitted = {name: fit_predictor(rows[name]) for name in frequent}
        self.predictors = {name: predictor for name, predictor in fitted.items() if predictor is not None}

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        return [self._votes(case) for case in cases]

    def _votes(self, case: Case) -> list[Vote | None]:
        known = [self.predictors.get(_key(claim.name)) for claim in case.claims]
        if not any(predictor is not None and predictor.skill >= INFERABLE_SKILL for predictor in known):
            return [None if predictor is None else self._not_inferable(predictor) for predictor in known]
        traits = Traits.of(case.product)
        votes: list[Vote | None] = []
        for claim, predictor in zip(case.claims, known, strict=True):
            if predictor is None or predictor.skill < INFERABLE_SKILL:
                votes.append(None if predictor is None else self._not_inferable(predictor))
            else:
                votes.append(self._held_against(case.product.id, claim, predictor, traits))
        return votes

    def _not_inferable(self, predictor: Predictor) -> Vote | None:
        if not self.has_titles:
            return None
        evidence = {
            "predicted right": round(predictor.accuracy, 3),
            "by the commonest value": round(predictor.majority, 3),
            "products": predictor.count,
        }
        return Vote(self.name, Verdict.NOT_INFERABLE, _CONTRADICTED, evidence)

    def _held_against(self, product_id: str, claim: Claim, predictor: Predictor, traits: Traits) -> Vote | None:
        value = _key(claim.value)
        if value not in predictor.usual or (not traits.forms and traits.photo_P is None):
            return None
        chances = predictor.chances(product_id, traits)
        own = chances.of.get(value, 0.0)
        other = chances.likelier_than(value)
        if other is not None:
            evidence = {"likelier": other, "probability": round(chances.of[other], 3), "of the listed": round(own, 3)}
            return Vote(self.name, Verdict.CONTRADICTED, min(own, _CONTRADICTED), evidence)
        if own < max(min(predictor.usual[value], 1 - _AGREES), _AGREES):
            return None
        return Vote(self.name, Verdict.SUPPORTED, max(own, 0.5), {"probability": round(own, 3)})


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


def _reservoir(catalog: Iterable[Product], size: int, seed: int) -> list[Product]:
    """Each product with the same chance (algorithm R). Products without values aren't drawn."""
    chance = random.Random(seed)
    drawn: list[Product] = []
    for seen, product in enumerate(product for product in catalog if product.attributes):
        if seen < size:
            drawn.append(product)
        elif (place := chance.randrange(seen + 1)) < size:
            drawn[place] = product
    return drawn
