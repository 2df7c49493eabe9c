"""Catalogues out: a table is written whole, beside its place, and put there in the end.

It is made from answers that are complete and on disk already, so nothing here is resumed. Output as JSON lines is those
answers themselves, which the journal of the run writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.base import CatalogReader, Format, FormatWriter, RejectedRow
from pumgpt.catalog.formats.compression import ending_of, is_packed, pack
from pumgpt.catalog.formats.filled import FilledColumns
from pumgpt.catalog.formats.jsonl import JSON_LINES
from pumgpt.catalog.formats.registry import formats
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError


def check_output(path: Path, source: CatalogReader, *, annotated: bool = False) -> None:
    """Raise `CatalogError` where the filled (or `annotated`) catalogue `source` can't be written to `path`: an ending that
    is unknown or not for this source, or a folder in the place of a file.
    """
    if ending_of(path) in JSON_LINES:
        if annotated and is_packed(path):
            raise CatalogError(
                f"{path}: curated JSON lines are not written packed; name a .jsonl and pack it afterwards"
            )
        _check_place(path, is_folder=False)
    else:
        _target(path, source, annotated)


@contextmanager
def open_writer(
    path: Path,
    source: CatalogReader,
    *,
    attribute_names: Sequence[str],
    overwrite_values: bool = False,
    precision: float = 0.0,
    category_id: str | None = None,
    has_caption: bool = True,
    has_category: bool = True,
) -> Iterator[CatalogWriter]:
    """Write the filled catalogue in the format of the path's ending; after an error all is as it was.

    The columns of `source` come back, and `attribute_names` get `pumgpt_*` columns. A value of the shop is only
    replaced with `overwrite_values`; a generated title is only written at the confidence `precision`. `category_id` is
    one of the ids of the taxonomy that is filled. Captions and categories that were not asked for, as `has_caption` and
    `has_category` say, have no columns. Raises `CatalogError` where the file can't be written.
    """
    target = _target(path, source)
    columns = FilledColumns(
        source.columns,
        tuple(attribute_names),
        overwrite_values,
        precision,
        category_id,
        has_caption=has_caption,
        has_category=has_category,
    )
    with _replacing(path, target) as unfinished:
        with _naming(path):
            table = target.fill(unfinished, columns, source)
        with closing(CatalogWriter(path, table)) as writer:
            yield writer


class CatalogWriter:
    """A table that grows row by row, whatever its format. Raises `CatalogError` where it can't."""

    def __init__(self, path: Path, table: FormatWriter) -> None:
        self._path, self._table = path, table

    def write(self, product: Product, understanding: Understanding) -> None:
        """Add one row. `product` is the one that was read, with its `original` cells."""
        # Not `_naming`: a context for every row costs as much as a tenth of writing it.
        try:
            self._table.write(product, understanding)
        except (OSError, pa.ArrowException) as error:
            raise _unwritable(self._path, error) from error

    def carry(self, item: Product | RejectedRow) -> None:
        """Pass by a row that has no answer; a form that gives every row back writes it as it was."""
        with _naming(self._path):
            self._table.carry(item.original)

    def close(self) -> None:
        with _naming(self._path):
            self._table.close()


def write_packed_lines(path: Path, answers: Path) -> None:
    """Write the answers of a run, which are JSON lines, packed. Raises `CatalogError` where the file can't be written."""
    with _naming(path):
        pack(answers, path)


def write_annotated(path: Path, source: CatalogReader, names: Sequence[str], rows: Iterable[AnnotatedRow]) -> None:
    """Write the catalogue `source` with the columns `names` more, which `rows` bring along in the order of the catalogue.

    Raises `CatalogError` where the file can't be written.
    """
    target = _target(path, source, annotated=True)
    with _replacing(path, target) as unfinished, _naming(path):
        target.annotate(unfinished, source, names, rows)


def _target(path: Path, source: CatalogReader, annotated: bool = False) -> Format[Any]:
    """The format that writes `path`: the source's own form, where it has one, before those for any catalogue."""
    own = [source.format] if source.format.is_export else []
    able = [
        known
        for known in (*own, *(known for known in formats() if not known.is_export))
        if (known.can_annotate if annotated else known.can_fill)
    ]
    ending = ending_of(path)
    target = next((known for known in able if ending in known.endings), None)
    if target is None:
        journal = () if ending in JSON_LINES else JSON_LINES
        files = dict.fromkeys([*journal, *(end for known in able if not known.is_folder for end in known.endings)])
        folder = ", or a folder without an ending" if any(known.is_folder for known in able) else ""
        raise CatalogError(
            f"{path}: its ending '{path.suffix}' is not known; the output is one of {', '.join(files)}{folder}"
        )
    _check_place(path, target.is_folder)
    return target


def _check_place(path: Path, is_folder: bool) -> None:
    if path.exists() and path.is_dir() != is_folder:
        what = "a file; name a folder" if is_folder else "a folder; name a file in it"
        raise CatalogError(f"{path}: is {what}")


@contextmanager
def _replacing(path: Path, target: Format[Any]) -> Iterator[Path]:
    """Where to write what takes the place of `path` in the end; after an error `path` is as it was."""
    packed = is_packed(path)
    unfinished = path.with_name(f"{path.stem if packed else path.name}.new")
    with _naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if unfinished.is_dir():  # left by a run that was killed
            target.remove(unfinished)
    try:
        yield unfinished
        with _naming(path):
            if packed:
                pack(unfinished, path)
                return
            if path.is_dir():  # a file is replaced at once, a folder can't be
                target.remove(path)
            unfinished.replace(path)
    finally:
        target.remove(unfinished)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """What the system or Arrow has against the file, as an error that names `path`."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: Exception) -> CatalogError:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return CatalogError(f"{path}: can't be written ({reason}); mend the path, its permissions or the disk")
