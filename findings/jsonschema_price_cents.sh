#!/usr/bin/env bash
# jsonschema 4.26.0
# "multipleOf": 0.01, the usual way to say that a price has whole cents, refuses about one price in
# nine, since floats are divided: 0.07 and 19.99 are not multiples of 0.01. Decimals on both sides
# pass.
# Seen:
#   19.99 is not a multiple of 0.01
#   11426 of the prices from 0.01 to 1000.00 refused as floats, 0 as decimals
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet jsonschema==4.26.0

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
from decimal import Decimal

from jsonschema import Draft202012Validator

floats = Draft202012Validator({"multipleOf": 0.01})
decimals = Draft202012Validator({"multipleOf": Decimal("0.01")})
print(next(floats.iter_errors(19.99)).message)
cents = range(1, 100_001)
num_floats = sum(not floats.is_valid(cent / 100) for cent in cents)
num_decimals = sum(not decimals.is_valid(Decimal(cent) / 100) for cent in cents)
print(f"{num_floats} of the prices from 0.01 to 1000.00 refused as floats, {num_decimals} as decimals")
if (num_floats, num_decimals) != (11426, 0):
    sys.exit(f"changed: {num_floats} prices refused as floats, {num_decimals} as decimals")
PYTHON
