"""`pumgpt taxonomy match` and `match-values`, and the maps that they write."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pumgpt.catalog.vocabulary.crosswalk import Crosswalk
from pumgpt.cli.main import main


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.txt").write_text("Jeans\nTrainers\nRugs\n")
    (tmp_path / "schema.yaml").write_text("attributes:\n  - {name: Farbe, values: [Blau, Rot]}\n  - {name: pattern}\n")
    return tmp_path


def test_a_map_is_written_for_review_and_read_again(shop: Path) -> None:
    result = _run("taxonomy", "match", shop / "shop.txt", shop / "map.csv")
    assert result.exit_code == 0 and "2 of 3 categories can be told" in result.stderr
    lines = {
        name: (found, sources) for name, found, sources in (line.split("\t") for line in result.stdout.splitlines())
    }
    assert lines["Jeans"] == ("name", "Apparel > Bottomwear > Jeans")
    assert lines["Rugs"] == ("not found", "")
    walk = Crosswalk.load(shop / "map.csv")
    assert walk.find(("Footwear", "Shoes", "Sports Shoes")) == ("Trainers",)
    assert walk.find(("Footwear", "Shoes", "Casual Shoes"), title="Sneaker") == ("Trainers",)
    with (shop / "map.csv").open() as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    assert {row["found"] for row in rows if row["to"]} == {"name", "synonym", "release"}


def test_an_earlier_map_is_not_lost(shop: Path) -> None:
    (shop / "map.csv").write_text("reviewed")
    result = _run("taxonomy", "match", shop / "shop.txt", shop / "map.csv")
    assert result.exit_code == 2 and (shop / "map.csv").read_text() == "reviewed"
    assert _run("taxonomy", "match", shop / "shop.txt", shop / "map.csv", "--overwrite").exit_code == 0


def test_the_same_as_json(shop: Path) -> None:
    document = json.loads(_run("taxonomy", "match", shop / "shop.txt", shop / "map.csv", "--json").stdout)
    assert (document["categories"], document["told"], document["untold"]) == (3, 2, [["Rugs"]])


def test_values_are_matched_too(shop: Path) -> None:
    result = _run("taxonomy", "match-values", shop / "schema.yaml", shop / "values.csv")
    assert result.exit_code == 0 and "1 of 2 attributes" in result.stderr
    assert "pattern\tnot known" in result.stdout
    assert "colour,Navy Blue,Farbe,Blau" in (shop / "values.csv").read_text().splitlines()


def test_a_model_without_a_card_is_said(shop: Path) -> None:
    result = _run("taxonomy", "match", shop / "shop.txt", shop / "map.csv", "--model", "openai:any")
    assert result.exit_code == 1 and "has none" in result.stderr and not (shop / "map.csv").exists()
