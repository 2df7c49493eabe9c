"""One URL's photo, from the cache or from its host: conditions, attempts, limits, and what each answer means."""

from __future__ import annotations

import asyncio

import httpcore2
import httpx2

from pumgpt.catalog.photos.addresses import CheckedNetwork, CheckedTransport, RefusedAddressError
from pumgpt.catalog.photos.hosts import DownloadLimits, Host
from pumgpt.catalog.photos.url_cache import CachedPhoto, UrlCache
from pumgpt.errors import PhotoError
from pumgpt.retries import backoff_delay_s, retry_after_s

_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_BY_HAND = "download the photo and give its path"
_HEADERS = {"User-Agent": "pumgpt (product photos)", "Accept": "image/*", "Accept-Encoding": "identity"}


class _PassingError(PhotoError):
    """Another attempt may help. `answered` is whether the host said anything at all."""

    def __init__(self, reason: str, *, answered: bool = True, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.answered, self.wait_s = answered, wait_s


class Fetcher:
    """Lives in one event loop. Raises `PhotoError`; `CatalogError` where the cache can't be written."""

    def __init__(self, cache: UrlCache, limits: DownloadLimits, network: CheckedNetwork) -> None:
        self._cache, self._limits = cache, limits
        self._slots = asyncio.Semaphore(limits.connections)
        self._hosts: dict[str, Host] = {}
        self._client = httpx2.AsyncClient(
            transport=CheckedTransport(network, limits.connections),
            headers=_HEADERS,
            timeout=httpx2.Timeout(limits.read_s, connect=limits.connect_s, pool=None),
            follow_redirects=True,
            max_redirects=limits.max_redirects,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def fetch(self, url: str) -> CachedPhoto:
        """Where the photo lies now. An old copy does where the host can't be had."""
        host = self._host(url)
        known = self._cache.get(url)
        if known is not None and known.age_s < self._limits.fresh_s:
            return known
        try:
            return await self._persist(url, host, known)
        except _PassingError as error:
            if known is not None:  # an old photo of the product is better than none
                return known
            raise PhotoError(f"{url}: {error}; run it again later, or {_BY_HAND}") from error

    async def _persist(self, url: str, host: Host, known: CachedPhoto | None) -> CachedPhoto:
        last: _PassingError | None = None
        for attempt in range(self._limits.attempts):
            await host.until_ready()
            try:
                # The host's first: whoever waits for a slow host must not hold a connection that others could use.
                async with host.slots, self._slots:
                    # Only now: the host may have been given up while this URL waited for its turn.
                    if host.unanswered >= self._limits.unanswered_requests:
                        raise last or _PassingError(
                            f"its host did not answer {host.unanswered} times in a row and isn't asked any more"
                        )
                    return await self._attempt(url, known, host)
            except _PassingError as error:
                if error is last or host.unanswered >= self._limits.unanswered_requests:
                    raise
                last = error
                if error.wait_s > self._limits.max_wait_s:
                    break
                host.hold_off(error.wait_s)
            if attempt + 1 < self._limits.attempts:
                await asyncio.sleep(backoff_delay_s(attempt, self._limits.backoff_s))
        raise last or _PassingError("was not asked for")

    def _host(self, url: str) -> Host:
        try:
            name = httpx2.URL(url).host
        except (httpx2.InvalidURL, ValueError) as error:
            raise PhotoError(f"{url!r}: is no URL ({error}); mend it") from error
        if not name:
            raise PhotoError(f"{url}: names no host; mend the URL")
        return self._hosts.setdefault(name, Host(asyncio.Semaphore(self._limits.connections_per_host)))

    async def _attempt(self, url: str, known: CachedPhoto | None, host: Host) -> CachedPhoto:
        try:
            found = await self._ask(url, known)
        except PhotoError as error:
            silent = isinstance(error, _PassingError) and not error.answered
            host.unanswered = host.unanswered + 1 if silent else 0
            raise
        host.unanswered = 0
        return found

    async def _ask(self, url: str, known: CachedPhoto | None) -> CachedPhoto:
        try:
            async with asyncio.timeout(self._limits.total_s):
                async with self._client.stream("GET", url, headers=known.conditions if known else None) as response:
                    return await self._take(response, url, known)
        except RefusedAddressError as error:
            raise PhotoError(f"{url}: {error}, or {_BY_HAND}") from error
        except TimeoutError as error:
            raise _PassingError(f"took longer than {self._limits.total_s:g} s") from error
        except httpcore2.ConnectError as error:
            raise _PassingError(f"there is no connection to its host ({error})", answered=False) from error
        except httpcore2.TimeoutException as error:
            raise _PassingError("its host did not answer in time", answered=False) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise _PassingError(f"its host broke off ({error})") from error
        except httpx2.TooManyRedirects as error:
            raise PhotoError(f"{url}: leads on more than {self._limits.max_redirects} times; mend the URL") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, httpcore2.UnsupportedProtocol) as error:
            raise PhotoError(f"{url}: can't be fetched ({error}); mend the URL") from error

    async def _take(self, response: httpx2.Response, url: str, known: CachedPhoto | None) -> CachedPhoto:
        """What an answer means."""
        status = f"{response.status_code} {response.reason_phrase}".strip()
        if response.status_code == 304 and known is not None:
            return self._cache.renew(known)
        if response.status_code in _BUSY:
            wait_s = retry_after_s(response.headers.get("retry-after"))
            raise _PassingError(f"its host is busy or broken ({status})", wait_s=wait_s)
        if response.status_code != 200:
            raise PhotoError(f"{url}: is not given to us ({status}); mend the URL, or {_BY_HAND}")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind.startswith("text/") or kind == "application/json":
            raise PhotoError(f"{url}: is {kind}, no photo; mend the URL")
        return await self._store(response, url)

    async def _store(self, response: httpx2.Response, url: str) -> CachedPhoto:
        announced = response.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > self._limits.max_bytes:
            raise self._too_large(url)
        with self._cache.writing(url) as part:
            async for chunk in response.aiter_bytes():
                if part.size + len(chunk) > self._limits.max_bytes:
                    raise self._too_large(url)
                part.write(chunk)
            if not part.size:
                raise PhotoError(f"{url}: is empty (0 bytes); mend the URL")
            return part.keep(response.headers)

    def _too_large(self, url: str) -> PhotoError:
        return PhotoError(f"{url}: has more than {self._limits.max_bytes / 1e6:g} MB; give a smaller photo")
