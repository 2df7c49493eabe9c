#!/usr/bin/env bash
# price-parser 0.5.1
# The first number of a text is taken for the price even where the currency sign stands at another
# number, and a quantity after the price is glued to it as more decimals.
# Seen:
#   330 ml 7.49 € -> 330 €
#   iPhone 15: $799 -> 15 $
#   Pack of 2, $9.99 -> 2 $
#   $7.49 330 ml -> 7.49330 $
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet price-parser==0.5.1

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

from price_parser import Price

expected = {
    "330 ml 7.49 €": "330 €",
    "iPhone 15: $799": "15 $",
    "Pack of 2, $9.99": "2 $",
    "$7.49 330 ml": "7.49330 $",
}
seen = {}
for text in expected:
    price = Price.fromstring(text)
    seen[text] = f"{price.amount} {price.currency}"
    print(text, "->", seen[text])
if seen != expected:
    sys.exit(f"changed: the prices are {list(seen.values())}")
PYTHON
