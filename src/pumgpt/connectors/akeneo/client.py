"""Akeneo's REST API: tokens, pages, batches of changes and media files (https://api.akeneo.com/documentation).

Only the configured host is ever asked. Links in answers give the next page's parameters and nothing else: behind a proxy
they often name a host that isn't reachable from outside, and a link must not lead our token elsewhere.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

import httpx2

from pumgpt.catalog.photos.hosts import DownloadLimits
from pumgpt.connectors.akeneo.config import Credentials
from pumgpt.errors import CatalogError, PhotoError, UsageError, first_line
from pumgpt.retries import backoff_delay_s, retry_after_s

PAGE_ITEMS = 100
"""The most that Akeneo gives in one page, and takes in one batch of changes."""
_API = "/api/rest/v1"
_TRANSIENT_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_COLLECTION = "application/vnd.akeneo.collection+json"

Item = dict[str, Any]
_T = TypeVar("_T")


class Page(NamedTuple):
    """One page of a list. `next` asks for the page behind it; None on the last one."""

    items: list[Item]
    next: dict[str, str] | None


class LineResult(NamedTuple):
    """What became of one line of a batch: an HTTP status, and why where it was refused."""

    status: int
    message: str

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


class _TransientError(Exception):
    """Another attempt may help. `wait_s` is what the server asked for; `down`: it can't be asked for anything at present."""

    def __init__(self, reason: str, wait_s: float = 0.0, *, down: bool = False) -> None:
        super().__init__(reason)
        self.wait_s, self.down = wait_s, down


class _ExpiredTokenError(Exception):
    """The server doesn't know our token any more."""


