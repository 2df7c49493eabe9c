"""Files as data engines write them: pandas, polars, DuckDB and `datasets` themselves, from their frames to the filled file."""

from __future__ import annotations

import csv
import datetime
import decimal
import json
import tempfile
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from engine_files import FILLED_NAMES, filled, products_of, write_polars
from filling import answer, fill
from hypothesis import given, settings
from hypothesis import strategies as st

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product

duckdb = pytest.importorskip("duckdb", reason="needs DuckDB: pip install duckdb")


pl = pytest.importorskip("polars", reason="needs polars: pip install polars")
pytestmark = pytest.mark.usefixtures("quiet_datasets")


_ROWS = {"id": ["1", "2"], "title": ["Tee", "Bag"], "category": [None, None], "attributes": [None, None]}


def _write_pandas(path: Path, rows: dict[str, list[Any]]) -> None:
    pd.DataFrame(rows).to_parquet(path)


def _write_duckdb(path: Path, rows: dict[str, list[Any]]) -> None:
    table = pa.table(rows)
    with duckdb.connect() as database:
        database.register("shop", table)
        database.sql(f"copy shop to '{path}' (format parquet)")


_ENGINES = {"pandas": _write_pandas, "polars": write_polars, "duckdb": _write_duckdb}


@pytest.mark.parametrize("engine", _ENGINES)
def test_columns_without_a_value_are_filled(tmp_path: Path, engine: str) -> None:
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    _ENGINES[engine](source, {**_ROWS, "description": [None, None]})
    fill(source, out, filled, FILLED_NAMES)
    for product in products_of(out):
        assert product.category == ("Home", "Rugs")
        assert product.attributes == {"colour": "Blue", "material": ["Wool", "Silk"]}
    schema = pq.read_schema(out)
    assert schema.field("category").type == pa.list_(pa.string())
    assert schema.field("description").type == pq.read_schema(source).field("description").type, "the shop's own"
    # The engines read it again.
    assert pd.read_parquet(out)["id"].tolist() == pl.read_parquet(out)["id"].to_list() == ["1", "2"]
    assert [row[0] for row in duckdb.sql(f"select category from '{out}'").fetchall()] == [["Home", "Rugs"]] * 2


@pytest.mark.parametrize(
    "empty",
    [
        pd.Series([np.nan, np.nan]),
        pd.Series([None, None], dtype="str"),
        pd.Series([None, None], dtype="string[python]"),
        pd.Series(pd.Categorical([None, None])),
        pd.Series([[], []]),
        pl.Series([float("nan")] * 2),
        pl.Series([None, None], dtype=pl.Boolean),
        pl.Series([[], []]),
        pl.Series([None, None], dtype=pl.Categorical),
    ],
    ids=lambda series: f"{type(series).__module__.partition('.')[0]} {series.dtype}",
)
def test_columns_without_a_value_are_filled_whatever_type_they_got(tmp_path: Path, empty: Any) -> None:
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    if isinstance(empty, pd.Series):
        pd.DataFrame({"id": ["1", "2"], "title": ["Tee", "Bag"], "category": empty}).to_parquet(source)
    else:
        pl.DataFrame({"id": ["1", "2"], "title": ["Tee", "Bag"], "category": empty}).write_parquet(source)
    fill(source, out, filled, FILLED_NAMES)
    assert [product.category for product in products_of(out)] == [("Home", "Rugs")] * 2


@pytest.mark.parametrize("kind", [pl.Categorical, pl.Enum(["A > B"]), pl.String])
def test_a_category_that_is_new_to_a_categorical_has_a_place(tmp_path: Path, kind: Any) -> None:
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    num_rows = 300  # more than the smallest index counts
    frame = pl.DataFrame(
        {
            "id": [str(n) for n in range(num_rows)],
            "title": ["Tee"] * num_rows,
            "category": ["A > B", *[None] * (num_rows - 1)],
        }
    )
    frame.with_columns(pl.col("category").cast(kind)).write_parquet(source)
    fill(source, out, lambda product: answer(product, category=["Home", f"Rug {product.id}"]), ())
    expected = ["A > B", *(f"Home > Rug {n}" for n in range(1, num_rows))]
    assert pl.read_parquet(out)["category"].cast(pl.String).to_list() == expected
    assert pd.read_parquet(out)["category"].astype(str).tolist() == expected


