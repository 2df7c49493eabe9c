#!/usr/bin/env bash
# pint 0.25.3
# Numbers and units that stand side by side are multiplied, so quantities as labels print them parse
# without an error to something else: a mixed fraction loses its whole, a thousand set off by a
# space becomes 0, feet and inches an area, and "fl oz" is femtolitres times ounces.
# Seen:
#   1 1/2 inch -> 0.5 inch
#   1 000 g -> 0 gram
#   5 ft 10 in -> 50 foot * inch
#   16 fl oz -> 16 femtoliter * ounce
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pint==0.25.3

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

from pint import UnitRegistry

expected = {
    "1 1/2 inch": "0.5 inch",
    "1 000 g": "0 gram",
    "5 ft 10 in": "50 foot * inch",
    "16 fl oz": "16 femtoliter * ounce",
}
parse = UnitRegistry().parse_expression
seen = {text: str(parse(text)) for text in expected}
for text, quantity in seen.items():
    print(text, "->", quantity)
if seen != expected:
    sys.exit(f"changed: pint parses these as {list(seen.values())}")
PYTHON