class AkeneoClient:
    """Asks one thing at a time. Every method raises `CatalogError` where the server can't be asked or refuses."""

    def __init__(self, url: str, credentials: Credentials, limits: DownloadLimits | None = None) -> None:
        self.url = url
        self._credentials = credentials
        self._limits = limits or DownloadLimits(attempts=5, read_s=60.0)
        self._http = httpx2.Client(
            base_url=url,
            headers={"User-Agent": "pumgpt (product catalogues)", "Accept": "application/json"},
            timeout=httpx2.Timeout(self._limits.read_s, connect=self._limits.connect_s),
            follow_redirects=False,
        )
        self._token: str | None = None
        self._refresh_token: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Item:
        """One document. `path` is below `/api/rest/v1`."""
        return self._document(self._retry(partial(self._ask, "GET", _API + path, params=dict(parameters or {}))))

    def find(self, path: str, absent: Sequence[int] = (404,)) -> Any:
        """What is there as JSON; None where the status is one of `absent`."""
        response = self._retry(partial(self._ask, "GET", _API + path, allowed=absent))
        return None if response.status_code in absent else self._json(response)

    def pages(self, path: str, parameters: Mapping[str, str] | None = None) -> Iterator[Page]:
        """The pages of a list. `parameters` may be the `next` of an earlier page, to go on from there."""
        query = {"limit": str(PAGE_ITEMS), **(parameters or {})}
        while True:
            document = self.get(path, query)
            try:
                items = document["_embedded"]["items"]
                link = document["_links"].get("next")
                following = None if link is None else {**query, **dict(parse_qsl(urlsplit(link["href"]).query))}
            except (KeyError, TypeError, AttributeError) as error:
                raise CatalogError(f"{self.url}{_API}{path}: answers with no list of Akeneo's; check 'url'") from error
            if following == query:
                raise CatalogError(f"{self.url}{_API}{path}: a page names itself as the next one; tell its operator")
            yield Page(items, following)
            if following is None:
                return
            query = following

    def items(self, path: str, parameters: Mapping[str, str] | None = None) -> Iterator[Item]:
        """Every item of a list."""
        for page in self.pages(path, parameters):
            yield from page.items

    def search(self, path: str, field: str, values: Sequence[str], parameters: Mapping[str, str]) -> list[Item]:
        """The items, at most a page of them, whose `field` is one of `values`."""
        rule = {field: [{"operator": "IN", "value": list(values)}]}
        return list(self.items(path, {**parameters, "search": json.dumps(rule)}))

    def patch(self, path: str, changes: Sequence[Item]) -> list[LineResult]:
        """Send a batch of at most `PAGE_ITEMS` changes; one result for each.

        Sending it again after an answer got lost is harmless: a change says what is, not what is added.
        """
        body = "\n".join(json.dumps(change, ensure_ascii=False) for change in changes).encode()
        headers = {"Content-Type": _COLLECTION}
        response = self._retry(partial(self._ask, "PATCH", _API + path, content=body, headers=headers))
        results = [LineResult(0, "no answer for this line")] * len(changes)
        for line in filter(None, response.text.splitlines()):
            try:
                answer = json.loads(line)
                results[int(answer["line"]) - 1] = LineResult(int(answer["status_code"]), _explain(answer))
            except (ValueError, KeyError, TypeError, IndexError) as error:
                raise CatalogError(
                    f"{self.url}{_API}{path}: answers with '{line[:80]}', no result of a line"
                ) from error
        return results

    def download(self, code: str, target: Path) -> None:
        """Write a media file to `target`, whole or not at all. Raises `PhotoError` where it is the file that can't be had."""
        path = f"{_API}/media-files/{quote(code)}/download"
        try:
            self._retry(partial(self._save, path, target))
        except CatalogError as error:
            # Of a server that is down every photo would be missing; a later run gets them.
            if isinstance(error.__cause__, _TransientError) and error.__cause__.down:
                raise
            raise PhotoError(str(error)) from error

    def _retry(self, attempt: Callable[[], _T]) -> _T:
        """Ask until there is an answer: after a new token where ours has expired, after a pause where the server is busy."""
        renewed = False
        tries = 0
        while True:
            try:
                if self._token is None:
                    self._log_in()
                return attempt()
            except _ExpiredTokenError as error:
                if renewed:
                    raise CatalogError(
                        f"{self.url}: refuses the token that it has just given; check the connection's permissions"
                    ) from error
                renewed, self._token = True, None
            except _TransientError as error:
                tries += 1
                if tries == self._limits.attempts or error.wait_s > self._limits.max_wait_s:
                    raise CatalogError(f"{self.url}: {error}; run the same command again later") from error
                time.sleep(max(error.wait_s, backoff_delay_s(tries - 1, self._limits.backoff_s)))

    def _log_in(self) -> None:
        """Get a token: by the refresh token where there is one that still counts, else by name and password."""
        mine = self._credentials
        grants: list[Item] = [{"grant_type": "password", "username": mine.username, "password": mine.password}]
        if self._refresh_token is not None:
            grants.insert(0, {"grant_type": "refresh_token", "refresh_token": self._refresh_token})
        for grant in grants:
            response = self._send(
                "POST", "/api/oauth/v1/token", json=grant, auth=httpx2.BasicAuth(mine.client_id, mine.client_secret)
            )
            if response.is_success:
                document = self._document(response)
                self._token, self._refresh_token = document.get("access_token"), document.get("refresh_token")
                if self._token:
                    return
        # The server's own words may quote what we sent, so they are left out.
        raise UsageError(
            f"{self.url}: gives no token for these credentials (status {response.status_code}); check the environment"
        )

    def _ask(self, method: str, path: str, *, allowed: Sequence[int] = (), **request: Any) -> httpx2.Response:
        headers = {**request.pop("headers", {}), "Authorization": f"Bearer {self._token}"}
        response = self._send(method, path, headers=headers, **request)
        if not response.is_success and response.status_code not in allowed:
            raise self._refusal(response, path)
        return response

    def _save(self, path: str, target: Path) -> None:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "*/*"}
        response = self._send("GET", path, stream=True, headers=headers)
        # Beside its place and moved there whole: a photo that is there is never half of one.
        part = target.with_name(f"{target.name}.part")
        try:
            if not response.is_success:
                response.read()
                raise self._refusal(response, path)
            with part.open("wb") as file:
                self._take(response, path, file.write)
            part.replace(target)
        except httpx2.HTTPError as error:
            raise _TransientError(f"breaks off ({first_line(error)})") from error
        finally:
            response.close()
            part.unlink(missing_ok=True)

    def _take(self, response: httpx2.Response, path: str, write: Callable[[bytes], Any]) -> None:
        size, began = 0, time.monotonic()
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > self._limits.max_bytes:
                raise PhotoError(
                    f"{self.url}{path}: has more than {self._limits.max_bytes / 1e6:g} MB; give a smaller one"
                )
            if time.monotonic() - began > self._limits.total_s:
                raise _TransientError(f"takes longer than {self._limits.total_s:g} s for one photo")
            write(chunk)
        if not size:
            raise PhotoError(f"{self.url}{path}: is empty (0 bytes); upload it again")

    def _send(
        self, method: str, path: str, *, stream: bool = False, auth: httpx2.Auth | None = None, **request: Any
    ) -> httpx2.Response:
        """One request. Raises `_TransientError` and `_ExpiredTokenError`; other refusals are for the caller to judge."""
        try:
            response = self._http.send(self._http.build_request(method, path, **request), auth=auth, stream=stream)
        except httpx2.HTTPError as error:
            raise _TransientError(f"does not answer ({first_line(error)})", down=True) from error
        if response.status_code in _TRANSIENT_STATUSES:
            response.close()
            reason = f"is busy or broken (status {response.status_code})"
            wait_s = retry_after_s(response.headers.get("retry-after"))
            raise _TransientError(reason, wait_s, down=response.status_code in (429, 503))
        if response.status_code == 401 and auth is None:
            response.close()
            raise _ExpiredTokenError
        return response

    def _document(self, response: httpx2.Response) -> Item:
        document = self._json(response)
        if not isinstance(document, dict):
            raise CatalogError(f"{response.url.copy_with(query=None)}: answers with no document; check 'url'")
        return document

    def _json(self, response: httpx2.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            kind = response.headers.get("content-type", "nothing")
            raise CatalogError(
                f"{response.url.copy_with(query=None)}: answers with {kind}, no JSON; check 'url'"
            ) from error

    def _refusal(self, response: httpx2.Response, path: str) -> CatalogError:
        where, status = f"{self.url}{path}", response.status_code
        if response.is_redirect:
            return CatalogError(
                f"{where}: leads elsewhere (status {status}); give the address that it leads to as 'url'"
            )
        try:
            reason = _explain(response.json())
        except (ValueError, AttributeError):
            reason = "no reason given"
        hint = "; allow it in the connection's settings" if status == 403 else ""
        return CatalogError(f"{where}: refused with status {status}: {reason}{hint}")


def _explain(answer: Mapping[str, Any]) -> str:
    """Akeneo's own words, in one line: the message, and what is wrong with which property."""
    details = [f"{error.get('property', '')}: {error.get('message', '')}" for error in answer.get("errors") or ()]
    return " ".join("; ".join([str(answer.get("message") or answer.get("detail") or ""), *details]).split())
