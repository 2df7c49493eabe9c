"""The pages of results are what `scripts/publish_bench.py` writes from the figures kept beside them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_suites import bench, load, write_shop

from pumgpt.backends.fake import FakeBackend
from pumgpt.bench.baselines.backends import Majority
from pumgpt.bench.reporting.results import to_document, write_results

ROOT = Path(__file__).resolve().parents[2]


def publish(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "publish_bench.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A copy of the pages, to be changed."""
    folder = tmp_path / "docs"
    shutil.copytree(ROOT / "docs" / "results", folder / "results")
    shutil.copy(ROOT / "docs" / "pumbench.md", folder)
    return folder


def test_the_pages_are_up_to_date() -> None:
    result = publish("--check")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("page", ["pumbench.md", "results/samples.md"])
def test_a_changed_figure_is_found_and_mended(docs: Path, page: str) -> None:
    right = (docs / page).read_text(encoding="utf-8")
    wrong = right.replace("0.933 [0.841, 0.974]", "0.999 [0.841, 0.974]")
    assert wrong != right
    (docs / page).write_text(wrong, encoding="utf-8")
    found = publish("--check", "--docs", docs)
    assert found.returncode == 1
    assert page in found.stderr
    assert (docs / page).read_text(encoding="utf-8") == wrong
    assert publish("--docs", docs).returncode == 0
    assert (docs / page).read_text(encoding="utf-8") == right


def test_new_results_get_a_page_and_rows_in_the_headline_table(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    shop = write_shop(tmp_path / "shop")
    result = bench(shop, FakeBackend(), Majority(load(shop)[2]), folder=tmp_path / "answers")
    run = {"models": {"fake": {"seconds_per_product": 0.12345}, "majority": {"seconds_per_product": 0.5}}}
    write_results(to_document(result, run), tmp_path / "results.json")
    published = publish(tmp_path / "results.json", "--docs", docs)
    assert published.returncode == 0, published.stderr
    page = (docs / "results" / f"{result.suite.name}.md").read_text(encoding="utf-8")
    accuracy = result.scores["image only"]["majority"]["category"]["accuracy"]
    cell = f"{accuracy.value:.3f} [{accuracy.low:.3f}, {accuracy.high:.3f}]"
    assert f"Category (category: accuracy) | {accuracy.count} |" in page and cell in page
    assert "| fake | `fake` |" in page and "| 0.123 |" in page
    rows = [
        line for line in (docs / "pumbench.md").read_text(encoding="utf-8").splitlines() if "results/shop.md" in line
    ]
    assert rows and cell in rows[0]


def test_a_broken_file_of_figures_is_named(docs: Path) -> None:
    (docs / "results" / "samples.json").write_text('{"suite": "samples"}', encoding="utf-8")
    result = publish("--check", "--docs", docs)
    assert result.returncode == 1
    assert "samples.json: version:" in result.stderr
    assert len(result.stderr.splitlines()) == 1
