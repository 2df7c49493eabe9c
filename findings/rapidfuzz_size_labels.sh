#!/usr/bin/env bash
# rapidfuzz 3.14.6
# process.extractOne with its default scorer, WRatio, gives a size that isn't offered to a wrong one at
# a score of 90: among very short labels a label inside another one counts as a match of 90, above the
# label that differs by one letter. A cutoff of 90 doesn't catch it.
# Seen:
#   XL -> ('L', 90.0, 2)
#   L -> ('XL', 90.0, 2)
#   42 -> ('4', 90.0, 2)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet rapidfuzz==3.14.6

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

from rapidfuzz import process

offers = {"XL": ["S", "M", "L", "XXL"], "L": ["S", "M", "XL", "XXL"], "42": ["40", "41", "4", "24"]}
expected = {"XL": ("L", 90.0, 2), "L": ("XL", 90.0, 2), "42": ("4", 90.0, 2)}
seen = {size: process.extractOne(size, labels, score_cutoff=90) for size, labels in offers.items()}
for size, match in seen.items():
    print(size, "->", match)
if seen != expected:
    sys.exit(f"changed: the matches are {list(seen.values())}")
PYTHON
