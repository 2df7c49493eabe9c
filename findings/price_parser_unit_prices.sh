#!/usr/bin/env bash
# price-parser 0.5.1
# A separator before exactly three digits always counts as one of thousands, even after a zero, where
# none can stand: unit prices below one come out a thousand times too high. decimal_separator="."
# mends it.
# Seen:
#   $0.12 -> 0.12
#   $0.125 -> 125
#   $0.005 -> 5
#   €0,125 -> 125
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet price-parser==0.5.1

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

from price_parser import Price

expected = {"$0.12": "0.12", "$0.125": "125", "$0.005": "5", "€0,125": "125"}
seen = {text: str(Price.fromstring(text).amount) for text in expected}
for text, amount in seen.items():
    print(text, "->", amount)
if seen != expected or str(Price.fromstring("$0.125", decimal_separator=".").amount) != "0.125":
    sys.exit(f"changed: the amounts are {list(seen.values())}")
PYTHON
