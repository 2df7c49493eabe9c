"""A real HTTP server on loopback that speaks the chat protocol, for tests: over a backend, or as a test scripts it."""

from __future__ import annotations

import base64
import io
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

from pumgpt.backends.protocol import Backend, Choices, Question, Request

OPTIONS_LINE = "Answer with exactly one of these lines, as it is written:"


@dataclass
class Reply:
    """What the server sends back.

    With `cut_to` the connection closes after that many bytes of the promised body; with `drip_s` it pauses after each.
    """

    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    cut_to: int | None = None
    drip_s: float = 0.0


Respond = Callable[[dict[str, Any]], Reply]


@dataclass
class Server:
    """Where it listens, and the bodies and headers of the calls that came."""

    base_url: str
    calls: list[dict[str, Any]]
    headers: list[Message]
    """As HTTP has them: a name is found in any case, and None where it wasn't sent."""
    most_at_once: int = 0


@contextmanager
def serve(respond: Respond) -> Iterator[Server]:
    """Listens on a free port of 127.0.0.1 until the block ends."""
    lock = threading.Lock()
    now = 0

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            nonlocal now
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                now += 1
                server.most_at_once = max(server.most_at_once, now)
                server.calls.append(body)
                server.headers.append(self.headers)
            reply = respond(body) if self.path == "/v1/chat/completions" else Reply(b"no such path", 404)
            time.sleep(reply.delay_s)
            with lock:
                now -= 1
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.content)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self._write(reply)
            except OSError:  # the client has heard enough
                reply = Reply(cut_to=0)
            self.close_connection = reply.cut_to is not None

        def _write(self, reply: Reply) -> None:
            content = reply.content[: reply.cut_to]
            if not reply.drip_s:
                self.wfile.write(content)
                return
            for place in range(len(content)):
                self.wfile.write(content[place : place + 1])
                time.sleep(reply.drip_s)

        def log_message(self, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = Server(f"http://127.0.0.1:{http.server_port}/v1", [], [])
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join(5)


def completion(text: str | None, tokens: list[tuple[str, float, dict[str, float]]] | None = None) -> Reply:
    """A chat completion. `tokens`: text, probability, and alternatives with theirs."""
    choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    if tokens is not None:
        choice["logprobs"] = {"content": [_token(*token) for token in tokens]}
    return Reply(json.dumps({"object": "chat.completion", "choices": [choice]}).encode())


def _token(text: str, chance: float, others: dict[str, float]) -> dict[str, Any]:
    tops = [{"token": token, "logprob": math.log(share)} for token, share in others.items()]
    return {"token": text, "logprob": math.log(chance), "top_logprobs": tops}


def over(backend: Backend) -> Respond:
    """Answers as `backend` does: photos, text and choices are read back out of the chat."""

    def respond(body: dict[str, Any]) -> Reply:
        (answer,) = backend.answer([read_request(body)])[0]
        return completion(answer.text)

    return respond


def read_request(body: dict[str, Any]) -> Request:
    """The product and the question that a chat asks about."""
    content = body["messages"][-1]["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    photos = tuple(_photo(part["image_url"]["url"]) for part in parts if part["type"] == "image_url")
    text = next(part["text"] for part in parts if part["type"] == "text")
    asked, _, options = text.partition(f"\n{OPTIONS_LINE}\n")
    listing, _, question = asked.rpartition("\n")
    choices = Choices(tuple(options.split("\n")[:-1])) if options else None
    return Request(photos, (Question("attribute_qa", question, None, choices),), listing or None)


def _photo(url: str) -> Image.Image:
    head, _, data = url.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
