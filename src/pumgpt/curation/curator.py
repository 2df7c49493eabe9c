"""A catalogue, the experts that judge it, and what becomes of the values that fail.

A `CurationRecipe` is the user's choice before anything is loaded; it makes the `Curator`, which judges rows in batches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from PIL.Image import Image, Resampling

from pumgpt.catalog.formats.base import CatalogReader, NumberedRow, RejectedRow
from pumgpt.catalog.formats.jsonl import JSON_LINES
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import Fetch, open_photo
from pumgpt.catalog.photos.download import PhotoDownloads
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.category_ids import CategoryIds
from pumgpt.curation.cascade import Calls, Cascade
from pumgpt.curation.experts.base import Case, ExpertOptions, claims_of
from pumgpt.curation.experts.registry import fingerprint, make_experts
from pumgpt.curation.fusion import Fusion
from pumgpt.curation.records import (
    FailedValues,
    RemoveCategory,
    RemoveValues,
    Verdicts,
    category_remover,
    curated_record,
    with_columns,
)
from pumgpt.errors import PhotoError
from pumgpt.jobs.journal import Fingerprint

BATCH_ROWS = 256
BATCH_ROWS_WITH_PHOTOS = 16
"""Fewer, because the decoded photos of a batch are in memory together."""
MAX_PHOTOS = 4
"""Only the first photos of a product are shown to the experts."""
MAX_SIDE_PX = 1280


@dataclass(frozen=True)
class Source:
    """An open catalogue, and the names (casefolded) of its columns that hold attributes. Iterates over its products."""

    reader: CatalogReader
    attribute_columns: frozenset[str] = frozenset()

    @property
    def path(self) -> Path:
        return self.reader.path

    @property
    def read_columns(self) -> Mapping[str, str]:
        """Attribute -> column, where the catalogue itself reads attributes from columns."""
        return self.reader.attribute_columns

    @property
    def remove_values(self) -> RemoveValues | None:
        """How values are removed from a record that a shop system exported; None for catalogues of our own form."""
        return partial(self.reader.format.strike, self.reader) if self.reader.format.is_export else None

    @property
    def remove_category(self) -> RemoveCategory | None:
        """How a category is removed from a record, whatever its form."""
        return category_remover(self.reader)

    def __iter__(self) -> Iterator[Product]:
        return (row for _, row in self.rows() if isinstance(row, Product))

    def rows(self) -> Iterator[NumberedRow]:
        """Every row, numbered from 1."""
        for number, row in enumerate(self.reader, start=1):
            yield number, row if isinstance(row, RejectedRow) else with_columns(row, self.attribute_columns)

    def batches(self, size: int, done: int = 0, limit: int | None = None) -> Iterator[list[NumberedRow]]:
        """Batches of the rows after the first `done`."""
        rows = islice(self.rows(), done, None if limit is None else max(limit, done))
        # By row number, not by position: a resumed run must put a row into the same batch as an uninterrupted one.
        return (list(batch) for _, batch in groupby(rows, key=lambda row: (row[0] - 1) // size))


@dataclass(frozen=True)
class JudgedRow:
    """One row as the journal stores it: `document` is the curated record or the bare verdicts."""

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
    warnings: tuple[str, ...] = ()


class Curator:
    """Judges rows of `source`. With `whole_records`, a row's document is its curated record, else its verdicts only.

    Without `downloads`, photos that are given by URL are not fetched.
    """

    def __init__(
        self,
        cascade: Cascade,
        source: Source,
        failed_values: FailedValues,
        *,
        whole_records: bool,
        downloads: PhotoDownloads | None = None,
    ) -> None:
        self.cascade = cascade
        self.source = source
        self.failed_values = failed_values
        self.whole_records = whole_records
        self.downloads = downloads

    @property
    def batch_rows(self) -> int:
        return BATCH_ROWS_WITH_PHOTOS if self.cascade.needs_photos else BATCH_ROWS

    def prepare(self) -> None:
        """Show the experts the whole catalogue, whichever rows are judged: no verdict may depend on `--limit`."""
        for expert in self.cascade.experts:
            expert.prepare(self.source)

    def judge(self, batch: Sequence[NumberedRow]) -> JudgedBatch:
        loader = _PhotoLoader(self.downloads)
        products = [row for _, row in batch if isinstance(row, Product)]
        if self.downloads is not None and self.cascade.needs_photos:
            self.downloads.prefetch_photos(products, MAX_PHOTOS)
        fused, calls = self.cascade.judge([Case(product, claims_of(product), loader) for product in products])
        verdicts_of_rows = iter([verdict.to_json() for verdict in row] for row in fused)
        rows: list[JudgedRow | RejectedRow] = []
        for _, row in batch:
            if isinstance(row, RejectedRow):
                rows.append(row)
                continue
            verdicts = next(verdicts_of_rows)
            record: Mapping[str, Any] = {"id": row.id}
            if self.whole_records:
                source = self.source
                record = curated_record(
                    row,
                    verdicts,
                    self.failed_values,
                    source.attribute_columns,
                    source.remove_values,
                    source.read_columns,
                    source.remove_category,
                )
            rows.append(JudgedRow(row.id, {**record, "verdicts": verdicts}))
        warnings = tuple(line for expert in self.cascade.experts for line in expert.warnings)
        return JudgedBatch(rows, calls, loader.num_unusable, warnings)


class _PhotoLoader:
    """Opens the photos of a product, no larger than the experts need, and counts those that can't be used."""

    def __init__(self, fetch: Fetch | None) -> None:
        self.num_unusable = 0
        self._fetch = fetch

    def __call__(self, product: Product) -> tuple[Image, ...]:
        photos = []
        for ref in product.images[:MAX_PHOTOS]:
            try:
                photo = open_photo(ref, at_least_px=MAX_SIDE_PX, fetch=self._fetch)
            except PhotoError:
                self.num_unusable += 1
                continue
            photo.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Resampling.LANCZOS)
            photos.append(photo)
        return tuple(photos)


