"""Parquet out. A Parquet file can't grow and is of no use until it is complete, so rows go to whole small files in the
folder `OUT.parts`, which `close` joins to one and takes away. Resuming goes on behind the last whole part; a run that was
killed loses the rows of the part it was filling, and they count as not done.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pumgpt.catalog.output_columns import OutputColumns, own_cell
from pumgpt.catalog.product import AttributeValue, Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError

ROWS_PER_PART = 128

_PAIRS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
_PATH = pa.list_(pa.string())


class ParquetParts:
    """Writes a Parquet output part by part."""

    def __init__(self, path: Path, columns: OutputColumns, schema: pa.Schema | None, resume: bool = False) -> None:
        """`schema` are the input's types; None where it has none (then all but the known fields are text)."""
        self._path, self._columns = path, columns
        self._typed = schema is not None
        self._schema = _output_schema(columns, schema)
        self._rows: list[dict[str, Any]] = []
        self._folder = _parts_folder(path)
        if not resume:
            path.unlink(missing_ok=True)
        if (
            not resume or path.exists()
        ):  # where both are there, the end came between joining the parts and removing them
            shutil.rmtree(self._folder, ignore_errors=True)
        for file in [path, *_parts(path)]:
            if file.exists() and not _schema_of(file).equals(self._schema):
                raise CatalogError(f"{path}: was begun with other columns; name another output, or begin anew")

    def write(self, product: Product, understanding: Understanding) -> None:
        self._rows.append(self._row(product, understanding))
        if len(self._rows) >= ROWS_PER_PART:
            self._flush()

    def close(self) -> None:
        if self._rows or not (self._path.exists() or self._folder.exists()):
            self._flush()
        if not self._folder.exists():
            return
        unfinished = self._folder / "joined.new"
        with pq.ParquetWriter(unfinished, self._schema, compression="zstd") as joined:
            for part in _parts(self._path):
                joined.write_table(pq.read_table(part, schema=self._schema))
        unfinished.replace(self._path)
        shutil.rmtree(self._folder)

    def _flush(self) -> None:
        self._folder.mkdir(exist_ok=True)
        if self._path.exists():  # complete once, and now it grows: it becomes the first part
            self._path.replace(self._folder / _part_name(0))
        part = self._folder / _part_name(len(_parts(self._path)))
        unfinished = part.with_suffix(".new")
        pq.write_table(pa.Table.from_pylist(self._rows, schema=self._schema), unfinished, compression="zstd")
        unfinished.replace(part)
        self._rows = []

    def _row(self, product: Product, understanding: Understanding) -> dict[str, Any]:
        own = product.original if self._typed else _as_text(product, self._columns.own)
        row = {**own, **self._columns.answers(understanding)}
        category = self._columns.category(product, understanding)
        if category is not None and "category" in self._schema.names:
            is_list = pa.types.is_list(self._schema.field("category").type)
            row["category"] = category if is_list else " > ".join(category)
        attributes = self._columns.attributes(product, understanding)
        if attributes is None and not self._typed:
            attributes = dict(product.attributes or {})
        if attributes is not None:
            row["attributes"] = _attributes_as(self._schema.field("attributes").type, attributes, row.get("attributes"))
        elif isinstance(row.get("attributes"), Mapping) and pa.types.is_map(self._schema.field("attributes").type):
            row["attributes"] = list(row["attributes"].items())
        return row


def parquet_ids(path: Path) -> set[str]:
    """The ids in an output and in its parts."""
    files = [path] if path.exists() else _parts(path)
    if any("id" not in _schema_of(file).names for file in files):
        raise CatalogError(f"{path}: has no column 'id', so it is no result of ours; name another output")
    return {str(id_) for file in files for id_ in pq.read_table(file, columns=["id"]).column("id").to_pylist()}


def _output_schema(columns: OutputColumns, schema: pa.Schema | None) -> pa.Schema:
    known = {"category": _PATH, "attributes": _PAIRS}
    own = [pa.field(name, known.get(name, pa.string())) for name in columns.own] if schema is None else list(schema)
    fields = {field.name: field for field in own}
    fields.setdefault("attributes", pa.field("attributes", _PAIRS))
    for name in columns.added:
        fields[name] = pa.field(name, pa.float64() if name in columns.confidences else pa.string())
    return pa.schema(list(fields.values()))


def _as_text(product: Product, names: tuple[str, ...]) -> dict[str, Any]:
    row: dict[str, Any] = {name: own_cell(product, name) or None for name in names}
    if "category" in row:
        row["category"] = list(product.category) if product.category else None
    return row


def _attributes_as(kind: pa.DataType, attributes: Mapping[str, AttributeValue], own: Any) -> Any:
    """Attributes in the form that the column has; where it has one that can't take new names, the shop's stay."""
    pairs = [
        (name, item) for name, value in attributes.items() for item in ([value] if isinstance(value, str) else value)
    ]
    if pa.types.is_map(kind):
        return pairs
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        return [{"name": name, "value": value} for name, value in pairs] or None
    return own


def _schema_of(file: Path) -> pa.Schema:
    try:
        return pq.read_schema(file).remove_metadata()
    except (pa.ArrowException, OSError) as error:
        raise CatalogError(f"{file}: is no Parquet file; name another output, or begin anew") from error


def _parts_folder(path: Path) -> Path:
    return path.with_name(f"{path.name}.parts")


def _parts(path: Path) -> list[Path]:
    return sorted(_parts_folder(path).glob("part-*.parquet"))


def _part_name(number: int) -> str:
    return f"part-{number:06}.parquet"
