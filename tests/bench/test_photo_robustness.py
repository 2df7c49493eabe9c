"""What altered photos do to a model's fields: counted by hand for a model that is right about plain photos only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from small_suites import Scripted, load, write_shop

from pumgpt.backends.protocol import CANNOT_TELL, Answer, Question, Request
from pumgpt.bench.asking.answer_cache import AnswerCache
from pumgpt.bench.asking.product_fields import (
    FilledFields,
    fill_altered,
    fill_fields,
    make_field_plan,
    sample_products,
    shown_product,
)
from pumgpt.bench.benchmark import BenchResult, ModelResult
from pumgpt.bench.judging.photo_robustness import score_altered
from pumgpt.bench.reporting.markdown import render_markdown
from pumgpt.bench.reporting.page import render_report
from pumgpt.bench.reporting.photo_sections import altered_fields
from pumgpt.bench.reporting.results import read_results, to_document, write_results
from pumgpt.bench.stats.intervals import Measured, bootstrap_ratio_difference
from pumgpt.bench.suites.items import SuiteData
from pumgpt.bench.suites.photo_conditions import PHOTO_CONDITIONS, PLAIN
from pumgpt.bench.suites.suite import Suite
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.cli.main import main

KEYS = "product_fields: [image only]\nphoto_sample: 18\nphoto_conditions: [half the size, in grey]\nuncounted: [year]\n"


class Sighted(Scripted):
    """Knows the fields of every plain photo. Halved it is unsure of the category and takes men for women; in grey it says
    nothing of colours.
    """

    def __init__(self, data: SuiteData) -> None:
        super().__init__(self._look, name="sighted")
        self.truth: dict[bytes, tuple[str, dict[str, Any]]] = {}
        for item in data.items:
            plain = open_photo(item.product.images[0])
            for name, photo in [(PLAIN, plain), *((name, alter(plain)) for name, alter in PHOTO_CONDITIONS.items())]:
                self.truth.setdefault(photo.tobytes(), (name, dict(item.fields)))

    def _look(self, request: Request, question: Question) -> Answer:
        condition, fields = self.truth[request.photos[0].tobytes()]
        if question.choices is None:
            return Answer(CANNOT_TELL)
        name = next((name for name in ("colour", "gender", "year") if name in question.text), "category")
        value = " > ".join(fields.get(name, ("?",)))
        share = 0.98
        if condition == "half the size":
            share = 0.6 if name == "category" else share
            value = "Women" if name == "gender" else value
        if value not in question.choices.values or (condition == "in grey" and name == "colour"):
            return Answer(CANNOT_TELL, 0.0, 1.0, ((question.choices.values[0], 0.0),))
        return Answer(value, share, 0.0, ((value, share),))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_shop(tmp_path_factory.mktemp("altered"))
    path.write_text(path.read_text(encoding="utf-8") + KEYS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def asked(shop: Path) -> Iterator[tuple[FilledFields, Suite, SuiteData, Sighted]]:
    suite, data, _ = load(shop)
    model = Sighted(data)
    with AnswerCache(shop.parent / "answers", model) as cache:
        fill_fields(model, suite, data, cache)
        before = model.asked
        filled = fill_altered(model, suite, data, cache)
    # The plain photos of 18 products were asked already.
    assert model.asked - before == 18 * 2 * len(questions_of(suite, data, model))
    yield filled, suite, data, model


def questions_of(suite: Suite, data: SuiteData, model: Sighted) -> list[Question]:
    plan = make_field_plan(model, data)
    item = data.items[0]
    requests = plan.requests(shown_product(item, "image only"), (open_photo(item.product.images[0]),))
    return [question for request in requests for question in request.questions]


@pytest.fixture(scope="module")
def scores(asked: tuple[FilledFields, Suite, SuiteData, Sighted]) -> Any:
    filled, suite, data, _ = asked
    return score_altered(filled, suite, sample_products(suite, data.items))


def numbers(measured: Measured) -> tuple[float, int]:
    return round(measured.value, 6), measured.count


def test_the_plain_photo_comes_first_and_differs_from_itself_in_nothing(scores: Any) -> None:
    assert list(scores) == [PLAIN, "half the size", "in grey"]
    assert list(scores[PLAIN]) == ["category", "colour", "gender"], "year is not counted"
    for metrics in scores[PLAIN].values():
        assert numbers(metrics["accuracy"]) == (1.0, 18)
        assert numbers(metrics["same answer"]) == (1.0, 18)
        assert all(value.value == 0 for name, value in metrics.items() if name.endswith("change"))


def test_half_the_size_makes_the_category_unsure_and_genders_wrong(scores: Any) -> None:
    category, gender = scores["half the size"]["category"], scores["half the size"]["gender"]
    assert numbers(category["accuracy"]) == (1.0, 18) and numbers(category["same answer"]) == (1.0, 18)
    assert numbers(category["filled"]) == (0.0, 18) and numbers(category["filled, change"]) == (-1.0, 18)
    assert numbers(category["above 0.9, change"]) == (-1.0, 18)
    assert category["right of filled"].count == 0, "nothing is filled that could be right"
    assert numbers(gender["accuracy"]) == (0.5, 18) and numbers(gender["same answer"]) == (0.5, 18)
    assert numbers(gender["right of filled"]) == (0.5, 18)
    change = gender["right of filled, change"]
    assert numbers(change) == (-0.5, 18) and change.low < -0.5 < change.high < 0
    assert numbers(gender["above 0.9, change"]) == (0.0, 18)


def test_in_grey_a_colour_is_neither_right_nor_filled(scores: Any) -> None:
    colour = scores["in grey"]["colour"]
    assert numbers(colour["filled"]) == (0.0, 18)
    assert numbers(colour["same answer"])[0] < 1
    assert numbers(scores["in grey"]["gender"]["accuracy"]) == (1.0, 18)


def test_a_product_that_one_condition_did_not_get_is_compared_under_none(
    asked: tuple[FilledFields, Suite, SuiteData, Sighted],
) -> None:
    filled, suite, data, _ = asked
    sample = sample_products(suite, data.items)
    missing = sample[0].product.id
    fewer = filled | {
        "in grey": {
            precision: {key: record for key, record in records.items() if key != missing}
            for precision, records in filled["in grey"].items()
        }
    }
    found = score_altered(fewer, suite, sample)
    assert {metrics["filled"].count for fields in found.values() for metrics in fields.values()} == {17}


def test_the_difference_of_two_ratios_is_paired() -> None:
    # Two of four against one of two, of the same products: the same ratio, though its parts differ.
    found = bootstrap_ratio_difference(([1, 1, 0, 0], [1, 1, 1, 1]), ([1, 0, 0, 0], [1, 0, 1, 0]))
    assert (found.value, found.count) == (0.0, 4)
    same = ([1, 0, 1, 0], [1, 1, 1, 1])
    assert bootstrap_ratio_difference(same, same) == Measured(0.0, 0.0, 0.0, 4)
    nothing = bootstrap_ratio_difference(same, ([0, 0, 0, 0], [0, 0, 0, 0]))
    assert str(nothing) == "n/a n=4"


@pytest.fixture(scope="module")
def result(shop: Path, scores: Any) -> BenchResult:
    suite, data, cases = load(shop)
    model = ModelResult("sighted", "1", (), 0.0, altered=scores)
    return BenchResult(suite, data, tuple(cases), (model,))


def test_the_document_holds_the_sample_and_can_be_read_back(result: BenchResult, tmp_path: Path) -> None:
    document = to_document(result, {})
    write_results(document, tmp_path / "results.json")
    found = read_results(tmp_path / "results.json")
    assert len(found.photo_sample) == 18
    assert found.photo_conditions["half the size"]["gender"]["accuracy, change"]["sighted"].value == -0.5
    # Documents of before there were photo conditions are read as well.
    for key in ("photo_sample", "photo_conditions"):
        document.pop(key)
    write_results(document, tmp_path / "earlier.json")
    assert read_results(tmp_path / "earlier.json").photo_conditions == {}


def test_reports_show_each_difference_beside_its_share(result: BenchResult) -> None:
    (gender,) = [one for one in altered_fields(result.models[0]) if one.field == "gender"]
    rows = dict(gender.rows)
    assert gender.heads[0] == "right" and rows[PLAIN][0] == "100.0 %"
    assert rows["half the size"][0].startswith("50.0 % (-50.0, -")
    assert rows["in grey"][0] == "100.0 % (+0.0, +0.0 to +0.0)"
    page, text = render_report(result, "pumgpt bench shop"), render_markdown(result, "pumgpt bench shop")
    for report in (page, text):
        assert "The same photo, otherwise" in report and "18 products" in report
    assert "#### gender" in text and "<summary>sighted: gender</summary>" in page
    assert 'data-label="same answer"' in page, "on a phone each cell says what it is"


def test_the_command_alters_photos_for_models_and_not_for_baselines(shop: Path, tmp_path: Path) -> None:
    arguments = ["bench", str(shop), "--model", "fake", "--model", "majority", "--limit", "3", "--out", str(tmp_path)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.stderr
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert len(found["photo_sample"]) == 3
    assert set(found["photo_conditions"][PLAIN]["category"]["accuracy"]) == {"fake"}
    assert "The same photo, otherwise: fake" in done.stdout
