"""From products to cases: reproducible, complete, and nothing in a prompt that gives the answer away."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from small_suites import COLOURS, SUITE, load, write_lines, write_shop

from pumgpt.bench.asking.cases import BenchCase, show_listing
from pumgpt.bench.asking.runner import make_requests


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("shop"))


def facts(case: BenchCase) -> tuple[object, ...]:
    choices = case.question.choices
    return case.id, case.question.text, choices.values if choices else None, dict(case.truth.fields), case.truth.listed


def test_a_case_is_the_same_whatever_else_is_asked(shop: Path) -> None:
    """Neither a limit nor a second reading changes a case."""
    everything = {case.id: facts(case) for case in load(shop)[2]}
    some = {case.id: facts(case) for case in load(shop, limit=5)[2]}
    assert len(some) < len(everything)
    assert all(everything[id_] == case for id_, case in some.items())


def test_another_seed_or_version_draws_other_cases(shop: Path, tmp_path: Path) -> None:
    changed = SUITE.replace("seed: 7", "seed: 8")
    other = {case.id: facts(case) for case in load(write_shop(tmp_path, changed))[2]}
    assert other != {case.id: facts(case) for case in load(shop)[2]}


def test_ids_are_unique_and_every_task_is_asked(shop: Path) -> None:
    suite, _, cases = load(shop)
    assert len({case.id for case in cases}) == len(cases)
    assert {case.task for case in cases} == set(suite.tasks)


def test_tasks_that_a_title_would_answer_are_asked_once(shop: Path) -> None:
    conditions = {(case.task, case.condition) for case in load(shop)[2] if not case.sees_listing}
    assert conditions == {("caption", "image only"), ("caption_completion", "image only")}


def test_what_nobody_can_tell_has_no_true_value(shop: Path) -> None:
    cases = load(shop)[2]
    untold = {field for case in cases for field, told in case.truth.fields.items() if told is None}
    assert {"year", "price", "weight"} <= untold
    pictures = [case for case in cases if case.origin != "product"]
    assert pictures
    assert all(told is None for case in pictures for told in case.truth.fields.values())
    assert all(case.form == "hidden" for case in cases if {"price", "weight"} & set(case.truth.fields))


def test_the_right_option_stands_at_its_position_and_each_position_occurs(shop: Path) -> None:
    choices = [case for case in load(shop)[2] if case.form == "multiple choice"]
    for case in choices:
        options = case.question.choices
        assert options is not None and case.position is not None
        (told,) = case.truth.fields.values()
        assert options.values[case.position] == " > ".join(told or ())
        assert all(option in case.question.text for option in options.values)
    assert set(Counter(case.position for case in choices)) == {0, 1, 2}


def test_half_of_the_listed_values_are_wrong_and_never_the_true_one(shop: Path) -> None:
    cases = [case for case in load(shop)[2] if case.task == "attribute_correction"]
    wrong = [case for case in cases if case.truth.verdict == "wrong"]
    assert 0.25 < len(wrong) / len(cases) < 0.75
    for case in cases:
        ((_, told),) = case.truth.fields.items()
        assert (case.truth.listed in (told or ())) == (case.truth.verdict == "right")
        assert str(case.truth.listed) in case.question.text


def test_a_struck_title_says_neither_colour_nor_gender_nor_kind(shop: Path) -> None:
    _, data, _ = load(shop)
    shown = [show_listing(item, "title struck").text or "" for item in data.items if item.origin == "product"]
    assert all(shown)
    for word in (*COLOURS, "Men", "Women", "Shirts", "Jeans", "Watches"):
        assert not any(word.lower() in text.lower() for text in shown)


def test_no_prompt_holds_an_id_or_a_file_name(tmp_path: Path) -> None:
    """Ids and file names can hold the label."""
    path = write_shop(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "shop.jsonl").read_text().splitlines()]
    for line in lines:
        line["id"] = f"secret-{line['id']}"
    write_lines(tmp_path / "shop.jsonl", lines)
    suite, data, _ = load(path)
    for item in data.items:
        for asked in make_requests(suite, data, item):
            told = [asked.request.listing or "", *(question.text for question in asked.request.questions)]
            assert not any("secret" in text or ".png" in text for text in told)


def test_rows_that_cannot_be_used_are_set_aside_and_named(tmp_path: Path) -> None:
    path = write_shop(tmp_path)
    (tmp_path / "3.png").write_bytes(b"no photo")
    with (tmp_path / "shop.jsonl").open("a", encoding="utf-8") as file:
        file.write('not json\n{"title": "no id"}\n{"id": "99", "title": "no photo"}\n')
    _, data, _ = load(path)
    assert sum(item.origin == "product" for item in data.items) == 17
    assert len(data.set_aside) == 4
    assert any("3.png" in line for line in data.set_aside)


def test_the_hash_of_the_data_changes_with_a_label_and_with_a_photo(tmp_path: Path) -> None:
    path = write_shop(tmp_path)
    before = load(path)[1].data_hash
    assert load(path)[1].data_hash == before
    text = (tmp_path / "shop.jsonl").read_text()
    (tmp_path / "shop.jsonl").write_text(text.replace('"Red"', '"Blue"', 1))
    labelled = load(path)[1].data_hash
    (tmp_path / "0.png").write_bytes((tmp_path / "1.png").read_bytes())
    assert len({before, labelled, load(path)[1].data_hash}) == 3
