"""A model's answer in its own categories, put into those of the shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pumgpt.backends.protocol import Answer
from pumgpt.catalog.product import AttributeValue, Product
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, split_path


def translate(
    question: Question,
    answer: Answer,
    crosswalk: Crosswalk,
    product: Product,
    attributes: Mapping[str, AttributeValue],
) -> tuple[Question, Answer]:
    """Question and answer as if the shop's categories had been asked for.

    Categories that lead to the same one put their shares together; what has no counterpart can't be inferred.
    `attributes` are the model's own predictions, which count where the product states none.
    """
    known = {**attributes, **(product.attributes or {})}
    shares: dict[str, float] = {}
    lost = 0.0
    for text, share in answer.ranked:
        path = crosswalk.find(split_path(text), product.title, known)
        if path is None:
            lost += share
        else:
            shares[SEPARATOR.join(path)] = shares.get(SEPARATOR.join(path), 0.0) + share
    ranked = tuple(sorted(shares.items(), key=lambda pair: -pair[1]))
    cannot_tell = min(answer.cannot_tell + lost, 1.0)
    # The shop's best category is known only after its shares are added up.
    best = ranked[0][0] if ranked and ranked[0][1] >= cannot_tell else CANNOT_TELL
    if not answer.ranked:  # an open answer
        found = crosswalk.find(split_path(answer.text), product.title, known)
        best = SEPARATOR.join(found) if found else CANNOT_TELL
    choices = Choices(tuple(shares) or (best,))
    return replace(question, choices=choices), replace(answer, text=best, ranked=ranked, cannot_tell=cannot_tell)
