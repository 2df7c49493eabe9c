#!/usr/bin/env bash
# pyarrow 26.0.1, polars 2.1.0
# `pyarrow.array(values, type)` gives another type than the one asked for where a dictionary has an
# unsigned 8-bit index and 128 to 255 values, without an error. A column of such categories, which
# polars writes for an Enum, can't go through Python's values and back; a cast from text can.
# Seen:
#   polars writes dictionary<values=string, indices=uint8, ordered=1>
#   array gives dictionary<values=string, indices=uint16, ordered=1>
#   Table.from_pylist ArrowInvalid
#   cast gives dictionary<values=string, indices=uint8, ordered=1>
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyarrow==26.0.1 polars==2.1.0

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

import polars
import pyarrow
import pyarrow.parquet

sizes = [f"{number} mm" for number in range(200)]
polars.DataFrame({"size": polars.Series(sizes, dtype=polars.Enum(sizes))}).write_parquet("sizes.parquet")
table = pyarrow.parquet.read_table("sizes.parquet")
asked = table.schema.field("size").type
built = pyarrow.array(sizes, asked).type
try:
    outcome = str(pyarrow.Table.from_pylist(table.to_pylist(), schema=table.schema).num_rows)
except pyarrow.ArrowInvalid as error:
    outcome = type(error).__name__
cast = pyarrow.array(sizes).cast(asked).type
print("polars writes", asked)
print("array gives", built)
print("Table.from_pylist", outcome)
print("cast gives", cast)
if built == asked or outcome != "ArrowInvalid" or cast != asked:
    sys.exit("changed: pyarrow builds unsigned categories as asked")
PYTHON
