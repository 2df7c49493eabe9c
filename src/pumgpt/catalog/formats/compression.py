"""Catalogues in gzip: `shop.csv.gz` is read and written as `shop.csv` is.

Whatever opens a catalogue's bytes does so here, so that a format doesn't see whether they were packed.
"""

from __future__ import annotations

import gzip
import io
import shutil
import tempfile
import zlib
from pathlib import Path
from typing import BinaryIO, cast

from pumgpt.errors import CatalogError

_GZIP = ".gz"
_MAX_RATIO = 250
"""How many times as long a file may become. Tables become 5 to 50 times as long, files made to fill a disk 1,000 times."""
_ALWAYS_UNPACKED = 256 * 1024 * 1024
"""Bytes that may come out of any file: a short one may be one line many times over."""
_BUFFER_BYTES = 1 << 17


def is_packed(path: Path) -> bool:
    return path.suffix.lower() == _GZIP


def ending_of(path: Path) -> str:
    """A catalogue's ending in small letters: '.csv' for 'shop.csv' and for 'shop.csv.gz', '.gz' where no other is there."""
    inner = Path(path.stem).suffix if is_packed(path) else ""
    return (inner or path.suffix).lower()


def open_bytes(path: Path) -> BinaryIO:
    """Open a file to be read from start to end, unpacked. It ends where it is damaged; `damage_of` then says how."""
    return cast(BinaryIO, io.BufferedReader(_Unpacked(path), _BUFFER_BYTES)) if is_packed(path) else path.open("rb")


def open_seekable(path: Path) -> BinaryIO:
    """Open a file to be read in any order; one that is packed is unpacked to the disk as long as it is open.

    Raises `CatalogError` where it is damaged.
    """
    if not is_packed(path):
        return path.open("rb")
    unpacked = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115  # given to the caller
    with open_bytes(path) as file:
        shutil.copyfileobj(file, unpacked, _BUFFER_BYTES)
        damage = damage_of(file)
    if damage is not None:
        unpacked.close()
        raise CatalogError(f"{path}: {damage}")
    unpacked.seek(0)
    return unpacked


def damage_of(file: BinaryIO) -> str | None:
    """What is wrong with a file of `open_bytes`, as far as it was read, and how to mend it."""
    raw = getattr(file, "raw", None)
    return raw.damage if isinstance(raw, _Unpacked) else None


def pack(source: Path, target: Path) -> None:
    """Write a file packed, whole or not at all; the same bytes make the same file."""
    unfinished = target.with_name(f"{target.name}.new")
    try:
        with (
            source.open("rb") as plain,
            unfinished.open("wb") as file,
            # Neither name nor time: both would differ from one run to the next.
            gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed,
        ):
            shutil.copyfileobj(plain, packed, _BUFFER_BYTES)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


class _Unpacked(io.RawIOBase):
    """The bytes of a packed file up to its end, or up to where it is damaged or becomes too long."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = gzip.open(path, "rb")  # noqa: SIM115  # closed with this one
        self._left = max(_ALWAYS_UNPACKED, _MAX_RATIO * path.stat().st_size)
        self.damage: str | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self.damage is not None:
            return 0
        try:
            data = self._file.read1(len(buffer))
        except EOFError:
            self.damage = "is cut off, so its end is missing; copy or download it again"
            return 0
        except (OSError, zlib.error) as error:
            self.damage = f"is no gzip, or is damaged ({error}); copy or download it again"
            return 0
        self._left -= len(data)
        if self._left < 0:
            self.damage = (
                f"becomes more than {_MAX_RATIO} times as long when unpacked; unpack it yourself if that is right"
            )
            return 0
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
