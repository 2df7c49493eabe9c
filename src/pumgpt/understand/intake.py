"""A product with its photos opened for the model: broken ones become warnings, huge ones are made smaller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from PIL.Image import Image, Resampling

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.photos.decode import Fetch, open_photo
from pumgpt.catalog.photos.download import PhotoDownloads
from pumgpt.catalog.product import Product
from pumgpt.errors import PhotoError

MAX_SIDE_PX = 1536
"""Larger photos are made smaller at once, so that a batch of them fits in memory."""
NO_PHOTO = "no photo: answered from the text alone"

Row = tuple[int, Product | RejectedRow]
"""A row of a catalogue and its number."""


@dataclass(frozen=True)
class Intake:
    """A product with its opened photos."""

    product: Product
    opened: tuple[Image | None, ...] = ()
    """One for each photo of the product, None where it could not be opened."""
    warnings: tuple[str, ...] = ()

    @property
    def photos(self) -> tuple[Image, ...]:
        return tuple(photo for photo in self.opened if photo is not None)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Which of the product's photos `photos` are."""
        return tuple(number for number, photo in enumerate(self.opened) if photo is not None)


def open_product(product: Product, fetch: Fetch | None = None) -> Intake:
    """Open all photos of a product. A broken one becomes a warning as long as another is good. `fetch` is for those by URL.

    Raises `PhotoError` where there are photos and none can be used.
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
            # A phone's photo is many times larger than what the model sees.
            photo.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Resampling.LANCZOS)
            opened.append(photo)
    if failures and len(failures) == len(opened):
        raise PhotoError("; ".join(failures))
    return Intake(product, tuple(opened), tuple(failures) if opened else (NO_PHOTO,))


def open_row(row: int, item: Product | RejectedRow, fetch: Fetch | None = None) -> Intake | RejectedRow:
    """The same for a row of a catalogue; one that can't be used becomes a `RejectedRow` with its number."""
    if isinstance(item, RejectedRow):
        return item
    try:
        return open_product(item, fetch)
    except PhotoError as error:
        return RejectedRow(row, item.id, str(error))


def open_rows(rows: Sequence[Row], downloads: PhotoDownloads | None = None) -> list[Intake | RejectedRow]:
    """The same for several rows, whose URLs are all under way before the first photo is opened."""
    _prefetch(rows, downloads)
    return [open_row(row, item, downloads) for row, item in rows]


def open_batches(
    rows: Iterable[Row], size: int, num_threads: int = 2, downloads: PhotoDownloads | None = None
) -> Iterator[list[Intake | RejectedRow]]:
    """Batches of rows in order, their photos fetched and opened while the model is busy with the batch before."""
    # Always one batch ahead: photos of the next one are opened while the model works on this one.
    source = iter(rows)
    with ThreadPoolExecutor(num_threads, thread_name_prefix="photos") as pool:
        try:
            ahead = _submit(pool, list(islice(source, size)), downloads)
            while ahead:
                batch, ahead = ahead, _submit(pool, list(islice(source, size)), downloads)
                yield [future.result() for future in batch]
        except BaseException:  # Ctrl-C and the caller's leaving too: nobody waits for a slow host then
            if downloads is not None:
                downloads.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _submit(
    pool: ThreadPoolExecutor, rows: Sequence[Row], downloads: PhotoDownloads | None
) -> Sequence[Future[Intake | RejectedRow]]:
    _prefetch(rows, downloads)
    return [pool.submit(open_row, row, item, downloads) for row, item in rows]


def _prefetch(rows: Sequence[Row], downloads: PhotoDownloads | None) -> None:
    if downloads is not None:
        downloads.prefetch_photos(item for _, item in rows if isinstance(item, Product))
