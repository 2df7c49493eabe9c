"""Values are removed from attributes in the shape that they have, whichever an engine wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from pumgpt.cli.main import main

_TEXT, _JSON = pa.string(), json.dumps({"colour": "Blue", "material": "wool"})
_CASES: dict[str, tuple[pa.DataType, Any, Any]] = {
    "map": (pa.map_(_TEXT, _TEXT), [("colour", "Blue"), ("material", "wool")], [("material", "wool")]),
    "map with a key twice": (
        pa.map_(_TEXT, _TEXT),
        [("material", "silk"), ("material", "wool")],
        [("material", "wool")],
    ),
    "struct": (
        pa.struct([("colour", _TEXT), ("material", _TEXT)]),
        {"colour": "Blue", "material": "wool"},
        {"colour": None, "material": "wool"},
    ),
    "pairs": (
        pa.large_list(pa.struct([("name", _TEXT), ("value", _TEXT)])),
        [{"name": "colour", "value": "Blue"}, {"name": "material", "value": "wool"}],
        [{"name": "material", "value": "wool"}],
    ),
    "lists of a data set": (
        pa.struct([("name", pa.list_(_TEXT)), ("value", pa.list_(_TEXT))]),
        {"name": ["colour", "material"], "value": ["Blue", "wool"]},
        {"name": ["material"], "value": ["wool"]},
    ),
    "JSON": (_TEXT, _JSON, '{"material": "wool"}'),
    "text": (_TEXT, "colour: Blue", "colour: Blue"),
    "NaN": (
        pa.struct([("size", pa.float64()), ("material", _TEXT)]),
        *[{"size": float("nan"), "material": "wool"}] * 2,
    ),
}


@pytest.mark.parametrize("shape", _CASES)
def test_attributes_keep_their_shape(tmp_path: Path, shape: str) -> None:
    kind, given, kept = _CASES[shape]
    # As DuckDB writes a column without gaps.
    schema = pa.schema([("id", pa.int64()), ("title", _TEXT), pa.field("attributes", kind, nullable=False)])
    row = {"id": 1, "title": "Tee of red wool", "attributes": given}
    pq.write_table(pa.Table.from_pylist([row], schema=schema), tmp_path / "in.parquet")
    words = [str(tmp_path / "in.parquet"), str(tmp_path / "out.parquet"), "--experts", "text"]
    done = CliRunner().invoke(main, ["curate", *words])
    assert done.exit_code == 0, done.stderr
    written = pq.read_table(tmp_path / "out.parquet")
    assert written.schema.field("attributes").type == pq.read_schema(tmp_path / "in.parquet").field("attributes").type
    assert repr(written["attributes"].to_pylist()) == repr([kept])
