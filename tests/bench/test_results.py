"""The document: it follows its schema, and is the same on every run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_suites import bench, load, write_shop

from pumgpt.backends.fake import FakeBackend
from pumgpt.bench.baselines.backends import Majority
from pumgpt.bench.benchmark import BenchResult
from pumgpt.bench.judging.failures import KINDS
from pumgpt.bench.reporting.markdown import render_markdown
from pumgpt.bench.reporting.results import read_results, to_document, write_results
from pumgpt.errors import CatalogError


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("shop"))


def fresh(shop: Path, folder: Path) -> BenchResult:
    return bench(shop, FakeBackend(), Majority(load(shop)[2]), folder=folder)


def test_two_runs_without_the_cache_write_the_same_but_for_run(shop: Path, tmp_path: Path) -> None:
    one = to_document(fresh(shop, tmp_path / "1"), {"seconds": 1})
    two = to_document(fresh(shop, tmp_path / "2"), {"seconds": 2})
    assert one.pop("run") != two.pop("run")
    assert json.dumps(one) == json.dumps(two)


def test_the_document_holds_everything_and_can_be_read_back(shop: Path, tmp_path: Path) -> None:
    result = fresh(shop, tmp_path / "answers")
    document = to_document(result, {})
    write_results(document, tmp_path / "results.json")
    found = read_results(tmp_path / "results.json")
    assert found.cases == len(result.cases)
    assert (found.suite.products, found.suite.pictures) == (18, 5)
    assert [model.name for model in found.models] == ["fake", "majority"]
    assert found.scores["image only"]["category"]["accuracy"]["majority"].count == 18
    fake = found.failures["fake"]
    assert fake.total == sum(fake.kinds.values()) > 0
    assert set(fake.kinds) <= set(KINDS)
    assert sum(sum(kinds.values()) for kinds in fake.by["task"].values()) == fake.total
    bias = found.position_bias["fake"]
    assert bias is not None and len(bias.places) == 3
    assert found.label_noise.conflicting_groups == 0
    assert {(one.first, one.second) for one in found.comparisons} == {("fake", "majority")}


@pytest.mark.parametrize("text", ["", "{}", '{"format_version": 1, "more": 2}'])
def test_another_document_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match=r"results\.json") as caught:
        read_results(tmp_path / "results.json")
    assert "\n" not in str(caught.value)


def test_the_markdown_names_command_suite_and_counts(shop: Path, tmp_path: Path) -> None:
    text = render_markdown(fresh(shop, tmp_path), "pumgpt bench shop.yaml")
    assert text.startswith("`pumgpt bench shop.yaml`")
    for words in (
        "version 1, seed 7",
        "18 products, 5 pictures",
        "| category | accuracy | ",
        "n=18",
        "### What goes wrong",
    ):
        assert words in text
