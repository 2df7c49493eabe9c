#!/usr/bin/env bash
# datasets 5.2.0
# A JSON Lines column that mixes strings with numbers or lists is loaded as the Json feature, and its
# strings are then decoded as JSON themselves: a GTIN loses its leading zeros and becomes a number,
# the words "null" and "true" become None and True. No warning is printed.
# Seen:
#   {'gtin': '0012345678905'} -> {'gtin': 12345678905}
#   {'size': '10'} -> {'size': 10}
#   {'model': 'null'} -> {'model': None}
#   {'model': 'true'} -> {'model': True}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datasets==5.2.0

cd "$folder"
venv/bin/python - <<'PYTHON'
import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
import datasets

datasets.disable_progress_bars()
cases = [
    ([{"gtin": "0012345678905"}, {"gtin": 4006381333931}], {"gtin": 12345678905}),
    ([{"size": "10"}, {"size": ["10", "12"]}], {"size": 10}),
    ([{"model": "null"}, {"model": 7}], {"model": None}),
    ([{"model": "true"}, {"model": 7}], {"model": True}),
]
for number, (rows, expected) in enumerate(cases):
    with open(f"{number}.jsonl", "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    loaded = datasets.load_dataset("json", data_files=f"{number}.jsonl", split="train", cache_dir="cache")
    print(rows[0], "->", loaded[0])
    if loaded[0] != expected:
        sys.exit(f"changed: {rows[0]} is loaded as {loaded[0]}")
PYTHON
