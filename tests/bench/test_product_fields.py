"""What models fill in: asked as enrichment asks, and held against labels small enough to count by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from small_suites import Scripted, load, write_shop

from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import CANNOT_TELL, Answer, Question, Request
from pumgpt.bench.asking.answer_cache import AnswerCache
from pumgpt.bench.asking.product_fields import DEFAULT, FILLED, FilledFields, fill_fields, shown_product
from pumgpt.bench.baselines.predictions import Prediction, prediction_of, read_plain
from pumgpt.bench.judging.fields import score_filled, score_predictions
from pumgpt.bench.judging.scoring import Scores
from pumgpt.bench.reporting.markdown import render_table
from pumgpt.bench.reporting.results import scores_to_json
from pumgpt.bench.suites.items import Item
from pumgpt.bench.suites.labels import complete_path
from pumgpt.bench.suites.loader import load_items
from pumgpt.bench.suites.suite import IMAGE_ONLY, WITH_TITLE, load_suite
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError

SHIRTS, TSHIRTS, SHOES = ["Apparel", "Topwear", "Shirts"], ["Apparel", "Topwear", "Tshirts"], ["Footwear", "Shoes"]
VALUES = {"age group": {"Adults-Men": "adult", "Kids-Girls": "kids", "Kids-Boys": "kids"}}


def _true(identifier: str, category: list[str], age: str, colour: str | None) -> Item:
    named = {"age group": age} | ({"colour": colour} if colour else {})
    product = Product(identifier, title=f"{colour} {category[-1]}", category=tuple(category), attributes=named)
    return Item(product, values=VALUES)


def _said(identifier: str, path: list[str] | None, age: str | None, colour: str | None, sure: float) -> dict[str, Any]:
    def field(value: object) -> dict[str, Any]:
        return {"confidence": sure, "status": "filled" if value else "abstained"}

    return {
        "id": identifier,
        "caption": {"text": f"{colour} {path[-1]}" if path else None},
        "category": {"path": path, **field(path)},
        "attributes": [
            {"name": name, "value": value, **field(value)} for name, value in (("age group", age), ("colour", colour))
        ],
        "model": {"name": "by hand", "revision": "1"},
    }


@pytest.fixture
def truth() -> list[Item]:
    return [
        _true("1", SHIRTS, "Adults-Men", "Blue"),
        _true("2", SHIRTS, "Kids-Girls", "Red"),
        _true("3", SHOES, "adult", None),
        _true("4", TSHIRTS, "adult", "Green"),
    ]


def predictions(*records: dict[str, Any]) -> dict[str, Prediction]:
    return {record["id"]: prediction_of(Understanding.model_validate(record), VALUES) for record in records}


@pytest.fixture
def scores(truth: list[Item]) -> Scores:
    """One product right, one near, one refused; the fourth has no record."""
    records = (
        _said("1", SHIRTS, "adult", "blue", 0.9),
        _said("2", TSHIRTS, "kids", "Blue", 0.8),
        _said("3", None, "kids", "White", 0.1),
    )
    return score_predictions(predictions(*records), truth)


def test_categories_are_counted_at_each_level(scores: Scores) -> None:
    category = scores["category"]
    values = {name: (measured.value, measured.count) for name, measured in category.items()}
    assert values["level 1"] == (0.5, 4)
    assert values["level 2"] == (0.5, 4)
    assert values["level 3"] == (pytest.approx(1 / 3), 3)
    assert values["whole path"] == (0.25, 4)
    assert values["coverage"] == (0.5, 4)
    assert values["precision"] == (0.5, 2)
    assert values["Brier"] == (pytest.approx((0.1**2 + 0.8**2) / 2), 2)
    assert values["hierarchical F1"] == (pytest.approx(2 * (3 + 2) / (6 + 6 + 2 + 3)), 4)


def test_values_are_written_alike_before_they_are_compared(scores: Scores) -> None:
    age = scores["age group"]
    assert (age["accuracy"].value, age["accuracy"].count) == (0.5, 4)
    assert age["macro-F1"].value == pytest.approx((2 * 1 / (3 + 1) + 2 * 1 / (1 + 2)) / 2)


def test_attributes_are_judged_on_products_that_state_them(scores: Scores) -> None:
    """The shoe states no colour: what was said of it is neither right nor wrong. Case doesn't matter."""
    colour = scores["colour"]
    assert (colour["accuracy"].value, colour["accuracy"].count) == (pytest.approx(1 / 3), 3)
    assert (colour["coverage"].value, colour["precision"].value) == (pytest.approx(2 / 3), 0.5)