@dataclass(frozen=True)
class CurationRecipe:
    """Which experts judge which catalogue, and what becomes of values that fail. Picklable: workers of Ray get it."""

    in_path: Path
    out_path: Path
    experts: tuple[str, ...]
    options: ExpertOptions = field(default_factory=ExpertOptions)
    failed_values: FailedValues = FailedValues.DROP
    fusion: Fusion = field(default_factory=Fusion.load)
    category_ids: CategoryIds | None = None
    """What the ids mean that stand as categories."""
    allow_private_urls: bool = False
    """Whether photos may be fetched from this machine's own network."""

    @property
    def fingerprint(self) -> Fingerprint:
        known = self.category_ids.taxonomy if self.category_ids else None
        # Left out without a taxonomy, so that runs of earlier versions go on.
        taxonomy = {"taxonomy": _digest((known.paths, known.ids))} if known else {}
        return {
            **fingerprint(self.experts, self.options),
            **taxonomy,
            "fusion": _digest(self.fusion),
            "setting of --values": str(self.failed_values),
        }

    @property
    def answers_path(self) -> Path:
        """The JSON lines with the verdicts of each row: the output itself, or a file beside it."""
        return self.out_path if self._is_json_lines else self.out_path.with_name(f"{self.out_path.name}.answers.jsonl")

    @property
    def _is_json_lines(self) -> bool:
        return self.out_path.suffix.lower() in JSON_LINES

    def open_source(self, reader: CatalogReader | None = None) -> Source:
        """The catalogue; pass `reader` if it is open already."""
        schema = self.options.schema
        names = frozenset(name.casefold() for name in schema.names) if schema else frozenset[str]()
        reader = reader or read_catalog(self.in_path)
        reader.category_ids = self.category_ids
        reader.name_attributes(schema.names if schema else ())
        return Source(reader, names)

    def make_curator(self, source: Source | None = None) -> Curator:
        """Load the experts. Workers of Ray leave `source` out and open the catalogue anew: a reader can't be pickled."""
        return Curator(
            Cascade(make_experts(self.experts, self.options), self.fusion),
            source or self.open_source(),
            self.failed_values,
            whole_records=self._is_json_lines,
            downloads=PhotoDownloads(allow_private=self.allow_private_urls),
        )


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]
