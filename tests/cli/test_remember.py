"""`pumgpt remember`, as one calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pumgpt.cli.main import main
from pumgpt.samples import draw_product, seeds

WORN = ("Apparel", "Footwear", "Accessories")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Ten photos under two names of the shop's own, a broken photo and a row without labels."""
    rows = ["id,image,category"]
    for seed in seeds.TESTS[:10]:
        photo, drawn = draw_product(seed, size_px=96)
        photo.save(tmp_path / f"{seed}.jpg")
        rows.append(f"{seed},{seed}.jpg,Bazaar > {'Worn' if drawn.category[0] in WORN else 'Other'}")
    (tmp_path / "broken.jpg").write_text("no photo")
    rows += ["broken,broken.jpg,Bazaar > Worn", "bare,980000.jpg,"]
    (tmp_path / "shop.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def test_what_it_makes_answers_in_the_shops_words(shop: Path) -> None:
    made = run("remember", shop / "shop.csv", shop / "bazaar", "--sample", 4, "--json")
    assert made.exit_code == 0, made.stderr
    told = json.loads(made.stdout)
    assert (told["products"], told["skipped"], told["rejected"]) == (10, 1, 1)
    assert told["fields"]["category"]["values"] == 2
    assert "row 11 (id broken)" in made.stderr
    asked = run("ask", shop / "980000.jpg", "--model", shop / "bazaar", "--json", "--precision", 0)
    category = json.loads(asked.stdout)["category"]
    row = next(line for line in (shop / "shop.csv").read_text().splitlines() if line.startswith("980000,"))
    assert " > ".join(category["path"]) == row.split(",")[2]
    info = json.loads(run("info", shop / "bazaar", "--json").stdout)
    assert info["remembered_products"] == told["known_before"] + 10
    more = run("remember", shop / "shop.csv", shop / "bazaar", "--model", shop / "bazaar", "--sample", 0, "--overwrite")
    assert more.exit_code == 0, more.stderr
    assert not list(shop.glob("*.partial"))


def test_it_says_what_is_wrong_and_leaves_everything(shop: Path) -> None:
    (shop / "mine").mkdir()
    (shop / "mine" / "letter.txt").write_text("kept")
    there = run("remember", shop / "shop.csv", shop / "mine")
    assert (there.exit_code, "is there already; name another, or --overwrite" in there.stderr) == (2, True)
    other = run("remember", shop / "shop.csv", shop / "mine", "--overwrite")
    assert (other.exit_code, "is not the folder of a model" in other.stderr) == (2, True)
    assert (shop / "mine" / "letter.txt").read_text() == "kept"
    absent = run("remember", shop / "absent.csv", shop / "new")
    assert absent.exit_code == 1
    assert "Traceback" not in absent.stderr and len(absent.stderr.strip().splitlines()) == 1
