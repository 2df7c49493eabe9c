"""The file that a workbook is: a zip of parts, most of them XML, that name each other by relationships (ECMA-376, part 2).

Names are compared without their namespaces, since "strict" workbooks have others than the usual "transitional" ones.
"""

from __future__ import annotations

import posixpath
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile, ZipInfo

from pumgpt.catalog.formats.compression import ending_of, open_seekable
from pumgpt.errors import CatalogError, first_line

WORKBOOKS = (".xlsx", ".xlsm")
"""Endings of workbooks."""
_MAX_PART_BYTES = 256 << 20
"""Of a part that is read as a whole; sheets and shared texts are not."""
_MAX_RATIO = 400
"""A sheet of numbered empty cells unpacks to some 60 times its size, deflated zeros to a thousand times."""
_SMALL_BYTES = 16 << 20
_OLE_MARK = bytes.fromhex("d0cf11e0a1b11ae1")


def split_sheet(path: Path) -> tuple[Path, str | None]:
    """'shop.xlsx#Prices' -> the file and the name of its sheet; a file that is called so stays one."""
    file, mark, sheet = path.name.rpartition("#")
    if not mark or ending_of(Path(file)) not in WORKBOOKS or path.exists():
        return path, None
    return path.with_name(file), sheet


class Relation(NamedTuple):
    """What a part names: another part, or an address outside of the file. `kind` is 'worksheet', 'image', ..."""

    kind: str
    target: str
    is_external: bool


class SheetEntry(NamedTuple):
    """A sheet of the workbook; `position` counts all sheets from 0, `part` is its XML."""

    name: str
    part: str
    position: int
    is_hidden: bool


class Package:
    """An open workbook. `source` is its file where that isn't at `path`.

    Raises `CatalogError` for a file that is none, is damaged, or unpacks to what no workbook has.
    """

    def __init__(self, path: Path, source: IO[bytes] | None = None) -> None:
        self.path = path
        if source is None:
            source = open_seekable(path)
            _check_kind(path, source)
        with self.reading():
            self.zip = ZipFile(source)
            # Some writers separate folders by a backslash, or name a part in other letters than its relationship does.
            self._files = {_folded(info.filename): info for info in self.zip.infolist()}
            roots = [relation.target for relation in self.relations("").values() if relation.kind == "officeDocument"]
            if not roots or not self.has(roots[0]) or not roots[0].endswith(".xml"):
                raise CatalogError(f"{path}: is {_kind_of_zip(self.zip)}; save it as an Excel workbook (.xlsx)")
            self.workbook = roots[0]

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Damage of the file as an error that names it."""
        try:
            yield
        except (BadZipFile, zlib.error, EOFError, SyntaxError, expat.ExpatError, LookupError, ValueError) as error:
            raise CatalogError(
                f"{self.path}: is damaged ({first_line(error)}); open it in a spreadsheet program and save it again"
            ) from error
        except (RuntimeError, NotImplementedError) as error:  # of `zipfile`: a password, another compression
            raise CatalogError(
                f"{self.path}: can't be unpacked ({first_line(error)}); save it without a password"
            ) from error

    def has(self, part: str) -> bool:
        return _folded(part) in self._files

    def open(self, part: str) -> IO[bytes]:
        """A part as a stream. Raises `CatalogError` where it is packed as tightly as no workbook is."""
        info = self.info(part)
        if info.file_size > max(_SMALL_BYTES, _MAX_RATIO * info.compress_size):
            raise CatalogError(
                f"{self.path}: {part} would unpack to {info.file_size:,} bytes, "
                f"over {_MAX_RATIO} times its size; save the workbook anew"
            )
        return self.zip.open(info)

    def info(self, part: str) -> ZipInfo:
        return self._files[_folded(part)]

    def size(self, part: str) -> int:
        """Unpacked bytes."""
        return self.info(part).file_size

    def read(self, part: str) -> bytes:
        if self.size(part) > _MAX_PART_BYTES:
            raise CatalogError(f"{self.path}: {part} has {self.size(part):,} bytes; remove what isn't needed from it")
        with self.open(part) as file:
            return file.read()

    def xml(self, part: str | None) -> ElementTree.Element:
        """A part's root element; an empty one where there is no such part."""
        return parse_xml(self.read(part)) if part is not None and self.has(part) else ElementTree.Element("none")

    def relations(self, part: str) -> dict[str, Relation]:
        """What `part` ('' for the whole file) names, by the ids that it has there."""
        folder, name = posixpath.split(part)
        found: dict[str, Relation] = {}
        for element in self.xml(posixpath.join(folder, "_rels", f"{name}.rels")).iterfind("{*}Relationship"):
            target, is_external = element.get("Target", ""), element.get("TargetMode") == "External"
            if not is_external:
                target = posixpath.normpath(posixpath.join("/", folder, unquote(target))).lstrip("/")
            found[element.get("Id", "")] = Relation(element.get("Type", "").rpartition("/")[2], target, is_external)
        return found

    def related(self, part: str, kind: str) -> str | None:
        """The first part of a kind that `part` names."""
        relations = self.relations(part).values()
        return next((relation.target for relation in relations if relation.kind == kind), None)

    def sheets(self) -> list[SheetEntry]:
        """The sheets of cells in their order; sheets of one chart have none."""
        relations = self.relations(self.workbook)
        sheets = []
        for position, element in enumerate(self.xml(self.workbook).iterfind("{*}sheets/{*}sheet")):
            relation = relations.get(reference(element, "id") or "")
            if relation is not None and relation.kind == "worksheet" and self.has(relation.target):
                is_hidden = element.get("state", "visible") != "visible"
                sheets.append(SheetEntry(element.get("name", ""), relation.target, position, is_hidden))
        return sheets


