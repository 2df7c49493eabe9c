"""A model's answer in its own categories and values, put into those of the shop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from pumgpt.backends.protocol import Answer
from pumgpt.catalog.product import AttributeValue, Product
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk
from pumgpt.catalog.vocabulary.matching.attributes import AttributeMatch
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, split_path


def translate_category(
    question: Question,
    answer: Answer,
    crosswalk: Crosswalk,
    product: Product,
    attributes: Mapping[str, AttributeValue],
) -> tuple[Question, Answer]:
    """Question and answer as if the shop's categories had been asked for.

    `attributes` are what is known of the product in the model's own words; they count where the product states none.
    """
    known = {**attributes, **(product.attributes or {})}

    def counterpart(text: str) -> str | None:
        path = crosswalk.find(split_path(text), product.title, known)
        return None if path is None else SEPARATOR.join(path)

    return _translate(question, answer, counterpart)


def translate_value(question: Question, answer: Answer, match: AttributeMatch) -> tuple[Question, Answer]:
    """Question and answer as if the shop's values had been asked for."""
    return _translate(question, answer, match.shop_value)


def _translate(question: Question, answer: Answer, counterpart: Callable[[str], str | None]) -> tuple[Question, Answer]:
    """Choices that lead to the same one put their shares together; what has no counterpart can't be inferred.

    Where most of the answer has no counterpart nothing is left to rank: the rest are the model's second thoughts about a
    product that the shop has no word for, and even who wants every field filled doesn't want these.
    """
    shares: dict[str, float] = {}
    lost = 0.0
    for text, share in answer.ranked:
        found = counterpart(text)
        if found is None:
            lost += share
        else:
            shares[found] = shares.get(found, 0.0) + share
    if lost > sum(shares.values()):
        shares.clear()
    ranked = tuple(sorted(shares.items(), key=lambda pair: -pair[1]))
    cannot_tell = min(answer.cannot_tell + lost, 1.0)
    # The shop's best choice is known only after its shares are added up.
    best = ranked[0][0] if ranked and ranked[0][1] >= cannot_tell else CANNOT_TELL
    if not answer.ranked:  # an open answer
        best = counterpart(answer.text) or CANNOT_TELL
    choices = Choices(tuple(shares) or (best,))
    return replace(question, choices=choices), replace(answer, text=best, ranked=ranked, cannot_tell=cannot_tell)
