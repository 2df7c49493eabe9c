#!/usr/bin/env bash
# openai 3.57.0
# A 429 whose Retry-After is above 120 seconds is not retried at all, whatever max_retries says: the
# client neither waits that long nor falls back to its own delays. The error is the same
# RateLimitError as after spent retries; why it wasn't retried is logged at debug level only.
# Seen:
#   Retry-After 1: RateLimitError, requests: 3
#   Retry-After 121: RateLimitError, requests: 1
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet openai==3.57.0

cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from openai import OpenAI, RateLimitError

requests = []  # the Retry-After that each request was answered with


class Busy(BaseHTTPRequestHandler):
    def do_GET(self):
        requests.append(retry_after)
        self.send_response(429)
        self.send_header("Retry-After", retry_after)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Busy)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = OpenAI(base_url=f"http://127.0.0.1:{server.server_port}", api_key="none", max_retries=2)
for retry_after in ("1", "121"):
    try:
        client.models.list()
    except RateLimitError as error:
        print(f"Retry-After {retry_after}: {type(error).__name__}, requests: {requests.count(retry_after)}")
if requests != ["1", "1", "1", "121"]:
    sys.exit(f"changed: the requests were answered with Retry-After {requests}")
PYTHON
