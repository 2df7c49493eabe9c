"""Listings of the same product: alike to the byte, with nearly the same photo, or with nearly the same title.

    for group in find_duplicates(read_catalog(Path("catalog.csv"))):
        print(group.kind, group.ids)

Every row leaves a few numbers of 8 bytes, and 400 bytes for each photo. The numbers are sorted at the end: two photos are
compared only where their hashes share a band, two titles only where they share all words but one.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image
from rapidfuzz import fuzz

from pumgpt.catalog.groups import DisjointSets
from pumgpt.catalog.photos.decode import Fetch, open_photo
from pumgpt.catalog.photos.fingerprint import MAX_COLOUR_DIFFERENCE, MAX_DISTANCE, colour_difference, fingerprints
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.words import unescaped, words
from pumgpt.errors import PhotoError

Kind = Literal["exact", "photo", "title"]

LEAST_LIKENESS = 90.0
"""Of 100: how alike two titles must be, whatever the order of their words. Their numbers must be equal."""
_BANDS = MAX_DISTANCE + 1
_COMPARED_BEFORE = 20
"""So many rows before it a row is compared with where hundreds have a band in common."""


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Listings that look like one, in the order of the catalogue."""

    kind: Kind
    ids: tuple[str, ...]


class DuplicateFinder:
    """Add products, then ask for `groups`. A group of one kind is left out where a stricter kind has the same one.

    `num_plain_photos` counts photos of one plain colour, from which nothing can be told: they are not compared.
    """

    def __init__(self) -> None:
        self.num_plain_photos = 0
        self._ids: list[str] = []
        self._titles: list[str] = []
        self._contents = _Keys()
        self._photos = _Keys()
        self._colours: list[bytes] = []
        self._words = _Keys()

    def add(self, product: Product, photos: Iterable[Image] = ()) -> None:
        """`photos` are the product's own, opened."""
        row = len(self._ids)
        self._ids.append(product.id)
        self._titles.append(_title_key(product.title or ""))
        content = _content(product)
        if content is not None:
            self._contents.add(row, content)
        for photo in photos:
            views = fingerprints(photo)
            self.num_plain_photos += not views
            for view in views:
                self._photos.add(row, view.hash)
                self._colours.append(view.colours)
        for key in _all_but_one(self._titles[row].split()):
            self._words.add(row, key)

    def groups(self) -> Iterator[DuplicateGroup]:
        seen: set[tuple[int, ...]] = set()
        pairs: dict[Kind, Iterator[tuple[int, int]]] = {
            "exact": self._contents.pairs(lambda a, b: True),
            "photo": self._photo_pairs(),
            "title": self._words.pairs(lambda a, b: _are_alike(self._titles[a], self._titles[b])),
        }
        for kind, found in pairs.items():
            alike = DisjointSets[int]()
            for a, b in found:
                alike.join(a, b)
            for rows in alike.groups():
                if rows not in seen:
                    seen.add(rows)
                    yield DuplicateGroup(kind, tuple(self._ids[row] for row in rows))

    def _photo_pairs(self) -> Iterator[tuple[int, int]]:
        rows, hashes = self._photos.arrays
        # Cut into one band more than bits may differ, two hashes of one photo are equal in at least one band. So only photos
        # that share a band are compared, not all with all.
        for band in range(_BANDS):
            shift, width = np.uint64(64 * band // _BANDS), 64 * (band + 1) // _BANDS - 64 * band // _BANDS
            keys = (hashes >> shift) & np.uint64((1 << width) - 1)
            for a, b in _neighbours(keys):
                if (
                    rows[a] != rows[b]
                    and int(hashes[a] ^ hashes[b]).bit_count() <= MAX_DISTANCE
                    and colour_difference(self._colours[a], self._colours[b]) <= MAX_COLOUR_DIFFERENCE
                ):
                    yield int(rows[a]), int(rows[b])


def find_duplicates(rows: Iterable[object], fetch: Fetch | None = None) -> Iterator[DuplicateGroup]:
    """The groups of a catalogue; what is no product, and photos that can't be opened, are passed by."""
    finder = DuplicateFinder()
    for product in rows:
        if isinstance(product, Product):
            finder.add(product, opened_photos(product, fetch))
    yield from finder.groups()


class _Keys:
    """(row, 64-bit key) pairs, 12 bytes each."""

    def __init__(self) -> None:
        self._rows, self._keys = array("I"), array("Q")

    def add(self, row: int, key: int) -> None:
        self._rows.append(row)
        self._keys.append(key)

    @property
    def arrays(self) -> tuple[NDArray[np.uint32], NDArray[np.uint64]]:
        return np.frombuffer(self._rows, np.uint32), np.frombuffer(self._keys, np.uint64)

    def pairs(self, are_same: Callable[[int, int], bool]) -> Iterator[tuple[int, int]]:
        rows, keys = self.arrays
        for a, b in _neighbours(keys):
            if rows[a] != rows[b] and are_same(int(rows[a]), int(rows[b])):
                yield int(rows[a]), int(rows[b])


def _neighbours(keys: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Places with equal keys, each with the first of its run and those shortly before it."""
    order = np.argsort(keys, kind="stable")
    edges = np.flatnonzero(np.diff(keys[order])) + 1
    starts, ends = np.concatenate(([0], edges)), np.concatenate((edges, [len(keys)]))
    for start, end in zip(starts[ends - starts > 1].tolist(), ends[ends - starts > 1].tolist(), strict=True):
        run = order[start:end].tolist()
        for place in range(1, len(run)):
            # A hundred thousand gift cards share a key. Pairs are joined later, so each row needs only some of the others.
            earlier = {0, *range(max(0, place - _COMPARED_BEFORE), place)}
            yield from ((run[before], run[place]) for before in sorted(earlier))


def _content(product: Product) -> int | None:
    """What makes two listings the same to the byte; None where there is nothing to go by."""
    # A photo's bytes or its address, not its pixels: those are compared by their hashes anyway.
    photos = [ref.data or ref.path or ref.url for ref in product.images]
    if not (product.title or product.description or photos):
        return None
    return _digest(repr((product.title, product.description, photos, product.category, product.attributes)))


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _title_key(title: str) -> str:
    """The title's words in a form that case, hyphens and plurals don't change."""
    return " ".join(word.form for word in words(unescaped(title)))


def _all_but_one(forms: Sequence[str]) -> Iterator[int]:
    """One key for the words together, and one for each way to leave one out. Fewer than three words tell too little."""
    distinct = sorted(set(forms))
    if len(distinct) >= 3:
        yield _digest(" ".join(distinct))
        yield from (_digest(" ".join((*distinct[:place], *distinct[place + 1 :]))) for place in range(len(distinct)))


def _are_alike(a: str, b: str) -> bool:
    # "Shirt 40" and "Shirt 42" are nearly the same letters, and two products.
    numbers = (sorted(re.findall(r"\d+(?:[.,]\d+)*", title)) for title in (a, b))
    return next(numbers) == next(numbers) and fuzz.token_sort_ratio(a, b) >= LEAST_LIKENESS


def opened_photos(product: Product, fetch: Fetch | None = None) -> Iterator[Image]:
    """Those of a product's photos that can be opened, small."""
    for ref in product.images:
        try:
            yield open_photo(ref, at_least_px=64, fetch=fetch)
        except PhotoError:
            continue
