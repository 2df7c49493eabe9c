"""A catalogue format as another package would bring it: `name: value` lines, a blank line between products."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.annotated import AnnotatedRow, annotated_products
from pumgpt.catalog.formats.base import CatalogReader, Format, FormatWriter, Record
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.filled import FilledColumns
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding


class BlockFormat(Format[CatalogReader]):
    name = "blocks"
    endings = (".blocks",)

    def read(self, path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
        return BlockReader(self, path, column_map)

    def fill(self, path: Path, columns: FilledColumns, source: CatalogReader) -> FormatWriter:
        return BlockWriter(path, columns)

    def annotate(self, path: Path, source: CatalogReader, names: Sequence[str], rows: Iterable[AnnotatedRow]) -> None:
        path.write_text("\n".join(_block(product.original) for product in annotated_products(rows)), encoding="utf-8")


class BlockReader(CatalogReader):
    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for record in self.records() for name in record))

    def records(self) -> Iterator[Record]:
        for block in self.path.read_text(encoding="utf-8").split("\n\n"):
            if block.strip():
                yield dict(line.split(": ", 1) for line in block.splitlines())

    def count_records(self) -> int:
        return sum(1 for _ in self.records())


class BlockWriter(FormatWriter):
    def __init__(self, path: Path, columns: FilledColumns) -> None:
        self._file, self._columns = path.open("w", encoding="utf-8"), columns

    def write(self, product: Product, understanding: Understanding) -> None:
        self._file.write(_block({**product.original, **self._columns.cells(understanding)}) + "\n")

    def close(self) -> None:
        self._file.close()


def _block(record: Mapping[str, Any]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in record.items() if value)
