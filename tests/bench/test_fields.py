"""Evaluation of what `pumgpt enrich` writes, on a catalogue small enough to count by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pumgpt.bench.reporting.tables import render_table, scores_to_json
from pumgpt.bench.suites.truth import complete_path, read_truth

from pumgpt.bench.baselines.predictions import read_plain, read_understandings
from pumgpt.bench.judging.fields import evaluate, evaluate_predictions
from pumgpt.errors import CatalogError

SHIRTS, TSHIRTS, SHOES = ["Apparel", "Topwear", "Shirts"], ["Apparel", "Topwear", "Tshirts"], ["Footwear", "Shoes"]


def _true(identifier: str, category: list[str], age: str, colour: str | None) -> dict[str, Any]:
    named = [("age group", age), ("colour", colour)]
    return {
        "id": identifier,
        "title": f"{colour} {category[-1]}",
        "category": category,
        "attributes": [{"name": name, "value": value} for name, value in named if value],
    }


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
def truth(tmp_path: Path) -> Path:
    rows = [
        _true("1", SHIRTS, "Adults-Men", "Blue"),
        _true("2", SHIRTS, "Kids-Girls", "Red"),
        _true("3", SHOES, "adult", None),
        _true("4", TSHIRTS, "adult", "Green"),
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "truth.parquet")
    return tmp_path / "truth.parquet"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """One product right, one near, one refused; the fourth has no line."""
    lines = [
        _said("1", SHIRTS, "adult", "blue", 0.9),
        _said("2", TSHIRTS, "kids", "Blue", 0.8),
        _said("3", None, "kids", "White", 0.1),
    ]
    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_categories_are_counted_at_each_level(results: Path, truth: Path) -> None:
    category = evaluate(results, truth)["category"]
    values = {name: (measured.value, measured.count) for name, measured in category.items()}
    assert values["level 1"] == (0.5, 4)
    assert values["level 2"] == (0.5, 4)
    assert values["level 3"] == (pytest.approx(1 / 3), 3)
    assert values["whole path"] == (0.25, 4)
    assert values["coverage"] == (0.5, 4)
    assert values["precision"] == (0.5, 2)
    assert values["Brier"] == (pytest.approx((0.1**2 + 0.8**2) / 2), 2)
    assert values["hierarchical F1"] == (pytest.approx(2 * (3 + 2) / (6 + 6 + 2 + 3)), 4)


def test_age_groups_are_written_alike_before_they_are_compared(results: Path, truth: Path) -> None:
    age = evaluate(results, truth)["age group"]
    assert (age["accuracy"].value, age["accuracy"].count) == (0.5, 4)
    assert age["macro-F1"].value == pytest.approx((2 * 1 / (3 + 1) + 2 * 1 / (1 + 2)) / 2)


def test_attributes_are_judged_on_products_that_state_them(results: Path, truth: Path) -> None:
    """The shoe states no colour: what was said of it is neither right nor wrong. Case doesn't matter."""
    colour = evaluate(results, truth)["colour"]
    assert (colour["accuracy"].value, colour["accuracy"].count) == (pytest.approx(1 / 3), 3)
    assert (colour["coverage"].value, colour["precision"].value) == (pytest.approx(2 / 3), 0.5)


def test_captions_are_held_against_titles(results: Path, truth: Path) -> None:
    caption = evaluate(results, truth)["caption"]
    assert caption["ROUGE-L"].value == pytest.approx((1 + 0 + 0 + 0) / 4)
    assert caption["coverage"].value == 0.5
    assert caption["CIDEr"].value > 0


def test_products_without_a_line_are_counted(results: Path, truth: Path) -> None:
    assert evaluate(results, truth)["products"]["answered"].value == 0.75


def test_fields_that_nobody_asked_are_left_out(tmp_path: Path, truth: Path) -> None:
    lines = [{"id": 1, "colour": "Blue"}, {"id": "2", "colour": None, "age group": "Kids-Boys"}]
    path = tmp_path / "specialists.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    scores = evaluate_predictions(read_plain(path), read_truth(truth))
    assert set(scores) == {"products", "colour", "age group"}
    assert scores["age group"]["accuracy"].value == 0.25
    assert "ECE" not in scores["colour"], "specialists gave no confidence"


def test_plain_categories_are_lists_or_arrows(tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl"
    path.write_text('{"id": "1", "category": "A > B"}\n{"id": "2", "category": ["A", "B"]}', encoding="utf-8")
    predictions = read_plain(path)
    assert predictions["1"] == predictions["2"]


def test_values_that_the_model_was_given_are_refused(tmp_path: Path) -> None:
    line = _said("1", SHIRTS, "adult", "Blue", 0.9)
    line["attributes"][1]["status"] = "kept"
    path = tmp_path / "results.jsonl"
    path.write_text(json.dumps(line), encoding="utf-8")
    with pytest.raises(CatalogError, match=r"line 1: 'colour' is kept.*strike it"):
        read_understandings(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "line 1: not JSON"), ("[]", "not an object"), ('{"id": "1"}', "line 1: model"), (None, "can't be read")],
)
def test_broken_results_are_named(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "results.jsonl"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(CatalogError, match=message):
        read_understandings(path)


def test_truth_with_an_id_twice_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([{"id": "7"}, {"id": "7"}]), tmp_path / "truth.parquet")
    with pytest.raises(CatalogError, match="'7' occurs twice"):
        read_truth(tmp_path / "truth.parquet")


def test_paths_without_their_root_are_completed_where_there_is_one_way() -> None:
    known = [("Fruit", "Apple", "Gala"), ("Packages", "Juice", "Apple"), ("Fruit", "Pear", "Conference")]
    assert complete_path(("Apple", "Gala"), known) == ("Fruit", "Apple", "Gala")
    assert complete_path(("Kiwi",), known) == ("Kiwi",)
    assert complete_path(("Apple",), [*known, ("Cider", "Apple")]) == ("Apple",)


def test_tables_hold_every_model_and_leave_gaps(results: Path, truth: Path) -> None:
    scores = evaluate(results, truth)
    table = render_table({"nano": scores, "a | b": {"colour": scores["colour"]}})
    lines = table.splitlines()
    assert lines[0] == "| field | metric | nano | a \\| b |"
    assert f"| colour | accuracy | {scores['colour']['accuracy']} | {scores['colour']['accuracy']} |" in lines
    assert f"| category | whole path | {scores['category']['whole path']} |  |" in lines
    assert json.loads(json.dumps(scores_to_json(scores), allow_nan=False))["colour"]["accuracy"]["count"] == 3
