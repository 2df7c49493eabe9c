"""Whatever a catalogue holds comes back: property tests over CSV, JSON lines and Parquet."""

from __future__ import annotations

import csv
import datetime
import json
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from filling import answer, cells, fill
from hypothesis import given, settings
from hypothesis import strategies as st

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    ["", "007", '"', "x,y", "\t", ";", "\n", "\r", "\r\n", "ü€", "🧦", "\ufeff", "\u2028", "=1+1", "NULL", "|", " > "]
)
_NAME = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6).filter(
    lambda name: (
        name not in {"id", "image", "images", "title", "description", "category", "attributes", "language", "source"}
    )
)
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(_TEXT, _TEXT, _TEXT), max_size=5),
    st.sampled_from([",", "\t", ";"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_csv(rows: list[tuple[str, ...]], delimiter: str, end: str, has_mark: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.csv"), Path(folder, "out.csv")
        with source.open("w", encoding="utf-8-sig" if has_mark else "utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
            writer.writerows([("id", "title", "note", "stock"), *((f"0{n}", *row) for n, row in enumerate(rows))])
        fill(source, out, lambda product: answer(product, caption="x"))
        before, after = cells(source, delimiter), cells(out, delimiter)
        assert [row[:4] for row in after] == before
        assert {row[4] for row in after[1:]} <= {"x"}
        assert out.read_bytes().startswith(b"\xef\xbb\xbf") == has_mark


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(_NAME, _VALUE, max_size=4), min_size=1, max_size=5))
def test_jsonl_loses_nothing(records: list[dict[str, Any]]) -> None:
    """JSON lines come back as answers, not as the shop's rows; what was read of a row is there to be written."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "in.jsonl")
        whole = [{"id": str(number), **record} for number, record in enumerate(records)]
        source.write_text("".join(json.dumps(record) + "\n" for record in whole), encoding="utf-8")
        found = [row for row in read_catalog(source) if isinstance(row, Product)]
        assert [product.original for product in found] == whole
        assert [dict(product.extra) for product in found] == records
        fill(source, Path(folder, "out.parquet"))
        for record, row in zip(whole, pq.read_table(Path(folder, "out.parquet")).to_pylist(), strict=True):
            assert all(_same(value, row[name]) for name, value in record.items())


def _same(value: Any, cell: Any) -> bool:
    """A column of one type holds values as they are, one of several types texts as they are and the rest as JSON."""
    if value == "" or value is None:
        return cell in ("", None)
    is_written = isinstance(cell, str) and not isinstance(value, str)
    return (json.loads(cell) if is_written else cell) == value


_LATEST, _CENTURY = datetime.datetime(2200, 1, 1), datetime.timedelta(days=36_500)  # what 64 bits of nanoseconds hold
_COLUMN = st.sampled_from(
    [
        (pa.string(), _TEXT),
        (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
        (pa.float64(), st.floats(allow_nan=True)),
        (pa.bool_(), st.booleans()),
        (pa.binary(), st.binary(max_size=8)),
        (pa.list_(pa.string()), st.lists(_TEXT, max_size=3)),
        (pa.map_(pa.string(), pa.int32()), st.dictionaries(_TEXT, st.integers(-9, 9), max_size=3)),
        (
            pa.struct([("a", pa.string()), ("b", pa.int8())]),
            st.fixed_dictionaries({"a": _TEXT, "b": st.integers(-9, 9)}),
        ),
        (pa.date32(), st.dates()),
        (pa.timestamp("us"), st.datetimes()),
        (pa.decimal128(8, 2), st.decimals(-9999, 9999, places=2)),
        (pa.dictionary(pa.int32(), pa.string()), _TEXT),
        (pa.large_string(), _TEXT),
        (pa.string_view(), _TEXT),
        (pa.large_list(pa.large_string()), st.lists(_TEXT | st.none(), max_size=3)),
        (pa.list_view(pa.string()), st.lists(_TEXT, max_size=3)),
        (pa.list_(pa.timestamp("ns")), st.lists(st.datetimes(datetime.datetime(1700, 1, 1), _LATEST), max_size=2)),
        (pa.time64("ns"), st.times()),
        (pa.duration("ns"), st.timedeltas(-_CENTURY, _CENTURY)),
        (pa.null(), st.none()),
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_parquet(data: st.DataObject) -> None:
    columns = data.draw(st.dictionaries(_NAME, _COLUMN, max_size=4))
    num_rows = data.draw(st.integers(0, 4))
    arrays = {"id": pa.array([str(number) for number in range(num_rows)], pa.string())}
    for name, (kind, values) in columns.items():
        drawn = data.draw(st.lists(st.none() | values, min_size=num_rows, max_size=num_rows))
        listed = [list(value.items()) if pa.types.is_map(kind) and value is not None else value for value in drawn]
        arrays[name] = pa.array(listed, kind)
    table = pa.table(arrays).replace_schema_metadata({"shop": "kept"})
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.parquet"), Path(folder, "out.parquet")
        pq.write_table(table, source)
        fill(source, out)
        before, after = pq.read_table(source), pq.read_table(out)
        assert after.select(before.column_names).schema.equals(before.schema)
        assert _rows(after.select(before.column_names)) == _rows(before)
        assert after.schema.metadata[b"shop"] == b"kept"


def _rows(table: pa.Table) -> list[Mapping[str, Any]]:
    """NaN is equal to itself here."""
    return [
        {name: "NaN" if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
        for row in table.to_pylist()
    ]
