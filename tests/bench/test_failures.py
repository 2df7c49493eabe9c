"""Every rule that sorts wrong answers, and the slices that are worst."""

from __future__ import annotations

import pytest

from pumgpt.backends.protocol import CANNOT_TELL, Answer
from pumgpt.bench.asking.cases import BenchCase
from pumgpt.bench.judging.failures import KINDS, classify, confusions, count_kinds, find_failures, worst_slices
from pumgpt.bench.judging.label_noise import LabelNoise
from pumgpt.bench.judging.outcomes import CaseOutcome, judge
from pumgpt.bench.suites.items import Item
from pumgpt.bench.suites.suite import IMAGE_ONLY, WITH_TITLE, Condition
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices, Question
from pumgpt.tasks.answers import Verdict
from pumgpt.tasks.evaluation import Truth, Values

PATH = ("Apparel", "Topwear", "Shirts")
PATHS = Choices(tuple(f"Apparel > {end}" for end in ("Topwear > Shirts", "Topwear > Tops", "Bottomwear > Jeans")))
COLOURS = Choices(("Blue", "Red", "Green"))
SHIRT = Item(Product("1", title="Acme Red Shirt", category=PATH, attributes={"colour": "Blue"}), photo_hash="a")
TWIN = Item(Product("2", title="Acme Shirt", category=PATH, attributes={"colour": "Green"}), photo_hash="a")
NOISE = LabelNoise((SHIRT, TWIN), (), ("colour",))
PLAIN = LabelNoise(())


def outcome_of(
    question: Question,
    said: str | Answer,
    told: Values | None,
    item: Item = SHIRT,
    condition: Condition = IMAGE_ONLY,
    listed: str | None = None,
    verdict: Verdict | None = None,
    field: str | None = None,
) -> CaseOutcome:
    truth = Truth({field or question.field or question.task: told}, listed, verdict)
    case = BenchCase(
        f"{item.product.id}/{question.text}", item.product.id, "product", condition, "plain", question, truth
    )
    (outcome,) = judge(case, Answer(said) if isinstance(said, str) else said, item)
    return outcome


COLOUR = Question("attribute_qa", "What is the colour?", "colour", COLOURS)
KIND = Question("category", "Which category?", "category", PATHS)
RECORD = Question("attributes", "List gender, colour.", "gender; colour")
CAPTION = Question("caption", "Describe the product.")
CHECK = Question(
    "attribute_correction", "Listed colour: Green. Right?", "colour", Choices(("right", "wrong, it is Blue"))
)


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (outcome_of(COLOUR, Answer("", error="timed out"), ("Blue",)), "no answer"),
        (outcome_of(COLOUR, "chartreuse", ("Blue",)), "format"),
        (outcome_of(COLOUR, CANNOT_TELL, ("Blue",)), "over-refusal"),
        (outcome_of(RECORD, "gender: Men", ("Blue",), field="colour"), "omission"),
        (outcome_of(COLOUR, "Blue", None), "hallucinated value"),
        (outcome_of(COLOUR, "Green", ("Blue",), TWIN), "hallucinated value"),
        (outcome_of(COLOUR, "Red", ("Blue",)), "label in doubt"),
        (outcome_of(KIND, "Apparel > Topwear > Tops", PATH), "near category"),
        (outcome_of(KIND, "Apparel > Bottomwear > Jeans", PATH), "wrong branch"),
        (outcome_of(CAPTION, "a nice thing", ("Acme Red Shirt",)), "omission"),
        (outcome_of(CAPTION, "a green shirt", ("Acme Red Shirt",)), "hallucinated value"),
        (outcome_of(CHECK, "right", ("Blue",), listed="Green", verdict="wrong"), "omission"),
        (outcome_of(CHECK, "wrong, it is Blue", ("Green",), listed="Green", verdict="right"), "hallucinated value"),
    ],
)
def test_a_wrong_answer_is_of_the_first_kind_that_fits(outcome: CaseOutcome, kind: str) -> None:
    assert not outcome.right
    assert classify(outcome, SHIRT if outcome.case.product == "1" else TWIN, PLAIN) == kind
    assert kind in KINDS


def test_a_label_is_in_doubt_where_the_same_photo_is_labelled_so_and_no_title_tells() -> None:
    assert classify(outcome_of(COLOUR, "Green", ("Blue",)), SHIRT, NOISE) == "label in doubt"
    titled = outcome_of(COLOUR, "Green", ("Blue",), condition=WITH_TITLE)
    assert classify(titled, SHIRT, NOISE) == "hallucinated value"


def test_what_is_right_or_has_no_one_right_answer_is_no_failure() -> None:
    finish = outcome_of(Question("caption_completion", "Finish this title: Acme"), "Blue Shirt", ("Red Shirt",))
    found = find_failures(
        [outcome_of(COLOUR, "Blue", ("Blue",)), finish, outcome_of(COLOUR, "Pink", ("Blue",))], {"1": SHIRT}, PLAIN
    )
    assert count_kinds(found) == {"format": 1}


def test_mix_ups_are_counted_from_two_on() -> None:
    wrong = [
        outcome_of(COLOUR, "Green", ("Blue",)),
        outcome_of(COLOUR, "Green", ("Blue",)),
        outcome_of(COLOUR, "Blue", ("Green",)),
    ]
    assert confusions(find_failures(wrong, {"1": SHIRT}, PLAIN)) == [("colour", "Blue", "Green", 2)]


def test_the_worst_slices_are_those_that_are_surely_worse_than_the_whole() -> None:
    """20 jeans all wrong, 40 shirts all right, 3 watches all wrong: three are too few to be sure of."""
    items, outcomes = {}, []
    for number in range(63):
        kind, right = ("Jeans", False) if number < 20 else ("Shirts", True) if number < 60 else ("Watches", False)
        items[str(number)] = Item(Product(str(number), category=("Shop", kind), attributes={"colour": "Blue"}))
        outcomes.append(outcome_of(COLOUR, "Blue" if right else "Red", ("Blue",), items[str(number)]))
    found = worst_slices(outcomes, items)
    assert [(part.by, part.name, part.right.value) for part in found] == [("category", "Shop > Jeans", 0.0)]