def test_captions_are_held_against_titles(scores: Scores) -> None:
    caption = scores["caption"]
    assert caption["ROUGE-L"].value == pytest.approx((1 + 0 + 0 + 0) / 4)
    assert caption["coverage"].value == 0.5
    assert caption["CIDEr"].value > 0


def test_products_without_a_line_are_counted(scores: Scores) -> None:
    assert scores["products"]["answered"].value == 0.75


def test_fields_that_nobody_asked_are_left_out(tmp_path: Path, truth: list[Item]) -> None:
    lines = [{"id": 1, "colour": "Blue"}, {"id": "2", "colour": None, "age group": "Kids-Boys"}]
    path = tmp_path / "specialists.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    found = score_predictions(read_plain(path, VALUES), truth)
    assert set(found) == {"products", "colour", "age group"}
    assert found["age group"]["accuracy"].value == 0.25
    assert "ECE" not in found["colour"], "specialists gave no confidence"


def test_plain_categories_are_lists_or_arrows(tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl"
    path.write_text('{"id": "1", "category": "A > B"}\n{"id": "2", "category": ["A", "B"]}', encoding="utf-8")
    found = read_plain(path, {})
    assert found["1"] == found["2"]


def test_values_that_the_model_was_given_are_refused() -> None:
    record = _said("1", SHIRTS, "adult", "Blue", 0.9)
    record["attributes"][1]["status"] = "kept"
    with pytest.raises(CatalogError, match=r"product 1: 'colour' is kept.*strike it"):
        predictions(record)


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "line 1: not JSON"), ("[]", "not an object"), ("{}", "line 1: field 'id'"), (None, "can't be read")],
)
def test_broken_predictions_are_named(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "said.jsonl"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(CatalogError, match=message):
        read_plain(path, {})


def test_paths_without_their_root_are_completed_where_there_is_one_way() -> None:
    known = [("Fruit", "Apple", "Gala"), ("Packages", "Juice", "Apple"), ("Fruit", "Pear", "Conference")]
    assert complete_path(("Apple", "Gala"), known) == ("Fruit", "Apple", "Gala")
    assert complete_path(("Kiwi",), known) == ("Kiwi",)
    assert complete_path(("Apple",), [*known, ("Cider", "Apple")]) == ("Apple",)


def test_tables_hold_every_model_and_leave_gaps(scores: Scores) -> None:
    table = render_table({"nano": scores, "a | b": {"colour": scores["colour"]}})
    lines = table.splitlines()
    assert lines[0] == "| field | metric | nano | a \\| b |"
    assert f"| colour | accuracy | {scores['colour']['accuracy']} | {scores['colour']['accuracy']} |" in lines
    assert f"| category | whole path | {scores['category']['whole path']} |  |" in lines
    assert json.loads(json.dumps(scores_to_json(scores), allow_nan=False))["colour"]["accuracy"]["count"] == 3


# From a suite's products to the filled fields

PAIRS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
SUITE = """\
name: apples
version: 1
products: test.parquet
fit: train.parquet
complete_paths: true
tasks: [category]
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.png")
    photo = (tmp_path / "red.png").read_bytes()

    def write(name: str, category: list[str]) -> None:
        table = {
            "id": [f"{category[-1]}_{row}" for row in range(3)],
            "source": ["grocery"] * 3,
            "title": ["A title", None, "Another"],
            "description": ["tells the class"] * 3,
            "category": [category] * 3,
            "attributes": pa.array([[{"name": "colour", "value": "Red"}]] * 3, PAIRS),
            "image": [{"bytes": photo, "path": f"{category[-1]}.jpg"}] * 3,
        }
        pq.write_table(pa.table(table), tmp_path / name)

    write("test.parquet", ["Apple", "Gala"])
    write("train.parquet", ["Fruit", "Apple", "Gala"])
    (tmp_path / "apples.yaml").write_text(SUITE, encoding="utf-8")
    return tmp_path


def test_the_model_sees_nothing_that_tells_the_answer(data: Path) -> None:
    item = load(data / "apples.yaml")[1].items[0]
    shown = shown_product(item, IMAGE_ONLY)
    assert shown == Product("Gala_0", images=item.product.images)
    assert shown_product(item, WITH_TITLE) == Product("Gala_0", images=item.product.images, title="A title")


def test_the_truth_has_whole_paths(data: Path) -> None:
    _, loaded, _ = load(data / "apples.yaml")
    assert {item.fields["category"] for item in loaded.items} == {("Fruit", "Apple", "Gala")}
    assert loaded.items[0].fields["colour"] == ("Red",)


def test_an_id_that_comes_twice_is_set_aside(data: Path) -> None:
    path = data / "apples.yaml"
    path.write_text(SUITE.replace("test.parquet", "t*.parquet").replace("fit: t*.parquet", ""), encoding="utf-8")
    pq.write_table(pq.read_table(data / "test.parquet"), data / "train.parquet")
    _, loaded, _ = load(path)
    assert len(loaded.items) == 3 and len(loaded.set_aside) == 3
    assert "'Gala_0'" in loaded.set_aside[0]


def test_missing_data_is_named(data: Path) -> None:
    (data / "test.parquet").unlink()
    with pytest.raises(CatalogError, match=r"test\.parquet; give the folder"):
        load(data / "apples.yaml")


class Careful(FakeBackend):
    """Always thinks of the same category, and would rather not say so."""

    name, revision = "careful", "1"

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        return [[self._doubt(question) for question in request.questions] for request in requests]

    def _doubt(self, question: Question) -> Answer:
        if question.choices is None:
            return Answer(CANNOT_TELL)
        best = question.choices.values[0]
        return Answer(CANNOT_TELL, 1.0, 0.6, ((best, 0.4),))


def filled(path: Path, backend: Any, folder: Path) -> tuple[FilledFields, Any, Any]:
    suite, loaded, _ = load(path)
    with AnswerCache(folder, backend) as cache:
        return fill_fields(backend, suite, loaded, cache), suite, loaded


SHOP_FIELDS = "product_fields: [image only, with title]\n"


def test_one_answer_is_filled_at_one_precision_and_left_empty_at_another(tmp_path: Path) -> None:
    path = write_shop(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + SHOP_FIELDS, encoding="utf-8")
    found, suite, loaded = filled(path, Careful(), tmp_path / "answers")
    scored = score_filled(found, suite, loaded.items).scores
    assert set(scored) == {IMAGE_ONLY, WITH_TITLE}
    every, careful = scored[IMAGE_ONLY][FILLED], scored[IMAGE_ONLY][DEFAULT]
    # Of three categories the first in the alphabet is always right, and of two genders.
    assert every["category"]["whole path"].value == pytest.approx(1 / 3)
    assert every["gender"]["accuracy"].value == 0.5
    assert (every["category"]["coverage"].value, careful["category"]["coverage"].value) == (1.0, 0.0)
    pictures = every["category of foreign pictures"]
    assert (pictures["mean confidence"].value, pictures["coverage"].count) == (pytest.approx(0.4), 3)
    assert careful["category of foreign pictures"]["coverage"].value == 0.0


def test_filling_resumes_from_the_cache(tmp_path: Path) -> None:
    path = write_shop(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + SHOP_FIELDS, encoding="utf-8")
    first = Scripted(lambda request, question: Answer("Blue"))
    before, *_ = filled(path, first, tmp_path / "answers")
    again = Scripted(lambda request, question: Answer("Blue"))
    after, *_ = filled(path, again, tmp_path / "answers")
    assert first.asked > 0 == again.asked
    assert after == before


def test_struck_titles_are_not_filled_from(tmp_path: Path) -> None:
    path = write_shop(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + "product_fields: [title struck]\n", encoding="utf-8")
    with pytest.raises(CatalogError, match=r"shop\.yaml: product_fields: .*fields are filled"):
        load_suite(str(path))


@pytest.mark.shared
@pytest.mark.parametrize("name", ["fashion", "grocery", "grocery-iconic", "clothing", "open-domain"])
def test_the_suites_that_fill_fields_can_be_loaded(shared_data: Path, name: str) -> None:
    suite = load_suite(name)
    products = [item.product for item in load_items(suite, shared_data, 5).items if item.origin == "product"]
    assert suite.product_fields and len(products) == 5
    assert all((product.category is None) == suite.no_products for product in products)
    if name.startswith("grocery"):
        assert {len(product.category or ()) for product in products} == {3}
