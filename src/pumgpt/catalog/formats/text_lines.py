"""The lines of a text file whose encoding is not known: UTF-8 where they are, else what their letters suggest."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from pumgpt.catalog.formats.compression import damage_of, open_bytes
from pumgpt.catalog.formats.encodings import WESTERN, detect_encoding, encoding_name
from pumgpt.errors import CatalogError

MAX_CELL_CHARS = 16_000_000
"""A cell with more is refused, whatever the format: it is a lost quote or a file in the wrong place."""
MAX_LINE_CHARS = 32_000_000
"""What a line has beyond this is passed over: a record that long can't be used, and must not fill the memory."""
_BYTES_TO_TELL_ENCODING = 1_000_000
_LINES_TO_TELL_ENCODING = 200
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def check_file(path: Path) -> None:
    """Raise `CatalogError` unless `path` is a file that can be read and isn't empty."""
    try:
        if path.is_dir():
            raise CatalogError(f"{path}: is a folder; name the catalogue file in it")
        with open_bytes(path) as file:
            if not file.read(1):
                damage = damage_of(file)
                if damage is not None:
                    raise CatalogError(f"{path}: {damage}")
                raise CatalogError(f"{path}: is empty (0 bytes); export the catalogue again")
    except FileNotFoundError as error:
        raise CatalogError(f"{path}: there is no such file; mend the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CatalogError(f"{str(path)!r}: can't be read ({reason}); mend the path or its permissions") from error


def has_mark(path: Path) -> bool:
    """Whether the file begins with UTF-8's byte order mark, as files for Excel do."""
    with open_bytes(path) as file:
        return file.read(3) == codecs.BOM_UTF8


def encoding_of(path: Path) -> str:
    """What `read_lines` takes the beginning of a file for, in words."""
    with open_bytes(path) as file:
        beginning = file.read(_BYTES_TO_TELL_ENCODING)
    if beginning.startswith(_UTF16):
        return "UTF-16"
    try:
        # Not final: the last letter may be cut in two.
        codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return encoding_name(detect_encoding(_foreign_lines(beginning)))
    return "UTF-8 with a byte order mark" if beginning.startswith(codecs.BOM_UTF8) else "UTF-8"


def read_lines(path: Path, warnings: list[str]) -> Iterator[str]:
    r"""The lines of `path` with their ends (\n, \r\n or \r) and without a byte order mark.

    Each line is decoded by itself, so that one foreign byte in row 50,000 changes nothing about the rows before it.
    The first line that isn't UTF-8 adds one line to `warnings`. A line beyond `MAX_LINE_CHARS` is cut off there.
    """
    # Excel's "Unicode text" is UTF-16; a wrong guess at it would give letters for any bytes, so only its mark counts.
    with open_bytes(path) as beginning:
        utf16 = beginning.read(2) in _UTF16
    if utf16:
        with open_bytes(path) as binary:
            file = io.TextIOWrapper(binary, encoding="utf-16", newline="", errors="replace")
            yield from _whole_lines(file, path, warnings)
        return
    encoding: str | None = None  # of lines that aren't UTF-8
    # Latin-1 gives every byte a character, so this only cuts lines (at \r too); the bytes come back by `encode`.
    with open_bytes(path) as binary:
        file = io.TextIOWrapper(binary, encoding="latin-1", newline="")
        for number, line in enumerate(_whole_lines(file, path, warnings), start=1):
            if line.isascii():
                yield line
                continue
            data = line.encode("latin-1")
            if number == 1:
                data = data.removeprefix(codecs.BOM_UTF8)
            try:
                yield data.decode("utf-8")
            except UnicodeDecodeError:
                if encoding is None:
                    encoding = _foreign_encoding(path)
                    warnings.append(
                        f"{path}: line {number} is not UTF-8; such lines are read as {encoding_name(encoding)}; "
                        "save the file as UTF-8 if letters look wrong"
                    )
                yield _decoded(data, encoding)


def _whole_lines(file: TextIO, path: Path, warnings: list[str]) -> Iterator[str]:
    """The lines, cut off at `MAX_LINE_CHARS`. Of a damaged file the lines before the damage, and a warning."""
    while line := file.readline(MAX_LINE_CHARS):
        if not line.endswith(("\n", "\r")) and damage_of(file.buffer) is not None:
            break  # half a row would pass for a whole one
        yield line
        while len(line) == MAX_LINE_CHARS and not line.endswith(("\n", "\r")):
            line = file.readline(MAX_LINE_CHARS)
    damage = damage_of(file.buffer)
    if damage is not None:
        warnings.append(f"{path}: {damage}; the rows before are read")


def _foreign_encoding(path: Path) -> str:
    """The encoding of a file's lines that aren't UTF-8, as its beginning tells."""
    with open_bytes(path) as file:
        return detect_encoding(_foreign_lines(file.read(_BYTES_TO_TELL_ENCODING)))


def _foreign_lines(data: bytes) -> bytes:
    """The lines that aren't UTF-8, as many as it takes to tell their encoding."""
    found: list[bytes] = []
    for line in data.splitlines():
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            found.append(line)
            if len(found) == _LINES_TO_TELL_ENCODING:
                break
    return b"\n".join(found)


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return western(data) if encoding == WESTERN else data.decode(encoding)
    except UnicodeDecodeError:
        return western(data)


def western(data: bytes) -> str:
    """Bytes that aren't UTF-8, as Windows-1252."""
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:  # five bytes have no meaning in Windows-1252
        return data.decode("latin-1")