@pytest.mark.parametrize("engine", _ENGINES)
def test_objects_of_attributes_get_what_is_filled(tmp_path: Path, engine: str) -> None:
    """Engines give all objects the keys of all, empty in most of them; `size` has a value nowhere."""
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    attributes = [{"Color": "Red", "size": None}, {"Color": None, "size": None}]
    _ENGINES[engine](source, {**_ROWS, "category": [["A", "B"], None], "attributes": attributes})
    first, second = products_of(source)
    assert (first.attributes, second.attributes, first.category) == ({"Color": "Red"}, None, ("A", "B"))
    fill(source, out, lambda product: answer(product, category=["C"], material="Wool", size="M"), ("size", "material"))
    first, second = products_of(out)
    assert (first.category, second.category) == (("A", "B"), ("C",))
    assert first.attributes == {"Color": "Red", "size": "M", "material": "Wool"}
    assert second.attributes == {"size": "M", "material": "Wool"}


@pytest.mark.parametrize(
    ("select", "attributes"),
    [
        ("map {'colour': 'Red'}", {"colour": "Red"}),
        ("map {'colour': ['Red', 'Blue']}", {"colour": ["Red", "Blue"]}),
        ("""'{"colour": "Red", "size": 42}'::json""", {"colour": "Red", "size": "42"}),
        ("""'{"colour": ["Red", "Blue"]}'""", {"colour": ["Red", "Blue"]}),
        ("[{'name': 'colour', 'value': 'Red', 'unit': 'x'}]", {"colour": "Red"}),
    ],
)
def test_maps_and_json_of_duckdb(tmp_path: Path, select: str, attributes: dict[str, Any]) -> None:
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    duckdb.sql(f"copy (select 7 as id, 'Tee' as title, {select} as attributes) to '{source}'")
    (product,) = products_of(source)
    assert product.attributes == attributes
    fill(source, out, lambda product: answer(product, material=["Wool", "Silk"]), ("material",))
    (product,) = products_of(out)
    assert product.attributes == {**attributes, "material": ["Wool", "Silk"]}
    assert pq.read_schema(out).field("attributes").type == pq.read_schema(source).field("attributes").type
    if "unit" in select:
        assert pq.read_table(out)["attributes"].to_pylist()[0][0]["unit"] == "x"


def test_text_attributes_of_the_shops_own_stay(tmp_path: Path) -> None:
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    _write_pandas(source, {"id": ["1", "2"], "title": ["Tee", "Bag"], "attributes": ["size: M", None]})
    assert products_of(source)[0].extra == {"attributes": "size: M"}
    fill(source, out, filled, FILLED_NAMES)
    written = pq.read_table(out)
    assert written["attributes"].to_pylist() == ["size: M", None]
    assert written["pumgpt_colour"].to_pylist() == ["Blue", "Blue"]


def test_a_column_of_numbers_that_can_not_be_filled_is_named(tmp_path: Path) -> None:
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    write_polars(source, {"id": ["1", "2"], "title": ["Tee", "Bag"], "category": [504020, None]})
    assert [product.category for product in products_of(source)] == [("504020",), None]
    (warning,) = fill(source, out, filled, FILLED_NAMES)
    assert "column 'category' (int64) can't take what was filled; it is in pumgpt_category only" in warning
    fill(source, out, lambda product: answer(product, category=["Home", "Rugs"], category_id="598"))
    assert pq.read_table(out)["category"].to_pylist() == [504020, 598]


