"""Photos that were fetched, on disk: `ab/abcd...` holds the bytes and `ab/abcd....json` what the server said of them.

The name is the URL's SHA-256. Bytes are written beside their place and moved there whole, the JSON after them, so that an
entry counts only when both are complete; several processes may share the folder. It may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

import platformdirs

from pumgpt.errors import CatalogError

_STALE_PART_S = 86_400.0


@dataclass(frozen=True, slots=True)
class CachedPhoto:
    """One entry. `fetched_at` is when the server last said that it is good, in seconds since 1970."""

    path: Path
    url: str
    size: int
    fetched_at: float
    etag: str | None = None
    last_modified: str | None = None

    @property
    def age_s(self) -> float:
        return max(0.0, time.time() - self.fetched_at)

    @property
    def conditions(self) -> dict[str, str]:
        """Headers that ask for the photo only if it isn't this one any more."""
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value}


def default_folder() -> Path:
    """`pumgpt/photos` in the user's cache folder."""
    return platformdirs.user_cache_path("pumgpt") / "photos"


class UrlCache:
    """Raises `CatalogError` where the folder can't be written: no photo could be kept then, so it ends a run."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()
        self._parts = self.folder / "parts"
        with self.naming():
            self._parts.mkdir(parents=True, exist_ok=True)
            self._sweep()

    def get(self, url: str) -> CachedPhoto | None:
        """The entry of a URL, where there is a whole one."""
        path = self._place(url)
        try:
            facts = json.loads(_facts(path).read_bytes())
            entry = CachedPhoto(path=path, **facts)
            return entry if entry.url == url and path.stat().st_size == entry.size else None
        except (OSError, ValueError, TypeError):
            return None

    @contextmanager
    def writing(self, url: str) -> Iterator[PartialPhoto]:
        """A file that grows to be the entry of `url`. It is gone at the end of `with`, unless `keep` has moved it."""
        with self.naming():
            self._parts.mkdir(exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._parts)
        part = PartialPhoto(self, url, Path(name), os.fdopen(handle, "wb"))
        try:
            yield part
        finally:
            part.discard()

    def put(self, url: str, part: Path, size: int, headers: Mapping[str, str]) -> CachedPhoto:
        """Move a complete file to its place, then say what it is."""
        path = self._place(url)
        entry = CachedPhoto(path, url, size, time.time(), headers.get("etag"), headers.get("last-modified"))
        with self.naming():
            path.parent.mkdir(exist_ok=True)
            part.replace(path)
            self._note(entry)  # last: bytes without facts are no entry, facts without their bytes would be a wrong one
        return entry

    def renew(self, entry: CachedPhoto) -> CachedPhoto:
        """The server says that the entry is still good."""
        new = replace(entry, fetched_at=time.time())
        with self.naming():
            self._note(new)
        return new

    def _note(self, entry: CachedPhoto) -> None:
        facts = {name: value for name, value in asdict(entry).items() if name != "path"}
        handle, new = tempfile.mkstemp(dir=self._parts)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(facts, file)
        Path(new).replace(_facts(entry.path))

    def _place(self, url: str) -> Path:
        key = hashlib.sha256(url.encode()).hexdigest()
        return self.folder / key[:2] / key

    def _sweep(self) -> None:
        """Take away what a killed process left; a younger part may be another's that is at work."""
        for part in self._parts.iterdir():
            try:
                if time.time() - part.stat().st_mtime > _STALE_PART_S:
                    part.unlink()
            except FileNotFoundError:
                continue

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Errors of the system as one that names the folder."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise CatalogError(
                f"{self.folder}: photos can't be kept there ({reason}); free or name another folder"
            ) from error


class PartialPhoto:
    """Bytes that don't count yet."""

    def __init__(self, cache: UrlCache, url: str, path: Path, file: BinaryIO) -> None:
        self._cache, self._url, self._path, self._file = cache, url, path, file
        self.size = 0

    def write(self, chunk: bytes) -> None:
        with self._cache.naming():
            self._file.write(chunk)
        self.size += len(chunk)

    def keep(self, headers: Mapping[str, str]) -> CachedPhoto:
        """All of it is there: make it the entry of its URL."""
        with self._cache.naming():
            self._file.close()
        return self._cache.put(self._url, self._path, self.size, headers)

    def discard(self) -> None:
        with suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)


def _facts(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")
