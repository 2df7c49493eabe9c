"""From a suite to its products: catalogue files, lines of texts with the values that they name, or drawings."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pumgpt.bench.suites.drawings import draw_fit, draw_pictures, draw_samples, drawn_values
from pumgpt.bench.suites.items import FitData, Item, SuiteData, Vocabulary, hash_photos
from pumgpt.bench.suites.labels import complete_path, find_files, read_json_lines, read_labelled
from pumgpt.bench.suites.pixels import features_in_files, features_of_first
from pumgpt.bench.suites.suite import SAMPLES, TITLE_ONLY, Suite
from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.errors import CatalogError, PhotoError

NO_VALUE = "n/a"
"""How the layout `target scores` writes that a title does not name an attribute."""


def load_items(suite: Suite, data: Path, limit: int | None = None) -> SuiteData:
    """The products of a suite, `limit` of them where that is given (drawn by the suite's seed, in their own order).

    Raises `CatalogError` where a file is missing or nothing in it can be used.
    """
    fit = _fit_data(suite, data)
    items, set_aside = _load_items(suite, data, fit)
    vocabulary = _vocabulary(suite, items, fit) if suite.closed else Vocabulary()
    # After the vocabulary, so that a limited run offers the same choices as a full one.
    chosen = _choose(items, limit, suite.seed)
    pictures = draw_pictures(suite.foreign_pictures, suite.blank_pictures, limit)
    return SuiteData((*chosen, *pictures), vocabulary, fit, suite.values, tuple(set_aside))


def _load_items(suite: Suite, data: Path, fit: FitData | None) -> tuple[list[Item], list[str]]:
    if suite.products == SAMPLES:
        return draw_samples(), []
    files = find_files(data, suite.products)
    accepted = _Accepted(suite)
    for file in files:
        for row in _rows(file, suite):
            accepted.add(row, file)
    if not accepted.items:
        why = f": {accepted.set_aside[0]}" if accepted.set_aside else ""
        raise CatalogError(f"{files[0]}: no product of it can be used{why}")
    items = accepted.items
    if suite.complete_paths and fit is not None:
        known = {product.category for product in fit.products if product.category}
        items = [
            replace(item, product=replace(item.product, category=complete_path(item.product.category, known)))
            if item.product.category
            else item
            for item in items
        ]
    return items, accepted.set_aside


@dataclass
class _Accepted:
    """The rows that can be used; the others are named and set aside."""

    suite: Suite
    items: list[Item] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def add(self, row: Item | RejectedRow, file: Path) -> None:
        if isinstance(row, RejectedRow):
            self.set_aside.append(f"{file}, row {row.row}: {row.error}")
            return
        product = row.product
        if product.id in self.ids:
            self.set_aside.append(f"{file}: id '{product.id}' stands in an earlier file already")
            return
        try:
            # Where titles alone are shown no photo is needed, and opening them is most of the time.
            shown = "" if self.suite.conditions == (TITLE_ONLY,) else _hash_photos(product)
        except PhotoError as error:
            self.set_aside.append(f"{file}, product {product.id}: {error}")
            return
        self.ids.add(product.id)
        self.items.append(replace(row, photo_hash=shown, values=self.suite.values))


def _hash_photos(product: Product) -> str:
    """Of the photos' bytes. Raises `PhotoError` where one can't be decoded, or there is none."""
    if not product.images:
        raise PhotoError("has no photo; a suite that shows photos needs one for each product")
    # Decoded once here, so that a broken photo is set aside now and does not fail in the middle of a run.
    for ref in product.images:
        open_photo(ref)
    return hash_photos(map(_bytes_of, product.images))


def _bytes_of(ref: ImageRef) -> bytes:
    return ref.data if ref.data is not None else Path(str(ref.path)).read_bytes()


def _rows(file: Path, suite: Suite) -> Iterator[Item | RejectedRow]:
    return _target_scores(file) if suite.layout == "target scores" else _catalogue_rows(file, suite)


def _catalogue_rows(file: Path, suite: Suite) -> Iterator[Item | RejectedRow]:
    reader = read_catalog(file)
    reader.plain_attributes = {}  # a suite tells which columns it measures, and what they are called
    for row in reader:
        if isinstance(row, RejectedRow):
            yield row
            continue
        # A CSV holds its attributes as columns of their own.
        names = suite.attributes
        columns = {name: str(row.extra[name]) for name in names if row.extra.get(name) not in (None, "")}
        stated = {**columns, **(row.attributes or {})}
        product = replace(row, attributes=stated or None, original={})
        # Pictures of no product have their captions where a product has its description.
        captions = (product.description or "").splitlines() if suite.no_products else []
        yield Item(
            product=replace(product, description=None) if suite.no_products else product,
            untold=suite.attributes if suite.no_products else suite.untold,
            references=tuple(line.strip() for line in captions if line.strip()),
        )


def _target_scores(file: Path) -> Iterator[Item]:
    for number, (where, line) in enumerate(read_json_lines(file), start=1):
        scores = line.get("target_scores")
        if not isinstance(line.get("input"), str) or not isinstance(scores, Mapping):
            raise CatalogError(f"{where}: needs 'input' (text) and 'target_scores' (attribute -> values)")
        # An attribute that the title doesn't name is listed too: asking for it measures refusals.
        values = {name: [value for value in given if value != NO_VALUE] for name, given in scores.items()}
        stated: dict[str, Any] = {
            name: named[0] if len(named) == 1 else named for name, named in values.items() if named
        }
        yield Item(
            product=Product(
                id=f"{file.stem}-{number}",  # the layout has no ids
                title=line["input"],
                category=(str(line["category"]),) if line.get("category") else None,
                attributes=stated or None,
            ),
            untold=tuple(name for name, named in values.items() if not named),
        )


def _fit_data(suite: Suite, data: Path) -> FitData | None:
    if suite.products == SAMPLES:
        return FitData(lambda: draw_fit()[0], lambda: draw_fit()[1], lambda: [""] * len(draw_fit()[0]))
    if suite.fit is None:
        return None
    files = find_files(data, suite.fit)
    # Parquet reads labels without photos; of other formats each product is read whole.
    if all(file.suffix == ".parquet" for file in files):
        return FitData(
            lambda: read_labelled(files), lambda: features_in_files(files), lambda: _hashes_of(files), suite.values
        )

    def load() -> list[Product]:
        return [row.product for file in files for row in _rows(file, suite) if isinstance(row, Item)]

    return FitData(
        load,
        lambda: features_of_first(product.images for product in load()),
        lambda: (hash_photos(map(_bytes_of, product.images)) for product in load()),
        suite.values,
    )


def _hashes_of(files: Iterable[Path]) -> Iterator[str]:
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=512, columns=["image"]):
            for image in batch.column(0).to_pylist():
                yield hash_photos([image["bytes"]] if image and image["bytes"] else [])


def _vocabulary(suite: Suite, items: Iterable[Item], fit: FitData | None) -> Vocabulary:
    """The values that may be answered: those of the data itself; of all that can be drawn for the drawings."""
    if suite.products == SAMPLES:
        return Vocabulary.of(drawn_values())
    labelled = fit.fields if fit is not None else []
    return Vocabulary.of([*labelled, *(item.fields for item in items)])


def _choose(items: list[Item], limit: int | None, seed: int) -> list[Item]:
    if limit is None or limit >= len(items):
        return items
    # Drawn, not the first ones: catalogues are often sorted by category.
    kept = sorted(random.Random(seed).sample(range(len(items)), limit))
    return [items[place] for place in kept]
