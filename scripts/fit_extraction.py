"""Fit what the extraction of values from titles and descriptions ships: its score, and what the score is worth.

    python scripts/fit_extraction.py --data ../shared/data

Titles are those of the train files of AE-110k and OA-Mine, each read by a span classifier that has not seen it (cross-fitting),
and products of `fashion` train with their titles, a part of them with descriptions. Every attribute is asked as an open one, and
as a closed one with all values that the labels have; a part of the closed ones by a classifier that is made to forget the
attribute, as the attributes of most schemas are unknown to it. In OA-Mine an attribute that other products of the category have,
and this one has not, counts as not stated; but its labels are not complete enough to refute a common word such as "cotton".
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from fit_curation import FILES, FOLDS, SHARE_UNKNOWN, TAXONOMY, fit_classifier, read_products_of, with_type
from pumgpt.backends.calibration import Calibration, fit_calibration
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.schema import AttributeSpec
from pumgpt.catalog.vocabulary.words import key
from pumgpt.extraction import score as score_file
from pumgpt.extraction.extractor import Listing, ValueExtractor
from pumgpt.extraction.mentions import Text
from pumgpt.extraction.score import FEATURES, ExtractionScore
from pumgpt.extraction.span_classifier import SpanClassifier
from pumgpt.understand import statements

sys.path.append(str(Path(__file__).resolve().parents[1] / "experiments" / "curation_titles"))

from title_claims import Listing as LabelledTitle
from title_claims import read_listings

FASHION = "fashion/train-*.parquet"
FASHION_PRODUCTS = 1_500
FASHION_ATTRIBUTES = ("colour", "gender")
SHARE_OF_CATEGORY = 0.05
"""Of a category's titles have the attribute, at least, so that the others are asked for it too."""
LEAST_COUNT = 30
"""Common values of an attribute with fewer statements than this go by those of all."""
_BLANK = ExtractionScore(0.0, (0.0,) * len(FEATURES))


@dataclass(frozen=True)
class Ask:
    """One attribute of one listing, and the values that are right; none where it states none."""

    listing: Listing
    spec: AttributeSpec
    truth: frozenset[str]
    extractor: ValueExtractor
    is_labelled: bool = True
    """Whether the labels speak of the attribute at all."""

    def is_right(self, value: str, words: str, is_common: bool) -> bool:
        """Whether the labels have the value; of a common one, whether they share its words: "Red Patent" is red, and "PU
        leather" leather.
        """
        found = key(words)
        return key(value) in self.truth or (is_common and any(found in label or label in found for label in self.truth))


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the extraction of values from titles and descriptions.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    titles = [title for name in FILES for title in read_listings(options.data / "text" / name)]
    asks = [*title_asks(titles, read_products_of(options.data / TAXONOMY)), *fashion_asks(options.data)]
    score = fit_score(asks)
    score.save(score_file.SHIPPED)
    for ask in asks:
        ask.extractor.score = score
    calibration = fit_worth(asks)
    calibration.save(statements.CALIBRATION)
    print(f"{len(asks)} attributes asked; {dict(zip(FEATURES, np.round(score.weights, 2), strict=True))}")
    for name, fitted in calibration.fields.items():
        print(f"{name}: {fitted.count} values found, at precision 0.9 from {fitted.threshold(0.9):.3f} on")


def title_asks(titles: Sequence[LabelledTitle], products: Sequence[str], seed: int = 0) -> Iterator[Ask]:
    """Each attribute of each title, open and closed."""
    chance = random.Random(seed)
    fold_of = [chance.randrange(FOLDS) for _ in titles]
    classifiers = [cross_fitted(titles, fold_of, fold, products) for fold in range(FOLDS)]
    values = closed_values(titles)
    asked = category_attributes(titles)
    # A classifier is large, so an attribute is forgotten for all titles of a fold or for none.
    forgetful = {
        (fold, name): ValueExtractor(_BLANK, classifiers[fold].without(name))
        for fold in range(FOLDS)
        for name in values
        if chance.random() < SHARE_UNKNOWN
    }
    for title, fold in zip(titles, fold_of, strict=True):
        known = ValueExtractor(_BLANK, classifiers[fold])
        listing = Listing({"title": Text(title.title)})
        for name in dict.fromkeys((*title.labels, *asked[title.category])):
            truth = frozenset(map(key, title.labels.get(name, ())))
            labelled = name in title.labels
            yield Ask(listing, AttributeSpec(name), truth, known, labelled)
            extractor = forgetful.get((fold, name), known)
            own = listing if extractor is known else Listing(listing.parts)
            if name in values:
                yield Ask(own, AttributeSpec(name, values[name]), truth, extractor, labelled)


