"""Fit what curation ships: the span classifier, the text expert's score, and the fusion.

    python scripts/fit_curation.py --data ../shared/data
    python scripts/fit_curation.py --data ../shared/data --only categories

For titles it reads the train files of AE-110k and OA-Mine. Their labels don't say what a product is, so titles in which
another product of Shopify's taxonomy takes its place teach the span classifier what a `type` is. The score and the fusion are
fitted on claims about titles that the span classifier has not seen (cross-fitting), half of the false ones rewritten like the
true ones, so that a changed form tells nothing about the truth. What the experts that look at photos say is weighed on 300
products of `fashion` validation, whose values are swapped as in `experiments/curation_photos/photo_claims.py`: a few hundred
labelled values, asked of nano. The votes on categories are weighed on 400 products of `fashion` validation with their titles,
one of ten with another category, as in `experiments/curation_categories/category_claims.py`.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from pumgpt.catalog.vocabulary.values import written_forms
from pumgpt.curation import fusion
from pumgpt.curation.experts.base import ExpertOptions
from pumgpt.curation.experts.registry import make_experts
from pumgpt.curation.experts.text import TextExpert, unmentioned_features
from pumgpt.curation.fusion import Fusion
from pumgpt.curation.verdict import Verdict, Vote
from pumgpt.extraction import span_classifier, text_score
from pumgpt.extraction.mentions import Text
from pumgpt.extraction.span_classifier import NUM_BUCKETS, TYPE, SpanClassifier, bucket, span_features
from pumgpt.extraction.text_score import FEATURES, TextScore

# Fitted on claims of the kind that these experiments measure, of other products.
EXPERIMENTS = Path(__file__).resolve().parents[1] / "experiments"
sys.path += [str(EXPERIMENTS / name) for name in ("curation_titles", "curation_photos", "curation_categories")]

import category_claims  # noqa: E402
from photo_claims import judge_all, read_products, swap  # noqa: E402
from title_claims import LabelledClaim, Listing, make_claims, read_listings  # noqa: E402

FILES = ("ae-110k-train.jsonl", "oa-mine-train.jsonl")
FOLDS = 5
OTHER_SPANS = 4
"""Runs of one to three words of each title that are no labelled value, shown to the span classifier as nobody's."""
SHARE_UNKNOWN = 0.2
"""Of the claims, made about an attribute that the span classifier is made to forget."""
LEAST = 4
"""Values of an attribute from which on the span classifier learns it."""
STRENGTH = 0.5
MODIFIERS = frozenset({"brand", "brand name", "color", "material", "specialty", "flavor", "gender", "pattern", "style"})
SHARE_FIRST = 0.2
"""Of the short titles, begin with the product."""
TAXONOMY = "taxonomy/shopify/categories.txt"
PHOTOS = "fashion/validation-*.parquet"
PHOTO_PRODUCTS = 300
PHOTO_EXPERTS = ("similarity", "vlm")
CATEGORY_PRODUCTS = 400
CATEGORY_POINT = 0.4
"""Below one half, since most categories are right, and the fit gives both verdicts the same weight."""
CATEGORY_EXPERTS = ("text", "statistics", "similarity", "vlm")
OPERATING_POINT = 0.5
"""A value is supported where that is likelier than not."""
_BLANK = TextScore(0.0, (0.0,) * len(FEATURES))


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the text expert and the fusion on labelled titles.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, help="folder for the fitted files, by default where those that ship are")
    parser.add_argument("--only", choices=["categories"], help="fit this part alone, the rest stays")
    options = parser.parse_args()
    if options.only == "categories":
        replace(Fusion.load(), categories=fit_categories(options.data)).save(_target(fusion.SHIPPED, options.out))
        return
    listings = [listing for name in FILES for listing in read_listings(options.data / "text" / name)]
    products = read_products_of(options.data / TAXONOMY)
    score, votes = fit_score(listings)
    classifier = with_type(fit_classifier(listings), listings, products)
    classifier.save(_target(span_classifier.SHIPPED, options.out))
    score.save(_target(text_score.SHIPPED, options.out))
    seen = photo_votes(options.data)
    fused = replace(Fusion.fit([*votes, *seen], OPERATING_POINT), categories=fit_categories(options.data))
    fused.save(_target(fusion.SHIPPED, options.out))
    print(
        f"fitted on {len(listings)} titles, {len(classifier.names)} attributes, {len(votes)} claims; {len(seen)} values on photos"
    )


