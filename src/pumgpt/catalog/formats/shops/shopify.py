"""Shopify's product CSV: the rows of a product (its variants, its further images) are folded into one `Product`.

Two headers are in use, `Handle, Title, Body (HTML), ...` and the newer `Title, URL handle, Description, ...`; upper and
lower case don't matter. The fields are described at help.shopify.com/en/manual/products/import-export/using-csv.

Written, every row is as it was; what was filled goes into the first row of its product:

    Product Category        'A > B > C', where the category is one of Shopify's taxonomy; made where the file lacks it
    metafield columns       the shop's own where one has the attribute's name, else
                            'Colour (product.metafields.custom.colour)' and its like, made for it
    pumgpt_*                values, confidences, statuses
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.attribute_values import without_parts
from pumgpt.catalog.formats.base import Format, FormatWriter, Record
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.csv import TABLES, annotate_export, is_table, read_header
from pumgpt.catalog.formats.filled import FilledColumns, Fills
from pumgpt.catalog.formats.folded import FoldedReader, FoldedRows, FoldedWriter
from pumgpt.catalog.html_text import page_text
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute

_FIELDS = {
    "handle": ("handle", "url handle"),
    "title": ("title",),
    "description": ("body (html)", "description"),
    "category": ("product category",),
    "image": ("image src", "product image url"),
    "position": ("image position",),
    "variant_image": ("variant image", "variant image url"),
}
_MARKS = frozenset(
    (
        "body (html)",
        "variant sku",
        "variant price",
        "option1 name",
        "image src",
        "product image url",
        "product category",
    )
)
"""Columns of which a table with a handle and a title has one, if it is Shopify's."""
_METAFIELD = re.compile(r"(?P<label>.*?)\s*\(product\.metafields\.(?P<namespace>[^.()]+)\.(?P<key>[^()]+)\)\s*")
_FOR_GOOGLE = re.compile(r"google shopping / (gender|age group)", re.IGNORECASE)
_CATEGORY_ID = re.compile(r"gid://.*/TaxonomyCategory/.*|[a-z]{2}(-\d+)*")
_NO_CATEGORY = "uncategorized"


class Metafield(NamedTuple):
    """A column such as `Color (product.metafields.shopify.color-pattern)`."""

    column: str
    label: str
    namespace: str
    key: str

    @property
    def is_standard(self) -> bool:
        """Whether it is one of those that come with a category; its values are handles, 'navy-blue; red'."""
        return self.namespace == "shopify"

    @property
    def attribute(self) -> str:
        return fold_attribute(self.label or self.key)

    def values(self, cell: str) -> list[str]:
        """What a cell of the column says."""
        return [_of_handle(part) for part in cell.split(";")] if self.is_standard else [cell.strip()]

    def without(self, cell: str, failed: Collection[str]) -> str:
        """The cell without the values that failed; as it stands where none did."""
        if not self.is_standard:
            return "" if cell.strip() in failed else cell
        handles = cell.split(";")
        kept = [handle for handle in handles if _of_handle(handle) not in failed]
        return cell if len(kept) == len(handles) else ";".join(kept).strip()