def cross_fitted(
    titles: Sequence[LabelledTitle], fold_of: Sequence[int], fold: int, products: Sequence[str]
) -> SpanClassifier:
    others = [title for title, at in zip(titles, fold_of, strict=True) if at != fold]
    return with_type(fit_classifier(others), others, products)


def closed_values(titles: Sequence[LabelledTitle]) -> dict[str, tuple[str, ...]]:
    """All labelled values of each attribute, each once however it is written."""
    found: dict[str, dict[str, str]] = {}
    for title in titles:
        for name, values in title.labels.items():
            for value in values:
                found.setdefault(name, {}).setdefault(key(value), value)
    return {name: tuple(values.values()) for name, values in found.items()}


def category_attributes(titles: Sequence[LabelledTitle]) -> dict[str, list[str]]:
    """Where the labels never say n/a: the attributes that a category's titles have."""
    counts: dict[str, Counter[str]] = {}
    sizes = Counter(title.category for title in titles)
    for title in titles:
        counts.setdefault(title.category, Counter()).update(title.labels.keys())
    says_none = {title.category for title in titles if not all(title.labels.values())}
    return {
        category: []
        if category in says_none
        else [name for name, count in attributes.items() if count >= SHARE_OF_CATEGORY * sizes[category]]
        for category, attributes in counts.items()
    }


def fashion_asks(data: Path) -> Iterator[Ask]:
    """Colour and gender of products with titles, closed; and of those with a description by that alone."""
    extractor = ValueExtractor(_BLANK)
    rows = [row for file in sorted(data.glob(FASHION)) for row in read_catalog(file) if isinstance(row, Product)]
    random.Random(0).shuffle(rows)
    values = {
        name: tuple(dict.fromkeys(str((row.attributes or {})[name]) for row in rows if name in (row.attributes or {})))
        for name in FASHION_ATTRIBUTES
    }
    described = [replace(row, title=None) for row in rows if row.description]
    for row in (*islice(rows, FASHION_PRODUCTS), *described):
        listing = Listing.of(row)
        for name in FASHION_ATTRIBUTES:
            given = (row.attributes or {}).get(name)
            if given is not None:
                yield Ask(listing, AttributeSpec(name, values[name]), frozenset((key(str(given)),)), extractor)


def fit_score(asks: Sequence[Ask]) -> ExtractionScore:
    features, right = [], []
    for ask in asks:
        candidates = list(ask.extractor.candidates(ask.spec, ask.listing))
        is_disputed = len({key(candidate.value) for candidate in candidates}) > 1
        for candidate in candidates:
            # What rivals do to a value is a rule of the extractor: "black and white" says nothing against the word "black".
            if candidate.is_common and (is_disputed or not ask.is_labelled):
                continue
            text = ask.listing.parts[candidate.part].text[candidate.mention.start : candidate.mention.end]
            features.append(ask.extractor.features(ask.spec, candidate, ask.listing))
            right.append(ask.is_right(candidate.value, text, candidate.is_common))
    model = LogisticRegression(C=1.0, max_iter=2000).fit(np.array(features), np.array(right))
    return ExtractionScore(float(model.intercept_[0]), tuple(float(weight) for weight in model.coef_[0]))


def fit_worth(asks: Sequence[Ask]) -> Calibration:
    """What the score of the best value means, for each kind of statement."""
    found: dict[str, tuple[list[float], list[bool]]] = {}
    for ask in asks:
        stated = ask.extractor.extract(ask.spec, ask.listing)
        if stated is None or (stated.kind == "common" and not ask.is_labelled):
            continue
        for name in {stated.kind, f"{stated.kind}: {stated.common_name}"} if stated.common_name else {stated.kind}:
            raws, rights = found.setdefault(name, ([], []))
            raws.append(stated.score)
            rights.append(ask.is_right(stated.quote.value, stated.quote.words, stated.kind == "common"))
    enough = {name: pair for name, pair in found.items() if len(pair[0]) >= LEAST_COUNT}
    return Calibration(fields={name: fit_calibration(*pair) for name, pair in sorted(enough.items())})


if __name__ == "__main__":
    main()
