"""Training data out of a catalogue: balanced, mixed, and nothing on both sides."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.cli.main import main
from pumgpt.errors import CatalogError, UsageError
from pumgpt.tasks.registry import TASKS
from pumgpt.training.data.products import SourceRecipe, read_products
from pumgpt.training.data.shards import SPLITS, ShardRecipe, write_shards

WORDS = ("Striped", "Plain", "Long", "Short", "Soft", "Warm", "Light", "Heavy", "Wide", "Slim")


def photo(folder: Path, number: int) -> str:
    """A picture that looks like no other: its perceptual hash is as random as its blocks."""
    blocks = random.Random(number).randbytes(64)
    file = folder / f"{number}.png"
    Image.frombytes("L", (8, 8), blocks).resize((64, 64), Image.Resampling.NEAREST).convert("RGB").save(file)
    return file.name


def write_catalog(folder: Path, categories: list[str], name: str = "shop.jsonl", **columns: list[str]) -> Path:
    rows: list[dict[str, Any]] = []
    for number, category in enumerate(categories):
        title = " ".join(random.Random(f"{name} {number}").sample(WORDS, 4)) + f" {category} {number}"
        row = {"id": str(number), "image": photo(folder, number), "title": title, "category": ["Shop", category]}
        row["attributes"] = {"colour": "Red" if number % 2 else "Black"}
        rows.append(row | {column: values[number] for column, values in columns.items()})
    file = folder / name
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def rows_of(out: Path, split: str) -> list[dict[str, Any]]:
    return [row for file in sorted(out.glob(f"{split}-*.parquet")) for row in pq.read_table(file).to_pylist()]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    groups=st.lists(st.integers(0, 5), min_size=4, max_size=16), held_out=st.floats(0.1, 0.9), seed=st.integers(0, 9)
)
def test_no_group_is_on_both_sides(
    groups: list[int], held_out: float, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("shop")
    file = write_catalog(folder, ["Shirts"] * len(groups), item_group_id=[f"g{group}" for group in groups])
    write_shards([file], folder / "out", ShardRecipe(held_out=held_out, seed=seed, evenness=0.0))
    sides = {split: {groups[int(row["id"])] for row in rows_of(folder / "out", split)} for split in SPLITS}
    assert not sides["train"] & sides["validation"]
    assert sides["train"] | sides["validation"] == set(groups)


def test_listings_with_the_same_photo_stay_together(tmp_path: Path) -> None:
    file = write_catalog(tmp_path, ["Shirts"] * 40)
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for row in rows[1::2]:
        row["image"] = rows[int(row["id"]) - 1]["image"]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    summary = write_shards([file], tmp_path / "out", ShardRecipe(held_out=0.5, evenness=0.0))
    sides = {row["id"]: split for split in SPLITS for row in rows_of(tmp_path / "out", split)}
    assert summary.groups == 20 and len(set(sides.values())) == 2
    assert all(sides[str(number)] == sides[str(number + 1)] for number in range(0, 40, 2))


def test_rare_categories_come_as_often_as_they_may(tmp_path: Path) -> None:
    file = write_catalog(tmp_path, ["Shirts"] * 90 + ["Hats"] * 10)
    counts = {}
    for evenness in (0.0, 1.0):
        out = tmp_path / f"even{evenness}"
        write_shards([file], out, ShardRecipe(held_out=0.0, evenness=evenness))
        counts[evenness] = Counter(row["category"][1] for row in rows_of(out, "train"))
    assert counts[0.0] == {"Shirts": 90, "Hats": 10}
    assert counts[1.0]["Hats"] == 40, "the most copies"
    assert 38 <= counts[1.0]["Shirts"] <= 62


def test_tasks_keep_their_shares(tmp_path: Path) -> None:
    file = write_catalog(tmp_path, ["Shirts", "Hats"] * 60)
    shares = {"caption": 0.2, "category": 0.3, "attribute_qa": 0.4, "attribute_correction": 0.1}
    summary = write_shards([file], tmp_path / "out", ShardRecipe(questions=2, tasks=shares))
    asked = summary.tasks.total()
    assert {task: round(count / asked, 1) for task, count in summary.tasks.items()} == shares


def test_open_domain_rows_have_their_share(tmp_path: Path) -> None:
    shop = write_catalog(tmp_path, ["Shirts"] * 60)
    anything = tmp_path / "open.jsonl"
    lines = [
        {"id": str(n), "image": photo(tmp_path, 500 + n), "description": "A dog runs .\nA dog ."} for n in range(5)
    ]
    anything.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    recipe = ShardRecipe(held_out=0.0, open_domain=anything, open_domain_share=0.25)
    summary = write_shards([shop], tmp_path / "out", recipe)
    rows = rows_of(tmp_path / "out", "train")
    told = [row for row in rows if row["group"].startswith("open/")]
    assert summary.open_domain == len(told) == round(len(rows) * 0.25)
    assert {row["title"] for row in told} == {"A dog runs .", "A dog ."}
    assert all("dog" in row["messages"][1]["content"][0]["text"] or row["tasks"] != ["caption"] for row in told)


def test_translated_attributes_are_asked_for_in_their_language(tmp_path: Path) -> None:
    spec = AttributeSpec("colour", ("Red", "Black"), names={"de": "Farbe"}, translations={"de": {"Red": "Rot"}})
    file = write_catalog(tmp_path, ["Shirts"] * 40)
    recipe = ShardRecipe(held_out=0.0, tasks={"attribute_qa": 1.0}, other_languages=1.0)
    write_shards([file], tmp_path / "out", recipe, AttributeSchema((spec,)))
    turns = [
        (asked["content"][-1]["text"], told["content"][0]["text"])
        for row in rows_of(tmp_path / "out", "train")
        for asked, told in zip(row["messages"][::2], row["messages"][1::2], strict=True)
    ]
    in_german = {asked: told for asked, told in turns if "Farbe" in asked}
    assert set(in_german.values()) == {"Rot"}
    phrasings = TASKS["attribute_qa"].template.translated["de"]
    assert {asked.splitlines()[-1] for asked in in_german} == {phrasing.format(name="Farbe") for phrasing in phrasings}
    assert not any(told == "Red" for _, told in turns) and any(told == "Black" for _, told in turns)


def test_datasets_streams_them_and_our_training_reads_them(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    file = write_catalog(tmp_path, ["Shirts", "Hats"] * 10)
    write_shards([file], tmp_path / "out", ShardRecipe(held_out=0.3, evenness=0.0, rows_per_shard=5))
    streamed = datasets.load_dataset(str(tmp_path / "out"), streaming=True)
    products = {s: read_products([SourceRecipe(files=f"out/{s}-*.parquet")], tmp_path, {}) for s in SPLITS}
    for split in SPLITS:
        rows = list(streamed[split])
        assert [row["id"] for row in rows] == [product.id for product in products[split]]
        assert all(picture.size == (64, 64) for row in rows for picture in row["images"])
        assert all(row["messages"][0]["content"][0]["type"] == "image" for row in rows)
    assert len(list((tmp_path / "out").glob("train-*.parquet"))) > 1
    first = products["train"][0]
    assert first.category == ("Shop", "Shirts" if int(first.id) % 2 == 0 else "Hats")
    assert Image.open(io.BytesIO(first.images[0].data or b"")).size == (64, 64)


def test_control_tokens_in_a_title_are_kept_as_they_stand(tmp_path: Path) -> None:
    """Our training takes them for text, so that nothing need be escaped on the way."""
    titles = [f"Print <image> </s> {' '.join(random.Random(number).sample(WORDS, 4))}" for number in range(12)]
    file = write_catalog(tmp_path, ["Hat"] * 12, title=titles)
    write_shards([file], tmp_path / "shards", ShardRecipe(held_out=0.3))
    rows = [row for split in SPLITS for row in rows_of(tmp_path / "shards", split)]
    assert {row["title"] for row in rows} == set(titles)


def test_the_same_catalogue_gives_the_same_files(tmp_path: Path) -> None:
    file = write_catalog(tmp_path, ["Shirts", "Hats", "Hats"] * 5)
    for name in ("one", "two"):
        write_shards([file], tmp_path / name, ShardRecipe(held_out=0.3))
    for split in SPLITS:
        assert rows_of(tmp_path / "one", split) == rows_of(tmp_path / "two", split)


def test_a_photo_that_does_not_open_is_left_out_and_counted(tmp_path: Path) -> None:
    file = write_catalog(tmp_path, ["Shirts"] * 6)
    (tmp_path / "3.png").write_bytes(b"no photo")
    summary = write_shards([file], tmp_path / "out", ShardRecipe(held_out=0.0, evenness=0.0))
    assert summary.left_out == 1 and "3" not in {row["id"] for row in rows_of(tmp_path / "out", "train")}


def test_what_is_there_is_not_touched(tmp_path: Path) -> None:
    file = write_catalog(tmp_path, ["Shirts"] * 3)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(CatalogError, match="is there already"):
        write_shards([file], tmp_path / "out", ShardRecipe())


def test_shares_are_shares() -> None:
    with pytest.raises(UsageError, match="held-out must be a share"):
        ShardRecipe(held_out=1.5)


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    file = write_catalog(tmp_path, ["Shirts"] * 8)
    done = CliRunner().invoke(main, ["shards", str(file), str(tmp_path / "out"), "--json"])
    told = json.loads(done.stdout)
    assert done.exit_code == 0 and sum(told["rows"].values()) == 8
    assert [Path(name).exists() for name in told["files"]] == [True] * len(told["files"])
