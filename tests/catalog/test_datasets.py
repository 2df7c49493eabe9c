"""Folders of Hugging Face `datasets`: what the library saves is read, and what we write it loads."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filling import answer, fill
from hypothesis import given, settings
from hypothesis import strategies as st

from pumgpt.catalog.formats import datasets as datasets_format
from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.registry import count_rows, read_catalog
from pumgpt.catalog.product import Product
from pumgpt.errors import CatalogError

_ROWS = {
    "id": ["1", "2", "3"],
    "title": ["Tee", None, "Bag"],
    "image": [{"bytes": b"jpeg", "path": "a.jpg"}, None, {"bytes": None, "path": "sub/b.jpg"}],
    "category": [["A", "B"], [], None],
    "attributes": [[{"name": "colour", "value": "Red"}], [], None],
    "price": [1.5, None, 2.0],
}


def _dataset() -> datasets.Dataset:
    return datasets.Dataset.from_dict(_ROWS)


def _products(path: Path) -> list[Product]:
    found = list(read_catalog(path))
    assert not any(isinstance(row, RejectedRow) for row in found)
    return [row for row in found if isinstance(row, Product)]


def test_what_save_to_disk_leaves_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    _dataset().save_to_disk(folder, num_shards=2)
    tee, second, bag = _products(folder)
    assert (tee.title, tee.category, tee.attributes) == ("Tee", ("A", "B"), {"colour": "Red"})
    assert tee.images[0].data == b"jpeg"
    assert (second.images, second.extra) == ((), {"price": None})
    assert bag.images[0].path == str(folder / "sub/b.jpg"), "paths start from the folder"
    assert count_rows(folder) == 3


def test_parquet_files_of_the_hub_are_read(tmp_path: Path) -> None:
    (tmp_path / "hub" / "data").mkdir(parents=True)
    for number in range(3):
        part = _dataset().select([number])
        part.to_parquet(tmp_path / "hub" / "data" / f"train-{number:05}-of-00003.parquet")
    assert [product.id for product in _products(tmp_path / "hub")] == ["1", "2", "3"]
    assert count_rows(tmp_path / "hub") == 3


def test_what_we_write_the_library_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets_format, "ROWS_PER_FILE", 2)
    _dataset().save_to_disk(tmp_path / "saved")
    for _ in range(2):  # the second run takes the place of the first
        fill(
            tmp_path / "saved",
            tmp_path / "out",
            lambda product: answer(product, category=["C"], colour="Blue"),
            ("colour",),
        )
    assert [file.name for file in sorted((tmp_path / "out" / "data").iterdir())] == [
        "train-00000-of-00002.parquet",
        "train-00001-of-00002.parquet",
    ]
    loaded = datasets.load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert (
        loaded["id"][:] == _ROWS["id"] and loaded["image"][:] == _ROWS["image"] and loaded["price"][:] == _ROWS["price"]
    )
    assert loaded["category"][:] == [["A", "B"], ["C"], ["C"]]
    assert loaded["pumgpt_colour_status"][:] == ["kept", "filled", "filled"]
    assert _products(tmp_path / "out")[1].attributes == {"colour": "Blue"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "out", "saved"]


def test_a_folder_that_holds_something_else_is_not_taken_away(tmp_path: Path) -> None:
    _dataset().save_to_disk(tmp_path / "saved")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(CatalogError, match=r"out: can't be written \(Directory not empty"):
        fill(tmp_path / "saved", tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_folders_that_give_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CatalogError, match="without a dataset"):
        read_catalog(tmp_path / "empty")
    datasets.DatasetDict({"train": _dataset(), "test": _dataset()}).save_to_disk(tmp_path / "splits")
    with pytest.raises(CatalogError, match=r"several splits; name one of them: .*splits/train"):
        read_catalog(tmp_path / "splits")
    assert len(_products(tmp_path / "splits" / "train")) == 3
    _dataset().select([2, 0]).save_to_disk(tmp_path / "picked")
    assert [product.id for product in _products(tmp_path / "picked")] == ["3", "1"]
    (tmp_path / "mixed").mkdir()
    pq.write_table(pa.table({"id": ["1"]}), tmp_path / "mixed" / "a.parquet")
    pq.write_table(pa.table({"sku": ["1"]}), tmp_path / "mixed" / "b.parquet")
    with pytest.raises(CatalogError, match=r"b\.parquet has other columns than a\.parquet"):
        read_catalog(tmp_path / "mixed")


def test_a_damaged_file_costs_its_rows(tmp_path: Path) -> None:
    _dataset().save_to_disk(tmp_path / "saved", num_shards=3)
    first = next((tmp_path / "saved").glob("data-00001*.arrow"))
    first.write_bytes(first.read_bytes()[:-300])
    found = list(read_catalog(tmp_path / "saved"))
    assert [row.id for row in found if isinstance(row, Product)] == ["1", "3"]
    (rejected,) = (row for row in found if isinstance(row, RejectedRow))
    assert "can't be read" in rejected.error


_TEXT = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_ROW = st.fixed_dictionaries(
    {
        "title": _TEXT,
        "price": st.none() | st.floats(allow_nan=False),
        "stock": st.none() | st.integers(-(2**63), 2**63 - 1),
        "tags": st.lists(_TEXT, max_size=3),
        "size": st.fixed_dictionaries({"name": _TEXT, "inner": st.none() | st.booleans()}),
        "material": _TEXT,
    }
)


@settings(max_examples=20, deadline=None)
@given(st.lists(_ROW, min_size=1, max_size=4))
def test_whatever_stands_in_a_dataset_comes_back(drawn: list[dict[str, Any]]) -> None:
    rows = [{"id": str(number), **row} for number, row in enumerate(drawn)]
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in"), Path(folder, "out")
        schema = pa.schema(
            {
                **dict.fromkeys(("id", "title", "material"), pa.string()),
                "price": pa.float64(),
                "stock": pa.int64(),
                "tags": pa.list_(pa.string()),
                "size": pa.struct({"name": pa.string(), "inner": pa.bool_()}),
            }
        )
        datasets.Dataset(pa.Table.from_pylist(rows, schema)).save_to_disk(source)
        fill(source, out, lambda product: answer(product, colour="Red"), ("colour",))
        written = pa.concat_tables(pq.read_table(file) for file in sorted((out / "data").iterdir()))
        assert written.select(schema.names).to_pylist() == [{name: row[name] for name in schema.names} for row in rows]
        assert written["pumgpt_colour"].to_pylist() == ["Red"] * len(rows)
