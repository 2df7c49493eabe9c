"""What a measurement hands to a model must not tell the answer."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from pumgpt.bench.asking.inputs import prepare, write_photos
from pumgpt.bench.suites.sets import IMAGE_ONLY, NANO_SETS, OPEN_DOMAIN, WITH_TITLE, MeasuredSet
from pumgpt.bench.suites.truth import read_truth

from pumgpt.bench.baselines.predictions import Prediction
from pumgpt.errors import CatalogError

PAIRS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
SET = MeasuredSet("apples", "test.parquet", "train.parquet", (IMAGE_ONLY, WITH_TITLE))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    def write(name: str, category: list[str]) -> None:
        table = {
            "id": [f"{category[-1]}_{row}" for row in range(3)],
            "source": ["grocery"] * 3,
            "title": ["A title", None, "Another"],
            "description": ["tells the class"] * 3,
            "category": [category] * 3,
            "attributes": pa.array([[{"name": "colour", "value": "Red"}]] * 3, PAIRS),
            "image": [{"bytes": b"photo", "path": f"{category[-1]}.jpg"}] * 3,
        }
        pq.write_table(pa.table(table), tmp_path / name)

    write("test.parquet", ["Apple", "Gala"])
    write("train.parquet", ["Fruit", "Apple", "Gala"])
    return tmp_path


def test_photos_come_without_anything_that_tells(data: Path, tmp_path: Path) -> None:
    prepared = prepare(SET, data, tmp_path / "out")
    rows = pq.read_table(prepared.input_for(IMAGE_ONLY)).to_pylist()
    assert rows[0] == {"id": "0", "image": {"bytes": b"photo", "path": None}}
    assert b"Gala" not in prepared.photos.read_bytes()


def test_titles_come_where_the_condition_says_so(data: Path, tmp_path: Path) -> None:
    prepared = prepare(SET, data, tmp_path / "out", limit=2)
    rows = pq.read_table(prepared.input_for(WITH_TITLE)).to_pylist()
    assert [(row["id"], row["title"]) for row in rows] == [("0", "A title"), ("1", None)]
    assert set(rows[0]) == {"id", "title", "image"}


def test_truth_has_whole_paths_and_the_same_ids(data: Path, tmp_path: Path) -> None:
    truth = read_truth(prepare(SET, data, tmp_path / "out").truth)
    assert [product.id for product in truth] == ["0", "1", "2"]
    assert truth[0].category == ("Fruit", "Apple", "Gala")
    assert truth[0].attributes == {"colour": "Red"}


def test_predictions_by_original_id_are_renumbered(data: Path, tmp_path: Path) -> None:
    prepared = prepare(SET, data, tmp_path / "out")
    known = Prediction(caption="this one")
    assert prepared.renumber({"Gala_2": known, "elsewhere": Prediction()}) == {"2": known}


def test_missing_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"test\.parquet; give the folder"):
        prepare(SET, tmp_path, tmp_path / "out")


def test_drawn_pictures_become_a_catalogue(tmp_path: Path) -> None:
    ids = write_photos([Image.new("RGB", (4, 4), "red"), Image.new("L", (4, 4))], tmp_path / "new" / "drawn.parquet")
    rows = pq.read_table(tmp_path / "new" / "drawn.parquet").to_pylist()
    assert [row["id"] for row in rows] == list(ids) == ["0", "1"]
    assert rows[0]["image"]["bytes"].startswith(b"\x89PNG")


@pytest.mark.shared
@pytest.mark.parametrize("measured", [*NANO_SETS, OPEN_DOMAIN], ids=lambda measured: measured.name)
def test_real_sets_can_be_prepared(shared_data: Path, tmp_path: Path, measured: MeasuredSet) -> None:
    prepared = prepare(measured, shared_data, tmp_path, limit=5)
    truth = read_truth(prepared.truth)
    assert len(truth) == 5
    assert all((product.category is None) == (measured is OPEN_DOMAIN) for product in truth)
    if measured.name.startswith("grocery"):
        assert {len(product.category or ()) for product in truth} == {3}
