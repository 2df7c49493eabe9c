"""A folder or a zip of photos without a table: every file is a product, and so are several photos of one thing.

Photos are one product where their names say so:

    in one folder       sku_1.jpg, sku_2.jpg (numbers in sequence), sku-front.jpg, sku-back.jpg; sku.jpg belongs to them. Only
                        where two or more things are named so there, and never camera names such as IMG_0001.jpg
    a folder each       SKU1/1.jpg, SKU1/front.jpg, SKU1/SKU1_2.jpg: all photos are named by numbers, views or the folder

The id is the path without the ending. The folder that a photo lies in is a column `folder`; it may be a class, a season or a
photographer, so it is a category only where `--columns` says so. A zip is read in its place, one photo at a time.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from pumgpt.catalog.formats.base import CatalogReader, Format, Record, RejectedRow
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.photos.decode import MAX_BYTES
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.errors import CatalogError, first_line

_PHOTOS = frozenset((".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".avif"))
_TABLES = frozenset((".csv", ".tsv", ".xlsx", ".jsonl", ".ndjson", ".json", ".parquet", ".xml"))
_MAX_ENTRIES = 2_000_000
_MAX_RATIO = 1_000
"""Of a photo's size to that in the archive. Plain bitmaps come near it; what is beyond was made to fill the memory."""
_MOST_VIEWS = 12
_VIEWS = (
    "front back side left right top bottom main detail details closeup zoom inside outside open closed alt model flat"
)
_VIEW = re.compile(
    rf"(?P<stem>.*?)[\s_.-]*(?:\((?P<in>\d{{1,2}})\)|(?P<n>(?<!\d)\d{{1,2}})|(?P<v>{_VIEWS.replace(' ', '|')}))",
    re.IGNORECASE,
)
_NO_STEM = re.compile(
    r"(img|image|photo|picture|pic|dsc|dscn|dscf|pxl|scan|screenshot|untitled|product|item)?", re.IGNORECASE
)
"""What cameras and programs call a file whatever it shows."""

Names = Sequence[str]
"""The photos of one product: their paths in the folder or archive, between slashes."""


class PhotoFolderFormat(Format["PhotoReader"]):
    name = "a folder of photos"
    endings = ("",)

    def recognise(self, path: Path, column_map: ColumnMap | None = None) -> bool:
        """Whether a folder has photos, and is no dataset: neither saved nor of Parquet files."""
        if not path.is_dir() or any((path / name).exists() for name in ("state.json", "dataset_dict.json")):
            return False
        files = [file for file in path.rglob("*") if not file.name.startswith(".")]
        suffixes = {file.suffix.lower() for file in files}
        return bool(suffixes & _PHOTOS) and not suffixes & {".parquet", ".arrow"}

    def read(self, path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
        return PhotoFolderReader(self, path, column_map)


class PhotoZipFormat(Format["PhotoReader"]):
    name = "a zip of photos"
    endings = (".zip",)

    def read(self, path: Path, column_map: ColumnMap | None = None) -> CatalogReader:
        return PhotoZipReader(self, path, column_map)


class PhotoReader(CatalogReader, ABC):
    """One product for each photo, or group of photos, in the order of their names."""

    columns = ("id", "folder", "images")

    def __init__(self, format_: Format[Any], path: Path, column_map: ColumnMap | None = None) -> None:
        super().__init__(format_, path, column_map)
        names = self.file_names()
        photos = sorted(name for name in names if PurePosixPath(name).suffix.lower() in _PHOTOS)
        self._check(photos, names)
        self.products = group_photos(photos)
        if len(self.products) < len(photos):
            self.warn(
                f"{path}: reads {len(photos)} photos as {len(self.products)} products: those of one folder, or with one "
                "name, that differ in a small number or a view (front, back) are one"
            )
        if column_map is not None:
            column_map.check(path, self.columns)

    @abstractmethod
    def file_names(self) -> list[str]:
        """The paths of all files, hidden ones and what systems leave behind left out."""

    @abstractmethod
    def image(self, name: str) -> ImageRef:
        """One photo. Raises `CatalogError` where it can't be used."""

    def count_records(self) -> int:
        return len(self.products)

    def records(self) -> Iterator[Record | RejectedRow]:
        for id_, names in self.products.items():
            folder = "/".join(names[0].split("/")[:-1])
            yield {"id": id_, "folder": folder, "images": list(names)}

    def product_of(self, record: Record) -> Product:
        bare = {name: value for name, value in record.items() if name != "images"}
        if self.column_map is not None:
            product = self.column_map.read({**bare, "images": []}, self.base)
        else:
            product = Product.from_record(bare)
        return replace(product, images=tuple(self.image(name) for name in record["images"]), original=record)

    def _check(self, photos: Names, names: Names) -> None:
        tables = [name for name in names if PurePosixPath(name).suffix.lower() in _TABLES]
        if not photos:
            table = f" but a table, {tables[0]}: unpack it, and name that" if tables else ""
            raise CatalogError(f"{self.path}: has no photo in it{table or '; name a folder or zip of photos'}")
        others = [name for name in names if name not in set(photos)]
        if tables:
            self.warn(f"{self.path}: the table {tables[0]} in it is not read; name it instead to use its texts")
        elif others:
            self.warn(f"{self.path}: passes by what is no photo ({len(others)} in all, {others[0]} the first)")


class PhotoFolderReader(PhotoReader):
    """Paths of photos start from the folder."""

    def check_path(self, path: Path) -> None:
        if not path.is_dir():
            raise CatalogError(f"{path}: is no folder; name that of the photos")

    @property
    def base(self) -> Path:
        return self.path

    def file_names(self) -> list[str]:
        # Links are passed by: one that leads to a folder above has no end.
        files = (file for file in self.path.rglob("*") if file.is_file() and not file.is_symlink())
        names = (file.relative_to(self.path).as_posix() for file in files)
        return [name for name in names if not _is_hidden(name)]

    def image(self, name: str) -> ImageRef:
        return ImageRef(path=str(self.path / name))


class PhotoZipReader(PhotoReader):
    """Nothing is unpacked to the disk; a photo is in memory only while its product is."""

    def file_names(self) -> list[str]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                infos = archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise CatalogError(f"{self.path}: can't be read as a zip ({first_line(error)}); pack it again") from error
        if len(infos) > _MAX_ENTRIES:
            raise CatalogError(f"{self.path}: has more than {_MAX_ENTRIES:,} files in it; split it")
        names = [info.filename for info in infos if not info.is_dir()]
        return [name for name in dict.fromkeys(names) if not _is_hidden(name)]

    def image(self, name: str) -> ImageRef:
        if name.startswith("/") or ".." in name.split("/") or "\\" in name or re.match(r"[A-Za-z]:", name):
            raise CatalogError(f"{name}: the name leads out of the archive; pack it with plain names")
        try:
            with zipfile.ZipFile(self.path) as archive:
                info = archive.getinfo(name)
                if info.file_size > MAX_BYTES or info.file_size > _MAX_RATIO * max(info.compress_size, 1):
                    raise CatalogError(
                        f"{name}: would be {info.file_size / 1e6:,.0f} MB, unpacked from {info.compress_size / 1e6:.3f}; "
                        "is it a photo?"
                    )
                with archive.open(info) as file:
                    return ImageRef(data=file.read(MAX_BYTES + 1), path=name)
        except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError, zlib.error) as error:
            raise CatalogError(f"{name}: can't be unpacked ({first_line(error)}); pack it again") from error


