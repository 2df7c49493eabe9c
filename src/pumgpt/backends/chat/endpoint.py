"""An OpenAI-compatible chat endpoint: one request in, the text of one reply out, whatever the network does.

Waits are bounded everywhere: a call ends after `timeout_s` at the latest, it is tried `num_tries` times, a server's
`Retry-After` is honoured up to `max_wait_s`, and a reply of more than `MAX_REPLY_BYTES` is refused.
"""

from __future__ import annotations

import email.utils
import json
import math
import os
import random
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import httpx2

from pumgpt.errors import BackendError, UsageError

KEY_VARIABLE = "OPENAI_API_KEY"
MAX_REPLY_BYTES = 8_000_000
_SPEC = re.compile(r"openai:(?P<model>\S+?)@(?P<url>https?://\S+)")
_BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_OPTIONAL = ("top_logprobs", "logprobs", "temperature", "response_format")
"""What a call can do without where the server doesn't know it. Longer names first: one may contain the other."""

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TokenChance:
    """One token of a reply with its probability, and the best alternatives in its place (itself among them)."""

    text: str
    probability: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ChatReply:
    """`tokens` is empty where the server gives no log-probabilities; `num_tokens`, read and written, None without `usage`."""

    text: str
    tokens: tuple[TokenChance, ...] = ()
    num_tokens: int | None = field(default=None, compare=False)


class _PassingError(Exception):
    """A failure that may pass; `wait_s` is what the server asked for."""

    def __init__(self, reason: str, wait_s: float | None = None, down: bool = False) -> None:
        super().__init__(reason)
        self.wait_s = wait_s
        self.down = down


class _UnknownOptionError(Exception):
    """The server refuses an optional part of the call, named by `str(error)`."""


