"""Photos by URL: fetched many at once, politely, into a cache on disk; one line says why where a photo can't be had.

    with PhotoDownloads() as downloads:
        downloads.prefetch(urls)                    # begins, and doesn't wait
        photo = open_photo(ref, fetch=downloads)

What is known isn't asked again: a photo that was fetched lately comes from the disk, an older one is asked for only in case
it has changed, and a URL that failed fails again at once until the end of the run. Whatever breaks off a run, complete photos
are kept and others never count. `httpx2` does HTTP; where a stranger's URL may lead to is decided in `addresses`.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import CancelledError, Future
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pumgpt.catalog.photos.hosts import DownloadLimits
from pumgpt.catalog.product import Product
from pumgpt.errors import PhotoError

if TYPE_CHECKING:
    from pumgpt.catalog.photos.addresses import CheckedNetwork
    from pumgpt.catalog.photos.fetcher import Fetcher
    from pumgpt.catalog.photos.url_cache import CachedPhoto

_REMEMBERED_URLS = 50_000


class PhotoDownloads:
    """Fetches photos in a thread of its own, which starts with the first URL. Called with a URL, it gives the photo's bytes.

    `allow_private` lets URLs lead into this machine's own network. Usable from any thread.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        allow_private: bool = False,
        limits: DownloadLimits | None = None,
        network: CheckedNetwork | None = None,
    ) -> None:
        """`folder` is by default `pumgpt/photos` in the user's cache; `network` says who may be talked to in its own way."""
        self._folder, self._allow_private, self._network = folder, allow_private, network
        self._limits = limits or DownloadLimits()
        self._lock = threading.Lock()
        self._thread: _LoopThread | None = None
        self._fetcher: Fetcher | None = None
        self._stopped = False
        self._under_way: dict[str, Future[CachedPhoto | str]] = {}
        self._known: OrderedDict[str, CachedPhoto | str] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def prefetch(self, urls: Iterable[str]) -> None:
        """Begin to fetch these; a later call waits for what is not there yet."""
        for url in urls:
            self._begin(url)

    def prefetch_photos(self, products: Iterable[Product], most: int | None = None) -> None:
        """The same for the photos of products that are known by their URL alone, `most` of each."""
        for product in products:
            shown = product.images[:most]
            self.prefetch(ref.url for ref in shown if ref.url is not None and ref.data is None and ref.path is None)

    def __call__(self, url: str) -> bytes:
        """The photo's bytes. Raises `PhotoError`; `CatalogError` where the cache can't be used."""
        try:
            outcome = self._begin(url).result()
        except CancelledError:
            outcome = _stopped(url)
        if isinstance(outcome, str):
            raise PhotoError(outcome)
        try:
            return outcome.path.read_bytes()
        except OSError as error:
            raise PhotoError(
                f"{url}: its copy in {outcome.path} can't be read ({error.strerror}); run again"
            ) from error

    def stop(self) -> None:
        """Give up what is under way, at once; what is asked for later is refused."""
        with self._lock:
            self._stopped = True
            under_way = list(self._under_way.values())
        for future in under_way:
            future.cancel()

    def close(self) -> None:
        self.stop()
        if self._thread is not None and self._fetcher is not None:
            self._thread.end(self._fetcher)
            self._thread = None

    def _begin(self, url: str) -> Future[CachedPhoto | str]:
        with self._lock:
            if url in self._known:
                return _done(self._known[url])
            if url in self._under_way:
                return self._under_way[url]
            if self._stopped:
                return _done(_stopped(url))
            thread, fetcher = self._running()
            # A coroutine of its own for each URL: how many run at once, and how many to one host, the fetcher decides.
            future = asyncio.run_coroutine_threadsafe(_outcome(fetcher, url), thread.loop)
            self._under_way[url] = future
        # Outside of the lock: a future that is done already calls back at once, in this thread, and takes the lock again.
        future.add_done_callback(lambda done: self._remember(url, done))
        return future

    def _running(self) -> tuple[_LoopThread, Fetcher]:
        if self._thread is None or self._fetcher is None:
            # Most catalogues have their photos as files, and need neither the HTTP library nor a thread.
            from pumgpt.catalog.photos.addresses import CheckedNetwork
            from pumgpt.catalog.photos.fetcher import Fetcher
            from pumgpt.catalog.photos.url_cache import UrlCache

            cache = UrlCache(self._folder)
            network = self._network or (
                CheckedNetwork(allowed=lambda address: True) if self._allow_private else CheckedNetwork()
            )
            self._thread, self._fetcher = _LoopThread(), Fetcher(cache, self._limits, network)
        return self._thread, self._fetcher

    def _remember(self, url: str, done: Future[CachedPhoto | str]) -> None:
        with self._lock:
            self._under_way.pop(url, None)
            if (
                done.cancelled() or done.exception() is not None
            ):  # says nothing about the photo; it may be asked for again
                return
            self._known[url] = done.result()
            if len(self._known) > _REMEMBERED_URLS:
                self._known.popitem(last=False)


class _LoopThread:
    """An event loop in a thread. A daemon: a name server that doesn't answer must not hold up the end of the program."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="photo downloads", daemon=True)
        self._thread.start()

    def end(self, fetcher: Fetcher) -> None:
        asyncio.run_coroutine_threadsafe(_wind_up(fetcher), self.loop).result(timeout=5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=5)
        self.loop.close()


async def _outcome(fetcher: Fetcher, url: str) -> CachedPhoto | str:
    """What became of a URL: its photo, or the line that says why there is none."""
    try:
        return await fetcher.fetch(url)
    except PhotoError as error:
        return str(error)


async def _wind_up(fetcher: Fetcher) -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await fetcher.aclose()


def _done(outcome: CachedPhoto | str) -> Future[CachedPhoto | str]:
    future: Future[CachedPhoto | str] = Future()
    future.set_result(outcome)
    return future


def _stopped(url: str) -> str:
    return f"{url}: fetching was stopped; run it again"
