"""An OpenAI-compatible chat endpoint: one request in, the text of one reply out, whatever the network does.

The `openai` library writes the request and sorts what can go wrong. What it leaves to us is a bound for everything: a call
ends after `timeout_s`, it is tried `num_tries` times, a server's `Retry-After` is honoured up to `max_wait_s`, and a reply
of more than `MAX_REPLY_BYTES` is refused.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

import httpx2
import openai

from pumgpt.backends.chat.reply import ChatReply
from pumgpt.errors import BackendError, UsageError
from pumgpt.retries import backoff_delay_s, retry_after_s

KEY_VARIABLE = "OPENAI_API_KEY"
MAX_REPLY_BYTES = 8_000_000
_SPEC = re.compile(r"openai:(?P<model>\S+?)@(?P<url>https?://\S+)")
_PASSWORD = re.compile(r"//[^/\s]*@")
_TRANSIENT_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_TRANSFER_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_OPTIONAL = ("top_logprobs", "logprobs", "temperature", "response_format")
"""What a call can do without where the server doesn't know it. Longer names first: one may contain the other."""

Message = Mapping[str, Any]


class _TransientError(Exception):
    """Another try may help. `wait_s` is what the server asked for; `unreachable`: there was no server."""

    def __init__(self, reason: str, *, wait_s: float = 0.0, unreachable: bool = False) -> None:
        super().__init__(reason)
        self.wait_s = wait_s
        self.unreachable = unreachable


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
        self.base_url = _checked_url(base_url)
        self.timeout_s = timeout_s
        self.num_tries = num_tries
        self.backoff_s = backoff_s
        self.max_wait_s = max_wait_s
        self.down: str | None = None
        """Why no call can succeed (no such server, wrong key), while that is so; calls are then tried once only."""
        self._key = (api_key if api_key is not None else os.environ.get(KEY_VARIABLE, "")).strip()
        # A line break in a header is refused with a message that quotes the header, and so the key.
        if not (self._key.isascii() and self._key.isprintable()):
            raise UsageError(f"the key in {KEY_VARIABLE} holds letters that no key has; copy it again")
        timeout = httpx2.Timeout(timeout_s, connect=min(10.0, timeout_s))
        client = openai.OpenAI(
            api_key=self._key or "none",  # it must have one, and sends what `_headers` says
            base_url=self.base_url,
            # Given here, not to the HTTP client: the library takes a client's 5 s for unset, and waits 10 minutes.
            timeout=timeout,
            # Its own retries wait up to two minutes for `Retry-After`, and don't tell how many there were.
            max_retries=0,
            http_client=_BoundedClient(timeout_s, limits=httpx2.Limits(max_connections=max_connections)),
        )
        self._create = client.chat.completions.with_raw_response.create
        # Given with each call, these win over OPENAI_ORG_ID, OPENAI_PROJECT_ID and a key in OPENAI_CUSTOM_HEADERS, which
        # the library would send to any server.
        self._headers = {
            "Authorization": f"Bearer {self._key}" if self._key else openai.omit,
            "OpenAI-Organization": openai.omit,
            "OpenAI-Project": openai.omit,
        }
        self._substitutes: dict[str, str | None] = {}
        """For each option that the server doesn't know the name that it has there; None where it has none."""
        self._lock = threading.Lock()

    @classmethod
    def parse(cls, spec: str, **options: Any) -> Self:
        """`openai:NAME@BASE_URL`. Raises `UsageError` for anything else."""
        match = _SPEC.fullmatch(spec)
        if match is None:
            raise UsageError(
                f"'{_PASSWORD.sub('//', spec)}' is no endpoint; write openai:NAME@BASE_URL, as in openai:qwen@http://localhost:8000/v1"
            )
        return cls(match["model"], match["url"], **options)

    def complete(
        self, messages: Sequence[Message], max_tokens: int, *, logprobs: bool = False, json_mode: bool = False
    ) -> ChatReply:
        """The reply, decoded greedily. Raises `BackendError` in one line."""
        request: dict[str, Any] = {
            "model": self.model,
            "messages": list(messages),
            "max_tokens": max_tokens,
            "temperature": 0,
        }
        if logprobs:
            request |= {"logprobs": True, "top_logprobs": 5}
        if json_mode:
            request["response_format"] = {"type": "json_object"}
        num_tries = 1 if self.down else self.num_tries
        attempt = 0
        while True:
            try:
                reply = self._send(request)
            except _TransientError as error:
                wait_s = max(error.wait_s, min(backoff_delay_s(attempt, self.backoff_s), self.max_wait_s))
                attempt += 1
                if attempt >= num_tries or wait_s > self.max_wait_s:
                    tried = "once" if attempt == 1 else f"{attempt} times"
                    line = f"{self.base_url}: {error} (tried {tried})"
                    self.down = line if error.unreachable else None
                    raise BackendError(line) from error
                time.sleep(wait_s)
            else:
                self.down = None
                return reply

    def _send(self, request: Mapping[str, Any]) -> ChatReply:
        """Sends once; again only where the server refuses an option, which is left out or renamed now and in later calls."""
        for _ in range(len(_OPTIONAL) + 2):
            with self._lock:
                names = {name: self._substitutes.get(name, name) for name in request}
            supported = {new: request[name] for name, new in names.items() if new is not None}
            try:
                response = self._create(**supported, extra_headers=self._headers)
            except openai.APIStatusError as error:
                option = _unsupported_option(error, supported)
                if option is None:
                    raise self._status_error(error) from error
                with self._lock:
                    self._substitutes[option] = "max_completion_tokens" if option == "max_tokens" else None
            except UnicodeEncodeError as error:  # half of a surrogate pair, as cut-off JSON escapes leave it
                raise BackendError(
                    "the listing or the question holds a character that UTF-8 lacks; remove it"
                ) from error
            except openai.APIConnectionError as error:
                raise self._connection_error(error) from error
            else:
                return self._parse(response)
        raise BackendError(
            f"{self.base_url}: refuses every form of the call; is it an OpenAI-compatible chat endpoint?"
        )

    def _parse(self, response: Any) -> ChatReply:
        try:
            # Where the reply isn't JSON, `parse` gives its text or raises, depending on its content type.
            return ChatReply.from_completion(response.parse())
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            # Far more than is shown, so that a key isn't cut in two before it is taken out.
            shown = self._quote(response.text[:2000], max_length=80)
            raise BackendError(f"the reply is no chat completion: '{shown}'") from error

    def _status_error(self, error: openai.APIStatusError) -> BackendError | _TransientError:
        status = error.status_code
        reason = f"HTTP {status}: {self._quote(_reason(error)) or 'no reason given'}"
        if status in _TRANSIENT_STATUSES:
            return _TransientError(reason, wait_s=retry_after_s(error.response.headers.get("Retry-After")))
        remedy = {
            401: f"put its key into {KEY_VARIABLE}",
            403: f"is the key in {KEY_VARIABLE} the right one?",
            404: f"has it a model '{self.model}', and does its address end in /v1?",
        }.get(status)
        line = f"{self.base_url}: {reason}" + (f"; {remedy}" if remedy else "")
        self.down = line if remedy else None
        return BackendError(line)

    def _connection_error(self, error: openai.APIConnectionError) -> BackendError | _TransientError:
        cause = error.__cause__  # the library's own message is "Connection error." for all of them
        unreachable = isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout)
        if isinstance(error, openai.APITimeoutError):
            return _TransientError(f"no reply within {self.timeout_s:g} s", unreachable=unreachable)
        reason = self._quote(str(cause)) or type(cause).__name__
        if isinstance(cause, httpx2.DecodingError):
            return BackendError(f"{self.base_url}: {reason}")
        return _TransientError(f"can't be reached, or broke off ({reason})", unreachable=unreachable)

    def _quote(self, text: str, max_length: int = 160) -> str:
        """One line of what a server says, without our key, which some repeat."""
        if len(self._key) >= 8:  # what is shorter is a placeholder, and perhaps a word
            text = text.replace(self._key, "***")
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return line if len(line) <= max_length else line[: max_length - 3] + "..."


