#!/usr/bin/env bash
# pandas 3.1.1, polars 2.1.0, duckdb 2.0.1, pyarrow 26.0.1
# pandas writes a column without any value as Parquet's null type. Whether it can be read together
# with a file that has values then depends, in three readers alike, on which file comes first.
# Seen:
#   color: null
#   pyarrow values first [{'color': 'red'}, {'color': None}]
#   pyarrow empty first ArrowNotImplementedError
#   polars values first [{'color': 'red'}, {'color': None}]
#   polars empty first SchemaError
#   duckdb values first [{'color': 'red'}, {'color': None}]
#   duckdb empty first ConversionException
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==3.1.1 polars==2.1.0 duckdb==2.0.1 pyarrow==26.0.1

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

import duckdb
import pandas
import polars
import pyarrow.dataset
import pyarrow.parquet

pandas.DataFrame({"color": ["red"]}).to_parquet("values.parquet")
pandas.DataFrame({"color": [None]}).to_parquet("empty.parquet")
print(pyarrow.parquet.read_schema("empty.parquet").remove_metadata())
readers = {
    "pyarrow": lambda files: pyarrow.dataset.dataset(files).to_table().to_pylist(),
    "polars": lambda files: polars.scan_parquet(files).collect().to_dicts(),
    "duckdb": lambda files: duckdb.read_parquet(files).pl().to_dicts(),
}
for name, reader in readers.items():
    failed = {}
    for first, second in (("values", "empty"), ("empty", "values")):
        try:
            outcome = reader([f"{first}.parquet", f"{second}.parquet"])
            failed[first] = False
        except Exception as error:  # each library raises a class of its own
            outcome = type(error).__name__
            failed[first] = True
        print(name, first, "first", outcome)
    if failed != {"values": False, "empty": True}:
        sys.exit(f"changed: {name} fails by first file: {failed}")
PYTHON