class ShopifyFormat(Format["ShopifyReader"]):
    name = "Shopify's product CSV"
    endings = TABLES
    can_unpack = True
    is_export = True

    def recognise(self, path: Path, column_map: ColumnMap | None = None) -> bool:
        """Whether a table's header is that of Shopify's product export. One with a column `id` is its owner's."""
        if column_map is not None or not is_table(path):
            return False
        names = read_header(path)
        folded = {name.strip().casefold() for name in names}
        marked = folded & _MARKS or any(_METAFIELD.fullmatch(name) for name in names)
        return bool(marked and "title" in folded and folded & {*_FIELDS["handle"]}) and "id" not in names

    def read(self, path: Path, column_map: ColumnMap | None = None) -> ShopifyReader:
        return ShopifyReader(self, path, column_map)

    def fill(self, path: Path, columns: FilledColumns, source: ShopifyReader) -> FormatWriter:
        return ShopifyWriter(path, columns, source)

    def strike(self, source: ShopifyReader, original: FoldedRows, failed: Mapping[str, Collection[str]]) -> FoldedRows:
        """Metafields lose the values, and columns that are called as an attribute. Options stay: they tell variants apart."""
        first = list(original.rows[0])
        for metafield in source.metafields:
            place = source.places[metafield.column]
            first[place] = metafield.without(first[place], failed.get(metafield.attribute, ()))
        for name in failed.keys() & source.places.keys():
            first[source.places[name]] = without_parts(first[source.places[name]], "|", failed[name])
        return FoldedRows(source.places, (first, *original.rows[1:]))

    def replace_category(self, source: ShopifyReader, original: FoldedRows, value: str) -> FoldedRows:
        return original.with_cell(source.fills.category or "", value)

    def annotate(self, path: Path, source: ShopifyReader, names: Sequence[str], rows: Iterable[AnnotatedRow]) -> None:
        # What is no product has no rows to give back: an error inside of a product came with that product's rows.
        annotate_export(path, source, names, rows, lambda original: original.rows if original is not None else ())


class ShopifyReader(FoldedReader):
    """One product for each handle. A product's rows stand together; a handle that comes again later is set aside."""

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """What we read -> the column that holds it here."""
        by_name = {name.strip().casefold(): name for name in reversed(self.columns)}
        found = {
            field: next((by_name[alias] for alias in aliases if alias in by_name), None)
            for field, aliases in _FIELDS.items()
        }
        return {field: column for field, column in found.items() if column is not None}

    @cached_property
    def metafields(self) -> tuple[Metafield, ...]:
        matches = ((column, _METAFIELD.fullmatch(column)) for column in self.columns)
        return tuple(Metafield(column, *match.groups()) for column, match in matches if match is not None)

    @cached_property
    def fills(self) -> Fills:
        """A metafield is an attribute's where its label or its key has the attribute's name; Shopify's own comes first."""
        columns: dict[str, str] = {}
        for metafield in sorted(self.metafields, key=lambda found: not found.is_standard):
            for name in (metafield.label, metafield.key):
                columns.setdefault(fold_attribute(name), metafield.column)
        return Fills(self.fields.get("category"), columns, "metafields made for them")

    @property
    def id_column(self) -> str:
        return self.fields["handle"]

    @property
    def missing_id(self) -> str:
        return f"column '{self.id_column}' is empty, and no product stands above; name its handle"

    def repeated_id(self, id_: str, first: int) -> str:
        return f"handle '{id_}' stands already in product {first}, and other products between; put its rows together"

    def product_of(self, record: Record) -> Product:
        assert isinstance(record, FoldedRows)
        cell = {name: record[column].strip() for name, column in self.fields.items()}
        known = {
            "id": cell["handle"],
            "images": self._images(record),
            "title": cell["title"],
            "description": page_text(cell.get("description", "")),
            "category": "" if cell.get("category", "").casefold() == _NO_CATEGORY else cell.get("category"),
            "attributes": self._attributes(record),
        }
        # Options stay among the extra columns: they are read as attributes, but tell variants apart as well.
        read = {*self.fields.values(), *self.fills.attributes.values(), *self._google_columns}
        extra = {name: value for name, value in record.items() if name not in read}
        return replace(Product.from_record(known, self.base), extra=extra, original=record)

    def _images(self, record: FoldedRows) -> list[str]:
        """The product's images by their position, then those that only a variant has."""
        images = record.column(self.fields.get("image"))
        positions = record.column(self.fields.get("position"))
        placed = [(_number(position), image.strip()) for position, image in zip(positions, images, strict=True)]
        # A row without a position comes last, in the order of the file: sorting is stable.
        own = [image for _, image in sorted(placed, key=lambda pair: pair[0])]
        variants = [image.strip() for image in record.column(self.fields.get("variant_image"))]
        return list(dict.fromkeys(image for image in (*own, *variants) if image))

    def _attributes(self, record: FoldedRows) -> dict[str, list[str]]:
        """What metafields, the columns for Google and options (but the nameless 'Title') say."""
        found: dict[str, list[str]] = {}
        for metafield in self.metafields:
            found.setdefault(metafield.attribute, []).extend(metafield.values(record[metafield.column]))
        for column, name in self._google_columns.items():
            found.setdefault(name, []).append(record[column])
        for number in (1, 2, 3):  # Shopify has no more options
            option, value = (self._by_case.get(f"option{number} {kind}") for kind in ("name", "value"))
            name = fold_attribute(record[option]) if option else ""
            if name not in ("", "title"):
                found.setdefault(name, []).extend(record.column(value))
        tidied = {name: list(dict.fromkeys(value.strip() for value in values)) for name, values in found.items()}
        return {name: [value for value in values if value] for name, values in tidied.items()}

    @cached_property
    def _google_columns(self) -> dict[str, str]:
        """Columns of Shopify's channel for Google -> the attributes that they state."""
        matches = {column: _FOR_GOOGLE.fullmatch(column.strip()) for column in self.columns}
        return {column: fold_attribute(match[1]) for column, match in matches.items() if match is not None}

    @cached_property
    def _by_case(self) -> dict[str, str]:
        return {name.strip().casefold(): name for name in reversed(self.columns)}