class _BoundedClient(httpx2.Client):
    """Reads every reply whole, within a total time and a size. httpx2 bounds only the wait for each piece of it."""

    def __init__(self, total_s: float, **options: Any) -> None:
        super().__init__(**options)
        self._total_s = total_s

    def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """As `httpx2.Client.send`, with nothing left to stream. Raises `BackendError` where the reply is too large."""
        deadline = time.monotonic() + self._total_s
        response = super().send(request, stream=True, **options)
        content = bytearray()
        try:
            for piece in response.iter_bytes():
                content += piece
                if time.monotonic() > deadline:
                    raise httpx2.ReadTimeout("the reply took too long as a whole", request=request)
                if len(content) > MAX_REPLY_BYTES:
                    limit = f"{MAX_REPLY_BYTES // 10**6} MB"
                    raise BackendError(f"{request.url}: a reply of more than {limit}; is it a chat endpoint?")
        finally:
            response.close()
        # The content is decompressed; with its old headers it would be decompressed again.
        headers = [(name, value) for name, value in response.headers.multi_items() if name not in _TRANSFER_HEADERS]
        return httpx2.Response(response.status_code, headers=headers, content=bytes(content), request=request)


def _unsupported_option(error: openai.APIStatusError, request: Mapping[str, Any]) -> str | None:
    """The option of the request that the server refuses by name; None where the error is another one."""
    if error.status_code not in (400, 422):
        return None
    # The beginning alone: some servers repeat the request after their complaint, and it names every option.
    complaint = f"{error.param} {_reason(error)[:160]}"
    return next((name for name in (*_OPTIONAL, "max_tokens") if name in request and name in complaint), None)


def _reason(error: openai.APIStatusError) -> str:
    """What the reply says: `{"error": {"message": ...}}` as OpenAI writes it, else all of it."""
    body = error.body  # of {"error": ...} the library keeps what is inside
    return str(body.get("message", body) if isinstance(body, dict) else body)


def _checked_url(base_url: str) -> str:
    shown = _PASSWORD.sub("//", base_url)
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL as error:
        raise UsageError(f"'{shown}' is no address ({error}); give one like http://localhost:8000/v1") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError(f"'{shown}' is no address; give one like http://localhost:8000/v1")
    if url.userinfo or url.query:
        raise UsageError(
            f"the address of {url.host} carries a password or a query; put the key into {KEY_VARIABLE} instead"
        )
    return base_url.rstrip("/")
