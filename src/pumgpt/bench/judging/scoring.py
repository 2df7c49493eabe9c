"""From outcomes to scores, for one model under one condition.

Accuracy and its like are over answerable questions about products; what can't be told is scored under `refusals`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from pumgpt.bench.judging.facts import caption_facts
from pumgpt.bench.judging.fields import Scores
from pumgpt.bench.judging.outcomes import Outcome, plain
from pumgpt.bench.judging.refusals import Refusal, score_refusals
from pumgpt.bench.stats import metrics, text_metrics
from pumgpt.bench.stats.calibration import (
    area_under_risk_coverage,
    brier_score,
    expected_calibration_error,
    risk_coverage,
)
from pumgpt.bench.stats.intervals import Measured, bootstrap_ratio, proportion
from pumgpt.bench.suites.items import Item
from pumgpt.catalog.product import Product

Metrics = dict[str, Measured]
Test = Callable[[Outcome], bool]

REFUSED_TASKS = ("category", "attribute_qa", "question")


def score(outcomes: Sequence[Outcome], items: dict[str, Item]) -> Scores:
    """Every score, under the slot of its cases: a task, a task as multiple choice, 'attribute_qa: colour', 'refusals', ..."""
    scores: Scores = {}
    slots = dict.fromkeys(outcome.case.slot for outcome in outcomes)
    for slot in slots:
        own = [o for o in outcomes if o.case.slot == slot and o.case.origin == "product" and o.case.form != "hidden"]
        if own:
            scores[slot] = _SCORERS.get(slot.split(",")[0], _score_closed)(own, items)
        if slot == "attribute_qa":
            for field in dict.fromkeys(outcome.field for outcome in own if outcome.answerable):
                named = [outcome for outcome in own if outcome.field == field]
                scores[f"{slot}: {field}"] = _score_closed(named, items)
    scores["refusals"] = _score_refusals(outcomes)
    scores["hallucination"] = _score_hallucination(outcomes)
    scores["format"] = _score_format(outcomes)
    return {slot: given for slot, given in scores.items() if given}


def share(outcomes: Iterable[Outcome], hit: Test, of: Test = lambda outcome: True) -> Measured:
    """The share of the outcomes that `hit` among those that `of` picks; a product's outcomes stay together."""
    picked = [outcome for outcome in outcomes if of(outcome)]
    products = [outcome.case.product for outcome in picked]
    hits = [hit(outcome) for outcome in picked]
    if len(set(products)) == len(products):
        return proportion(hits)
    _, owner = np.unique(np.asarray(products), return_inverse=True)
    return bootstrap_ratio(np.bincount(owner, hits), np.bincount(owner), count=len(picked))


def _score_closed(outcomes: Sequence[Outcome], items: dict[str, Item]) -> Metrics:
    """Attributes, one by one or as a record."""
    return {
        **_accuracy(outcomes),
        **_value_scores(outcomes),
        **_macro(outcomes),
        **_calibration(outcomes),
    }


def _score_category(outcomes: Sequence[Outcome], items: dict[str, Item]) -> Metrics:
    told = [outcome for outcome in outcomes if outcome.truth is not None]
    if not told:
        return {}
    truths = [plain(outcome.truth or ()) for outcome in told]
    said = [None if outcome.said is None else plain(outcome.said) for outcome in told]
    depth = max(map(len, truths))
    levels = {f"level {level}": metrics.level_accuracy(truths, said, level) for level in range(1, depth)}
    shared = {"hierarchical F1": metrics.hierarchical_f1(truths, said)} if depth > 1 else {}
    answered = {"answered": share(told, _gives_value)}
    return {**_accuracy(told), **levels, **shared, **answered, **_macro(told), **_calibration(told)}


def _accuracy(outcomes: Sequence[Outcome]) -> Metrics:
    if not any(outcome.answerable for outcome in outcomes):
        return {}
    return {
        "accuracy": share(outcomes, lambda o: o.right, _is_answerable),
        "accuracy, strict": share(outcomes, lambda o: o.right_strictly, _is_answerable),
    }