class ShopifyWriter(FoldedWriter):
    """One file, product by product."""

    def __init__(self, path: Path, columns: FilledColumns, source: ShopifyReader) -> None:
        self._reader = source
        self._metafields = _metafield_columns(columns.attribute_names, source)
        self._category = source.fields.get("category")
        # An empty cell takes a product's category away when it is imported, so the column is only made where it gets one.
        if self._category is None and _CATEGORY_ID.fullmatch(columns.category_id or ""):
            self._category = "Product Category" if "Handle" in source.columns else "Product category"
        made = () if self._category is None else (self._category,)
        super().__init__(path, columns, source, (*made, *self._metafields.values()))

    def fill(self, row: dict[str, str], product: Product, understanding: Understanding) -> None:
        category = self.columns.category(product, understanding)
        if category is not None:
            if self._category and _CATEGORY_ID.fullmatch((understanding.category and understanding.category.id) or ""):
                row[self._category] = " > ".join(category)
            else:
                self._reader.warn(
                    f"{self._reader.path}: the categories are not Shopify's, so 'Product Category' stays as it is; "
                    "give --taxonomy with the categories.txt of Shopify's product taxonomy"
                )
        # The shop may state an attribute as an option rather than in its metafield; that counts as filled.
        overwrite = self.columns.overwrite_values
        known = {} if overwrite else {fold_attribute(name): value for name, value in (product.attributes or {}).items()}
        for name, value in self.columns.filled(understanding).items():
            column = self._metafields.get(name)
            if column is not None and not known.get(name):
                standard = ".shopify." in column
                row[column] = "; ".join(_handle(item) if standard else item for item in value)


def _metafield_columns(names: Sequence[str], source: ShopifyReader) -> dict[str, str]:
    """Folded attribute name -> the metafield column that takes it."""
    columns: dict[str, str] = {}
    for name in names:
        folded = fold_attribute(name)
        key = re.sub(r"\W+", "_", name).strip("_").lower() or "attribute"
        label = (name[:1].upper() + name[1:]).replace("_", " ")
        made = f"{label} (product.metafields.custom.{key})"
        columns.setdefault(folded, source.fills.attributes.get(folded, made))
    return columns


def _handle(value: str) -> str:
    """A value as the handle of its entry: 'Navy Blue' -> 'navy-blue'."""
    return re.sub(r"[\W_]+", "-", value.casefold()).strip("-")


def _of_handle(handle: str) -> str:
    return handle.replace("-", " ").strip()


def _number(position: str) -> float:
    return float(position) if position.strip().isdecimal() else float("inf")
