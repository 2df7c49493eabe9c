"""Scores of simple models on a small shop, each worked out by hand or by a reference implementation."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from sklearn.metrics import f1_score, precision_recall_fscore_support
from small_suites import babbler, bench, constant, echo, load, oracle, refuser, write_shop

from pumgpt.backends.protocol import CANNOT_TELL, Answer
from pumgpt.bench.asking.cases import BenchCase
from pumgpt.bench.baselines.backends import Majority
from pumgpt.bench.benchmark import BenchResult
from pumgpt.bench.judging.outcomes import CaseOutcome, judge
from pumgpt.bench.judging.scoring import Scores, score
from pumgpt.bench.suites.items import Item
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices, Question
from pumgpt.errors import UsageError
from pumgpt.tasks.attribute_qa import AttributeQATask
from pumgpt.tasks.evaluation import Truth, values_are_true

COLOURS = Choices(("Blue", "Green", "Red"))


def outcomes_of(triples: list[tuple[str | None, str]]) -> tuple[list[CaseOutcome], dict[str, Item]]:
    """Answers to 'which colour?' of one product each: what is true (None: can't be told), what was said."""
    items, outcomes = {}, []
    for number, (true, said) in enumerate(triples):
        item = Item(Product(str(number)))
        items[item.product.id] = item
        question = Question("attribute_qa", "What is the colour?", "colour", COLOURS)
        truth = Truth({"colour": None if true is None else (true,)})
        case = BenchCase(f"{number}/qa", str(number), "product", "image only", "plain", question, truth)
        outcomes.extend(judge(case, Answer(said), item))
    return outcomes, items


def test_precision_recall_and_f1_of_values_worked_by_hand() -> None:
    """Five values are true and two can't be told. Said: two right, two wrong, one where none can be told; one refused.

    Precision 2 / 5, recall 2 / 5, F1 = 2 * 2 / (5 + 5); a refusal where nothing can be told costs nothing.
    """
    outcomes, items = outcomes_of(
        [
            ("Blue", "Blue"),
            ("Red", "red"),
            ("Red", "Blue"),
            ("Green", "Blue"),
            ("Green", CANNOT_TELL),
            (None, "Blue"),
            (None, CANNOT_TELL),
        ]
    )
    scores = score(outcomes, items)["attribute_qa"]
    found = {name: (scores[name].value, scores[name].count) for name in ("precision", "recall", "F1", "accuracy")}
    assert found == {"precision": (0.4, 5), "recall": (0.4, 5), "F1": (0.4, 7), "accuracy": (0.4, 5)}
    assert scores["accuracy, strict"].value == pytest.approx(0.2), "'red' is not as the schema writes it"


def test_f1_of_values_is_scikit_learns_micro_average() -> None:
    true = ["Blue", "Red", "Green", "Red", "Blue", "Green", "Red", "Red"]
    said = ["Blue", "Red", "Red", CANNOT_TELL, "Green", "Green", CANNOT_TELL, "Red"]
    scores = score(*outcomes_of(list(zip(true, said, strict=True))))["attribute_qa"]
    labels = list(COLOURS.values)
    precision, recall, f1, _ = precision_recall_fscore_support(true, said, labels=labels, average="micro")
    assert [scores[name].value for name in ("precision", "recall", "F1")] == pytest.approx([precision, recall, f1])
    assert scores["macro-F1"].value == pytest.approx(f1_score(true, said, labels=labels, average="macro"))


def test_refusals_and_made_up_values_worked_by_hand() -> None:
    """Refused: one of two that can't be told, and one of three that can."""
    triples = [("Blue", "Blue"), ("Red", CANNOT_TELL), ("Red", "Green"), (None, CANNOT_TELL), (None, "Red")]
    scores = score(*outcomes_of(triples))
    refusals, made_up = scores["refusals"], scores["hallucination"]
    assert [refusals[name].value for name in ("precision", "recall", "over-refusal")] == pytest.approx(
        [0.5, 0.5, 1 / 3]
    )
    assert made_up["values where none can be told"].value == 0.5
    assert made_up["untrue values"].value == pytest.approx(2 / 3)


def test_several_true_values_allow_any_of_them_and_no_other() -> None:
    assert values_are_true(("red",), ("Red", "Blue"))
    assert values_are_true(("Blue, red",), ("Red", "Blue"))
    assert not values_are_true(("Red, Green",), ("Red", "Blue"))
    assert values_are_true(("Cotton, 60 %",), ("cotton, 60 %",))
    assert not values_are_true((), ("Red",))


def test_confidences_are_calibrated_by_field_and_by_what_was_read() -> None:
    asked: list[tuple[str, bool]] = []

    def calibrate(field: str, raw: float, listed: bool) -> float:
        asked.append((field, listed))
        return raw / 2

    question = Question("attribute_qa", "What is the colour?", "colour", COLOURS)
    case = BenchCase("1", "1", "product", "with title", "plain", question, Truth({"colour": ("Blue",)}))
    (outcome,) = judge(case, Answer("Blue", 0.8, 0.5), Item(Product("1")), "Title: x", calibrate)
    assert asked == [("attribute:colour", True)]
    assert outcome.confidence == pytest.approx(0.2)
    (refused,) = judge(case, Answer(CANNOT_TELL, 0.8, 0.9), Item(Product("1")), None, calibrate)
    assert refused.confidence is None


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("shop"))


