"""Products to train on that stay where they are: read from their files in each epoch, in another order each time.

What is in memory: one row group or less of each source, and a buffer of products, photos encoded.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from torch.utils.data import IterableDataset, get_worker_info

from pumgpt.catalog.formats.registry import count_rows
from pumgpt.catalog.product import Product
from pumgpt.training.data.products import DataRecipe, SourceRecipe, match_files, normalise, read_file

BUFFER = 4096


class ProductStream(IterableDataset[Product]):
    """All products of some sources, each source as often as its `repeat` says.

    Files come in random order, sources side by side, in proportion to what is left of each, and out of a buffer of `buffer`
    products one is drawn at random. Seed and epoch decide the order, so that a resumed run sees what the unbroken one would
    have. Raises `RecipeError` where no file matches.
    """

    def __init__(
        self, sources: Sequence[SourceRecipe], data_dir: Path, recipe: DataRecipe, seed: int, buffer: int = BUFFER
    ):
        self.recipe = recipe
        self.seed = seed
        self.buffer = buffer
        self.epoch = 0
        self.parts = [_Part(match_files(source.files, data_dir), source) for source in sources]

    def set_epoch(self, epoch: int) -> None:
        """`Trainer` says before each epoch which one it is."""
        self.epoch = epoch

    def __len__(self) -> int:
        return sum(part.count for part in self.parts)

    def in_order(self) -> Iterator[Product]:
        """Each product once, as the files have them."""
        for part in self.parts:
            yield from self._normalised(part.once(part.files))

    def __iter__(self) -> Iterator[Product]:
        worker = get_worker_info()
        # Each worker goes through all products and keeps its share: they then agree on the order.
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        return islice(self._shuffled(), number, None, workers)

    def _shuffled(self) -> Iterator[Product]:
        rng = random.Random(f"{self.seed} {self.epoch}")
        held: list[Product] = []
        for product in self._normalised(_side_by_side(self.parts, rng)):
            # A product leaves from a random place, so that neighbours in a file part.
            if len(held) < self.buffer:
                held.append(product)
                continue
            place = rng.randrange(self.buffer)
            drawn, held[place] = held[place], product
            yield drawn
        rng.shuffle(held)
        yield from held

    def _normalised(self, products: Iterator[Product]) -> Iterator[Product]:
        return normalise(products, self.recipe.values, self.recipe.foreign_categories)


class _Part:
    """One source: its files, and how many products an epoch has of them."""

    def __init__(self, files: Sequence[Path], source: SourceRecipe) -> None:
        self.files = files
        self.source = source
        rows = sum(count_rows(file) or 0 for file in files)
        self.count = min(rows, source.limit if source.limit is not None else rows) * source.repeat

    def once(self, files: Sequence[Path]) -> Iterator[Product]:
        return islice((product for file in files for product in read_file(file)), self.source.limit)

    def repeated(self, rng: random.Random) -> Iterator[Product]:
        for _ in range(self.source.repeat):
            # With a limit its first products are meant, whatever the order of the files.
            files = self.files if self.source.limit is not None else rng.sample(self.files, len(self.files))
            yield from self.once(files)


def _side_by_side(parts: Sequence[_Part], rng: random.Random) -> Iterator[Product]:
    # In proportion to what is left, all sources end together.
    left = [part.count for part in parts]
    readers = [part.repeated(random.Random(rng.random())) for part in parts]
    while readers:
        # A file may hold more rows than it was counted to have.
        place = rng.choices(range(len(readers)), left)[0] if any(left) else 0
        product = next(readers[place], None)
        if product is None:
            del readers[place], left[place]
            continue
        left[place] = max(left[place] - 1, 0)
        yield product
