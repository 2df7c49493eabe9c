#!/usr/bin/env bash
# openai 3.57.0 with httpx2 2.16.2
# A timeout of five seconds, given to the HTTP client that is handed over, counts as none: it equals
# the HTTP library's own default, so the client waits ten minutes for a reply. Any other value is taken.
# timeout= of OpenAI() itself takes five seconds too.
# Seen:
#   httpx2.Client(timeout=5): reads for up to 600 s
#   httpx2.Client(timeout=7): reads for up to 7 s
#   OpenAI(timeout=5): reads for up to 5 s
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openai==3.57.0 httpx2==2.16.2

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

import httpx2
from openai import OpenAI


def read_timeout_s(**options) -> float:
    timeout = OpenAI(api_key="none", base_url="http://127.0.0.1:9/v1", **options).timeout
    return float(getattr(timeout, "read", timeout))


seen = {
    "httpx2.Client(timeout=5)": read_timeout_s(http_client=httpx2.Client(timeout=5)),
    "httpx2.Client(timeout=7)": read_timeout_s(http_client=httpx2.Client(timeout=7)),
    "OpenAI(timeout=5)": read_timeout_s(timeout=5),
}
for name, seconds in seen.items():
    print(f"{name}: reads for up to {seconds:g} s")
if list(seen.values()) != [600, 7, 5]:
    sys.exit(f"changed: the timeouts are {list(seen.values())}")
PYTHON
