"""Reading the files in which a shop says its categories, attributes and columns."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from pumgpt.errors import SchemaError

_GZIP = b"\x1f\x8b"


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, unpacked where it is gzip. Raises `SchemaError` that names it."""
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if data.startswith(_GZIP) else data).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path}: is not UTF-8; save it as UTF-8") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SchemaError(f"{path}: can't be unpacked as gzip ({error}); fetch it again") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SchemaError(f"{path}: can't be read ({reason}); mend the path") from error


def ending_of(path: Path) -> str:
    """The ending in small letters, that of the packed file for gzip: '.txt' of 'categories.en.txt.gz'."""
    name = path.name.lower()
    return Path(name.removesuffix(".gz")).suffix
