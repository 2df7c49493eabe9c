"""Products to train on: read once, photos decoded when first asked for."""

from __future__ import annotations

import logging
import math
import os
import random
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor
from torch.utils.data import Dataset

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.registry import open_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.catalog.vocabulary.taxonomy import split_path
from pumgpt.errors import PhotoError, RecipeError
from pumgpt.model.card import category_ids
from pumgpt.tasks.truth import FOREIGN

logger = logging.getLogger(__name__)


class SourceRecipe(BaseModel):
    """One set of products."""

    model_config = ConfigDict(extra="forbid")

    files: str
    """A path or glob pattern below the recipe's `data_dir`; below the current folder where it starts with `./`."""
    repeat: int = 1
    """How many times an epoch sees each of its products."""
    limit: int | None = None


class DataRecipe(BaseModel):
    """Which products, and how their labels are written alike."""

    model_config = ConfigDict(extra="forbid")

    train: list[SourceRecipe]
    validation: list[SourceRecipe] = []
    values: dict[str, dict[str, str]] = {}
    """Attribute name -> {value as a source writes it: value as all sources shall}."""
    foreign_categories: list[str] = []
    """Categories ('A > B', all below them included) that are held out of training: of their products the photo alone is
    kept, as one of something foreign, of which nothing can be told."""
    untaught: list[str] = []
    """Sources of products that teachers never saw the like of: from these, labels alone are learned."""
    rare_share: float = Field(default=0, ge=0, le=1)
    """Products whose category has a smaller share of the training products than this are shown more often; see
    `repeat_rare`."""
    size_px: int = 128
    """Photos are decoded to this side, and kept so unless they are streamed."""
    longest_px: int | None = None
    """Photos are first brought down to this longest side, so that how large a source stores them tells nothing of them."""
    stream: bool = False
    """Read the training products anew from their files in each epoch, instead of keeping them and their photos in memory: for
    catalogues that don't fit. Stage `instruct` can."""

    @model_validator(mode="after")
    def _rarity_is_known(self) -> DataRecipe:
        if self.stream and self.rare_share:
            raise ValueError("rare_share counts categories, which a stream can't; use `repeat` of its sources")
        return self


def read_splits(data: DataRecipe, data_dir: Path, seed: int, stage: str) -> tuple[list[Product], list[Product]]:
    """Training and validation products, kept in memory.

    Raises `RecipeError` where they shall be streamed, which `stage` can't, or where no file matches.
    """
    if data.stream:
        raise RecipeError(
            f"data.stream: stage '{stage}' keeps its products in memory; stage 'instruct' can stream them"
        )
    train = read_products(data.train, data_dir, data.values, data.foreign_categories)
    return repeat_rare(train, data.rare_share, seed), read_validation(data, data_dir)


def read_validation(data: DataRecipe, data_dir: Path) -> list[Product]:
    return read_products(data.validation, data_dir, data.values, data.foreign_categories)


def read_products(
    sources: Sequence[SourceRecipe],
    data_dir: Path,
    values: dict[str, dict[str, str]],
    foreign_categories: Sequence[str] = (),
) -> list[Product]:
    """All products of `sources`, repeated as asked, with their attribute values written alike and those of held-out
    categories made foreign.

    Raises `RecipeError` where no file matches.
    """
    products: list[Product] = []
    for source in sources:
        files = match_files(source.files, data_dir)
        rows = islice((product for file in files for product in read_file(file)), source.limit)
        products.extend(list(normalise(rows, values, foreign_categories)) * source.repeat)
    return products


def repeat_rare(products: Sequence[Product], share: float, seed: int) -> list[Product]:
    """`products`, and those of each category that is rarer than `share` of them sqrt(share / its share) times as often, drawn
    from `seed`: repeat-factor sampling as in Gupta et al. 2019 (arXiv 1908.03195), with one category a product.

    A category of a hundredth of `share` comes ten times as often. Products without a category stay as they are.
    """
    counts = Counter(product.category for product in products if product.category)
    rng = random.Random(seed)
    repeated: list[Product] = []
    for product in products:
        rarity = share * len(products) / counts[product.category] if product.category else 0.0
        # The square root: repeated in full, a handful of photos would be learned by heart.
        factor = math.sqrt(max(rarity, 1.0))
        times = int(factor) + (rng.random() < factor - int(factor))
        repeated.extend([product] * times)
    return repeated


def normalise(
    products: Iterable[Product], values: dict[str, dict[str, str]], foreign_categories: Sequence[str]
) -> Iterator[Product]:
    """Products with their attribute values written alike, and those of held-out categories made foreign."""
    held_out = [split_path(path) for path in foreign_categories]
    for product in products:
        category = product.category or ()
        if any(category[: len(path)] == path for path in held_out):
            # The photo alone: its title would give away what the model shall not know.
            yield Product(id=product.id, images=product.images, source=FOREIGN)
        elif product.attributes and values:
            attributes = {
                name: values[name].get(value, value) if name in values and isinstance(value, str) else value
                for name, value in product.attributes.items()
            }
            yield replace(product, attributes=attributes)
        else:
            yield product


