"""From outcomes to scores, for one model under one condition.

A task names its metrics; `METRICS` computes those of its own cases, and `POOLED` those over the cases of all tasks that
name them. Accuracy and its like are over answerable questions about products; what can't be inferred is scored under
`refusals`. Legend: P products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from pumgpt.bench.judging.outcomes import CaseOutcome
from pumgpt.bench.stats import metrics
from pumgpt.bench.stats.calibration import calibration_scores
from pumgpt.bench.stats.intervals import Measured, bootstrap_ratio, proportion
from pumgpt.bench.suites.items import Item
from pumgpt.errors import UsageError
from pumgpt.tasks.caption_facts import caption_facts
from pumgpt.tasks.evaluation import plain

Metrics = dict[str, Measured]
Scores = dict[str, Metrics]
"""Slot or field -> metric -> value."""
Items = Mapping[str, Item]
Test = Callable[[CaseOutcome], bool]
TextMetric = Callable[[Sequence[str | None], Sequence[Sequence[str]]], Measured]


def score(outcomes: Sequence[CaseOutcome], items: Items) -> Scores:
    """Every score, under the slot of its cases: a task, a task as multiple choice, 'attribute_qa: colour', 'refusals', ..."""
    scores: Scores = {}
    for slot in dict.fromkeys(outcome.case.slot for outcome in outcomes):
        # Pictures of no product and hidden attributes have no right answer; `refusals` scores them.
        own = [o for o in outcomes if o.case.slot == slot and o.case.origin == "product" and o.case.form != "hidden"]
        if not own:
            continue
        task = own[0].task
        scores[slot] = _score_task(task.metrics, own, items)
        if task.scored_by_field and slot == task.name:
            for field in dict.fromkeys(outcome.field for outcome in own if outcome.answerable):
                named = [outcome for outcome in own if outcome.field == field]
                scores[f"{slot}: {field}"] = _score_task(task.metrics, named, items)
    for name, pooled in POOLED.items():
        scores[name] = pooled([o for o in outcomes if name in o.task.metrics], outcomes)
    return {slot: given for slot, given in scores.items() if given}


def _score_task(names: Iterable[str], outcomes: Sequence[CaseOutcome], items: Items) -> Metrics:
    scores: Metrics = {}
    for name in names:
        # Tasks of other packages name metrics too, and a name with a typing error would silently score nothing.
        if name not in METRICS and name not in POOLED:
            task = outcomes[0].task
            raise UsageError(f"task '{task.name}': unknown metric '{name}'; known are {', '.join([*METRICS, *POOLED])}")
        scores |= METRICS[name](outcomes, items) if name in METRICS else {}
    return scores


def share(outcomes: Iterable[CaseOutcome], hit: Test, of: Test = lambda outcome: True) -> Measured:
    """The share of the outcomes that `hit` among those that `of` picks; a product's outcomes stay together."""
    picked = [outcome for outcome in outcomes if of(outcome)]
    products = [outcome.case.product for outcome in picked]
    hits = [hit(outcome) for outcome in picked]
    # Wilson's interval assumes independent draws. Cases of one product are alike, so that only products are.
    if len(set(products)) == len(products):
        return proportion(hits)
    _, owner = np.unique(np.asarray(products), return_inverse=True)
    return bootstrap_ratio(np.bincount(owner, hits), np.bincount(owner), count=len(picked))


def _gives_value(outcome: CaseOutcome) -> bool:
    return outcome.status == "value"


def _accuracy(outcomes: Sequence[CaseOutcome], items: Items) -> Metrics:
    answerable = [outcome for outcome in outcomes if outcome.answerable]
    if not answerable:
        return {}
    return {
        "accuracy": share(answerable, lambda o: o.right),
        "accuracy, strict": share(answerable, lambda o: o.right_strictly),
    }


def _levels(outcomes: Sequence[CaseOutcome], items: Items) -> Metrics:
    """Of category paths: each level above the last, and all of them together."""
    labelled = [outcome for outcome in outcomes if outcome.truth is not None]
    truths = [plain(outcome.truth or ()) for outcome in labelled]
    stated = [None if outcome.stated is None else plain(outcome.stated) for outcome in labelled]
    depth = max(map(len, truths), default=0)
    # Without the last one: it is the whole path, which is `accuracy`.
    levels = {f"level {level}": metrics.level_accuracy(truths, stated, level) for level in range(1, depth)}
    return levels | ({"hierarchical F1": metrics.hierarchical_f1(truths, stated)} if depth > 1 else {})


