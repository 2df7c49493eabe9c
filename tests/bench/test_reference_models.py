"""Baselines and stored predictions as backends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_suites import load, run, write_shop

from pumgpt.backends.protocol import CANNOT_TELL, Backend
from pumgpt.bench.asking.runner import make_requests
from pumgpt.bench.baselines.backends import BASELINES, Majority, make_baseline, stored_predictions
from pumgpt.bench.suites.items import FitData
from pumgpt.bench.suites.pixels import features_of_first
from pumgpt.errors import CatalogError, UsageError


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("shop"))


def test_majority_refuses_only_what_nobody_can_ever_tell(shop: Path, tmp_path: Path) -> None:
    suite, data, cases = load(shop)
    told = run(Majority(cases), suite, data, tmp_path)
    refused = {case.question.field for case in cases if told[case.id].answer.text == CANNOT_TELL}
    assert {"year", "price", "weight"} <= refused
    assert not {"category", "colour", "gender"} & refused


def test_majority_says_the_most_frequent_of_the_options_that_it_is_given(shop: Path, tmp_path: Path) -> None:
    suite, data, cases = load(shop)
    told = run(Majority(cases), suite, data, tmp_path)
    for case in cases:
        if case.form == "multiple choice" and case.question.choices:
            assert told[case.id].answer.text in case.question.choices.values


def test_title_and_nearest_answer_from_what_they_were_fitted_on(shop: Path, tmp_path: Path) -> None:
    """Fitted on the very products that are asked: the nearest photo is the photo itself."""
    suite, data, cases = load(shop)
    products = [item.product for item in data.items if item.origin == "product"]
    fit = FitData(lambda: products, lambda: features_of_first(p.images for p in products), lambda: [""] * len(products))
    for name in BASELINES:
        backend = make_baseline(name, fit)
        assert isinstance(backend, Backend)
        told = run(backend, suite, data, tmp_path / name)
        condition = "with title" if name == "title" else "image only"
        asked = [
            case
            for case in cases
            if case.task == "attribute_qa" and case.form == "plain" and case.condition == condition
        ]
        for case in asked:
            values = case.truth.fields.get("colour")
            if values and case.origin == "product":
                assert told[case.id].answer.text == values[0]
    with pytest.raises(UsageError, match="no labelled products"):
        make_baseline("nearest", None)


def test_stored_predictions_are_found_by_photo(shop: Path, tmp_path: Path) -> None:
    suite, data, _ = load(shop)
    path = tmp_path / "said.jsonl"
    path.write_text(
        json.dumps({"id": "4", "category": "Apparel > Topwear > Shirts", "colour": "Green"}) + "\n", encoding="utf-8"
    )
    backend = stored_predictions(path, data)
    item = next(item for item in data.items if item.product.id == "4")
    (asked,) = [asked for asked in make_requests(suite, data, item) if asked.request.listing is None]
    ((*answers,),) = backend.answer([asked.request])
    said = {question.text: answer.text for question, answer in zip(asked.request.questions, answers, strict=True)}
    assert said["Which category?"] == "Apparel > Topwear > Shirts"
    assert said["What is the colour?"] == "Green"
    assert said["What is the gender?"] == CANNOT_TELL
    path.write_text('{"id": "unknown", "colour": "Green"}\n', encoding="utf-8")
    with pytest.raises(CatalogError, match="none of this suite's products"):
        stored_predictions(path, data)
