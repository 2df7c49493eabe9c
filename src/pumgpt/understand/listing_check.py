"""Whether title and description tell of the product that the photos show.

A model that has read a title follows it, also where it is another product's. So it is asked of the photos alone as well, and
what it says with the listing is held against that, over all fields together: one field may look like its neighbour, but a
listing that is wrong about category, gender and colour at once is of another product.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from pumgpt.backends.protocol import Answer
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.catalog.vocabulary.taxonomy import split_path
from pumgpt.tasks.words import colour_family

DISPUTED_BELOW = -2.5
"""Log-likelihood ratio below which a listing is taken for another product's."""
SUSPECTED_BELOW = -2.0
"""The same of the few questions that are asked of the photos of every product: below, the others are asked too."""
_LEAST_SHARE = 0.01
_LEAST_TERM = -3.0
"""No field alone says more than this against a listing."""


def told_and_seen(replies: Iterable[tuple[Question, Answer]]) -> list[tuple[Question, Answer, Answer]]:
    """The closed questions that were asked with the listing and of the photos alone, with both answers."""
    answered = list(replies)
    seen = {_subject(question): answer for question, answer in answered if question.photo_only}
    return [
        (question, answer, seen[_subject(question)])
        for question, answer in answered
        if not question.photo_only and _subject(question) in seen
    ]


def _subject(question: Question) -> tuple[str, str | None, Choices | None]:
    return question.task, question.field, question.choices


def agreement(answers: Iterable[tuple[Question, Answer, Answer]]) -> float:
    """How likely what the model says with a listing is to its photos alone, beside what these show: the sum of the log ratios of
    all fields, 0 or less.

    Of each closed question the answers with the listing and without are given.
    """
    return sum(_log_ratio(question, told, seen) for question, told, seen in answers)


def is_compatible(one: str, other: str) -> bool:
    """Whether two values don't speak against each other: two names of one colour, 'Sports' and 'Sports Shoes'."""
    family = colour_family(one)
    if family is not None and family == colour_family(other):
        return True
    shorter, longer = sorted((one.casefold(), other.casefold()), key=len)
    # From the start of a word on: women are no men.
    return re.search(rf"\b{re.escape(shorter)}", longer) is not None


def _is_same(question: Question, one: str, other: str) -> bool:
    if question.task != "category":
        return is_compatible(one, other)
    # A title is there to tell neighbours apart: casual shoes and sports shoes.
    first, second = split_path(one), split_path(other)
    return (len(first) > 1 and first[:-1] == second[:-1]) or is_compatible(first[-1], second[-1])


def _log_ratio(question: Question, told: Answer, seen: Answer) -> float:
    if not told.ranked or not seen.ranked or CANNOT_TELL in (told.text, seen.text):
        return 0.0
    best, best_share = seen.ranked[0]
    stated = told.ranked[0][0]
    if _is_same(question, stated, best):
        return 0.0
    share = sum(share for value, share in seen.ranked if _is_same(question, stated, value))
    term = math.log((share + _LEAST_SHARE) / (best_share + _LEAST_SHARE))
    # What the photos of an unknown kind seem to show is no evidence.
    return min(max(term, _LEAST_TERM), 0.0) * seen.known