def _answered(outcomes: Sequence[CaseOutcome], items: Items) -> Metrics:
    answerable = [outcome for outcome in outcomes if outcome.answerable]
    return {"answered": share(answerable, _gives_value)} if answerable else {}


def _value_f1(outcomes: Sequence[CaseOutcome], items: Items) -> Metrics:
    """Precision, recall and F1 over values as ExtractGPT (arXiv 2310.12537) and OpenTag count them.

    Precision: of the values stated, how many are right. Recall: of the values that can be inferred, how many were stated
    rightly. A value stated where none can be inferred costs precision; a refusal there is not counted.
    """
    right = [float(outcome.right and outcome.answerable and _gives_value(outcome)) for outcome in outcomes]
    stated = [float(_gives_value(outcome)) for outcome in outcomes]
    true = [float(outcome.answerable) for outcome in outcomes]
    _, owner = np.unique(np.asarray([outcome.case.product for outcome in outcomes]), return_inverse=True)
    right_P, stated_P, true_P = (np.bincount(owner, numbers) for numbers in (right, stated, true))
    return {
        "precision": bootstrap_ratio(right_P, stated_P, count=int(stated_P.sum())),
        "recall": bootstrap_ratio(right_P, true_P, count=int(true_P.sum())),
        "F1": bootstrap_ratio(2 * right_P, stated_P + true_P, count=len(outcomes)),
    }


def _macro_f1(outcomes: Sequence[CaseOutcome], items: Items) -> Metrics:
    """Only within one field: values of different fields are not classes of one kind."""
    labelled = [outcome for outcome in outcomes if outcome.truth]
    if len({outcome.field for outcome in labelled}) != 1:
        return {}
    truths = [" > ".join(plain(outcome.truth or ())) for outcome in labelled]
    # A right answer may be written otherwise, or be one of several true values: it counts as the truth.
    stated = [
        truth if o.right else None if o.stated is None else " > ".join(plain(o.stated))
        for o, truth in zip(labelled, truths, strict=True)
    ]
    return {"macro-F1": metrics.macro_f1(truths, stated)}


def _calibration(outcomes: Sequence[CaseOutcome], items: Items) -> Metrics:
    """ECE, Brier score and AURC of the answers that carry a confidence."""
    # Those to questions without an answer among them: they are all wrong, and a model should not be sure of them.
    pairs = [(outcome.confidence, outcome.right) for outcome in outcomes if outcome.confidence is not None]
    return calibration_scores([confidence for confidence, _ in pairs], [right for _, right in pairs])


def _first(outcome: CaseOutcome) -> str | None:
    return outcome.stated[0] if outcome.stated else None


def _against_references(name: str, metric: TextMetric) -> Callable[[Sequence[CaseOutcome], Items], Metrics]:
    """A metric of whole texts, as an entry of `METRICS`."""

    def measure(outcomes: Sequence[CaseOutcome], items: Items) -> Metrics:
        return {name: metric([*map(_first, outcomes)], [outcome.truth or () for outcome in outcomes])}

    return measure


def _caption_facts(outcomes: Sequence[CaseOutcome], items: Items) -> Metrics:
    """Facts of the captions against labels; only where there are labels."""
    judged = [
        (outcome, caption_facts(_first(outcome) or "", items[outcome.case.product].product))
        for outcome in outcomes
        if outcome.judged
    ]
    if not judged:
        return {}
    stated, untrue = [facts.colours for _, facts in judged], [facts.untrue_colours for _, facts in judged]
    return {
        "true": proportion([outcome.right for outcome, _ in judged]),
        "names the kind": proportion([facts.names_kind for _, facts in judged]),
        # Over colours, as CHAIR counts objects: a caption that states many has more to be wrong about.
        "untrue colours": bootstrap_ratio(untrue, stated, count=sum(stated)),
    }


def _exact(outcomes: Sequence[CaseOutcome], items: Items) -> Metrics:
    labelled = [outcome for outcome in outcomes if outcome.truth]
    return {"exact": share(labelled, lambda o: o.right)} if labelled else {}


def _token_f1(outcomes: Sequence[CaseOutcome], items: Items) -> Metrics:
    labelled = [outcome for outcome in outcomes if outcome.truth]
    if not labelled:
        return {}
    f1 = [metrics.token_f1(_first(outcome) or "", outcome.truth or ()) for outcome in labelled]
    _, owner = np.unique(np.asarray([outcome.case.product for outcome in labelled]), return_inverse=True)
    return {"token F1": bootstrap_ratio(np.bincount(owner, f1), np.bincount(owner), count=len(labelled))}


