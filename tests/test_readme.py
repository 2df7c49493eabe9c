"""What the pages tell people to type works: options and links exist, and what is marked is run as it stands."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from PIL import Image, ImageDraw

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    *(DOCS / f"{name}.md" for name in ("catalogues", "curation", "taxonomies", "pumbench", "akeneo")),
]
GROUPS = ("akeneo", "taxonomy")
"""Commands whose options belong to the commands below them."""
RUN_MARK = "<!-- run by tests/test_readme.py -->"
"""Stands above a block that is cheap enough to be run, in a folder with a photo and a catalogue."""

BLOCK = re.compile(r"(?P<above>[^\n]*)\n```(?P<language>\w+)\n(?P<body>.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
ANCHOR = re.compile(r"\]\(#([^)]+)\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
FILE = re.compile(
    r"\b(?:(?:src/pumgpt|pumgpt|tests|scripts|recipes|docs|integrations)/[\w./-]+\.(?:py|yaml|sh|md|csv))\b"
)
SCRIPT = re.compile(r"\bpython ((?:scripts|experiments|benchmarks)/[\w/]+\.py)([^`\n]*)")
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *(page for folder in ("docs", "experiments", "benchmarks") for page in sorted((ROOT / folder).rglob("*.md"))),
]


def blocks(language: str, page: Path, *, marked: bool = False) -> list[str]:
    """The fenced blocks of one language, in order; only those under `RUN_MARK` if `marked`."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [b["body"] for b in found if b["language"] == language and (not marked or b["above"] == RUN_MARK)]


def commands(block: str) -> list[list[str]]:
    """The `pumgpt` commands of a shell block, split into words; continued lines are joined."""
    lines = block.replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [command for command in words if command[:1] == ["pumgpt"]]


def pumgpt(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    program = "from pumgpt.cli.main import main; raise SystemExit(main())"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


@cache
def help_text(*command: str) -> str:
    result = pumgpt(*command, "--help")
    assert result.returncode == 0, f"pumgpt {' '.join(command)} --help: {result.stderr}"
    return result.stdout


def command_cases(*, marked: bool = False) -> list[ParameterSet]:
    """Every command of the pages as a case, once."""
    found = {
        shlex.join(command): command
        for page in PAGES
        for block in blocks("bash", page, marked=marked)
        for command in commands(block)
    }
    return [pytest.param(command, id=line) for line, command in found.items()]


def last_line(block: str) -> str:
    """What a block of Python is called in the test report."""
    return block.splitlines()[-1].strip()


ALL_COMMANDS = command_cases()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder as a reader has it: `photo.jpg`, `catalog.csv` that names it, and `labelled.csv` that says what it is."""
    photo = Image.new("RGB", (120, 160), "white")
    ImageDraw.Draw(photo).rectangle((30, 40, 90, 130), fill=(30, 60, 160))
    photo.save(tmp_path / "photo.jpg")
    (tmp_path / "catalog.csv").write_text("id,image,title\n1,photo.jpg,Blue shirt\n2,missing.jpg,\n", encoding="utf-8")
    (tmp_path / "labelled.csv").write_text("id,image,category\n1,photo.jpg,Shop > Shirts\n", encoding="utf-8")
    return tmp_path


@pytest.fixture(scope="session")
def nano() -> None:
    if not any((ROOT / "src" / "pumgpt").rglob("*.safetensors")):
        pytest.skip("needs the nano checkpoint, which is not in this source tree yet")


def test_there_is_something_to_check() -> None:
    assert {command.values[0][1] for command in ALL_COMMANDS} >= {"ask", "enrich", "train", "info"}  # type: ignore[index]
    assert blocks("bash", PAGES[0], marked=True)
    assert blocks("python", PAGES[0], marked=True)


@pytest.mark.parametrize("command", ALL_COMMANDS)
def test_commands_and_options_exist(command: list[str]) -> None:
    named = command[1:3] if command[1] in GROUPS else command[1:2]
    offered = set(re.findall(r"--[a-z][a-z-]*", help_text(*named)))
    used = {word.partition("=")[0] for word in command[2:] if word.startswith("--")}
    assert used <= offered


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_options_of_scripts_exist(page: Path) -> None:
    """Of `python scripts/...` and the like, which take data or hours: each option is one that the program names."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    wrong = []
    for program, words in SCRIPT.findall(text):
        source = (ROOT / program).read_text(encoding="utf-8") if (ROOT / program).is_file() else ""
        # An option may be made from a name in a list: add_argument(f"--{name}").
        options = re.findall(r"--([a-z][a-z-]*)", words)
        wrong += [f"{program} --{option}" for option in options if not re.search(rf"[\"-]{option}\"", source)]
    assert wrong == []


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = {match[0] for match in FILE.finditer(page.read_text(encoding="utf-8"))}
    homes = (ROOT, ROOT / "src")
    assert sorted(name for name in named if not any((home / name).exists() for home in homes)) == []


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_anchors_lead_to_a_heading(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    # As GitHub makes an anchor of a heading: no punctuation, hyphens for spaces.
    headings = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}
    assert set(ANCHOR.findall(text)) <= headings


def test_the_index_of_experiments_lists_each_once() -> None:
    text = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    questions = re.findall(r"^### (\d+)\. (.*)$", text, re.MULTILINE)
    assert questions == re.findall(r"^\| (\d+) \| \[(.*?)\]\(#", text, re.MULTILINE)
    assert len(questions) >= 39


@pytest.mark.parametrize("target", ["setup", "demo", "test", "lint"])
def test_make_targets_exist(target: str) -> None:
    assert any(f"make {target}" in page.read_text(encoding="utf-8") for page in ROOT.glob("*.md"))
    result = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("block", blocks("python", PAGES[0]), ids=last_line)
def test_python_names_exist(block: str) -> None:
    """Also for the lines that can't be run here, as they download a model."""
    statements = ast.parse(block).body
    imports = [node for node in statements if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports
    exec(compile(ast.Module([*imports], []), "README.md", "exec"), {})


def test_the_example_catalogue_shows_every_kind_of_row() -> None:
    rows = list(read_catalog(ROOT / "docs" / "examples" / "catalog.csv"))
    products = [row for row in rows if isinstance(row, Product)]
    assert [len(product.images) for product in products] == [1, 2, 0]
    assert products[1].category == ("Footwear", "Shoes")
    assert [product.extra["price"] for product in products] == ["24.90", "79.00", "19.50"]


@pytest.mark.slow
@pytest.mark.usefixtures("nano")
@pytest.mark.parametrize("command", command_cases(marked=True))
def test_marked_commands_run(command: list[str], shop: Path) -> None:
    result = pumgpt(*command[1:], cwd=shop)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() or len(list(shop.iterdir())) > 2
    assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("nano")
@pytest.mark.parametrize("block", blocks("python", PAGES[0], marked=True), ids=last_line)
def test_marked_python_lines_run(block: str, shop: Path) -> None:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    result = subprocess.run(
        [sys.executable, "-c", block], cwd=shop, capture_output=True, text=True, check=False, env=environment
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip()
