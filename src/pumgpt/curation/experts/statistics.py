"""The expert without a pretrained model: can this attribute be inferred from photo and title in this very catalogue?

It draws a sample of the catalogue once. An attribute that can't be predicted on products that the fit has not seen is not
inferable, whatever the value. If it can, single values are checked against the prediction by confident learning.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence

from pumgpt.catalog.product import Product
from pumgpt.curation.experts.base import Case, Expert, claims_of
from pumgpt.curation.experts.predictor import Predictor, SampleRow, fit_predictor
from pumgpt.curation.experts.product_features import ProductFeatures
from pumgpt.curation.verdict import Claim, Verdict, Vote

MAX_PRODUCTS = 3_000
"""Size of the sample; it bounds memory and time, however long the catalogue is."""
MAX_ATTRIBUTES = 64
"""The most frequent attributes of the sample are judged."""
INFERABLE_SKILL = 0.45
"""The share of the majority's errors that the predictor has to avoid for an attribute to count as inferable."""
MIN_TITLE_SHARE = 0.5
"""Of the sample. Without titles, plain features of photos are too weak to conclude that nobody could tell."""
_CONTRADICTED_SCORE = 0.1
_MIN_AGREEMENT = 0.3


class StatisticsExpert(Expert):
    """Abstains from attributes that are too rare in the sample, and from values that the predictor leaves open."""

    name = "statistics"
    cost = 0.001
    trust = 0.8

    def __init__(self, max_products: int = MAX_PRODUCTS, seed: int = 0) -> None:
        self.max_products, self.seed = max_products, seed
        self.predictors: dict[tuple[bool, str], Predictor] = {}
        self.has_titles = False

    def prepare(self, catalog: Iterable[Product]) -> None:
        """Draw a sample in one pass, and fit a predictor for each attribute."""
        sample = sorted(reservoir_sample(catalog, self.max_products, self.seed), key=lambda product: product.id)
        num_titles = sum(product.title is not None for product in sample)
        self.has_titles = num_titles >= MIN_TITLE_SHARE * max(len(sample), 1)
        rows: dict[tuple[bool, str], list[SampleRow]] = defaultdict(list)
        for product in sample:
            features = ProductFeatures.of(product)
            for claim in claims_of(product):
                rows[_key(claim)].append(SampleRow(product.id, _folded(claim.value), features))
        frequent = sorted(rows, key=lambda name: -len(rows[name]))[:MAX_ATTRIBUTES]
        fitted = {name: fit_predictor(rows[name]) for name in frequent}
        self.predictors = {name: predictor for name, predictor in fitted.items() if predictor is not None}

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        return [self._judge_case(case) for case in cases]

    def _judge_case(self, case: Case) -> list[Vote | None]:
        features: ProductFeatures | None = None
        votes: list[Vote | None] = []
        for claim in case.claims:
            predictor = self.predictors.get(_key(claim))
            if predictor is None:
                votes.append(None)
            elif predictor.skill < INFERABLE_SKILL:
                # A category can be told by people; that plain features don't suffice says nothing against one.
                votes.append(None if claim.path is not None else self._not_inferable(predictor))
            else:
                # Not before they are needed: this decodes a photo.
                features = features or ProductFeatures.of(case.product)
                votes.append(self._compared(case.product.id, claim, predictor, features))
        return votes

    def _not_inferable(self, predictor: Predictor) -> Vote | None:
        if not self.has_titles:
            return None
        evidence = {
            "predicted right": round(predictor.accuracy, 3),
            "by the commonest value": round(predictor.majority, 3),
            "products": predictor.count,
        }
        return Vote(self.name, Verdict.NOT_INFERABLE, _CONTRADICTED_SCORE, evidence)

    def _compared(self, product_id: str, claim: Claim, predictor: Predictor, features: ProductFeatures) -> Vote | None:
        """The vote on a value of a predictable attribute: the value beside the prediction."""
        value = _folded(claim.value)
        if value not in predictor.thresholds or (not features.forms and features.photo_P is None):
            return None
        probabilities = predictor.probabilities(product_id, features)
        own = probabilities.of.get(value, 0.0)
        other = probabilities.correction_of(value)
        if other is not None:
            likelier = round(probabilities.of[other], 3)
            evidence = {"likelier": other, "probability": likelier, "of the listed": round(own, 3)}
            return Vote(self.name, Verdict.CONTRADICTED, min(own, _CONTRADICTED_SCORE), evidence)
        # Bounded, since the threshold of a rare value is passed by anything, and that of a frequent one by almost nothing.
        if own < max(min(predictor.thresholds[value], 1 - _MIN_AGREEMENT), _MIN_AGREEMENT):
            return None
        return Vote(self.name, Verdict.SUPPORTED, max(own, 0.5), {"probability": round(own, 3)})


def _key(claim: Claim) -> tuple[bool, str]:
    """What the claims of one predictor have in common."""
    return (claim.path is not None, _folded(claim.name))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def reservoir_sample(catalog: Iterable[Product], size: int, seed: int) -> list[Product]:
    """A uniform sample of the products with values, in one pass (algorithm R)."""
    rng = random.Random(seed)
    drawn: list[Product] = []
    for seen, product in enumerate(product for product in catalog if claims_of(product)):
        if seen < size:
            drawn.append(product)
        elif (place := rng.randrange(seen + 1)) < size:
            drawn[place] = product
    return drawn
