"""Suites: what ships can be read, and what is wrong in one's own is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumgpt.bench.suites.suite import data_folder, load_suite, parse_suite, suite_names
from pumgpt.errors import SchemaError, UsageError

SHIPPED = (
    "ae-110k",
    "clothing",
    "fashion",
    "grocery",
    "grocery-iconic",
    "implicitave",
    "oa-mine",
    "open-domain",
    "samples",
)


def test_every_suite_that_ships_can_be_read_and_is_called_as_its_file() -> None:
    assert suite_names() == list(SHIPPED)
    assert [load_suite(name).name for name in SHIPPED] == list(SHIPPED)


def test_fashion_is_asked_with_and_without_the_words_that_give_the_answer_away() -> None:
    assert load_suite("fashion").conditions == ("image only", "with title", "title struck")


def test_ones_own_catalogue_becomes_a_suite_in_ten_lines(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nversion: 1\nproducts: mine.csv\nattributes: [colour]\n", encoding="utf-8")
    suite = load_suite(str(path))
    assert (suite.name, suite.tasks) == ("mine", ("category", "attributes", "attribute_qa"))
    assert data_folder(str(path), None) == tmp_path
    assert data_folder(str(path), Path("there")) == Path("there")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("colour: blue", ["mine.yaml", "colour", "not permitted"]),
        ("tasks: [guess]", ["mine.yaml", "tasks", "unknown task 'guess'"]),
        ("tasks: []", ["tasks", "name at least one"]),
        ("conditions: [blindfolded]", ["conditions"]),
        ("options: -1", ["options"]),
        ("a: [", ["can't be read as YAML"]),
    ],
)
def test_what_is_wrong_is_named_in_one_line(line: str, words: list[str]) -> None:
    with pytest.raises(SchemaError) as caught:
        parse_suite(f"name: mine\nversion: 1\nproducts: x.csv\n{line}\n", "mine.yaml")
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words)


def test_a_suite_that_is_not_there_is_told_from_a_file_that_is_not() -> None:
    with pytest.raises(UsageError, match="shipped are ae-110k"):
        load_suite("fashon")
    with pytest.raises(SchemaError, match=r"nowhere\.yaml"):
        load_suite("nowhere.yaml")