def test_ids_that_became_numbers_are_the_shops_ids(tmp_path: Path) -> None:
    source = tmp_path / "in.parquet"
    number = uuid.UUID(int=7)
    for ids, texts in (
        ([1001.0, np.nan, 1003.0], ["1001", "1003"]),
        ([decimal.Decimal("1001.00"), decimal.Decimal("90.75")], ["1001", "90.75"]),
        ([2**60, 2**60 + 1], [str(2**60), str(2**60 + 1)]),
        ([0, 1], ["0", "1"]),
        (["007", "1001.0"], ["007", "1001.0"]),
    ):
        _write_pandas(source, {"id": ids, "title": ["Tee"] * len(ids)})
        found = list(read_catalog(source))
        assert [row.id for row in found if isinstance(row, Product)] == texts
        fill(source, tmp_path / "out.parquet")
        before, after = (pq.read_table(path)["id"] for path in (source, tmp_path / "out.parquet"))
        assert after.type == before.type and after.drop_null().equals(before.drop_null()), "cells stay as they were"
        fill(source, tmp_path / "out.csv")
        with (tmp_path / "out.csv").open(newline="") as file:
            assert [row["id"] for row in csv.DictReader(file)] == texts
    duckdb.sql(f"copy (select uuid '{number}' as id, 'Tee' as title) to '{source}'")
    assert products_of(source)[0].id == str(number)


def test_everything_else_comes_back_as_it_was(tmp_path: Path) -> None:
    source, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    now = datetime.datetime(2026, 1, 2, 3, 4, 5, 678)
    frame = pl.DataFrame(
        {
            "id": ["1", "2"],
            "title": ["Tee", None],
            "stock": pl.Series([3, None], dtype=pl.UInt8),
            "price": [decimal.Decimal("1.50"), None],
            "when": pl.Series([now, None], dtype=pl.Datetime("us", "Europe/Rome")),
            "open": [datetime.time(9, 30), None],
            "life": [datetime.timedelta(days=2), None],
            "size": pl.Series(["S", None], dtype=pl.Enum(["S", "M"])),
            "brand": pl.Series(["Own", None], dtype=pl.Categorical),
            "tags": [["new", None], []],
            "box": [{"mm": [1, 2], "at": now}, None],
            "nothing": [None, None],
        }
    )
    frame.write_parquet(source)
    fill(source, out, filled, FILLED_NAMES)
    assert pl.read_parquet(out).select(frame.columns).equals(frame)
    duckdb.sql(
        "copy (select 1 as id, 'Tee' as title, map {'a': 1} as m, '[1, 2.50]'::json as j, "
        f"'x'::enum('x', 'y') as e, [{{'when': timestamp_ns '2026-01-02 03:04:05.678'}}] as n) to '{source}'"
    )
    fill(source, out, filled, FILLED_NAMES)
    before, after = (duckdb.sql(f"select id, title, m, j, e, n from '{path}'").fetchall() for path in (source, out))
    assert before == after


def test_categoricals_of_any_size_come_back(tmp_path: Path) -> None:
    """Polars counts the values of an Enum without a sign, to 255."""
    sizes = [f"{number} mm" for number in range(250)]
    frame = pl.DataFrame({"id": sizes, "title": sizes, "size": pl.Series(sizes, dtype=pl.Enum(sizes))})
    frame = frame.with_columns(pl.struct(pl.col("size")).alias("box"), pl.concat_list("size").alias("sizes"))
    frame.write_parquet(tmp_path / "in.parquet")
    fill(tmp_path / "in.parquet", tmp_path / "out.parquet", filled, FILLED_NAMES)
    assert pl.read_parquet(tmp_path / "out.parquet").select(frame.columns).equals(frame)


