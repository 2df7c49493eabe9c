"""`pumgpt taxonomy diff` and `migrate`, as they are called."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pumgpt.cli.main import main

_GID = "gid://shopify/TaxonomyCategory/"
_HEAD = (
    "# Shopify Product Taxonomy - Categories: {}\n# Format: {{GID}} : {{Ancestor name}} > ... > {{Category name}}\n\n"
)


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two releases of Shopify's form, the newer one as its assets; what moved between them is known to PumGPT."""
    old = (("aa", "Apparel"), ("aa-1-2-10", "Apparel > Baby One-Pieces"), ("aa-4", "Apparel > Spats"))
    (tmp_path / "old.txt").write_text(_HEAD.format("2025-12") + "".join(f"{_GID}{c} : {name}\n" for c, name in old))
    new = (("aa", "Apparel"), ("aa-1-25-10", "Apparel > Children's One-Pieces"), ("aa-9", "Apparel > Capes"))
    (tmp_path / "new").mkdir()
    text = _HEAD.format("2026-08") + "".join(f"{_GID}{c}   : {name}\n" for c, name in new)
    (tmp_path / "new" / "categories.en.txt.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "in.csv").write_text("id,title,category\n1,a,Apparel > Baby One-Pieces\n2,b,aa-4\n3,c,Sale\n4,d,aa\n")
    return tmp_path


def test_diff_says_what_changes(shop: Path) -> None:
    result = _run("taxonomy", "diff", shop / "old.txt", shop / "new")
    assert result.exit_code == 0
    renamed, gone, new = result.stdout.splitlines()
    assert renamed == "renamed\tApparel > Baby One-Pieces\tApparel > Children's One-Pieces"
    assert gone.startswith("gone\tApparel > Spats\t(near: ") and "Apparel > Capes" in gone
    assert new == "new\t\tApparel > Capes"
    assert "3 categories: 1 same, 1 renamed, 1 gone; 1 new" in result.stderr


def test_diff_as_json_for_a_shop(shop: Path) -> None:
    result = _run("taxonomy", "diff", shop / "old.txt", shop / "new", "--catalog", shop / "in.csv", "--json")
    document = json.loads(result.stdout)
    assert (document["old"]["version"], document["new"]["version"]) == ("2025-12", "2026-08")
    assert document["counts"]["gone"] == 1 and document["counts"]["new"] == 0
    renamed, gone = document["changes"]
    assert renamed["to"] == [{"path": ["Apparel", "Children's One-Pieces"], "id": _GID + "aa-1-25-10"}]
    assert (gone["kind"], gone["id"], gone["products"]) == ("gone", _GID + "aa-4", 1)
    assert "'Sale'" in result.stderr


def test_attributes_that_came(shop: Path) -> None:
    for name, attributes in (("a.json", ["fit"]), ("b.json", ["fit", "neck"])):
        category = {"id": _GID + "aa", "name": "Apparel", "full_name": "Apparel"}
        listed = [{"name": key.title(), "handle": key, "values": []} for key in attributes]
        document = {"verticals": [{"categories": [{**category, "attributes": listed}]}], "attributes": listed}
        (shop / name).write_text(json.dumps(document))
    result = _run("taxonomy", "diff", shop / "a.json", shop / "b.json")
    assert result.stdout == "attributes\tApparel\t+Neck\n"


def test_migrate_names_what_it_leaves(shop: Path) -> None:
    arguments = (
        "taxonomy",
        "migrate",
        shop / "in.csv",
        shop / "out.csv",
        "--from",
        shop / "old.txt",
        "--to",
        shop / "new",
    )
    result = _run(*arguments)
    assert result.exit_code == 0, result.stderr
    assert (shop / "out.csv").read_text() == (shop / "in.csv").read_text().replace("Baby", "Children's")
    assert "row 2 (id 2): 'aa-4' is gone from the new taxonomy, and stays; near are Apparel" in result.stderr
    assert "4 rows in" in result.stderr and "1 carried over, 1 the same" in result.stderr
    left = [json.loads(line) for line in (shop / "out.left.jsonl").read_text().splitlines()]
    assert [(line["row"], line["id"], line["category"]) for line in left] == [(2, "2", "aa-4"), (3, "3", "Sale")]
    assert _run(*arguments).exit_code == 2, "it is there already"
    again = _run(*arguments, "--overwrite", "--json")
    assert json.loads(again.stdout)["carried"] == 1
    assert _run(*arguments[:3], shop / "in.csv", *arguments[4:], "--overwrite").exit_code == 2, "not over the input"


def test_ones_own_mapping(shop: Path) -> None:
    (shop / "moves.csv").write_text("from,to\nApparel > Spats,Apparel > Capes\n")
    arguments = ("--from", shop / "old.txt", "--to", shop / "new", "--map", shop / "moves.csv")
    result = _run("taxonomy", "migrate", shop / "in.csv", shop / "out.csv", *arguments)
    assert result.exit_code == 0
    assert "2,b,aa-9" in (shop / "out.csv").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("diff", "old.txt", "none.txt"), "none.txt: can't be read"),
        (("diff", "old.txt", "new", "--map", "in.csv"), "no columns 'from' and 'to'"),
        (("migrate", "in.csv", "out.doc", "--from", "old.txt", "--to", "new"), "ending '.doc' is not known"),
    ],
)
def test_errors_are_one_line(
    shop: Path, arguments: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    result = _run("taxonomy", *arguments)
    assert result.exit_code in (1, 2)
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("pumgpt: error")]
    assert words in line
