"""Categories that a catalogue gives as ids have their names in every command that works on labels."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from pumgpt.cli.main import main
from pumgpt.model.card import read_card
from pumgpt.samples import draw_product, seeds

GOOGLE = "# Google_Product_Taxonomy_Version: 1\n212 - Apparel > Tops, Tees & Co\n187 - Apparel > Shoes\n"
CELLS = ("212", "187", "gid://shopify/TaxonomyCategory/aa-1-13-8", "Home > Lamps")
NAMES = ("Apparel > Tops, Tees & Co", "Apparel > Shoes", "T-Shirts", "Home > Lamps")
"""What the cells mean; of Shopify's path the last level."""


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Products whose category is a number of Google's, an id of Shopify's, or a name; twice each, so that labels recur."""
    with (tmp_path / "shop.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "image", "title", "category"))
        for number, cell in enumerate(CELLS * 2):
            draw_product(seeds.TESTS[number], size_px=64)[0].save(tmp_path / f"{number}.jpg")
            writer.writerow((number, f"{number}.jpg", f"Thing number {number}", cell))
    (tmp_path / "google.txt").write_text(GOOGLE, encoding="utf-8")
    return tmp_path


def told_categories(texts: list[str]) -> set[str]:
    return {name for name in NAMES for text in texts if name in text}


def test_convert_teaches_names(shop: Path) -> None:
    arguments = ("convert", shop / "shop.csv", shop / "out.jsonl", "--to", "messages", "--questions", 9)
    run(*arguments, "--taxonomy", shop / "google.txt")
    text = (shop / "out.jsonl").read_text(encoding="utf-8")
    assert told_categories([text]) == set(NAMES)
    assert not any(f'"{cell}"' in text for cell in CELLS[:3])
    without = run(*arguments, "--overwrite")
    assert told_categories([(shop / "out.jsonl").read_text(encoding="utf-8")]) == set(NAMES[2:])
    assert without.stderr.count("give the taxonomy that has them with --taxonomy") == 1


def test_shards_teach_names(shop: Path) -> None:
    told = run("shards", shop / "shop.csv", shop / "shards", "--taxonomy", shop / "google.txt", "--held-out", 0)
    rows = [row for file in (shop / "shards").glob("train-*.parquet") for row in pq.read_table(file).to_pylist()]
    assert told_categories([" > ".join(row["category"]) for row in rows]) == set(NAMES)
    assert "not known" not in told.stderr
    assert "not known" in run("shards", shop / "shop.csv", shop / "more").stderr


def test_curate_judges_names_and_leaves_cells(shop: Path) -> None:
    arguments = ("curate", shop / "shop.csv", shop / "out.csv", "--experts", "text")
    run(*arguments, "--taxonomy", shop / "google.txt")
    answers = [json.loads(line) for line in (shop / "out.csv.answers.jsonl").read_text(encoding="utf-8").splitlines()]
    paths = [" > ".join(answer["verdicts"][0]["path"]) for answer in answers]
    assert told_categories(paths) == set(NAMES)
    with (shop / "out.csv").open(encoding="utf-8", newline="") as file:
        assert [row["category"] for row in csv.DictReader(file)] == list(CELLS * 2)
    # Other names are other verdicts: a finished run isn't taken for one with a taxonomy.
    other = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert other.exit_code == 2 and "taxonomy" in other.stderr


@pytest.mark.slow
def test_remember_answers_with_names(shop: Path) -> None:
    run("remember", shop / "shop.csv", shop / "mine", "--taxonomy", shop / "google.txt", "--sample", 0)
    known = [path[-1] for path in read_card(shop / "mine").category_paths]
    assert {"Tops, Tees & Co", "Shoes", "T-Shirts", "Lamps"} <= set(known) and "212" not in known
