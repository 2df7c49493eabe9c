#!/usr/bin/env bash
# polars 2.1.0, pyarrow 26.0.1
# polars writes the values of an Enum column into the column's metadata. A program that keeps metadata
# and adds rows with a further value writes a valid file, which pyarrow reads in full. polars trusts
# the metadata and reads the new value as null, without a warning.
# Seen:
#   pyarrow reads ['S', 'M', 'XL']
#   polars reads ['S', 'M', None] as Enum(categories=['S', 'M'])
#   without the metadata ['S', 'M', 'XL'] as Categorical
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet polars==2.1.0 pyarrow==26.0.1

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

import polars
import pyarrow
import pyarrow.parquet

sizes = polars.Series(["S", "M"], dtype=polars.Enum(["S", "M"]))
polars.DataFrame({"size": sizes}).write_parquet("sizes.parquet")
table = pyarrow.parquet.read_table("sizes.parquet")
rows = [*table.to_pylist(), {"size": "XL"}]
pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=table.schema), "more.parquet")
complete = pyarrow.parquet.read_table("more.parquet")["size"].to_pylist()
read = polars.read_parquet("more.parquet")["size"]
bare = pyarrow.schema([table.schema.field("size").remove_metadata()])
pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, schema=bare), "bare.parquet")
whole = polars.read_parquet("bare.parquet")["size"]
print("pyarrow reads", complete)
print("polars reads", read.to_list(), "as", read.dtype)
print("without the metadata", whole.to_list(), "as", whole.dtype)
if complete != ["S", "M", "XL"] or read.to_list() != ["S", "M", None] or whole.to_list() != complete:
    sys.exit("changed: polars no longer reads the new value as null")
PYTHON