ANSWERS = ("Blue", "Men", "Apparel > Topwear > Shirts", "colour: Blue; gender: Men", "right", "yes", "Acme Blue Shirt")


@pytest.fixture(scope="module")
def simple(shop: Path) -> BenchResult:
    suite, data, cases = load(shop)
    return bench(shop, oracle(suite, data), Majority(cases), echo(), refuser(), babbler(), *map(constant, ANSWERS))


def cells(result: BenchResult, model: str, metric: str) -> dict[str, float]:
    """Condition and slot -> value."""
    return {
        f"{condition} {slot}": given[metric].value
        for condition, columns in result.scores.items()
        for slot, given in columns[model].items()
        if metric in given
    }


def test_who_knows_everything_has_full_scores(simple: BenchResult) -> None:
    for metric in (
        "accuracy",
        "accuracy, strict",
        "exact",
        "recall",
        "precision",
        "valid",
        "valid, strict",
        "F1",
        "true",
    ):
        values = cells(simple, "oracle", metric)
        assert values and all(value == 1.0 for value in values.values()), metric
    for metric in ("untrue values", "values where none can be told", "over-refusal", "errors"):
        values = cells(simple, "oracle", metric)
        assert values and all(value == 0.0 for value in values.values()), metric


@pytest.mark.parametrize("text", ANSWERS)
@pytest.mark.parametrize("metric", ["accuracy", "exact"])
def test_a_constant_answer_is_never_above_the_majority(simple: BenchResult, text: str, metric: str) -> None:
    best = cells(simple, "majority", metric)
    for slot, value in cells(simple, f"always '{text}'", metric).items():
        assert value <= best[slot], slot


def test_refusing_everything_has_no_recall_on_what_can_be_answered(simple: BenchResult) -> None:
    assert set(cells(simple, "refuser", "accuracy").values()) == {0.0}
    scores: Scores = simple.scores["image only"]["refuser"]
    assert scores["attribute_qa"]["recall"].value == 0.0
    assert scores["attribute_qa"]["F1"].value == 0.0
    assert (scores["refusals"]["recall"].value, scores["refusals"]["over-refusal"].value) == (1.0, 1.0)
    assert math.isnan(scores["hallucination"]["untrue values"].value)


def test_a_wrong_format_has_no_validity(simple: BenchResult) -> None:
    assert set(cells(simple, "babbler", "valid").values()) == {0.0}
    model = next(model for model in simple.models if model.name == "babbler")
    assert not any(outcome.right for outcome in model.outcomes)
    formed = [failure for failure in simple.failures["babbler"] if failure.outcome.case.question.choices]
    assert formed and {failure.kind for failure in formed} == {"format"}


def test_an_echo_knows_nothing(simple: BenchResult) -> None:
    """Nor does the title that it repeats answer for it."""
    assert set(cells(simple, "echo", "accuracy").values()) == {0.0}
    assert set(cells(simple, "echo", "exact").values()) == {0.0}


def test_a_metric_that_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AttributeQATask, "metrics", ("accuracy", "f2"))
    with pytest.raises(UsageError, match=r"task 'attribute_qa': unknown metric 'f2'; known are accuracy, levels"):
        score(*outcomes_of([("Blue", "Blue")]))
