"""`pumgpt bench` as a user calls it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pumgpt.bench.reporting.results import read_results
from pumgpt.cli.main import main

SUITE = """\
name: shop
version: 1
products: shop.csv
fit: fit.csv
conditions: [image only, with title]
attributes: [colour]
foreign_pictures: 2
options: 2
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["bench", *map(str, arguments)])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    from PIL import Image

    rows = []
    for number in range(8):
        colour, kind = ("Blue", "Red")[number % 2], ("Shirts", "Jeans")[number // 4]
        Image.new("RGB", (20, 20), (10 * number, 30, 200 * (number % 2))).save(tmp_path / f"{number}.png")
        rows.append(f"{number},{number}.png,Acme {colour} thing {number},Shop > {kind},{colour}\n")
    head = "id,image,title,category,colour\n"
    (tmp_path / "shop.csv").write_text(head + "".join(rows), encoding="utf-8")
    (tmp_path / "fit.csv").write_text(head + "".join(rows).replace("\n", "\nf", 7), encoding="utf-8")
    (tmp_path / "shop.yaml").write_text(SUITE, encoding="utf-8")
    return tmp_path


def test_ones_own_catalogue_gives_three_reports(shop: Path) -> None:
    result = run(
        shop / "shop.yaml",
        "--model",
        "fake",
        "--model",
        "majority",
        "--model",
        "nearest",
        "--model",
        "title",
        "--out",
        shop / "out",
    )
    assert result.exit_code == 0, result.stderr
    assert "shop, image only" in result.stdout and "Category among options" in result.stdout
    found = read_results(shop / "out" / "results.json")
    assert [model.name for model in found.models] == ["fake", "majority", "nearest", "title"]
    assert found.scores["image only"]["attribute_qa"]["accuracy"]["nearest"].value == 1.0
    assert found.scores["with title"]["attribute_qa"]["accuracy"]["title"].value == 1.0
    assert set(found.run["models"]) == {"fake", "majority", "nearest", "title"}
    assert "`pumgpt bench shop" in (shop / "out" / "report.md").read_text(encoding="utf-8")


def test_json_is_one_document_that_follows_the_schema(shop: Path) -> None:
    result = run(shop / "shop.yaml", "--model", "fake", "--out", shop / "out", "--json")
    assert json.loads(result.stdout) == json.loads((shop / "out" / "results.json").read_text(encoding="utf-8"))


class _Loads(HTMLParser):
    """What a page would fetch, and which tags stay open."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [
            value or ""
            for name, value in attrs
            if name in ("src", "href") and not (value or "").startswith(("data:", "#"))
        ]
        if tag not in ("meta", "img", "br", "path", "use", "rect", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            assert self.open.pop() == tag


def test_the_page_stands_alone_and_shows_photos_answers_and_plots(shop: Path) -> None:
    run(shop / "shop.yaml", "--model", "fake", "--model", "nearest", "--out", shop / "out")
    text = (shop / "out" / "report.html").read_text(encoding="utf-8")
    page = _Loads()
    page.feed(text)
    assert page.fetched == [] and page.open == []
    assert "<script" not in text and not re.search(r"url\(\s*['\"]?http", text)
    for words in (
        "From the photo alone",
        "data:image/jpeg;base64,",
        "<svg",
        "where the answer would change",
        "What goes wrong",
        "less is better",
    ):
        assert words in text


def test_a_listing_cannot_write_into_the_page(shop: Path) -> None:
    text = (shop / "shop.csv").read_text(encoding="utf-8")
    (shop / "shop.csv").write_text(text.replace("Acme", "<script>alert(1)</script>"), encoding="utf-8")
    run(shop / "shop.yaml", "--model", "fake", "--out", shop / "out")
    assert "<script" not in (shop / "out" / "report.html").read_text(encoding="utf-8")


def test_the_same_command_twice_without_the_cache_gives_the_same(shop: Path) -> None:
    documents = []
    for size in (1, 32):
        run(shop / "shop.yaml", "--model", "fake", "--out", shop / f"out{size}", "--batch-size", size)
        document = json.loads((shop / f"out{size}" / "results.json").read_text(encoding="utf-8"))
        document.pop("run")
        documents.append(json.dumps(document))
    assert documents[0] == documents[1]
    pages = [(shop / f"out{size}" / "report.html").read_bytes() for size in (1, 32)]
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nosuch", "--out", "o"], 2, "there is no suite 'nosuch'"),
        (["samples"], 2, "--out"),
        (["samples", "--out", "o", "--model", "fake", "--model", "fake"], 2, "twice"),
        (["fashion", "--out", "o", "--model", "fake", "--data", "/nowhere"], 1, "no file matches /nowhere/fashion"),
        (["broken.yaml", "--out", "o", "--model", "fake"], 1, "broken.yaml: products"),
        (["samples", "--out", "o", "--limit", "0"], 2, "limit"),
        (["samples", "--out", "o", "--limit", "2", "--model", "nobody"], 1, "--model nobody"),
        (["samples", "--out", "o", "--limit", "1", "--model", "openai:m@http://127.0.0.1:9/v1"], 1, "127.0.0.1:9"),
        (["nofit.yaml", "--out", "o", "--model", "nearest"], 2, "no labelled products to fit it on"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    shop: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, words: str
) -> None:
    monkeypatch.chdir(shop)
    (shop / "broken.yaml").write_text("name: broken\nversion: 1\n", encoding="utf-8")
    (shop / "nofit.yaml").write_text(SUITE.replace("fit: fit.csv\n", ""), encoding="utf-8")
    result = run(*arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert result.stdout == "" and result.stderr.count("\n") == 1


def test_rows_that_cannot_be_used_are_named_and_the_rest_is_done(shop: Path) -> None:
    (shop / "3.png").write_bytes(b"broken")
    result = run(shop / "shop.yaml", "--model", "fake", "--out", shop / "out")
    assert result.exit_code == 0
    assert "set aside" in result.stderr and "3.png" in result.stderr
    assert read_results(shop / "out" / "results.json").suite.products == 7


@pytest.mark.slow
def test_killed_and_started_again_it_asks_only_the_rest(tmp_path: Path) -> None:
    """Ctrl-C in the middle: 130, what was answered stays, and the second run ends with the answers of a whole one."""
    program = [sys.executable, "-c", "from pumgpt.cli.main import main; main()", "bench", "samples", "--model", "nano"]
    command = [*program, "--batch-size", "1", "--out", str(tmp_path), "--limit", "6"]
    first = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + 240
    while not any(path.stat().st_size for path in tmp_path.glob("answers/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGINT)
    _, told = first.communicate(timeout=120)
    assert first.returncode == 130 and "stopped" in told and "Traceback" not in told
    assert not (tmp_path / "results.json").exists()
    (answers,) = tmp_path.glob("answers/*")
    before = answers.read_bytes()
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr
    assert answers.read_bytes().startswith(before)
    assert read_results(tmp_path / "results.json").cases > 0
