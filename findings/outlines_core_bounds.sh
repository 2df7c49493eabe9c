#!/usr/bin/env bash
# outlines_core 0.2.14
# Guided decoding by a JSON schema drops minimum, maximum, multipleOf and uniqueItems without an
# error or a warning: the regular expression built admits values that the schema forbids. maxLength is
# honoured.
# Seen:
#   {'type': 'integer', 'minimum': 10, 'maximum': 20} admits 500
#   {'type': 'number', 'multipleOf': 0.01} admits 0.123
#   {'type': 'array', 'items': {'enum': ['red', 'blue']}, 'uniqueItems': True} admits ["red","red"]
#   {'type': 'string', 'maxLength': 3} refuses "blue"
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet outlines_core==0.2.14

cd "$folder"
venv/bin/python - <<'PYTHON'
import json
import re
import sys

from outlines_core.json_schema import build_regex_from_schema

cases = [
    ({"type": "integer", "minimum": 10, "maximum": 20}, "500", "admits"),
    ({"type": "number", "multipleOf": 0.01}, "0.123", "admits"),
    ({"type": "array", "items": {"enum": ["red", "blue"]}, "uniqueItems": True}, '["red","red"]', "admits"),
    ({"type": "string", "maxLength": 3}, '"blue"', "refuses"),
]
for schema, text, expected in cases:
    pattern = build_regex_from_schema(json.dumps(schema))
    verdict = "admits" if re.fullmatch(pattern, text) else "refuses"
    print(schema, verdict, text)
    if verdict != expected:
        sys.exit(f"changed: {schema} {verdict} {text}")
PYTHON