def _value_scores(outcomes: Sequence[Outcome]) -> Metrics:
    """Precision, recall and F1 over values as ExtractGPT (arXiv 2310.12537) and OpenTag count them.

    Precision: of the values said, how many are right. Recall: of the values that can be told, how many were said
    rightly. A value said where none can be told costs precision; a refusal there is not counted.
    """
    right = [float(outcome.right and outcome.answerable and _gives_value(outcome)) for outcome in outcomes]
    said = [float(_gives_value(outcome)) for outcome in outcomes]
    told = [float(outcome.answerable) for outcome in outcomes]
    _, owner = np.unique(np.asarray([outcome.case.product for outcome in outcomes]), return_inverse=True)
    right_P, said_P, told_P = (np.bincount(owner, numbers) for numbers in (right, said, told))
    return {
        "precision": bootstrap_ratio(right_P, said_P, count=int(said_P.sum())),
        "recall": bootstrap_ratio(right_P, told_P, count=int(told_P.sum())),
        "F1": bootstrap_ratio(2 * right_P, said_P + told_P, count=len(outcomes)),
    }


def _macro(outcomes: Sequence[Outcome]) -> Metrics:
    """Only within one field: values of different fields are not classes of one kind."""
    told = [outcome for outcome in outcomes if outcome.truth]
    if len({outcome.field for outcome in told}) != 1:
        return {}
    truths = [" > ".join(plain(outcome.truth or ())) for outcome in told]
    said = [_label(outcome, truth) for outcome, truth in zip(told, truths, strict=True)]
    return {"macro-F1": metrics.macro_f1(truths, said)}


def _label(outcome: Outcome, truth: str) -> str | None:
    return truth if outcome.right else None if outcome.said is None else " > ".join(plain(outcome.said))


def _calibration(outcomes: Sequence[Outcome]) -> Metrics:
    """Over the answers that carry a confidence, also those to what can't be told: they are all wrong."""
    sure = [(outcome.confidence, outcome.right) for outcome in outcomes if outcome.confidence is not None]
    if not sure:
        return {}
    confidences, right = [c for c, _ in sure if c is not None], [r for _, r in sure]
    area = area_under_risk_coverage(risk_coverage(confidences, right))
    return {
        "ECE": expected_calibration_error(confidences, right),
        "Brier": brier_score(confidences, right),
        "AURC": Measured(area, float("nan"), float("nan"), len(sure)),
    }


def _score_caption(outcomes: Sequence[Outcome], items: dict[str, Item]) -> Metrics:
    said = [outcome.said[0] if outcome.said else None for outcome in outcomes]
    references = [outcome.truth or () for outcome in outcomes]
    return {
        "CIDEr": text_metrics.cider(said, references),
        "ROUGE-L": text_metrics.rouge_l(said, references),
        "BLEU": text_metrics.bleu(said, references),
        "answered": proportion([text is not None for text in said]),
        **_caption_truth(outcomes, [items[outcome.case.product].product for outcome in outcomes]),
    }


def _caption_truth(outcomes: Sequence[Outcome], products: Sequence[Product]) -> Metrics:
    """Facts of the captions against labels; only where there are labels."""
    told = [
        (outcome, caption_facts(outcome.said[0] if outcome.said else "", product))
        for outcome, product in zip(outcomes, products, strict=True)
        if product.category
    ]
    if not told:
        return {}
    stated, untrue = [facts.colours for _, facts in told], [facts.untrue_colours for _, facts in told]
    return {
        "true": proportion([outcome.right for outcome, _ in told]),
        "names the kind": proportion([facts.names_kind for _, facts in told]),
        "untrue colours": bootstrap_ratio(untrue, stated, count=sum(stated)),
    }


