"""Parquet in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pumgpt.catalog.formats.base import CatalogReader, Record, RejectedRow
from pumgpt.catalog.formats.columns import ColumnMap
from pumgpt.errors import CatalogError, first_line

ROWS_AT_ONCE = 256


class ParquetReader(CatalogReader):
    """Row group by row group, with typed columns."""

    kind = "Parquet"

    def __init__(self, path: Path, column_map: ColumnMap | None = None) -> None:
        super().__init__(path, column_map)
        try:
            with pq.ParquetFile(path) as file:
                self.schema = file.schema_arrow
                self._num_rows: int = file.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise CatalogError(f"{path}: can't be read as Parquet ({first_line(error)}); export it again") from error
        self._settle_columns(self.columns)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.schema.names) if self.schema is not None else ()

    def count(self) -> int:
        return self._num_rows

    def _records(self) -> Iterator[Record]:
        with pq.ParquetFile(self.path) as file:
            for group in range(file.num_row_groups):
                yield from records_of_group(file, group, "the file")


def records_of_group(file: pq.ParquetFile, group: int, name: str) -> Iterator[Record]:
    """One row group; where it is damaged, what can't be read of it comes as rejected rows."""
    left = file.metadata.row_group(group).num_rows
    try:
        for batch in file.iter_batches(ROWS_AT_ONCE, row_groups=[group]):
            for record in records_of(batch):
                left -= 1
                yield record
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = f"row group {group} of {name} can't be read ({first_line(error)}); export it again"
        yield from (RejectedRow(0, None, reason) for _ in range(left))


def records_of(batch: pa.RecordBatch) -> list[Record]:
    """The rows of a batch as Python has them."""
    records: list[Record] = _microseconds(batch).to_pylist(maps_as_pydicts="lossy")
    return records


def _microseconds(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Times in nanoseconds, which Python has no type for, cut to microseconds."""
    for place, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            column = batch.column(place).cast(pa.timestamp("us", field.type.tz), safe=False)
            batch = batch.set_column(place, field.name, column)
    return batch
