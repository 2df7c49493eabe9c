#!/usr/bin/env bash
# inflection 0.5.1
# singularize() rewrites -ves as -fe or -f and -ies as -y unless one of a few exceptions fits, and takes
# the s off nouns that are singular already. Common names of products become words that don't
# exist or, as with caves, another noun.
# Seen:
#   gloves -> glofe, sleeves -> sleefe, olives -> olife, stoves -> stofe, valves -> valf, caves -> cafe
#   lens -> len, canvas -> canva, gas -> ga, pies -> py, cookies -> cooky, clothes -> clothe
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet inflection==0.5.1

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

from inflection import singularize

expected = [
    "gloves -> glofe, sleeves -> sleefe, olives -> olife, stoves -> stofe, valves -> valf, caves -> cafe",
    "lens -> len, canvas -> canva, gas -> ga, pies -> py, cookies -> cooky, clothes -> clothe",
]
seen = []
for line in expected:
    nouns = [pair.split(" -> ")[0] for pair in line.split(", ")]
    seen.append(", ".join(f"{noun} -> {singularize(noun)}" for noun in nouns))
    print(seen[-1])
if seen != expected:
    sys.exit(f"changed: {'; '.join(seen)}")
PYTHON