def _verdict(outcomes: Sequence[CaseOutcome], items: Items) -> Metrics:
    """Of corrections: what becomes of values that are listed wrongly, and of those that are right."""

    def is_wrong(outcome: CaseOutcome) -> bool:
        return outcome.case.truth.verdict == "wrong"

    return {
        "verdict": share(outcomes, lambda o: _first(o) == o.case.truth.verdict),
        "errors found": share(outcomes, lambda o: _first(o) == "wrong", is_wrong),
        "errors mended": share(outcomes, lambda o: o.right, is_wrong),
        "false alarms": share(outcomes, lambda o: _first(o) == "wrong", lambda o: not is_wrong(o)),
    }


METRICS: Mapping[str, Callable[[Sequence[CaseOutcome], Items], Metrics]] = {
    "accuracy": _accuracy,
    "levels": _levels,
    "answered": _answered,
    "value_f1": _value_f1,
    "macro_f1": _macro_f1,
    "calibration": _calibration,
    "verdict": _verdict,
    "cider": _against_references("CIDEr", metrics.cider),
    "rouge_l": _against_references("ROUGE-L", metrics.rouge_l),
    "bleu": _against_references("BLEU", metrics.bleu),
    "caption_facts": _caption_facts,
    "exact": _exact,
    "token_f1": _token_f1,
}
"""By the names that tasks use."""


def refusal_kind(outcome: CaseOutcome) -> str:
    """Why a question can't be answered."""
    if outcome.answerable:
        return "answerable"
    if outcome.case.origin != "product":
        return f"{outcome.case.origin} picture"
    if outcome.case.form == "hidden":
        return "hidden attribute"
    return "unanswerable question" if outcome.task.answer_form == "text" else f"untold: {outcome.field}"


def _refusals(own: Sequence[CaseOutcome], every: Sequence[CaseOutcome]) -> Metrics:
    """Precision, recall and over-refusal, and the share refused of each kind of question."""
    # The right option is always among those of a multiple choice, so that nothing there should be refused.
    asked = [outcome for outcome in own if outcome.case.form != "multiple choice"]
    if all(outcome.answerable for outcome in asked):
        return {}

    def scores(chosen: Sequence[CaseOutcome]) -> Metrics:
        return metrics.refusal_scores(
            [not o.answerable for o in chosen],
            [o.status == "cannot tell" for o in chosen],
            [o.case.product for o in chosen],
        )

    refusals = scores(asked)
    for kind in dict.fromkeys(map(refusal_kind, asked)):
        chosen = [outcome for outcome in asked if refusal_kind(outcome) == kind]
        # Of one kind all or none should be refused, so that one of the two is its share refused.
        refusals[f"refused: {kind}"] = scores(chosen)["over-refusal" if chosen[0].answerable else "recall"]
    return refusals


def _hallucination(own: Sequence[CaseOutcome], every: Sequence[CaseOutcome]) -> Metrics:
    """Values that aren't true among all that were stated; and how often one is stated where none can be inferred."""
    asked = [outcome for outcome in own if outcome.case.form != "multiple choice"]
    unanswerable = [outcome for outcome in asked if not outcome.answerable]
    scores = {"untrue values": share(asked, lambda o: not o.right, _gives_value)}
    return scores | ({"values where none can be told": share(unanswerable, _gives_value)} if unanswerable else {})


def _format(own: Sequence[CaseOutcome], every: Sequence[CaseOutcome]) -> Metrics:
    """The share of valid answers, leniently and strictly parsed, and the share of errors."""
    # To an open question any text is a valid answer. Once a case: the fields of a record share one text.
    formed = {o.case.id: o for o in every if o.case.question.choices is not None or "format" in o.task.metrics}
    cases = {outcome.case.id: outcome for outcome in every}
    return {
        "valid": share(formed.values(), lambda o: o.status not in ("invalid", "error")),
        "valid, strict": share(formed.values(), lambda o: o.strict),
        "errors": share(cases.values(), lambda o: o.status == "error"),
    }


POOLED: Mapping[str, Callable[[Sequence[CaseOutcome], Sequence[CaseOutcome]], Metrics]] = {
    "refusals": _refusals,
    "hallucination": _hallucination,
    "format": _format,
}
"""Over the outcomes of all tasks that name them; all outcomes come second."""