def parse_xml(data: bytes) -> ElementTree.Element:
    """The root element. Raises `BadZipFile` for a document type: no workbook has one, and it may declare endless entities."""
    root: ElementTree.Element = ElementTree.fromstring(data, ElementTree.XMLParser(target=_TreeBuilder()))
    return root


class _TreeBuilder(ElementTree.TreeBuilder):
    def doctype(self, *_: object) -> None:
        refuse_document_type()


def refuse_document_type(*_: object) -> None:
    raise BadZipFile("a part declares a document type")


def reference(element: ElementTree.Element, name: str) -> str | None:
    """An attribute in the namespace of relationships, of which there are two: r:id, r:embed, r:link."""
    return next((value for key, value in element.items() if key.endswith(f"/relationships}}{name}")), None)


def _folded(part: str) -> str:
    return part.replace("\\", "/").lstrip("/").lower()


def _check_kind(path: Path, file: IO[bytes]) -> None:
    """Raise `CatalogError` with what a file that is no zip looks like."""
    beginning = file.read(512)
    if beginning.startswith(b"PK"):
        return
    if beginning.startswith(_OLE_MARK):
        name = "EncryptedPackage".encode("utf-16-le")
        if name in beginning + file.read(_SMALL_BYTES):
            raise CatalogError(f"{path}: is protected by a password; save it without one")
        raise CatalogError(f"{path}: is a workbook of Excel 97 to 2003 (.xls); save it as .xlsx")
    text = beginning.lstrip(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<":
        kind = "is a web page or XML, not a workbook; open it in a spreadsheet program and save it as .xlsx"
    elif b"\0" not in beginning or beginning[:2] in (b"\xff\xfe", b"\xfe\xff"):
        kind = "is text, not a workbook; if it is a table, name it .csv"
    else:
        kind = "is no workbook; save it as .xlsx"
    raise CatalogError(f"{path}: {kind}")


def _kind_of_zip(file: ZipFile) -> str:
    names = {*file.namelist()}
    if "xl/workbook.bin" in names:
        return "a binary workbook (.xlsb)"
    if "content.xml" in names:
        return "an OpenDocument file (.ods)"
    return "a zip file, but no Excel workbook"
