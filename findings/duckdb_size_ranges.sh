#!/usr/bin/env bash
# duckdb 2.0.1
# The CSV reader takes a column of size ranges such as 4-6-8 for points in time of the years 4 and 6,
# and a column of T and F for truth values; all_varchar=true keeps the text. One row that can't be
# a date, say 36-38-40, changes the type of the whole column.
# Seen:
#   [('A', datetime.datetime(4, 6, 8, 0, 0)), ('B', datetime.datetime(6, 8, 10, 0, 0))]
#   [('A', True), ('B', False)]
#   [('A', '4-6-8'), ('B', '36-38-40')]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.1

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from datetime import datetime

import duckdb

cases = [
    (("4-6-8", "6-8-10"), (datetime(4, 6, 8), datetime(6, 8, 10))),
    (("T", "F"), (True, False)),
    (("4-6-8", "36-38-40"), ("4-6-8", "36-38-40")),
]
for texts, expected in cases:
    with open("sizes.csv", "w") as file:
        file.write("sku,sizes\n" + "".join(f"{sku},{text}\n" for sku, text in zip("AB", texts)))
    rows = duckdb.sql("SELECT * FROM 'sizes.csv'").fetchall()
    print(rows)
    if tuple(value for _, value in rows) != expected:
        sys.exit(f"changed: {texts} is read as {rows}")
PYTHON
