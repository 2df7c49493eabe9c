"""Answers read twice: as they were asked for, and as a person would take them."""

from __future__ import annotations

import pytest
from pumgpt.bench.asking.case import Case, Truth
from pumgpt.bench.judging.answers import find_option, is_refusal, read_answer

from pumgpt.backends.protocol import CANNOT_TELL, Answer
from pumgpt.catalog.question import Choices, Question

COLOURS = Choices(("Blue", "Navy Blue", "Red"))
PATHS = Choices(("Apparel > Topwear > Shirts", "Apparel > Topwear > Tshirts", "Accessories > Watches > Watches"))


def case_of(question: Question) -> Case:
    return Case("1", "1", "product", "image only", "plain", question, Truth({question.field or question.task: ("x",)}))


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
def test_an_answer_is_read(case: Case, text: str, status: str, value: object, strict: bool) -> None:
    reading = read_answer(case, Answer(text))
    assert (reading.status, reading.parsed.value, reading.strict) == (status, value, strict)


def test_what_the_model_wrote_counts_and_not_what_its_backend_made_of_it() -> None:
    reading = read_answer(COLOUR, Answer("Blue", written="Blue, surely"))
    assert (reading.status, reading.strict) == ("value", False)


def test_a_reply_of_another_form_is_invalid_and_no_reply_is_an_error() -> None:
    garbled = Answer("", error="none of the choices", written="}{")
    assert read_answer(COLOUR, garbled).status == "invalid"
    assert read_answer(COLOUR, Answer("", error="timed out")).status == "error"


def test_a_title_that_is_repeated_does_not_answer() -> None:
    """Otherwise an echo of the listing would name the colour."""
    assert read_answer(COLOUR, Answer("Title: Acme Blue Shirt"), "Title: Acme Blue Shirt").status == "invalid"


def test_options_in_running_text() -> None:
    assert find_option("surely Navy-Blue!", COLOURS) == "Navy Blue"
    assert find_option("neither", COLOURS) is None
    twins = Choices(("A > Bags", "B > Bags"))
    assert find_option("Bags", twins) is None, "two paths end so"
    assert find_option("b > bags", twins) == "B > Bags"


@pytest.mark.parametrize("text", ["It can't be inferred.", "cannot tell", "Not visible in the photo", "unknown"])
def test_refusals_in_other_words(text: str) -> None:
    assert is_refusal(text)
    assert not is_refusal("a visible logo, known brand")
