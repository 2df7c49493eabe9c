"""The photos that one cell of a catalogue names, in whichever of the usual ways a shop writes several."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pumgpt.catalog.list_cell import read_list_cell

_BETWEEN = re.compile(r"(\s*[,;]\s*|\s+)")
_ALWAYS_BETWEEN = re.compile(r"[|\r\n]")  # neither a path nor a URL holds one of these
_ANY_SEPARATOR = re.compile(r"[\s,;|]")
_ADDRESS = re.compile(r"(https?:)?//(?=[^/\s])", re.IGNORECASE)
_PHOTO_ENDING = re.compile(r"\.(jpe?g|jfif|png|webp|gif|tiff?|bmp|avif|heic|heif|jp2|svg)([?#]\S*)?$", re.IGNORECASE)
_TIDY_NAME = re.compile(r"[^/\\:.][^/\\:]*(?:/[^/\\:.][^/\\:]*)*")
"""A relative path that pathlib takes as it stands: no drive, no './', no '//', nothing after the last '/' missing."""


def split_photos(cell: str, base: Path | None = None) -> list[str]:
    """The photos in a cell, each a path or a URL.

    They stand between vertical bars, commas, semicolons or blanks, or in a JSON or Python list. All of these but the bar
    may be part of a name too: what lies on the disk below `base` under the whole name is one photo, and a separator only
    counts after something that can be a photo by itself.
    """
    cell = cell.strip()
    written_out = _written_list(cell)
    if written_out is not None:
        return written_out
    if not _ANY_SEPARATOR.search(cell):
        return [cell] if cell else []
    if cell.startswith("data:") or (_ALWAYS_BETWEEN.search(cell) and _is_file(cell, base)):
        return [cell]
    photos: list[str] = []
    for part in map(str.strip, _ALWAYS_BETWEEN.split(cell)):
        if part:
            photos.extend(_split_names(part, base))
    return photos


def address_of(photo: str, base: Path | None = None) -> str | None:
    """The URL that a photo is named by, with its scheme in small letters; None for a path.

    '//host/a.jpg' is what web pages write for their own scheme; it is a path only where such a file exists.
    """
    match = _ADDRESS.match(photo)
    if match is None or (match[1] is None and _is_file(photo, base)):
        return None
    return f"{(match[1] or 'https:').lower()}//{photo[match.end() :]}"


def path_of(photo: str, base: Path | None = None) -> str:
    """Where a photo that is named by a path lies: below `base`, unless the path is absolute."""
    tidy = tidy_path(photo, base)
    if tidy is not None:
        return tidy
    path = Path(photo)
    return str(path if path.is_absolute() or base is None else base / path)


def tidy_path(photo: str, base: Path | None) -> str | None:
    """The path of a plain relative name, which can be nothing else than a path; None for all others."""
    # What pathlib does for one path takes longer than all else that is done for a photo.
    if base is None or not _TIDY_NAME.fullmatch(photo):
        return None
    return _beginning_below(base) + (photo if os.sep == "/" else photo.replace("/", os.sep))


def link_of(photo: Mapping[str, Any]) -> Any:
    """What an object that stands for a photo calls its address: in our files, in shops' interfaces, in schema.org."""
    return next((photo[name] for name in ("url", "src", "contentUrl") if photo.get(name) is not None), None)


def _split_names(cell: str, base: Path | None) -> list[str]:
    """A cell without bars as the photos it names; in one piece where its end can't be told to be a photo."""
    if not _ANY_SEPARATOR.search(cell) or _is_file(cell, base):
        return [cell]
    photos: list[str] = []
    pending = ""
    # Of a split by a group, every second part is what stood between two tokens.
    tokens = ["", *_BETWEEN.split(cell)]
    for separator, token in zip(tokens[::2], tokens[1::2], strict=True):
        if not token:
            continue
        if not pending and photos and _is_continued(photos[-1], separator, token, base):
            photos[-1] += separator + token
            continue
        pending = f"{pending}{separator}{token}" if pending else token
        if _is_photo(pending, base):
            photos.append(pending)
            pending = ""
    return [cell] if pending else photos


def _is_continued(photo: str, separator: str, token: str, base: Path | None) -> bool:
    """Whether `token` is still a part of the URL before it: image servers write sizes between commas."""
    if not _ADDRESS.match(photo) or _ADDRESS.match(token) or _is_file(token, base):
        return False
    return not (_has_ending(photo) and separator.strip() != separator)


def _is_photo(name: str, base: Path | None) -> bool:
    return bool(_ADDRESS.match(name)) or _has_ending(name) or _is_file(name, base)


def _has_ending(name: str) -> bool:
    return _PHOTO_ENDING.search(name) is not None


def _is_file(name: str, base: Path | None) -> bool:
    path = path_of(name, base)
    try:
        # Nearly always nothing is there, which `access` tells without an exception inside.
        return os.access(path, os.F_OK) and os.path.isfile(path)  # noqa: PTH113
    except ValueError:  # a text with NUL in it
        return False


@lru_cache(maxsize=16)
def _beginning_below(base: Path) -> str:
    """What the paths below a folder begin with."""
    return str(base / "_")[:-1]


def _written_list(cell: str) -> list[str] | None:
    """The photos of a cell that is a list in JSON or Python, or one object; None where it is something else."""
    found = read_list_cell(cell)
    if found is None:
        return None
    items = found if isinstance(found, list) else [found]
    links = [link_of(item) if isinstance(item, Mapping) else item for item in items]
    # '[7]' is the name of a file rather than a list of photos.
    return [link for link in links if link] if all(link is None or isinstance(link, str) for link in links) else None
