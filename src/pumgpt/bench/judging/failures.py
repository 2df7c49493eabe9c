"""Why an answer is wrong, by stated rules; how often each kind occurs, and where a model is worst.

The first rule that fits names the kind:

1. `no answer`: the backend gave an error.
2. `format`: the answer can't be read as what was asked for, with good will.
3. `label in doubt`: the photo is also that of another product whose label is what the model said (where no title was
   shown that could tell the two apart); or the value said stands in the product's own title and the label doesn't.
4. `hallucinated value`: a value where none can be told; or one that is not true.
5. `over-refusal`: "cannot be inferred" where it can.
6. `omission`: a record leaves out an attribute that it was asked for; a caption doesn't name the product; an error in
   a listed value is passed over.
7. For categories, in place of 4: `near category` (a sibling: all levels but the last are right, or it stops one level
   above) and `wrong branch`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pumgpt.bench.judging.facts import caption_facts
from pumgpt.bench.judging.label_noise import LabelNoise
from pumgpt.bench.judging.outcomes import Outcome, plain
from pumgpt.bench.stats.intervals import Measured, wilson
from pumgpt.bench.suites.items import Item
from pumgpt.bench.suites.sets import IMAGE_ONLY, TITLE_STRUCK
from pumgpt.bench.suites.truth import CATEGORY
from pumgpt.catalog.vocabulary.words import stems

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
UNJUDGED_TASKS = ("caption_completion",)
"""A title may go on in many ways: it is scored, but no ending is a failure."""

LEAST_CASES = 10
NUM_WORST = 10


@dataclass(frozen=True, slots=True)
class Failure:
    """A wrong outcome and its kind."""

    outcome: Outcome
    kind: str


def find_failures(outcomes: Iterable[Outcome], items: Mapping[str, Item], noise: LabelNoise) -> list[Failure]:
    """Every wrong answer with its kind, in the order of the cases."""
    wrong = (outcome for outcome in outcomes if not outcome.right and outcome.case.task not in UNJUDGED_TASKS)
    return [
        Failure(outcome, classify(outcome, items[outcome.case.product], noise))
        for outcome in wrong
        if outcome.case.task != "caption" or items[outcome.case.product].product.category
    ]


def classify(outcome: Outcome, item: Item, noise: LabelNoise) -> str:
    """The kind of a wrong outcome, by the rules of this file."""
    simple = {"error": "no answer", "invalid": "format"}.get(outcome.status)
    if simple is not None:
        return simple
    if outcome.status == "cannot tell":
        return "over-refusal"
    if outcome.status == "left out":
        return "omission"
    if _is_in_doubt(outcome, item, noise):
        return "label in doubt"
    if outcome.truth is None:
        return "hallucinated value"
    return _OF_TASK.get(outcome.case.task, _hallucinated)(outcome, item)


def _is_in_doubt(outcome: Outcome, item: Item, noise: LabelNoise) -> bool:
    said = outcome.said
    if not said or outcome.truth is None or outcome.case.task not in (CATEGORY, "attribute_qa", "attributes"):
        return False
    blind = outcome.case.condition in (IMAGE_ONLY, TITLE_STRUCK)
    if blind and plain(said) in noise.other_labels(outcome.case.product, outcome.field):
        return True
    return _stands_in_title(said[-1], item) and not _stands_in_title(outcome.truth[-1], item)


def _stands_in_title(value: str, item: Item) -> bool:
    words, title = stems(value), stems(item.product.title or "")
    return bool(words) and any(title[i : i + len(words)] == words for i in range(len(title)))


def _hallucinated(outcome: Outcome, item: Item) -> str:
    return "hallucinated value"


def _of_category(outcome: Outcome, item: Item) -> str:
    said, truth = plain(outcome.said or ()), plain(outcome.truth or ())
    parent = truth[:-1]
    return "near category" if parent and said[: len(parent)] == parent else "wrong branch"


def _of_caption(outcome: Outcome, item: Item) -> str:
    facts = caption_facts((outcome.said or ("",))[0], item.product)
    return "hallucinated value" if facts.untrue_colours else "omission"


def _of_correction(outcome: Outcome, item: Item) -> str:
    passed_over = outcome.case.truth.verdict == "wrong" and (outcome.said or ("",))[0] == "right"
    return "omission" if passed_over else "hallucinated value"


_OF_TASK: Mapping[str, Callable[[Outcome, Item], str]] = {
    "category": _of_category,
    "caption": _of_caption,
    "attribute_correction": _of_correction,
}


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the cases, and the share of it that is right."""

    by: str
    name: str
    right: Measured


def slices_of(outcome: Outcome, item: Item) -> list[tuple[str, str]]:
    """The parts that an outcome belongs to."""
    found = [("task", f"{outcome.case.slot}, {outcome.case.condition}")]
    if item.product.category:
        found.append(("category", " > ".join(item.product.category[:2])))
    if outcome.case.task in ("attribute_qa", "attributes", "attribute_correction"):
        found.append(("attribute", outcome.field))
        if outcome.truth:
            found.append(("value", f"{outcome.field}: {', '.join(outcome.truth)}"))
    return found


def worst_slices(
    outcomes: Sequence[Outcome], items: Mapping[str, Item], least: int = LEAST_CASES, most: int = NUM_WORST
) -> list[Slice]:
    """The slices of at least `least` answerable cases that are surely worse than the whole, the worst first.

    Surely: the upper end of a slice's interval lies below the share of the whole. Ordered by that upper end, so that
    a small slice has to be very bad to come first.
    """
    told = [o for o in outcomes if o.answerable and o.case.task not in UNJUDGED_TASKS]
    tallies: dict[tuple[str, str], list[bool]] = {}
    for outcome in told:
        for part in slices_of(outcome, items[outcome.case.product]):
            tallies.setdefault(part, []).append(outcome.right)
    whole = sum(outcome.right for outcome in told) / len(told) if told else 0.0
    slices = [Slice(by, name, wilson(sum(hits), len(hits))) for (by, name), hits in tallies.items()]
    sure = [part for part in slices if part.right.count >= least and part.right.high < whole]
    return sorted(sure, key=lambda part: (part.right.high, part.by, part.name))[:most]


def count_kinds(failures: Iterable[Failure]) -> dict[str, int]:
    """How often each kind occurs, in the order of `KINDS`."""
    counts = Counter(failure.kind for failure in failures)
    return {kind: counts[kind] for kind in KINDS if counts[kind]}


def confusions(failures: Iterable[Failure], most: int = NUM_WORST) -> list[tuple[str, str, str, int]]:
    """The most frequent mix-ups of closed values: field, truth, what was said, how often."""
    counts = Counter(
        (failure.outcome.field, " > ".join(failure.outcome.truth), " > ".join(failure.outcome.said))
        for failure in failures
        if failure.outcome.truth and failure.outcome.said and failure.outcome.case.task in (CATEGORY, "attribute_qa")
    )
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(*pair, count) for pair, count in ranked[:most] if count > 1]
