"""Opens the photos of products for the model. Broken photos become warnings, large ones are scaled down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice

from PIL.Image import Image, Resampling

from pumgpt.catalog.formats.base import NumberedRow, RejectedRow
from pumgpt.catalog.photos.decode import Fetch, open_photo
from pumgpt.catalog.photos.download import PhotoDownloads
from pumgpt.catalog.product import Product
from pumgpt.errors import PhotoError

MAX_SIDE_PX = 1536
"""Larger photos are scaled down as soon as they are decoded, so that a batch of them fits in memory."""
NO_PHOTO = "no photo: answered from the text alone"


@dataclass(frozen=True)
class Intake:
    """A product with its opened photos."""

    product: Product
    opened: tuple[Image | None, ...] = ()
    """One for each photo of the product, None where it could not be opened or is one of the others again."""
    warnings: tuple[str, ...] = ()

    @property
    def photos(self) -> tuple[Image, ...]:
        return tuple(photo for photo in self.opened if photo is not None)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Which of the product's photos `photos` are."""
        return tuple(number for number, photo in enumerate(self.opened) if photo is not None)


def open_product(product: Product, fetch: Fetch | None = None) -> Intake:
    """Open all photos of a product. A photo that is broken, missing or can't be fetched becomes a warning if another
    one is good. `fetch` gets those by URL.

    Raises `PhotoError` if there are photos and none can be used: a product that was to be seen isn't answered from its
    text alone.
    """
    opened: list[Image | None] = []
    failures: list[str] = []
    for number, ref in enumerate(product.images, start=1):
        try:
            photo = open_photo(ref, at_least_px=MAX_SIDE_PX, fetch=fetch)
        except PhotoError as error:
            failures.append(f"photo {number}: {error}" if len(product.images) > 1 else str(error))
            opened.append(None)
        else:
            photo.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Resampling.LANCZOS)
            opened.append(photo)
    if len(opened) > 1:
        opened = _without_copies(opened)
    if failures and len(failures) == len(opened):
        raise PhotoError("; ".join(failures))
    return Intake(product, tuple(opened), tuple(failures) if opened else (NO_PHOTO,))


def _without_copies(photos: Sequence[Image | None]) -> list[Image | None]:
    """The photos, with None for each that is an earlier one again, pixel for pixel.

    A copy shows nothing new, and yet would make the model surer.
    """
    seen: set[tuple[tuple[int, int], bytes]] = set()
    kept: list[Image | None] = []
    for photo in photos:
        content = None if photo is None else (photo.size, blake2b(photo.tobytes(), digest_size=16).digest())
        kept.append(None if content in seen else photo)
        if content is not None:
            seen.add(content)
    return kept


def open_rows(rows: Sequence[NumberedRow], downloads: PhotoDownloads | None = None) -> list[Intake | RejectedRow]:
    """Open the photos of several rows. A row that can't be used becomes a `RejectedRow`."""
    _prefetch(rows, downloads)
    return [_open_row(number, row, downloads) for number, row in rows]


def open_batches(
    rows: Iterable[NumberedRow], size: int, num_threads: int = 2, downloads: PhotoDownloads | None = None
) -> Iterator[list[Intake | RejectedRow]]:
    """The rows in batches, in order. The photos of the next batch are fetched and opened while the model works on this one."""
    source = iter(rows)
    with ThreadPoolExecutor(num_threads, thread_name_prefix="photos") as pool:
        try:
            ahead = _submit(pool, list(islice(source, size)), downloads)
            while ahead:
                batch, ahead = ahead, _submit(pool, list(islice(source, size)), downloads)
                yield [future.result() for future in batch]
        except BaseException:
            # `BaseException` covers Ctrl-C and a caller that closes the generator: neither should wait for a slow host.
            if downloads is not None:
                downloads.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _submit(
    pool: ThreadPoolExecutor, rows: Sequence[NumberedRow], downloads: PhotoDownloads | None
) -> Sequence[Future[Intake | RejectedRow]]:
    _prefetch(rows, downloads)
    return [pool.submit(_open_row, number, row, downloads) for number, row in rows]


def _open_row(number: int, row: Product | RejectedRow, fetch: Fetch | None) -> Intake | RejectedRow:
    if isinstance(row, RejectedRow):
        return row
    try:
        return open_product(row, fetch)
    except PhotoError as error:
        return RejectedRow(number, row.id, str(error))


def _prefetch(rows: Sequence[NumberedRow], downloads: PhotoDownloads | None) -> None:
    # All URLs of a batch are requested before the first photo is opened, so that hosts are waited for once, not in turn.
    if downloads is not None:
        downloads.prefetch_photos(row for _, row in rows if isinstance(row, Product))