def match_files(files: str, data_dir: Path) -> list[Path]:
    """The files that a source names, in order. Raises `RecipeError` where there is none."""
    if Path(files).is_absolute():
        found = [Path(files)] if Path(files).is_file() else []
    elif files.startswith("./"):
        found = sorted(Path().glob(files))
    else:
        found = sorted(data_dir.glob(files))
    if not found:
        raise RecipeError(f"no file matches {files} in {data_dir}; set data_dir to the folder of the data")
    return found


def read_file(file: Path) -> Iterator[Product]:
    """The products of a catalogue in any format that we read; rows that can't be read are named in the log and left out."""
    for row in open_catalog(file, category_ids=category_ids()):
        if isinstance(row, RejectedRow):
            logger.warning("%s, row %d: left out: %s", file, row.row, row.error)
        else:
            yield row


class PhotoCache:
    """Decoded first photos of products at one size, as bytes of colour: (3, size_px, size_px) uint8, made on first use.

    They are known by the photo itself, as ids may come again in other files of a source. With `keep` false none is kept. Those
    of a batch are decoded side by side, on as many threads as there are processors.
    """

    def __init__(self, size_px: int, keep: bool = True, longest_px: int | None = None) -> None:
        self.size_px = size_px
        self.longest_px = longest_px
        self.keep = keep
        self._photos: dict[ImageRef, Tensor] = {}
        self._left_out: set[ImageRef | tuple[str | None, str]] = set()

    def __call__(self, product: Product) -> Tensor:
        """The photo; raises `PhotoError` where there is none that can be used."""
        if not product.images:
            raise PhotoError("it has no photo to train on")
        ref = product.images[0]
        if not self.keep:  # a stream never ends up in memory
            return self._decode(ref)
        if ref not in self._photos:
            self._photos[ref] = self._decode(ref)
        return self._photos[ref]

    def batch(self, products: Sequence[Product]) -> tuple[list[Product], Tensor]:
        """The products whose photo can be used, and their photos (B, 3, size_px, size_px). The others are named in the log, once,
        and left out.

        Raises `RecipeError` where none is left.
        """
        found = self._found(products)
        if not found:
            raise RecipeError(
                f"none of {len(products)} products has a photo that can be used; see the lines before, and mend their photos"
            )
        return [product for product, _ in found], torch.stack([photo for _, photo in found])

    def usable(self, products: Iterable[Product]) -> list[Product]:
        """The products whose photo can be used; the others are named in the log."""
        found: list[Product] = []
        remaining = iter(products)
        while some := list(islice(remaining, 1024)):
            found.extend(product for product, _ in self._found(some))
        return found

    def _found(self, products: Sequence[Product]) -> list[tuple[Product, Tensor]]:
        # From the second epoch on all are there, and threads would only cost time.
        if all(product.images and product.images[0] in self._photos for product in products):
            return [(product, self._photos[product.images[0]]) for product in products]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            attempts = list(zip(products, pool.map(self._attempt, products), strict=True))
        for product, photo in attempts:
            if isinstance(photo, PhotoError) and (key := self._key(product)) not in self._left_out:
                self._left_out.add(key)
                logger.warning("product '%s' is left out: %s", product.id, photo)
        return [(product, photo) for product, photo in attempts if isinstance(photo, Tensor)]

    def _attempt(self, product: Product) -> Tensor | PhotoError | None:
        if self._key(product) in self._left_out:
            return None
        try:
            return self(product)
        except PhotoError as error:
            return error

    @staticmethod
    def _key(product: Product) -> ImageRef | tuple[str | None, str]:
        return product.images[0] if product.images else (product.source, product.id)

    def _decode(self, ref: ImageRef) -> Tensor:
        photo = open_photo(ref)
        if self.longest_px is not None:
            photo.thumbnail((self.longest_px, self.longest_px), Image.Resampling.BICUBIC)
        photo = photo.resize((self.size_px, self.size_px), Image.Resampling.BICUBIC)
        return torch.from_numpy(np.array(photo)).permute(2, 0, 1).contiguous()


def batch_seed(products: Sequence[Product]) -> int:
    """A seed that belongs to these products in this order.

    Batches are composed anew in every epoch, so that each gets views and questions of its own; and as nothing but the batch
    decides, a resumed run draws what the unbroken one would have, however far its loader had read ahead.
    """
    return zlib.crc32("|".join(f"{product.source}/{product.id}" for product in products).encode())


class ProductDataset(Dataset[Product]):
    """Products by position; what is made of them is the collator's business."""

    def __init__(self, products: Sequence[Product]) -> None:
        self.products = products

    def __len__(self) -> int:
        return len(self.products)

    def __getitem__(self, index: int) -> Product:
        return self.products[index]
