"""Answers to a user's own questions: those of the record's fields, print, or none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from pumgpt.backends.calibration import Calibration
from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import Answer, Backend, Capabilities, Question, Request
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL
from pumgpt.catalog.understanding import AnswerField, Understanding
from pumgpt.catalog.vocabulary.applicability import Applicability
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.ocr.reader import Line, PrintReader
from pumgpt.tasks.intents import Intent
from pumgpt.understand.ask import understand_one
from pumgpt.understand.fields.answer import BOTH, choice_of_sides
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.intake import Intake
from pumgpt.understand.plan import make_plan

PHOTO = Image.new("RGB", (8, 8), "navy")
COLOURS = {"Navy Blue": 0.6, "Blue": 0.31, "Red": 0.05}
GENDERS = {"Unisex": 0.93, "Men": 0.04, "Women": 0.02}
CATEGORIES = {"Footwear > Shoes": 0.95, "Apparel > Shirts": 0.02, "Accessories > Belts": 0.01}


class Specialist(Backend):
    """Answers from fixed shares, and makes up a brand for whoever asks in free words, as a small model does."""

    name, revision = "specialist", "1"

    def __init__(self) -> None:

        self.shares: dict[str | None, dict[str, float]] = {"colour": COLOURS, "gender": GENDERS}
        self.shares["category"] = CATEGORIES
        specs = [AttributeSpec(str(name), tuple(values)) for name, values in self.shares.items() if name != "category"]
        self.capabilities = Capabilities(
            taxonomy=Taxonomy.of([tuple(path.split(" > ")) for path in CATEGORIES]),
            schema=AttributeSchema(tuple(specs)),
            calibration=Calibration(),
        )
        self.asked: list[Question] = []

    def answer(self, requests: Any, *, evidence: bool = False) -> list[list[Answer]]:
        self.asked = [question for request in requests for question in request.questions]
        return [[self._answer(question) for question in request.questions] for request in requests]

    def _answer(self, question: Question) -> Answer:
        shares = self.shares.get(question.field)
        if shares is None:
            return Answer("Black Tshirts", 0.99)
        ranked = tuple(sorted(shares.items(), key=lambda pair: -pair[1]))
        return Answer(ranked[0][0], ranked[0][1], 1 - sum(shares.values()), ranked)


def ask(
    *questions: str, backend: Backend | None = None, product: Product | None = None, **changes: Any
) -> tuple[list[AnswerField], Understanding]:
    backend = backend or Specialist()
    plan = make_plan(backend, questions=questions, **changes)
    record = understand_one(backend, plan, Intake(product or Product("1"), (PHOTO,)))
    return record.answers or [], record


def test_one_product_has_one_colour_whatever_it_is_called() -> None:
    answers, record = ask("What colour is it?", "color?", "Which colour is the item", precision=0.55)
    assert record.attributes is not None
    field = next(one for one in record.attributes if one.name == "colour")
    assert field.value == "Navy Blue"
    assert {(a.answer, a.confidence, a.status) for a in answers} == {(field.value, field.confidence, field.status)}
    unsure, record = ask("What colour is it?", precision=0.9)
    assert (unsure[0].answer, unsure[0].status, unsure[0].confidence) == (None, "abstained", 0.6)


def test_a_field_that_the_record_does_not_have_is_asked_for_and_stays_out_of_it() -> None:
    backend = Specialist()
    answers, record = ask("What is it?", "Who is it for?", backend=backend, tasks=["question"])
    assert [answer.answer for answer in answers] == ["Shoes", "Unisex"]
    assert set(record.to_json()) == {"id", "answers", "model", "warnings"}
    assert {question.field for question in backend.asked} == {"category", "gender"}


def test_what_products_of_a_kind_do_not_have_is_no_answer() -> None:
    backend = Specialist()
    kinds = {"Footwear": ["colour"], "Apparel": ["colour", "gender"]}
    backend.capabilities = replace(backend.capabilities, applicability=Applicability.of(kinds))
    questions = ("Who is it for?", "Is it for men?", "Is it for men or women?", "What colour is it?")
    answers, record = ask(*questions, backend=backend, precision=0.55)
    assert [field.name for field in record.attributes or ()] == ["colour"]
    assert [answer.answer for answer in answers] == [None, None, None, "Navy Blue"]
    assert {answer.reason for answer in answers[:3]} == {"products of this kind have no gender"}
    # What the shop or its text states, stands.
    listed, _ = ask(*questions[:1], backend=backend, product=Product("1", attributes={"gender": "Men"}), precision=0.55)
    assert (listed[0].answer, listed[0].source) == ("Men", "shop")
    backend.shares["category"] = {"Apparel > Shirts": 0.95, "Footwear > Shoes": 0.02}
    worn, _ = ask(*questions[:1], backend=backend, precision=0.55)
    assert worn[0].answer == "Unisex"


def test_the_answer_is_in_the_shop_s_own_words() -> None:
    schema = AttributeSchema((AttributeSpec("Farbe", ("Marineblau", "Rot")),))
    backend = Specialist()
    answers, record = ask("What colour is it?", "Is it blue?", backend=backend, schema=schema, precision=0.5)
    assert [question.field for question in backend.asked if question.task == "attribute_qa"] == ["colour"]
    assert record.attributes is not None
    assert answers[0].answer == record.attributes[0].value == "Marineblau"
    assert answers[1].answer == "yes", "by the model's own values, as 'Marineblau' is in another language"


@pytest.mark.parametrize(
    ("question", "answer", "confidence"),
    [
        ("Is it blue?", "yes", 0.91),  # navy and blue together
        ("Is it red?", "no", 0.91),
        ("Is it blue or red?", "blue", 0.91),
        ("Is it green or red?", None, 0.05),
        ("Is it navy?", None, 0.6),  # whether what is blue is navy, nobody has to decide
        ("Is it for men?", "yes", 0.97),
        ("Is it for men or women?", BOTH, 0.93),
        ("Is it a shoe?", "yes", 0.95),
        ("Is it a shirt?", "no", 0.96),
    ],
)
def test_yes_and_no_and_choices_add_up_the_shares_of_the_values(
    question: str, answer: str | None, confidence: float
) -> None:
    ((found,), _) = ask(question)
    assert (found.answer, found.confidence) == (answer, pytest.approx(confidence))


def test_an_undecided_value_counts_for_neither_side() -> None:
    intent = Intent("Is it navy?", "yes or no", "colour", ("navy",))
    reply = Reply(
        Question("attribute_qa", "colour?", "colour"), Answer("Blue", 0.7, 0.1, (("Blue", 0.7), ("Red", 0.2)))
    )
    assert choice_of_sides(intent, reply).answer.ranked == (("no", 0.2),)


def test_what_the_shop_states_decides() -> None:
    product = Product("1", attributes={"colour": "Red", "material": "Cotton", "weight": "300 g"})
    questions = ["Is it red?", "Is it blue?", "What material is it?", "Is it leather?", "How heavy is it?"]
    answers, _ = ask(*questions, product=product)
    assert [(a.answer, a.source) for a in answers] == [
        (said, "shop") for said in ("yes", "no", "Cotton", "no", "300 g")
    ]


def test_what_the_listing_states_is_quoted() -> None:
    schema = AttributeSchema((AttributeSpec("material", ("Mesh", "Leather")),))
    product = Product("1", title="Men's grey mesh running shoe, crew neck")
    for tasks in (None, ["question"]):  # as a field of the record, and without it
        answers, _ = ask(
            "What material is it?", "Is it leather?", product=product, schema=schema, tasks=tasks, precision=0
        )
        assert [(a.answer, a.source) for a in answers] == [("Mesh", "text"), ("no", "text")]
        assert answers[0].evidence is not None and answers[0].evidence.text == "mesh"


def test_photo_and_listing_of_two_minds_give_no_answer() -> None:
    product = Product("1", title="Red shoe", description="A shoe in a deep red colour. Colour: red")
    answers, _ = ask("Is it blue?", product=product)
    assert answers[0].answer is None
    assert answers[0].reason == "photo and listing say different things"


def test_a_belt_s_colour_is_not_that_of_a_shoe() -> None:
    product = Product("1", attributes={"colour": "Navy Blue"})
    answers, _ = ask("What colour is the belt?", "What colour is the shoe?", product=product)
    assert [a.answer for a in answers] == [None, "Navy Blue"]
    assert answers[0].reason == "it is taken for Shoes, not for 'belt'"


@pytest.mark.parametrize(
    "question",
    ["What brand is it?", "What is written on it?", "What material is it?", "How many are there?", "What does it cost?",
     "Is it warm?", "Does it fit a horse?"],
)  # fmt: skip
def test_what_a_specialist_was_not_trained_on_has_no_answer(question: str) -> None:
    ((answer,), _) = ask(question)
    assert (answer.answer, answer.status) == (None, "abstained")
    assert answer.reason


def test_every_field_filled_gives_the_model_s_words_but_never_for_a_brand_or_print() -> None:
    questions = ["Does it fit a horse?", "What brand is it?", "What is written on it?"]
    answers, _ = ask(*questions, precision=0)
    assert [answer.answer for answer in answers] == ["Black Tshirts", None, None]


def test_a_general_model_answers_in_its_own_words() -> None:
    questions = ["Does it fit a horse?", "What does it cost?"]
    backend = FakeBackend()
    answers, _ = ask(*questions, backend=backend, precision=0)
    plan = make_plan(backend, questions=questions)
    (request,) = plan.requests(Product("1"), [PHOTO])
    (said,) = backend.answer([Request(request.photos, request.questions)])
    texts = {question.text: reply.text for question, reply in zip(request.questions, said, strict=True)}
    wanted = [None if texts[text] == CANNOT_TELL else texts[text] for text in questions]
    assert [answer.answer for answer in answers] == wanted


class _Printed(PrintReader):
    def __init__(self, *lines: Line) -> None:
        self.lines = lines

    def read(self, photo: Image.Image) -> Any:
        return iter(self.lines)


def read_as(monkeypatch: pytest.MonkeyPatch, *lines: Line) -> None:
    monkeypatch.setattr(PrintReader, "is_installed", staticmethod(lambda: True))
    monkeypatch.setattr("pumgpt.understand.fields.base.shared_reader", lambda: _Printed(*lines))


def line(text: str, confidence: float) -> Line:
    return Line(text, (0.1, 0.1, 0.9, 0.2), confidence)


def test_print_is_what_the_reader_reads_surely(monkeypatch: pytest.MonkeyPatch) -> None:
    read_as(monkeypatch, line("JUST", 0.99), line("RUN", 0.95), line("smudge", 0.7), line("L", 0.99))
    ((answer,), _) = ask("What is written on it?")
    assert (answer.answer, answer.source, answer.status) == ("JUST | RUN", "photo", "filled")
    assert answer.confidence == pytest.approx((4 * 0.99 + 3 * 0.95) / 7, abs=1e-4)
    read_as(monkeypatch, line("smudge", 0.7))
    ((answer,), _) = ask("What is written on it?")
    assert (answer.answer, answer.reason) == (None, "its print can't be read surely")


def test_a_brand_is_read_only_if_the_schema_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    read_as(monkeypatch, line("ACME Running", 0.98), line("Size 42 EU", 0.97))
    schema = AttributeSchema((AttributeSpec("brand", ("Acme", "Other")),))
    ((brand, size), _) = ask("What brand is it?", "What size does the label say?", schema=schema)
    assert (brand.answer, brand.source) == ("Acme", "photo")
    assert size.answer is not None and "42" in size.answer
    ((brand,), _) = ask("What brand is it?")
    assert brand.answer is None
    assert brand.reason == 'nothing names its brand; its print reads "ACME Running | Size 42 EU"'


def test_where_print_is_not_read_the_answer_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PrintReader, "is_installed", staticmethod(lambda: False))
    answers, _ = ask("What is written on it?", "What brand is it?")
    assert {answer.reason for answer in answers} == {
        "what is printed on the product is read with pip install 'pumgpt[ocr]'"
    }


def test_a_question_costs_nothing_that_the_record_asks_anyway() -> None:
    questions = ("What colour is it?", "Is it blue?", "What is it?", "What does it cost?")
    with_questions = make_plan(Specialist(), questions=questions)
    without = make_plan(Specialist())
    product = Product("1", title="Blue shoe")
    count = [sum(len(r.questions) for r in plan.requests(product, [PHOTO])) for plan in (with_questions, without)]
    assert count[0] == count[1]
    assert with_questions.questions.texts_as_they_stand() == ()
    assert make_plan(Specialist(), questions=questions, precision=0).questions.texts_as_they_stand() == questions[3:]
