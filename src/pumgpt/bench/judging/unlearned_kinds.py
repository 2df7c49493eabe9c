"""What a model says of kinds that it never learned: how often it fills a field there, and how often that is wrong.

A suite is such a set where the model has categories of its own and its card names its training data, but not this suite's.
Their two vocabularies differ, so that a category is judged by its words and not by its path: it is right if the head noun
of its last level (*Casual Shoes* are shoes; each part of *Cups & Mugs* counts) is

- the head noun of a level of the product's own category, or one of the suite's other names for it (`also_called`); or
- for photos of no product, a word of one of the captions that people wrote, or a synonym of one: the thing is in the picture.

Words with two meanings count for the model (a *top* is a garment and a place), and words that nobody listed against it. Every
category that was filled is therefore kept with its photo's words, to be reviewed.

An attribute is wrong where it can't be true: its kind has none (`no_such_attribute`), or the photo shows no product and no
right category was given that it could be an attribute of. Where the product states the attribute, that decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from pathlib import PurePosixPath

from pumgpt.backends.protocol import Capabilities
from pumgpt.bench.baselines.predictions import Guess, Prediction, prediction_of
from pumgpt.bench.judging.fields import JudgedField
from pumgpt.bench.judging.scoring import Scores
from pumgpt.bench.stats.intervals import proportion
from pumgpt.bench.suites.items import Item
from pumgpt.bench.suites.suite import SAMPLES, Suite
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.catalog.vocabulary.words import stem, stems
from pumgpt.tasks.evaluation import CATEGORY, Values
from pumgpt.tasks.words import words

ALL_PHOTOS, NEVER_LEARNED = "all photos", "kinds that it never learned"
ANY_FIELD = "any field"
_PARTS = re.compile(r"[,&/]|\band\b|\bor\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Claim:
    """A category that was filled, and what the suite says of its photo."""

    product: str
    value: Values
    confidence: float | None
    right: bool
    shows: tuple[str, ...]
    """The product's own category, or captions."""


@dataclass(frozen=True)
class UnlearnedScores:
    """`scores`: group of photos -> field -> 'filled' and 'wrong', as shares of the group's photos."""

    scores: Mapping[str, Scores] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()


def is_unlearned(suite: Suite, capabilities: Capabilities) -> bool:
    """Whether the suite is of a set that the model's training data doesn't name."""
    if capabilities.taxonomy is None or not capabilities.training_data or suite.products == SAMPLES:
        return False
    folder = PurePosixPath(suite.products).parts[0]
    return not any(folder in PurePosixPath(name).parts for name in capabilities.training_data)


def score_unlearned(
    records: Mapping[str, Understanding], suite: Suite, items: Sequence[Item], learned: Taxonomy
) -> UnlearnedScores:
    """Judge what was filled of each photo. `learned` are the model's own categories."""
    judged: dict[str, dict[str, bool]] = {}
    claims = []
    # Of a product without a category nobody can say what its photo shows.
    known = [item for item in items if item.origin == "product" and (suite.no_products or item.product.category)]
    shown = [item for item in known if item.product.id in records]
    for item in shown:
        prediction = prediction_of(records[item.product.id], suite.values)
        wrong = judged[item.product.id] = wrong_fields(item, prediction, suite)
        guess = prediction.fields.get(CATEGORY, Guess(None))
        if guess.value is not None:
            shows = item.references if suite.no_products else item.product.category or ()
            claims.append(Claim(item.product.id, guess.value, guess.confidence, not wrong[CATEGORY], shows))
    groups = {ALL_PHOTOS: shown}
    # A photo of no product has no kind that a model could have learned.
    if not suite.no_products:
        leaves = dict.fromkeys(path[-1] for path in learned.paths)
        groups[NEVER_LEARNED] = [item for item in shown if not any(names_product(leaf, item, suite) for leaf in leaves)]
    ranked = sorted(claims, key=lambda claim: (claim.right, -(claim.confidence or 0.0), claim.product))
    scores = {name: _score([judged[item.product.id] for item in group]) for name, group in groups.items() if group}
    return UnlearnedScores(scores, tuple(ranked))


def wrong_fields(item: Item, prediction: Prediction, suite: Suite) -> dict[str, bool]:
    """Each field that is filled, and whether it is wrong."""
    filled = {name: guess for name, guess in prediction.fields.items() if guess.value is not None}
    category = filled.get(CATEGORY)
    named = category is not None and names_product((category.value or ("",))[-1], item, suite)
    kind = item.product.category[0] if item.product.category else ""
    wrong = {CATEGORY: not named} if category is not None else {}
    for name, guess in filled.items():
        if name == CATEGORY:
            continue
        truth = item.fields.get(name)
        if truth is not None:
            wrong[name] = not JudgedField(name, truth, guess).right
        elif suite.no_products:
            wrong[name] = not named
        else:
            wrong[name] = name in suite.no_such_attribute.get(kind, ())
    return wrong


def names_product(name: str, item: Item, suite: Suite) -> bool:
    """Whether a category's name says what the photo shows, by the rules of this file."""
    heads = head_nouns(name)
    if suite.no_products:
        synonyms = {stem(word) for head in heads for word in words().synonyms.get(head, [])}
        return any(not (heads | synonyms).isdisjoint(_caption_words(caption)) for caption in item.references)
    levels = item.product.category or ()
    true = [*levels, *(other for level in levels for other in suite.also_called.get(level, ()))]
    return any(not heads.isdisjoint(head_nouns(level)) for level in true)


# A vocabulary's few hundred names are compared with every photo.
@lru_cache(maxsize=4096)
def head_nouns(name: str) -> frozenset[str]:
    """The stems of what a category's name lists: 'Cups & Mugs' -> cup, mug; 'Casual Shoes' -> shoe."""
    # The head of an English noun phrase is its last word.
    return frozenset(found[-1] for part in _PARTS.split(name) if (found := stems(part)))


def _caption_words(caption: str) -> set[str]:
    found = stems(caption)
    # Compounds are written as one word or as two: 'T shirt' is 'Tshirts'.
    return {*found, *(first + second for first, second in pairwise(found))}


def _score(judged: Sequence[Mapping[str, bool]]) -> Scores:
    names = sorted({name for wrong in judged for name in wrong}, key=lambda name: (name != CATEGORY, name))
    scores: Scores = {
        name: {
            "filled": proportion([name in wrong for wrong in judged]),
            "wrong": proportion([wrong.get(name, False) for wrong in judged]),
        }
        for name in names
    }
    any_filled, any_wrong = [bool(wrong) for wrong in judged], [any(wrong.values()) for wrong in judged]
    return {ANY_FIELD: {"filled": proportion(any_filled), "wrong": proportion(any_wrong)}, **scores}