def fit_categories(data: Path) -> Fusion:
    """What each expert's vote on a category is worth."""
    products = category_claims.read_products(sorted(data.glob(PHOTOS)), CATEGORY_PRODUCTS)
    experts = make_experts(CATEGORY_EXPERTS, ExpertOptions())
    judged = category_claims.judge_all(category_claims.plant(products), experts)
    wrong = sum(one.planted.error is not None for one in judged)
    print(f"fitted on {len(judged)} categories, {wrong} of them wrong")
    labelled = [([*one.votes.values()], one.truth) for one in judged if one.votes]
    return Fusion.fit(labelled, CATEGORY_POINT, balanced=True)


def _target(shipped: Path, folder: Path | None) -> Path:
    return shipped if folder is None else folder / shipped.name


def photo_votes(data: Path) -> list[tuple[list[Vote], Verdict]]:
    """What the photo experts vote on values of which we know which are swapped."""
    experts = make_experts(PHOTO_EXPERTS, ExpertOptions())
    rows = swap(read_products(sorted(data.glob(PHOTOS)), PHOTO_PRODUCTS))
    return [(one.given, one.truth) for one in judge_all(rows, experts) if one.given]


def read_products_of(taxonomy: Path) -> list[str]:
    """What the taxonomy calls products in one or two words ("Wrap Coats", "Bassoon Reeds")."""
    names = (
        line.rsplit(" > ", 1)[-1].rsplit(" : ", 1)[-1].strip() for line in taxonomy.read_text("utf-8").splitlines()
    )
    return sorted({name for name in names if re.fullmatch(r"[A-Z][a-z]+(?: [A-Z]?[a-z]+)?", name)})


def fit_classifier(listings: Sequence[Listing], seed: int = 0) -> SpanClassifier:
    """One logistic regression an attribute, on labelled spans and on some that nobody labelled."""
    chance = random.Random(seed)
    spans = [span for listing in listings for span in _spans(listing, chance)]
    names = sorted({name for _, owners in spans for name in owners})
    counts = {name: sum(name in owners for _, owners in spans) for name in names}
    # What a product is (`TYPE`) is labelled six times, each time as goggles: `with_type` learns it.
    return _fit(spans, [name for name in names if counts[name] >= LEAST and name != TYPE])


def with_type(
    classifier: SpanClassifier, listings: Sequence[Listing], products: Sequence[str], seed: int = 0
) -> SpanClassifier:
    """The classifier with one attribute more, which says what the product is, from titles with exchanged products."""
    chance = random.Random(seed)
    modifiers = [
        (name, value)
        for listing in listings
        for name, values in listing.labels.items()
        if name.casefold() in MODIFIERS
        for value in values
    ]
    exchanged = [other for listing in listings for other in _exchanged(listing, products, modifiers, chance)]
    return classifier.joined(_fit([span for listing in exchanged for span in _spans(listing, chance)], [TYPE]))


def _fit(spans: Sequence[tuple[list[int], frozenset[str]]], names: Sequence[str]) -> SpanClassifier:
    rows = [row for row, (buckets, _) in enumerate(spans) for _ in buckets]
    columns = [place for buckets, _ in spans for place in buckets]
    design = csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=(len(spans), NUM_BUCKETS))
    weights_BA = np.zeros((NUM_BUCKETS, len(names)), dtype=np.float32)
    bias_A = np.zeros(len(names), dtype=np.float32)
    for place, name in enumerate(names):
        model = LogisticRegression(C=STRENGTH, solver="liblinear", tol=1e-3)
        model.fit(design, np.array([name in owners for _, owners in spans]))
        weights_BA[:, place], bias_A[place] = model.coef_[0], model.intercept_[0]
    return SpanClassifier(names, weights_BA, bias_A, 1.0)


