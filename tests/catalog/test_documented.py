"""What docs/catalogues.md tells people to type, typed: every command and every line of Python, on the examples."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.cli.main import main
from pumgpt.model.card import SHIPPED, category_maps

_DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<body>.*?)^```", re.DOTALL | re.MULTILINE)
_SHOPIFY = """\
- {id: aa, name: Apparel, children: [aa-8]}
- {id: aa-8, name: Shoes, children: [aa-8-8]}
- {id: aa-8-8, name: Sneakers, attributes: [shoe_color]}
"""
_GERMAN = {
    "categories": "de:\n  categories:\n    aa-8:\n      name: Schuhe\n",
    "attributes": "de:\n  attributes:\n    shoe_color:\n      name: Schuhfarbe\n",
}
_ATTRIBUTES = """{"version": "1", "attributes": [{"name": "Shoe color", "handle": "shoe-color",
 "values": [{"name": "Red", "handle": "shoe-color__red"}]}]}"""


def _blocks(language: str) -> list[str]:
    page = (_DOCS / "catalogues.md").read_text(encoding="utf-8")
    return [block["body"] for block in _BLOCK.finditer(page) if block["language"] == language]


_COMMANDS = [line for block in _blocks("bash") for line in block.splitlines()]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of examples, and small stand-ins for the releases."""
    shutil.copytree(_DOCS / "examples", tmp_path, dirs_exist_ok=True)
    (tmp_path / "categories.txt").write_text("gid://shopify/TaxonomyCategory/aa : Apparel & Accessories\n")
    (tmp_path / "taxonomy.en-US.txt").write_text("Apparel & Accessories\nLuggage & Bags\n")
    for kind, text in _GERMAN.items():
        (tmp_path / "shopify" / "localizations" / kind).mkdir(parents=True)
        (tmp_path / "shopify" / "localizations" / kind / "de.yml").write_text(text)
    (tmp_path / "shopify" / "categories").mkdir()
    (tmp_path / "shopify" / "categories" / "aa.yml").write_text(_SHOPIFY)
    (tmp_path / "shopify" / "attributes.json").write_text(_ATTRIBUTES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", _COMMANDS)
def test_commands(shop: Path, line: str) -> None:
    program, *arguments = shlex.split(line, comments=True)
    has_model = arguments[0] not in ("convert", "duplicates", "look")
    result = CliRunner().invoke(main, [*arguments, *(["--model", "fake"] if has_model else [])])
    assert (program, result.exit_code) == ("pumgpt", 0), result.output
    if arguments[0] in ("duplicates", "look"):
        return
    out = shop / arguments[2]
    assert out.exists() != ("--dry-run" in arguments)
    rejected = out.with_name(f"{out.stem}.rejected.jsonl")
    assert not rejected.exists(), rejected.read_text()


@pytest.mark.parametrize("block", _blocks("python"), ids=lambda block: block.splitlines()[1])
def test_python(shop: Path, block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, "catalogues.md", "exec"), {})
    printed = capsys.readouterr().out
    if "ShopifyRelease" in block:
        assert "Apparel > Shoes > Sneakers" in printed and "Schuhfarbe" in printed and "Schuhe" in printed
    if "training_files" in block:
        assert (shop / "train.json").exists() and (shop / "train.jsonl").read_text(encoding="utf-8").strip()


def test_every_example_is_read(shop: Path) -> None:
    for name in ("catalog.csv", "shopify.csv", "feed.tsv", "feed.xml", "table.csv"):
        reader = read_catalog(shop / name)
        assert all(type(row).__name__ == "Product" for row in reader), name
        assert len(list(reader)) in (2, 3)


def test_the_example_of_a_map_leads_from_nano_to_the_example_taxonomy() -> None:
    from pumgpt.catalog.vocabulary.crosswalk import Crosswalk
    from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy

    walk = Crosswalk.load(_DOCS / "examples" / "category_map.csv")
    (shipped,) = category_maps(SHIPPED / "nano")
    assert set(walk.counterparts) <= set(Crosswalk.load(shipped).counterparts)
    targets = {row.path for rows in walk.counterparts.values() for row in rows if row.path}
    assert targets <= set(load_taxonomy(_DOCS / "examples" / "taxonomy.yaml").paths)
