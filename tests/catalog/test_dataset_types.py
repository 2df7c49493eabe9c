"""Files that went through `datasets`: class labels, mixed values, types that only some files of a folder have."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import datasets
import pytest
from engine_files import FILLED_NAMES, filled, products_of, write_polars
from filling import answer, fill

pl = pytest.importorskip("polars", reason="needs polars: pip install polars")
pytestmark = pytest.mark.usefixtures("quiet_datasets")


def test_labels_of_a_data_set_are_their_names(tmp_path: Path) -> None:
    names = datasets.ClassLabel(names=["Rugs", "Lamps"])
    features = datasets.Features(
        {
            "id": datasets.Value("string"),
            "title": datasets.Value("string"),
            "category": names,
            "attributes": {"colour": datasets.ClassLabel(names=["Red", "Blue"])},
            "tags": datasets.List(datasets.ClassLabel(names=["new", "old"])),
        }
    )
    rows = {
        "id": ["1", "2", "3"],
        "title": ["a", "b", "c"],
        "category": [0, 1, -1],
        "attributes": [{"colour": 0}, {"colour": 1}, {"colour": -1}],
        "tags": [[0, 1], [], None],
    }
    dataset = datasets.Dataset.from_dict(rows, features=features)
    dataset.save_to_disk(tmp_path / "saved")
    dataset.to_parquet(tmp_path / "in.parquet")
    for source in (tmp_path / "saved", tmp_path / "in.parquet"):
        first, second, third = products_of(source)
        assert [product.category for product in (first, second, third)] == [("Rugs",), ("Lamps",), None]
        assert [product.attributes for product in (first, second, third)] == [
            {"colour": "Red"},
            {"colour": "Blue"},
            None,
        ]
        assert first.extra == {"tags": ["new", "old"]}
        out = tmp_path / "out.parquet"
        fill(source, out, lambda product: answer(product, category=["Home", "Lamps"]))
        again = datasets.Dataset.from_parquet(str(out))
        assert again.features["category"] == names
        assert again["category"][:] == [0, 1, 1], "what is filled is stored as its label too"
        assert again["attributes"][:] == rows["attributes"] and again["tags"][:] == rows["tags"]
        fill(source, tmp_path / "out.csv")
        with (tmp_path / "out.csv").open(newline="") as file:
            assert [row["category"] for row in csv.DictReader(file)] == ["Rugs", "Lamps", ""]


def test_json_lines_that_went_through_datasets(tmp_path: Path) -> None:
    rows = [
        {
            "id": "007",
            "title": "Tee",
            "category": "A > B",
            "attributes": {"colour": "Blue"},
            "size": "M",
            "gtin": "012",
        },
        {"id": "8", "title": "7", "category": ["A", "C"], "attributes": {"fit": ["Slim"]}, "size": ["M"], "gtin": 13},
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = datasets.load_dataset("json", data_files=str(tmp_path / "in.jsonl"), split="train")
    assert isinstance(dataset.features["attributes"], datasets.Json)
    dataset.save_to_disk(tmp_path / "saved")
    dataset.to_parquet(tmp_path / "in.parquet")
    for source in (tmp_path / "saved", tmp_path / "in.parquet"):
        first, second = products_of(source)
        assert (first.id, first.category, first.attributes) == ("007", ("A", "B"), {"colour": "Blue", "size": "M"})
        assert (second.title, second.category, second.attributes) == ("7", ("A", "C"), {"fit": "Slim", "size": "M"})
        assert first.extra == {"size": "M", "gtin": "012"}
        out = tmp_path / "out.parquet"
        fill(source, out, lambda product: answer(product, material="Wool"), ("material",))
        assert products_of(out)[1].attributes == {"fit": "Slim", "material": "Wool", "size": "M"}
        assert datasets.Dataset.from_parquet(str(out))["size"][:] == ["M", ["M"]]


def test_objects_of_mixed_values_that_went_through_datasets(tmp_path: Path) -> None:
    for attributes in (
        [{"colour": "Blue"}, {"colour": ["Red", "Green"]}],
        [[{"name": "colour", "value": "Blue"}], [{"name": "colour", "value": ["Red", "Green"]}]],
    ):
        rows = [{"id": str(n), "title": "Tee", "attributes": given} for n, given in enumerate(attributes)]
        (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        dataset = datasets.load_dataset("json", data_files=str(tmp_path / "in.jsonl"), split="train")
        dataset.to_parquet(tmp_path / "in.parquet")
        fill(tmp_path / "in.parquet", tmp_path / "out.parquet", lambda product: answer(product, fit="Slim"), ("fit",))
        colours = [{"colour": "Blue", "fit": "Slim"}, {"colour": ["Red", "Green"], "fit": "Slim"}]
        assert [product.attributes for product in products_of(tmp_path / "out.parquet")] == colours


def test_json_lines_become_parquet_with_their_types(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    rows: list[dict[str, Any]] = [
        {
            "id": 7,
            "price": 2,
            "new": True,
            "tags": ["x", None],
            "sizes": [1, 2],
            "mixed": 1,
            "box": {"a": 1},
            "none": [],
        },
        {"id": 8, "price": 2.5, "new": None, "tags": [], "sizes": None, "mixed": "one", "big": 2**70, "title": "Tee"},
    ]
    rows[0]["images"] = ["a.jpg"]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for out in (tmp_path / "out.parquet", tmp_path / "new" / "out.parquet"):
        fill(source, out, filled, FILLED_NAMES)
        table = pl.read_parquet(out)
        assert table["id"].to_list() == [7, 8] and table["price"].to_list() == [2.0, 2.5]
        assert table["new"].to_list() == [True, None] and table["tags"].to_list() == [["x", None], []]
        assert table["sizes"].to_list() == [[1, 2], None] and table["none"].to_list() == [[], None]
        assert table["mixed"].to_list() == ["1", "one"] and table["box"].to_list() == ['{"a": 1}', None]
        assert table["big"].to_list() == [None, str(2**70)]
        assert products_of(out)[0].images[0].path == str(tmp_path / "a.jpg"), (
            "the photo is found from the new place too"
        )
    assert pl.read_parquet(tmp_path / "out.parquet")["images"].to_list() == [["a.jpg"], None]


@pytest.mark.parametrize("order", [("values", "empty"), ("empty", "values")])
def test_files_of_a_folder_whose_columns_are_empty_in_one(tmp_path: Path, order: tuple[str, str]) -> None:
    """Of one frame, cut into files: in one of them a column has no value, or only whole numbers."""
    rows = {
        "values": {"id": ["1"], "title": ["Tee"], "category": [["A", "B"]], "stock": [2.5]},
        "empty": {"id": ["2"], "title": ["Bag"], "category": [None], "stock": [3]},
    }
    for number, name in enumerate(order):
        (tmp_path / "in").mkdir(exist_ok=True)
        write_polars(tmp_path / "in" / f"{number}.parquet", rows[name])
    categories = {product.id: product.category for product in products_of(tmp_path / "in")}
    assert categories == {"1": ("A", "B"), "2": None}
    fill(tmp_path / "in", tmp_path / "out.parquet", filled, FILLED_NAMES)
    table = pl.read_parquet(tmp_path / "out.parquet").sort("id")
    assert table["category"].to_list() == [["A", "B"], ["Home", "Rugs"]] and table["stock"].to_list() == [2.5, 3.0]
