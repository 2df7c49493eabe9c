"""Reading the files in which a shop says its categories, attributes and columns."""

from __future__ import annotations

from pathlib import Path

from pumgpt.errors import SchemaError


def read_text(path: Path) -> str:
    """The text of a file in UTF-8. Raises `SchemaError` that names it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path}: is not UTF-8; save it as UTF-8") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SchemaError(f"{path}: can't be read ({reason}); mend the path") from error
