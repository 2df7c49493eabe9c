"""Answers parsed strictly, as they were asked for, and leniently, as a person would take them."""

from __future__ import annotations

import pytest

from pumgpt.backends.protocol import CANNOT_TELL, Answer
from pumgpt.bench.asking.cases import BenchCase
from pumgpt.bench.judging.outcomes import CaseOutcome, judge
from pumgpt.bench.suites.items import Item
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices, Question
from pumgpt.tasks.answers import contains_refusal, find_choice, is_refusal
from pumgpt.tasks.evaluation import Truth
from pumgpt.tasks.registry import get_task

COLOURS = Choices(("Blue", "Navy Blue", "Red"))
PATHS = Choices(("Apparel > Topwear > Shirts", "Apparel > Topwear > Tshirts", "Accessories > Watches > Watches"))


def case_of(question: Question) -> BenchCase:
    return BenchCase(
        "1", "1", "product", "image only", "plain", question, Truth({question.field or question.task: ("x",)})
    )


COLOUR = case_of(Question("attribute_qa", "What is the colour?", "colour", COLOURS))
CATEGORY = case_of(Question("category", "Which category?", "category", PATHS))
RECORD = case_of(Question("attributes", "List gender, colour.", "gender; colour"))
FREE = case_of(Question("question", "What is this?"))
CHECK = case_of(
    Question("attribute_correction", "Listed colour: Red. Right?", "colour", Choices(("right", "wrong, it is Blue")))
)


@pytest.mark.parametrize(
    ("case", "text", "status", "value", "strict"),
    [
        (COLOUR, "Blue", "value", "Blue", True),
        (COLOUR, " blue.", "value", "Blue", False),
        (COLOUR, "The colour is navy blue, I think.", "value", "Navy Blue", False),
        (COLOUR, "<think>Red? No.</think>Blue", "value", "Blue", False),
        (COLOUR, "Blue or red", "invalid", None, False),
        (COLOUR, "Pink", "invalid", None, False),
        (COLOUR, "", "invalid", None, False),
        (COLOUR, CANNOT_TELL, "cannot tell", None, True),
        (COLOUR, "The colour cannot be determined from this photo.", "cannot tell", None, False),
        (COLOUR, "N/A", "cannot tell", None, False),
        (COLOUR, "What is the colour?", "invalid", None, False),
        (COLOUR, "What is the colour? Answer: Red", "value", "Red", False),
        (CATEGORY, "Apparel > Topwear > Shirts", "value", ("Apparel", "Topwear", "Shirts"), True),
        (CATEGORY, "It is one of the Tshirts", "value", ("Apparel", "Topwear", "Tshirts"), False),
        (CATEGORY, "Apparel", "invalid", None, False),
        (RECORD, "gender: Men; colour: Blue", "value", {"gender": "Men", "colour": "Blue"}, True),
        (RECORD, "Colour: Blue\nGender: Men", "value", {"gender": "Men", "colour": "Blue"}, False),
        (RECORD, "colour: cannot be inferred; gender: Men", "value", {"gender": "Men", "colour": None}, False),
        (RECORD, '{"colour"}', "invalid", None, False),
        (CHECK, "right", "value", None, True),
        (CHECK, "Wrong, it's blue", "value", "blue", False),
        (FREE, "a shirt", "value", "a shirt", True),
        (CHECK, "No. It is Blue.", "value", "Blue", False),
        (FREE, "I am unable to tell.", "cannot tell", None, False),
        (FREE, CANNOT_TELL, "cannot tell", None, True),
    ],
)
def test_a_reply_is_parsed(case: BenchCase, text: str, status: str, value: object, strict: bool) -> None:
    parsed = get_task(case.task).parse_reply(text, case.question)
    assert (parsed.status, parsed.value, parsed.strict) == (status, value, strict)


def outcome(answer: Answer, listing: str | None = None) -> CaseOutcome:
    (found,) = judge(COLOUR, answer, Item(Product("1")), listing)
    return found


def test_what_the_model_wrote_counts_and_not_what_its_backend_made_of_it() -> None:
    found = outcome(Answer("Blue", written="Blue, surely"))
    assert (found.status, found.stated, found.strict) == ("value", ("Blue",), False)


def test_a_reply_of_another_form_is_invalid_and_no_reply_is_an_error() -> None:
    garbled = Answer("", error="none of the choices", written="}{")
    assert outcome(garbled).status == "invalid"
    assert outcome(Answer("", error="timed out")).status == "error"


def test_a_title_that_is_repeated_does_not_answer() -> None:
    """Otherwise an echo of the listing would name the colour."""
    assert outcome(Answer("Title: Acme Blue Shirt"), "Title: Acme Blue Shirt").status == "invalid"


def test_options_in_running_text() -> None:
    assert find_choice("surely Navy-Blue!", COLOURS) == "Navy Blue"
    assert find_choice("neither", COLOURS) is None
    twins = Choices(("A > Bags", "B > Bags"))
    assert find_choice("Bags", twins, leaves=True) is None, "two paths end so"
    assert find_choice("b > bags", twins, leaves=True) == "B > Bags"
    assert find_choice("a shirt", PATHS) is None


@pytest.mark.parametrize("text", ["It can't be inferred.", "cannot tell", "Not visible in the photo", "unknown"])
def test_refusals_in_other_words(text: str) -> None:
    assert contains_refusal(text)
    assert not contains_refusal("a visible logo, known brand")


@pytest.mark.parametrize("text", ["I can’t tell.", "cannot be told", "N/A", "Unknown", "not stated"])
def test_texts_that_are_refusals_as_a_whole(text: str) -> None:
    assert is_refusal(text) and contains_refusal(text)


@pytest.mark.parametrize("text", ["a visible logo, known brand", "Not shown: Blue", "none", "Blue"])
def test_texts_that_name_a_value_are_none(text: str) -> None:
    assert not is_refusal(text)


def test_a_refusal_somewhere_counts_in_a_free_reply_alone() -> None:
    text = "A shirt whose maker is not stated"
    assert contains_refusal(text) and not is_refusal(text)
    assert contains_refusal("None.")


def test_a_choice_that_sounds_like_a_refusal_is_a_choice() -> None:
    collars = Choices(("Unknown", "N/A", "Round"))
    asked = Question("attribute_qa", "Which collar?", "collar", collars)
    assert [get_task("attribute_qa").parse(value, asked).value for value in collars.values] == [*collars.values]
    assert get_task("attribute_qa").parse("unknown", asked).status == "cannot tell"