def _exchanged(
    listing: Listing, products: Sequence[str], modifiers: Sequence[tuple[str, str]], chance: random.Random
) -> Iterator[Listing]:
    """The title with another product in the place of its own, and a short title: "Wool beanies", "Tomatoes 500 g"."""
    mention = next(Text(listing.title).mentions(listing.category), None)
    if mention is not None:
        title, product = Text(listing.title).text, _written(chance.choice(products), chance)
        around = {name: values for name, values in listing.labels.items() if name.casefold() != TYPE}
        yield Listing(title[: mention.start] + product + title[mention.end :], {**around, TYPE: (product,)}, product)
    product, (name, value) = _written(chance.choice(products), chance), chance.choice(modifiers)
    tail = chance.choice(("", "", "for women", f"{chance.randint(1, 9)}00 g", f"{chance.randint(2, 12)} pack", "black"))
    is_first = chance.random() < SHARE_FIRST
    title = f"{product} {tail}" if is_first else f"{value} {product} {tail}"
    yield Listing(title.strip(), {TYPE: (product,)} if is_first else {TYPE: (product,), name: (value,)}, product)


def _written(product: str, chance: random.Random) -> str:
    """In small letters or not, in singular or plural."""
    form = chance.choice(written_forms(product)[-2:])
    return chance.choice((form, form.lower(), form.lower()))


def _spans(listing: Listing, chance: random.Random) -> Iterator[tuple[list[int], frozenset[str]]]:
    """Hashed features of spans of the title, and the attributes that they are labelled as."""
    text = Text(listing.title)
    owners: dict[tuple[int, int], set[str]] = {}
    for name, values in listing.labels.items():
        for value in values:
            for mention in text.mentions(value):
                owners.setdefault((mention.start, mention.end), set()).add(name.casefold())
    taken = {place for start, end in owners for place in range(start, end)}
    for _ in range(OTHER_SPANS if text.words else 0):
        first = chance.randrange(len(text.words))
        last = min(first + chance.randrange(3), len(text.words) - 1)
        start, end = text.words[first].start, text.words[last].end
        if not taken.intersection(range(start, end)):
            owners.setdefault((start, end), set())
    for (start, end), names in owners.items():
        yield [bucket(feature) for feature in span_features(text, start, end)], frozenset(names)


def fit_score(listings: Sequence[Listing], seed: int = 0) -> tuple[TextScore, list[tuple[list[Vote], Verdict]]]:
    """The score, and what the expert with that score votes on the same claims."""
    claims = make_claims(listings, seed, rewrite_false=True)
    experts = list(_experts(listings, claims, seed))
    texts = [Text(listings[labelled.listing].title) for labelled in claims]
    truths = [labelled.verdict is Verdict.SUPPORTED for labelled in claims]
    for _ in range(2):  # the first score says which mention counts where a title has several
        features = [best_features(*each) for each in zip(experts, claims, texts, strict=True)]
        model = LogisticRegression(C=1.0, max_iter=1000).fit(np.array(features), np.array(truths))
        score = TextScore(float(model.intercept_[0]), tuple(float(weight) for weight in model.coef_[0]))
        for expert in experts:
            expert.score = score
    votes = [
        expert.vote(labelled.claim, {"title": text})
        for expert, labelled, text in zip(experts, claims, texts, strict=True)
    ]
    return score, [([vote], labelled.verdict) for vote, labelled in zip(votes, claims, strict=True)]


def _experts(listings: Sequence[Listing], claims: Sequence[LabelledClaim], seed: int) -> Iterator[TextExpert]:
    """For each claim an expert whose span classifier has not seen its title, nor, by lot, its attribute."""
    chance = random.Random(seed)
    fold_of = [chance.randrange(FOLDS) for _ in listings]
    folds = [[one for one, at in zip(listings, fold_of, strict=True) if at != fold] for fold in range(FOLDS)]
    classifiers = [fit_classifier(fold) for fold in folds]
    for labelled in claims:
        classifier = classifiers[fold_of[labelled.listing]]
        forget = chance.random() < SHARE_UNKNOWN
        yield TextExpert(score=_BLANK, classifier=classifier.without(labelled.claim.name) if forget else classifier)


def best_features(expert: TextExpert, labelled: LabelledClaim, text: Text) -> tuple[float, ...]:
    mentions = list(expert.scored_mentions(labelled.claim, "title", text))
    best = max(mentions, key=lambda mention: mention.probability, default=None)
    return unmentioned_features(labelled.claim, text) if best is None else best.features


if __name__ == "__main__":
    main()