class ChatEndpoint:
    """`POST {base_url}/chat/completions`. Safe to use from several threads."""

    def __init__(
        self,
        model: str,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout_s: float = 120.0,
        num_tries: int = 5,
        backoff_s: float = 0.5,
        max_wait_s: float = 60.0,
        max_connections: int = 8,
    ) -> None:
        """`api_key` by default comes from the environment variable OPENAI_API_KEY; a server that wants none gets none."""
        self.model = model
        self.base_url = _checked(base_url)
        self.timeout_s = timeout_s
        self.num_tries = num_tries
        self.backoff_s = backoff_s
        self.max_wait_s = max_wait_s
        key = api_key if api_key is not None else os.environ.get(KEY_VARIABLE, "")
        if key and not key.isascii():
            raise UsageError(f"the key in {KEY_VARIABLE} holds letters that no key has; copy it again")
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(timeout_s, connect=min(10.0, timeout_s)),
            headers={"Authorization": f"Bearer {key.strip()}"} if key.strip() else {},
            limits=httpx2.Limits(max_connections=max_connections),
        )
        self.down: str | None = None
        """Why no call can succeed (no such server, wrong key), while that is so; calls are then tried once only."""
        self._changes: dict[str, str | None] = {}
        self._lock = threading.Lock()

    @classmethod
    def parse(cls, spec: str, **options: Any) -> Self:
        """`openai:NAME@BASE_URL`. Raises `UsageError` for anything else."""
        match = _SPEC.fullmatch(spec)
        if match is None:
            raise UsageError(
                f"'{spec}' is no endpoint; write openai:NAME@BASE_URL, as in openai:qwen@http://localhost:8000/v1"
            )
        return cls(match["model"], match["url"], **options)

    def complete(
        self, messages: Sequence[Message], max_tokens: int, *, logprobs: bool = False, json_mode: bool = False
    ) -> ChatReply:
        """The reply, decoded as the likeliest one. Raises `BackendError` in one line."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": list(messages),
            "max_tokens": max_tokens,
            "temperature": 0,
        }
        if logprobs:
            body |= {"logprobs": True, "top_logprobs": 5}
        if json_mode:
            body["response_format"] = {"type": "json_object"}
        num_tries = 1 if self.down else self.num_tries
        for attempt in range(num_tries):
            try:
                reply = self._settle(body)
            except _PassingError as error:
                wait_s = self._wait(attempt, error)
                if attempt + 1 == num_tries or wait_s > self.max_wait_s:
                    raise self._given_up(error, attempt + 1) from error
                time.sleep(wait_s)
            else:
                self.down = None
                return reply
        raise UsageError("num_tries must be 1 at least")

    def _given_up(self, error: _PassingError, num_tries: int) -> BackendError:
        line = f"{self.base_url}: {error} (tried {'once' if num_tries == 1 else f'{num_tries} times'})"
        self.down = line if error.down else None
        return BackendError(line)

    def _wait(self, attempt: int, error: _PassingError) -> float:
        """Seconds before the next try: the server's, else doubled each time, with a toss so that threads don't march in step."""
        if error.wait_s is not None:
            return error.wait_s
        return min(self.backoff_s * 2.0**attempt * (0.5 + random.random()), self.max_wait_s)

    def _settle(self, body: Mapping[str, Any]) -> ChatReply:
        """Send; what the server turns out not to know is left out or renamed, now and in later calls."""
        for _ in range(len(_OPTIONAL) + 2):
            try:
                return read_reply(self._send(self._changed(body)))
            except _UnknownOptionError as error:
                with self._lock:
                    self._changes[str(error)] = "max_completion_tokens" if str(error) == "max_tokens" else None
        raise BackendError(
            f"{self.base_url}: refuses every form of the call; is it an OpenAI-compatible chat endpoint?"
        )

    def _changed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            names = {name: self._changes.get(name, name) for name in body}
        return {new: body[name] for name, new in names.items() if new is not None}

    def _send(self, body: Mapping[str, Any]) -> bytes:
        deadline = time.monotonic() + self.timeout_s
        try:
            with self._client.stream("POST", f"{self.base_url}/chat/completions", json=body) as response:
                content = bytearray()
                for piece in response.iter_bytes():
                    content += piece
                    if time.monotonic() > deadline:
                        raise _PassingError(f"no whole reply within {self.timeout_s:g} s")
                    if len(content) > MAX_REPLY_BYTES:
                        raise BackendError(
                            f"{self.base_url}: a reply of more than {MAX_REPLY_BYTES // 10**6} MB; is it a chat endpoint?"
                        )
        except httpx2.TimeoutException as error:
            down = isinstance(error, httpx2.ConnectTimeout)
            raise _PassingError(f"no reply within {self.timeout_s:g} s", down=down) from error
        except httpx2.TransportError as error:
            reason = _line(str(error)) or type(error).__name__
            down = isinstance(error, httpx2.ConnectError)
            raise _PassingError(f"can't be reached, or broke off ({reason})", down=down) from error
        except (httpx2.DecodingError, httpx2.InvalidURL) as error:
            raise BackendError(f"{self.base_url}: {_line(str(error))}") from error
        if response.status_code != 200:
            raise self._failure(response, bytes(content), body)
        return bytes(content)

    def _failure(self, response: httpx2.Response, content: bytes, body: Mapping[str, Any]) -> Exception:
        status, reason = response.status_code, _reason(content)
        if status in _BUSY:
            return _PassingError(f"HTTP {status}: {reason}", _retry_after(response.headers.get("Retry-After")))
        if status in (400, 422):
            refused = next((name for name in (*_OPTIONAL, "max_tokens") if name in body and name in reason), None)
            if refused is not None:
                return _UnknownOptionError(refused)
        mend = {401: f"put its key into {KEY_VARIABLE}", 403: f"is the key in {KEY_VARIABLE} the right one?"}
        mend[404] = f"has it a model '{self.model}', and does its address end in /v1?"
        line = f"{self.base_url}: HTTP {status}: {reason}" + (f"; {mend[status]}" if status in mend else "")
        self.down = line if status in mend else None
        return BackendError(line)


def read_reply(content: bytes) -> ChatReply:
    """The first choice of a chat completion. Raises `BackendError` for anything else."""
    try:
        reply = json.loads(content)
        choice = reply["choices"][0]
        text = choice["message"]["content"]
        if isinstance(text, list):  # some servers answer in parts
            text = "".join(part.get("text", "") for part in text)
        if text is None:
            raise BackendError("the reply has no text (refused, or cut off while it was thinking)")
        tokens = tuple(_token(entry) for entry in (choice.get("logprobs") or {}).get("content") or ())
        used = (reply.get("usage") or {}).get("total_tokens")
        return ChatReply(str(text), tokens, used if isinstance(used, int) else None)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        shown = _line(content[:80].decode("utf-8", "replace"))
        raise BackendError(f"the reply is no chat completion: '{shown}'") from error


def _token(entry: Mapping[str, Any]) -> TokenChance:
    others = tuple((str(other["token"]), _chance(other["logprob"])) for other in entry.get("top_logprobs") or ())
    return TokenChance(str(entry["token"]), _chance(entry["logprob"]), others)


def _chance(logprob: float) -> float:
    return math.exp(min(float(logprob), 0.0))


def _checked(base_url: str) -> str:
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL as error:
        raise UsageError(
            f"'{base_url}' is no address ({_line(str(error))}); give one like http://localhost:8000/v1"
        ) from error
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError(f"'{base_url}' is no address; give one like http://localhost:8000/v1")
    if url.userinfo or url.query:
        raise UsageError(
            f"the address of {url.host} carries a password or a query; put the key into {KEY_VARIABLE} instead"
        )
    return base_url.rstrip("/")


def _reason(content: bytes) -> str:
    """What an error reply says: `{"error": {"message": ...}}` as OpenAI writes it, else its beginning."""
    text = content.decode("utf-8", "replace")
    try:
        error = json.loads(text)
        error = error.get("error", error) if isinstance(error, dict) else error
        text = str(error.get("message", error)) if isinstance(error, dict) else str(error)
    except (ValueError, RecursionError):
        pass
    return _line(text) or "no reason given"


def _retry_after(header: str | None) -> float | None:
    """Seconds from now; the header holds seconds or a date (RFC 9110, section 10.2.3)."""
    if not header:
        return None
    try:
        return max(float(header), 0.0) if math.isfinite(float(header)) else None
    except ValueError:
        pass
    try:
        return max(email.utils.parsedate_to_datetime(header).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError):
        return None


def _line(text: str, at_most: int = 160) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= at_most else line[: at_most - 3] + "..."