def _score_text(outcomes: Sequence[Outcome], items: dict[str, Item]) -> Metrics:
    told = [outcome for outcome in outcomes if outcome.truth]
    if not told:
        return {}
    f1 = [text_metrics.token_f1(outcome.said[0] if outcome.said else "", outcome.truth or ()) for outcome in told]
    _, owner = np.unique(np.asarray([outcome.case.product for outcome in told]), return_inverse=True)
    return {
        "exact": share(told, lambda o: o.right),
        "token F1": bootstrap_ratio(np.bincount(owner, f1), np.bincount(owner), count=len(told)),
    }


def _score_completion(outcomes: Sequence[Outcome], items: dict[str, Item]) -> Metrics:
    said = [outcome.said[0] if outcome.said else None for outcome in outcomes]
    rouge = text_metrics.rouge_l(said, [outcome.truth or () for outcome in outcomes])
    return {**_score_text(outcomes, items), "ROUGE-L": rouge}


def _score_correction(outcomes: Sequence[Outcome], items: dict[str, Item]) -> Metrics:
    def verdict(outcome: Outcome) -> str | None:
        return outcome.said[0] if outcome.said else None

    def is_wrong(outcome: Outcome) -> bool:
        return outcome.case.truth.verdict == "wrong"

    return {
        **_accuracy(outcomes),
        "verdict": share(outcomes, lambda o: verdict(o) == o.case.truth.verdict),
        "errors found": share(outcomes, lambda o: verdict(o) == "wrong", is_wrong),
        "errors mended": share(outcomes, lambda o: o.right, is_wrong),
        "false alarms": share(outcomes, lambda o: verdict(o) == "wrong", lambda o: not is_wrong(o)),
        **_calibration(outcomes),
    }


def refusal_kind(outcome: Outcome) -> str:
    """Why a question can't be answered."""
    if outcome.answerable:
        return "answerable"
    if outcome.case.origin != "product":
        return f"{outcome.case.origin} picture"
    if outcome.case.form == "hidden":
        return "hidden attribute"
    return "unanswerable question" if outcome.case.task == "question" else f"untold: {outcome.field}"


def _score_refusals(outcomes: Sequence[Outcome]) -> Metrics:
    """Precision and recall of saying that it can't be told, and the share refused of each kind of question."""
    asked = [o for o in outcomes if o.case.task in REFUSED_TASKS and o.case.form != "multiple choice"]
    if not any(not outcome.answerable for outcome in asked):
        return {}
    told = [Refusal(o.case.product, refusal_kind(o), not o.answerable, o.status == "cannot tell") for o in asked]
    scores = score_refusals(told)
    kinds = {f"refused: {kind}": given["refused"] for kind, given in scores.items() if kind != "refusals"}
    return {**scores["refusals"], **kinds}


def _score_hallucination(outcomes: Sequence[Outcome]) -> Metrics:
    """Values that aren't true among all that were said; and how often a value is said where none can be told."""
    asked = [o for o in outcomes if o.case.task in (*REFUSED_TASKS, "attributes") and o.case.form != "multiple choice"]
    untold = [outcome for outcome in asked if not outcome.answerable]
    scores = {"untrue values": share(asked, lambda o: not o.right, _gives_value)}
    return scores | ({"values where none can be told": share(untold, _gives_value)} if untold else {})


def _score_format(outcomes: Sequence[Outcome]) -> Metrics:
    """Validity is asked where a form is: of closed questions and of records. To an open question any text is an answer."""
    cases = list({outcome.case.id: outcome for outcome in outcomes}.values())
    formed = [o for o in cases if o.case.question.choices is not None or o.case.task == "attributes"]
    return {
        "valid": share(formed, lambda o: o.status not in ("invalid", "error")),
        "valid, strict": share(formed, lambda o: o.strict),
        "errors": share(cases, lambda o: o.status == "error"),
    }


def _is_answerable(outcome: Outcome) -> bool:
    return outcome.answerable


def _gives_value(outcome: Outcome) -> bool:
    return outcome.status == "value"


_SCORERS: dict[str, Callable[[Sequence[Outcome], dict[str, Item]], Metrics]] = {
    "category": _score_category,
    "caption": _score_caption,
    "question": _score_text,
    "caption_completion": _score_completion,
    "attribute_correction": _score_correction,
}
