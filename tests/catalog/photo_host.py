"""A real HTTP server on loopback that gives photos, well and badly, and counts what it is asked."""

from __future__ import annotations

import io
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image


def make_png(colour: str = "red", size: tuple[int, int] = (8, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


PHOTO = make_png()


class PhotoHost:
    """`asked` counts requests by path, `most_at_once` is how many it served at the same time."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: Counter[str] = Counter()
        self.conditional: Counter[str] = Counter()
        self.most_at_once = 0
        self.photo = PHOTO
        self.etag = '"one"'
        self._at_once = 0
        self._lock = threading.Lock()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def enter(self, path: str) -> int:
        """How often this path was asked before."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            before = self.asked[path]
            self.asked[path] += 1
            return before

    def leave(self) -> None:
        with self._lock:
            self._at_once -= 1


@contextmanager
def serve_photos() -> Iterator[PhotoHost]:
    server = ThreadingHTTPServer(("0.0.0.0", 0), _Handler)
    server.daemon_threads = True
    server.host = host = PhotoHost(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        host: PhotoHost = self.server.host  # type: ignore[attr-defined]
        path, _, query = self.path.partition("?")
        before = host.enter(self.path)
        self.counted = True
        try:
            _ROUTES.get(path.split("/")[1], _photo)(self, host, query, before)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            self.leave()

    def leave(self) -> None:
        """Count this request as served, once: before its last byte is out, as the client may then ask anew at once."""
        if self.counted:
            self.counted = False
            self.server.host.leave()  # type: ignore[attr-defined]

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), "Content_Type": "image/png", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.leave()
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


Route = Callable[[_Handler, PhotoHost, str, int], None]


def _photo(request: _Handler, host: PhotoHost, query: str, before: int) -> None:
    if request.headers.get("If-None-Match") == host.etag:
        host.conditional[request.path] += 1
        request.send(304)
    else:
        request.send(200, host.photo, ETag=host.etag)


def _slow(request: _Handler, host: PhotoHost, query: str, before: int) -> None:
    time.sleep(float(query))
    request.send(200, PHOTO)


def _drip(request: _Handler, host: PhotoHost, query: str, before: int) -> None:
    """Never stands still long enough for a time-out between two pieces, and never ends."""
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b".")
        request.wfile.flush()
        time.sleep(0.02)


def _flood(request: _Handler, host: PhotoHost, query: str, before: int) -> None:
    """Endless, without saying how long it is."""
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    while True:
        request.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


def _status(request: _Handler, host: PhotoHost, query: str, before: int) -> None:
    request.send(int(query))


def _busy(request: _Handler, host: PhotoHost, query: str, before: int) -> None:
    """Busy for the first time, and says until when."""
    if before:
        request.send(200, PHOTO)
        return
    when = formatdate(time.time() + float(query[1:]), usegmt=True) if query.startswith("d") else query
    request.send(429, Retry_After=when)


def _cut(request: _Handler, host: PhotoHost, query: str, before: int) -> None:
    """Breaks off in the middle, as often as asked."""
    if before < int(query):
        request.send_response(200)
        request.send_header("Content-Length", str(len(PHOTO)))
        request.end_headers()
        request.wfile.write(PHOTO[: len(PHOTO) // 2])
        request.close_connection = True
    else:
        request.send(200, PHOTO)


def _to(request: _Handler, host: PhotoHost, query: str, before: int) -> None:
    request.send(302, Location=query)


def _round(request: _Handler, host: PhotoHost, query: str, before: int) -> None:
    request.send(302, Location="/round")


def _page(request: _Handler, host: PhotoHost, query: str, before: int) -> None:
    request.send(200, b"<html>sorry</html>", Content_Type="text/html; charset=utf-8")


def _huge(request: _Handler, host: PhotoHost, query: str, before: int) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "999999999999")
    request.end_headers()


_ROUTES: dict[str, Route] = {
    "slow": _slow,
    "drip": _drip,
    "flood": _flood,
    "status": _status,
    "busy": _busy,
    "cut": _cut,
    "to": _to,
    "round": _round,
    "page": _page,
    "huge": _huge,
}
