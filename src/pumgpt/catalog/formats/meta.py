"""Meta's product catalogue (Facebook and Instagram) as CSV or TSV: Google's columns, with some of Meta's own.

fb_product_category         'a > b > c', where the category is one of Meta's taxonomy, whose names are in small letters
google_product_category     where it is one of Google's
color, material, pattern, gender, age_group
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from pumgpt.catalog.formats.base import FormatWriter, Record
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.csv import is_table, read_header
from pumgpt.catalog.formats.filled import FilledColumns
from pumgpt.catalog.formats.google.terms import ATTRIBUTES, category_field, fold_column
from pumgpt.catalog.formats.google.text import GoogleTextFormat, GoogleTextReader, GoogleTextWriter
from pumgpt.catalog.photo_list import split_photos

_OWN = "fb_product_category"
_MARKS = re.compile(
    r"fb_product_category|quantity_to_sell_on_facebook|(image|video)\[\d+\]\.url|(product_tags|style)\[\d+\]"
)
_PHOTO = re.compile(r"image\[\d+\]\.url")


class MetaFormat(GoogleTextFormat):
    name = "a Meta catalogue"

    def recognise(self, path: Path, column_map: ColumnMap | None = None) -> bool:
        """Whether a table's header has `id`, and names that only Meta has."""
        if column_map is not None or not is_table(path):
            return False
        names = {fold_column(name) for name in read_header(path)}
        return "id" in names and any(map(_MARKS.fullmatch, names))

    def read(self, path: Path, column_map: ColumnMap | None = None) -> GoogleTextReader:
        return MetaReader(self, path, column_map)

    def fill(self, path: Path, columns: FilledColumns, source: GoogleTextReader) -> FormatWriter:
        return MetaWriter(path, columns, source)


class MetaReader(GoogleTextReader):
    """One product a row. Photos may stand in `image[0].url`, `image[1].url`, ... as well."""

    known = frozenset((*GoogleTextReader.known, _OWN))

    def cells(self, record: Record) -> dict[str, str]:
        cells = super().cells(record)
        if cells.get(_OWN, "").strip():
            cells["google_product_category"] = cells[_OWN]
        return cells

    def photos(self, record: Record) -> list[str]:
        columns = [column for column in self.columns if _PHOTO.fullmatch(fold_column(column))]
        more = (photo for column in columns for photo in split_photos(record[column], self.base))
        return [*super().photos(record), *more]


class MetaWriter(GoogleTextWriter):
    """One catalogue, row by row."""

    filled: ClassVar = ("google_product_category", _OWN, *ATTRIBUTES)

    @staticmethod
    def category_field(path: list[str], id_: str | None) -> str | None:
        is_metas = path[0] == path[0].lower() and (id_ or "").isdecimal()
        return _OWN if is_metas else category_field(path, id_)