def group_photos(names: Names) -> dict[str, list[str]]:
    """The photos of each product, by its id. See the module for the rule."""
    by_folder: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_folder[name.rpartition("/")[0]].append(name)
    products: dict[str, list[str]] = {}
    for folder, files in by_folder.items():
        leaf = folder.rpartition("/")[2]
        if folder and 1 < len(files) <= _MOST_VIEWS and all(_is_view_of(leaf, file) for file in files):
            groups: Iterable[tuple[str, Names]] = [(folder, files)]
        else:
            groups = _by_stem(folder, files)
        for id_, group in groups:
            # shirt.jpg beside shirt.png, or a folder beside a file of its name: the ending tells them apart.
            is_free = id_.strip() and id_ not in products
            products[id_ if is_free else group[0]] = sorted(group, key=_order)
    return products


def _by_stem(folder: str, files: Names) -> Iterator[tuple[str, Names]]:
    """The photos of one folder, those together that share what stands before their number or view, with their ids."""
    stems: dict[str, list[str]] = defaultdict(list)
    for file in files:
        stems[_parts(file)[0]].append(file)
    for stem, group in stems.items():
        # One set may as well be a series of different things; a scheme shows where there are more names.
        if len(stems) > 1 and _is_set(stem, group):
            yield f"{folder}/{stem}" if folder else stem, group
        else:
            yield from ((file.rpartition(".")[0], [file]) for file in group)


def _is_set(stem: str, files: Names) -> bool:
    """Whether files that share a stem are views of one thing: numbers in sequence, or words for views."""
    if len(files) < 2 or len(files) > _MOST_VIEWS or _NO_STEM.fullmatch(stem.strip(" _-.")):
        return False
    views = [_parts(file)[1] for file in files]
    numbers = sorted(int(view) for view in views if view.isdecimal())
    words = len(views) - len(numbers)
    # From 0, 1 or 2 on (the bare name is the first): 'shirt-36', 'shirt-38' are sizes, 'page_17' is one of a series.
    in_sequence = not numbers or (numbers[0] <= 2 and numbers == list(range(numbers[0], numbers[0] + len(numbers))))
    return in_sequence and len(set(views)) == len(views) and words + len(numbers) > 1


def _is_view_of(folder: str, file: str) -> bool:
    """Whether a file in a folder is named by a number, a view, or after the folder."""
    stem, view = _parts(file)
    return bool(view and not stem) or stem.casefold() == folder.casefold()


def _parts(file: str) -> tuple[str, str]:
    """'a/sku-1_front.jpg' -> ('sku-1', 'front'); no view: ('sku', '')."""
    name = file.rpartition("/")[2].rpartition(".")[0]
    match = _VIEW.fullmatch(name)
    # 'shirt2' and 'background' are names; a number or a word counts as a view behind a separator, or by itself.
    if match is None or (match["stem"] and not re.match(r"[\s_.(-]", name[len(match["stem"]) :])):
        return name, ""
    return match["stem"], (match["in"] or match["n"] or match["v"]).casefold()


def _order(file: str) -> tuple[int, int, str]:
    """The bare name, the front and main views first, then numbers, then other views."""
    view = _parts(file)[1]
    first = view in ("", "front", "main")
    return (0 if first else 1, int(view) if view.isdecimal() else 0 if first else 100, file)


def _is_hidden(name: str) -> bool:
    parts = name.split("/")
    return any(part.startswith(".") and part not in (".", "..") for part in parts) or bool(
        {"__MACOSX", "Thumbs.db", "desktop.ini"} & {*parts}
    )