def test_views_of_text_inside_of_lists_are_written_as_text(tmp_path: Path) -> None:
    """Arrow can't write them, but for a list that is not cut."""
    view = pa.list_(pa.string_view())
    schema = pa.schema([("id", pa.string()), ("title", pa.string()), ("category", view), ("tags", view)])
    rows = [
        {"id": str(n), "title": "Tee", "category": ["A", "B"] if n else None, "tags": ["x", str(n)]} for n in range(2)
    ]
    with pq.ParquetWriter(tmp_path / "in.parquet", schema) as file:
        for row in rows:
            file.write_table(pa.Table.from_pylist([row], schema=schema))
    fill(tmp_path / "in.parquet", tmp_path / "out.parquet", filled, FILLED_NAMES)
    written = pq.read_table(tmp_path / "out.parquet")
    assert written["category"].to_pylist() == [["Home", "Rugs"], ["A", "B"]]
    assert written["tags"].to_pylist() == [["x", "0"], ["x", "1"]]


_WORD = st.sampled_from(["Red", "Blue", "x|y", "ü", "A & B"])


_PATH = st.lists(st.sampled_from(["Home", "Rugs", "Arts & Crafts", "ü"]), min_size=1, max_size=3)


_TEXT = pa.string()


_CATEGORIES = (
    *(_TEXT, pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), _TEXT), pa.null()),
    *(pa.list_(_TEXT), pa.large_list(pa.large_string()), pa.list_view(_TEXT)),
)


_ATTRIBUTES = (
    *(pa.map_(_TEXT, _TEXT), pa.map_(pa.large_string(), pa.large_list(_TEXT)), pa.null(), _TEXT, pa.large_string()),
    pa.large_list(pa.struct([("name", pa.large_string()), ("value", pa.large_string())])),
    pa.list_(pa.struct([("name", _TEXT), ("value", pa.list_(_TEXT))])),
    pa.struct([("colour", _TEXT), ("size", pa.null())]),
    pa.struct([("colour", pa.large_list(_TEXT))]),
)


def _category_in(kind: pa.DataType, path: list[str] | None) -> Any:
    if path is None or pa.types.is_null(kind):
        return None
    return path if pa.types.is_nested(kind) else " > ".join(path)


def _attributes_in(kind: pa.DataType, colour: str | None) -> Any:
    if colour is None or pa.types.is_null(kind):
        return None
    if not pa.types.is_nested(kind):
        return json.dumps({"colour": colour})
    if pa.types.is_struct(kind):
        return {"colour": [colour] if pa.types.is_nested(kind.field("colour").type) else colour}
    pair_kind = kind.item_type if pa.types.is_map(kind) else kind.value_type.field("value").type
    value = [colour] if pa.types.is_nested(pair_kind) else colour
    return [("colour", value)] if pa.types.is_map(kind) else [{"name": "colour", "value": value}]


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(_CATEGORIES),
    st.sampled_from(_ATTRIBUTES),
    st.lists(st.tuples(st.none() | _PATH, st.none() | _WORD), min_size=1, max_size=4),
)
def test_whatever_the_types_what_is_filled_is_read_again(
    category: pa.DataType, attributes: pa.DataType, rows: list[tuple[list[str] | None, str | None]]
) -> None:
    table = pa.table(
        {
            "id": [str(number) for number in range(len(rows))],
            "title": ["Tee"] * len(rows),
            "category": pa.array([_category_in(category, path) for path, _ in rows], category),
            "attributes": pa.array([_attributes_in(attributes, colour) for _, colour in rows], attributes),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.parquet"), Path(folder, "out.parquet")
        pq.write_table(table, source)
        before = products_of(source)
        fill(
            source,
            out,
            lambda product: answer(product, category=["New", "Path"], size="M", fit="Slim"),
            ("size", "fit"),
        )
        for old, new in zip(before, products_of(out), strict=True):
            assert new.category == (old.category or ("New", "Path"))
            assert new.attributes == {**(old.attributes or {}), "size": "M", "fit": "Slim"}
        written = pq.read_table(out)
        if not pa.types.is_null(category):
            cells = zip(table["category"].to_pylist(), written["category"].to_pylist(), strict=True)
            assert all(old == new for old, new in cells if old is not None)
