"""Judges batches of rows: what both engines, the local one and Ray's, do with each batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from PIL.Image import Image, Resampling

from pumgpt.catalog.formats.base import CatalogReader, NumberedRow, RejectedRow
from pumgpt.catalog.photos.decode import Fetch, open_photo
from pumgpt.catalog.photos.download import PhotoDownloads
from pumgpt.catalog.product import Product
from pumgpt.curation.cascade import Calls, Cascade
from pumgpt.curation.experts.base import Case, claims_of
from pumgpt.curation.listing import Failing, Strike, Verdicts, curated_record, with_columns
from pumgpt.errors import PhotoError

BATCH_ROWS = 256
BATCH_ROWS_WITH_PHOTOS = 16
"""A batch's photos lie in memory, decoded."""
MAX_PHOTOS = 4
"""Photos of a product that experts look at, in order."""
MAX_SIDE_PX = 1280


@dataclass(frozen=True)
class Source:
    """A catalogue, and the columns (casefolded) of it that hold attributes. Iterating gives its products."""

    reader: CatalogReader
    attribute_columns: frozenset[str] = frozenset()

    @property
    def path(self) -> Path:
        return self.reader.path

    @property
    def strike(self) -> Strike | None:
        """How failing values are taken out of a record, where a system has written the catalogue."""
        return partial(self.reader.format.strike, self.reader) if self.reader.format.is_export else None

    def __iter__(self) -> Iterator[Product]:
        return (row for _, row in self.rows() if isinstance(row, Product))

    def rows(self) -> Iterator[NumberedRow]:
        """Every row, numbered from 1."""
        for number, row in enumerate(self.reader, start=1):
            yield number, row if isinstance(row, RejectedRow) else with_columns(row, self.attribute_columns)

    def batches(self, size: int, done: int = 0, limit: int | None = None) -> Iterator[list[NumberedRow]]:
        """Batches of the rows behind the first `done`. A row falls into the same batch wherever a run begins."""
        rows = islice(self.rows(), done, None if limit is None else max(limit, done))
        return (list(batch) for _, batch in groupby(rows, key=lambda row: (row[0] - 1) // size))


@dataclass(frozen=True)
class JudgedRow:
    """What the journal takes of one row."""

    id: str
    document: Mapping[str, Any]

    @property
    def verdicts(self) -> Verdicts:
        verdicts: Verdicts = self.document["verdicts"]
        return verdicts


@dataclass
class JudgedBatch:
    rows: list[JudgedRow | RejectedRow]
    calls: Calls = field(default_factory=Calls)
    unusable_photos: int = 0


class Curator:
    """Judges rows of `source`. With `whole_records`, a row's document is its record; else the verdicts alone. Without
    `downloads` photos by URL are not fetched.
    """

    def __init__(
        self,
        cascade: Cascade,
        source: Source,
        failing: Failing,
        *,
        whole_records: bool,
        downloads: PhotoDownloads | None = None,
    ) -> None:
        self.cascade, self.source, self.failing, self.whole_records = cascade, source, failing, whole_records
        self.downloads = downloads

    @property
    def batch_rows(self) -> int:
        return BATCH_ROWS_WITH_PHOTOS if self.cascade.looks_at_photos else BATCH_ROWS

    def prepare(self) -> None:
        """Let the experts see the whole catalogue, whichever rows are judged: no verdict depends on `--limit`."""
        for expert in self.cascade.experts:
            expert.prepare(self.source)

    def judge(self, batch: Sequence[NumberedRow]) -> JudgedBatch:
        opener = _PhotoOpener(self.downloads)
        products = [row for _, row in batch if isinstance(row, Product)]
        if self.downloads is not None and self.cascade.looks_at_photos:
            self.downloads.prefetch_photos(products, MAX_PHOTOS)
        rulings, calls = self.cascade.judge([Case(p, claims_of(p), opener) for p in products])
        verdicts = iter([ruling.to_json() for ruling in row] for row in rulings)
        rows = [row if isinstance(row, RejectedRow) else self._judged(row, next(verdicts)) for _, row in batch]
        return JudgedBatch(rows, calls, opener.unusable)

    def _judged(self, product: Product, verdicts: Verdicts) -> JudgedRow:
        if not self.whole_records:
            return JudgedRow(product.id, {"id": product.id, "verdicts": verdicts})
        record = curated_record(product, verdicts, self.failing, self.source.attribute_columns, self.source.strike)
        return JudgedRow(product.id, {**record, "verdicts": verdicts})


class _PhotoOpener:
    """Opens a product's photos, not larger than experts need; counts those that can't be used."""

    def __init__(self, fetch: Fetch | None) -> None:
        self.unusable, self._fetch = 0, fetch

    def __call__(self, product: Product) -> tuple[Image, ...]:
        photos = []
        for ref in product.images[:MAX_PHOTOS]:
            try:
                photo = open_photo(ref, at_least_px=MAX_SIDE_PX, fetch=self._fetch)
            except PhotoError:
                self.unusable += 1
                continue
            photo.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Resampling.LANCZOS)
            photos.append(photo)
        return tuple(photos)
