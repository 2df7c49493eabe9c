"""Multiple choice: whether a model prefers a place to an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pumgpt.bench.judging.outcomes import CaseOutcome
from pumgpt.bench.stats.intervals import Measured, wilson
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR


@dataclass(frozen=True, slots=True)
class ChosenPlace:
    """One answered multiple choice: places from 0, `chosen` None where no option was chosen."""

    num_options: int
    right: int
    chosen: int | None


@dataclass(frozen=True, slots=True)
class Place:
    """One place of the list: how often it was chosen, how often it was right, and the accuracy where it was right."""

    place: int
    chosen: int
    right: int
    accuracy: Measured


@dataclass(frozen=True, slots=True)
class PositionBias:
    """`bias`: half the sum of |share chosen - share right| over places: 0 chooses each place as often as it is right, and
    close to 1 means always the same place. `p_value`: how often as large a bias comes by chance alone (chi squared).
    """

    places: tuple[Place, ...]
    bias: float
    p_value: float


def chosen_place(outcome: CaseOutcome) -> ChosenPlace:
    """The place that the answer to a multiple choice names."""
    options = outcome.case.question.choices.values if outcome.case.question.choices else ()
    stated = SEPARATOR.join(outcome.stated) if outcome.stated else None
    chosen = options.index(stated) if stated in options else None
    return ChosenPlace(len(options), outcome.case.position or 0, chosen)


def measure_position_bias(choices: Iterable[ChosenPlace]) -> PositionBias | None:
    """Over the multiple choices with the number of options that is the most frequent; None without an answer."""
    answered = [choice for choice in choices if choice.chosen is not None]
    if not answered:
        return None
    sizes = Counter(choice.num_options for choice in answered)
    # Multiple choices of different lengths have different places.
    size = max(sizes, key=lambda number: (sizes[number], number))
    kept = [choice for choice in answered if choice.num_options == size]
    chosen, right = Counter(choice.chosen for choice in kept), Counter(choice.right for choice in kept)
    hits = Counter(choice.right for choice in kept if choice.chosen == choice.right)
    places = tuple(Place(i, chosen[i], right[i], wilson(hits[i], right[i])) for i in range(size))
    bias = sum(abs(place.chosen - place.right) for place in places) / (2 * len(kept))
    return PositionBias(places, bias, _p_value([p.chosen for p in places], [p.right for p in places]))


def _p_value(chosen: Sequence[int], right: Sequence[int]) -> float:
    """Chi squared of the two counts as a table; 1 where there is nothing to compare."""
    from scipy.stats import chi2_contingency

    columns = [(c, r) for c, r in zip(chosen, right, strict=True) if c + r]
    if len(columns) < 2:
        return 1.0
    return float(chi2_contingency(list(zip(*columns, strict=True)), correction=False).pvalue)
