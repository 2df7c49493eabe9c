#!/usr/bin/env bash
# quantulum3 0.10.0, without its classifier extra
# A word after a quantity that can be taken for a unit's symbol is joined to the unit, so that
# ordinary product titles hold absurd units: the "TV" of a television is read as teravolts.
# Seen:
#   65 inch TV -> 65.0 inch teravolt
#   20 inch T shirt -> 20.0 inch tesla
#   24 inch PC monitor -> 24.0 inch set
#   10 kg A4 paper -> 10.0 kilogram ampere to the 4
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet quantulum3==0.10.0

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
import warnings

warnings.simplefilter("ignore")  # the classifier's packages are left out on purpose
from quantulum3 import parser

expected = {
    "65 inch TV": "65.0 inch teravolt",
    "20 inch T shirt": "20.0 inch tesla",
    "24 inch PC monitor": "24.0 inch set",
    "10 kg A4 paper": "10.0 kilogram ampere to the 4",
}
seen = {title: "; ".join(f"{found.value} {found.unit.name}" for found in parser.parse(title)) for title in expected}
for title, quantities in seen.items():
    print(title, "->", quantities)
if seen != expected:
    sys.exit(f"changed: quantulum3 finds {list(seen.values())}")
PYTHON
