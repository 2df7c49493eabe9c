"""A dry run: what `enrich` would do, without a question to the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from pumgpt.backends.protocol import Request
from pumgpt.catalog.formats.base import CatalogReader, RejectedRow
from pumgpt.catalog.photos.download import PhotoDownloads
from pumgpt.understand.intake import open_batches
from pumgpt.understand.plan import Plan

_BATCH_PRODUCTS = 16


@dataclass
class Preview:
    """Counts of rows, photos and questions, the rejected rows, and the first request."""

    format: str
    """The name of the catalogue's format."""
    fields: Mapping[str, str]
    """Our name of a field -> the column of the file, if the file has other names."""
    rows: int = 0
    rejected: list[RejectedRow] = field(default_factory=list)
    photos: int = 0
    photos_missing: int = 0
    without_photo: int = 0
    questions: int = 0
    first: Request | None = None
    warnings: list[str] = field(default_factory=list)


def preview(
    reader: CatalogReader, plan: Plan, limit: int | None = None, *, downloads: PhotoDownloads | None = None
) -> Preview:
    """Read every row and open every photo; ask nothing, write nothing."""
    # The reader's own list: reading adds warnings to it.
    result = Preview(reader.format.name, reader.fields, warnings=reader.warnings)
    rows = islice(enumerate(reader, start=1), limit)
    for batch in open_batches(rows, _BATCH_PRODUCTS, downloads=downloads):
        for row in batch:
            if isinstance(row, RejectedRow):
                result.rejected.append(row)
                continue
            requests = plan.requests(row.product, row.photos)
            result.rows += 1
            result.photos += len(row.photos)
            result.photos_missing += len(row.opened) - len(row.photos)
            result.without_photo += not row.opened
            result.questions += sum(len(request.questions) for request in requests)
            result.first = result.first or next(iter(requests), None)
    return result
