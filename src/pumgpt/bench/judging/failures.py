"""Why an answer is wrong, by stated rules; how often each kind occurs, and where a model is worst.

The first rule that fits names the kind:

1. `no answer`: the backend gave an error.
2. `format`: the answer can't be parsed as what was asked for, however leniently.
3. `label in doubt`: the photo is also that of another product whose label is the model's answer (where no title was
   shown that could distinguish them); or the answer stands in the product's own title and the label doesn't.
4. `hallucinated value`: a value where none can be inferred; or one that is not true.
5. `over-refusal`: "cannot be inferred" where it can.
6. `omission`: a record leaves out an attribute that it was asked for; a caption doesn't name the product; an error in
   a listed value is passed over.
7. For categories, in place of 4: `near category` (a sibling: all levels but the last are right, or it stops one level
   above) and `wrong branch`.

Rules 4, 6 and 7 are the task's own: `Task.failure_kind`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pumgpt.bench.judging.label_noise import LabelNoise
from pumgpt.bench.judging.outcomes import CaseOutcome
from pumgpt.bench.stats.intervals import Measured, wilson
from pumgpt.bench.suites.items import Item
from pumgpt.bench.suites.suite import IMAGE_ONLY, TITLE_STRUCK
from pumgpt.catalog.vocabulary.words import stems
from pumgpt.tasks.evaluation import plain

KINDS = (
    "hallucinated value",
    "omission",
    "near category",
    "wrong branch",
    "format",
    "over-refusal",
    "label in doubt",
    "no answer",
)
# With fewer cases the interval is too wide for a slice to be clearly worse than the whole.
LEAST_CASES = 10
NUM_WORST = 10


@dataclass(frozen=True, slots=True)
class Failure:
    """A wrong outcome and its kind."""

    outcome: CaseOutcome
    kind: str


def find_failures(outcomes: Iterable[CaseOutcome], items: Mapping[str, Item], noise: LabelNoise) -> list[Failure]:
    """Every wrong answer with its kind, in the order of the cases."""
    return [
        Failure(outcome, classify(outcome, items[outcome.case.product], noise))
        for outcome in outcomes
        if outcome.judged and not outcome.right
    ]


def classify(outcome: CaseOutcome, item: Item, noise: LabelNoise) -> str:
    """The kind of a wrong outcome, by the rules of this file."""
    by_status = {"error": "no answer", "invalid": "format", "cannot tell": "over-refusal", "left out": "omission"}
    if outcome.status in by_status:
        return by_status[outcome.status]
    # Before the answer is blamed: where the label is wrong, its distance from the label means nothing.
    if _is_in_doubt(outcome, item, noise):
        return "label in doubt"
    if outcome.truth is None:
        return "hallucinated value"
    return outcome.task.failure_kind(outcome.stated or (), outcome.case.truth, outcome.field, item.product)


def _is_in_doubt(outcome: CaseOutcome, item: Item, noise: LabelNoise) -> bool:
    stated = outcome.stated
    if not stated or outcome.truth is None or outcome.task.answer_form not in ("path", "value", "record"):
        return False
    # With the title, a model could have distinguished the two products.
    blind = outcome.case.condition in (IMAGE_ONLY, TITLE_STRUCK)
    if blind and plain(stated) in noise.other_labels(outcome.case.product, outcome.field):
        return True
    # The leaf alone: titles seldom name the upper levels of a category.
    return _stands_in_title(stated[-1], item) and not _stands_in_title(outcome.truth[-1], item)


def _stands_in_title(value: str, item: Item) -> bool:
    words, title = stems(value), stems(item.product.title or "")
    return bool(words) and any(title[i : i + len(words)] == words for i in range(len(title)))


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the cases, and the share of it that is right."""

    by: str
    name: str
    right: Measured


def slices_of(outcome: CaseOutcome, item: Item) -> list[tuple[str, str]]:
    """The parts that an outcome belongs to."""
    parts = [("task", f"{outcome.case.slot}, {outcome.case.condition}")]
    if item.product.category:
        # Two levels: single leaves have too few products to show that one is worse.
        parts.append(("category", " > ".join(item.product.category[:2])))
    if outcome.task.answer_form in ("value", "record", "verdict"):
        parts.append(("attribute", outcome.field))
        if outcome.truth:
            parts.append(("value", f"{outcome.field}: {', '.join(outcome.truth)}"))
    return parts


def worst_slices(
    outcomes: Sequence[CaseOutcome], items: Mapping[str, Item], least: int = LEAST_CASES, most: int = NUM_WORST
) -> list[Slice]:
    """The slices of at least `least` answerable cases that are clearly worse than the whole, the worst first.

    Clearly: the upper end of a slice's interval lies below the share of the whole.
    """
    answerable = [outcome for outcome in outcomes if outcome.answerable and outcome.judged]
    hits_of: dict[tuple[str, str], list[bool]] = {}
    for outcome in answerable:
        for part in slices_of(outcome, items[outcome.case.product]):
            hits_of.setdefault(part, []).append(outcome.right)
    whole = sum(outcome.right for outcome in answerable) / len(answerable) if answerable else 0.0
    slices = [Slice(by, name, wilson(sum(hits), len(hits))) for (by, name), hits in hits_of.items()]
    clear = [part for part in slices if part.right.count >= least and part.right.high < whole]
    # By the upper end, not the share: a small slice has to be very bad to come first.
    return sorted(clear, key=lambda part: (part.right.high, part.by, part.name))[:most]


def count_kinds(failures: Iterable[Failure]) -> dict[str, int]:
    """How often each kind occurs, in the order of `KINDS`."""
    counts = Counter(failure.kind for failure in failures)
    return {kind: counts[kind] for kind in KINDS if counts[kind]}


def confusions(failures: Iterable[Failure], most: int = NUM_WORST) -> list[tuple[str, str, str, int]]:
    """The most frequent mix-ups of closed values: field, truth, answer, how often."""
    counts = Counter(
        (failure.outcome.field, " > ".join(failure.outcome.truth), " > ".join(failure.outcome.stated))
        for failure in failures
        if failure.outcome.truth and failure.outcome.stated and failure.outcome.task.answer_form in ("path", "value")
    )
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    # What was confused once is an accident and no pattern.
    return [(*pair, count) for pair, count in ranked[:most] if count > 1]
