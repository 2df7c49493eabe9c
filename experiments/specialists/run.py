"""What the specialists say: the linear heads that learned together with the vision tower, one for each label.

    python experiments/specialists/run.py runs/nano/6-tower --data ../shared/data --out runs/nano/specialists

Leaves `<set>.jsonl` with lines {"id", "category", "<attribute>", ...} for each test set, and `features/<set>.npz` with the
mean of each photo's patches (arrays `train` and `test`), both in the order of the files.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pumgpt.bench.suites.labels import find_files
from pumgpt.bench.suites.suite import load_suite
from pumgpt.catalog.product import Product
from pumgpt.training.data.labels import WORDS
from pumgpt.training.data.products import PhotoCache, read_file
from pumgpt.training.initialization import tower_of
from pumgpt.training.objectives.heads import LabelHeads, load_heads, read_values

AT_ONCE = 128
SUITES = ("fashion", "grocery", "grocery-iconic", "clothing")


class Specialists:
    """A tower with its heads, as stage `heads` or `contrast` left them."""

    def __init__(self, folder: Path) -> None:
        self.tower = tower_of(folder).eval()
        self.heads = LabelHeads(self.tower.hidden_size, read_values(folder) or {}).eval()
        load_heads(self.heads, folder)
        self.photos = PhotoCache(128)

    @torch.inference_mode()
    def read(self, products: Sequence[Product]) -> Iterator[tuple[dict[str, str], NDArray[np.float32]]]:
        """For each product its labels, and its features (V,)."""
        for start in range(0, len(products), AT_ONCE):
            batch = products[start : start + AT_ONCE]
            pixels = torch.stack([self.photos(product) for product in batch]).float() / 127.5 - 1
            patches = self.tower(pixels)
            best = {name: logits.argmax(-1).tolist() for name, logits in self.heads(patches).items() if name != WORDS}
            for place, feature in enumerate(patches.mean(1).numpy()):
                yield {name: self.heads.values[name][picked[place]] for name, picked in best.items()}, feature


def main() -> None:
    parser = argparse.ArgumentParser(description="Predict with the specialists.")
    parser.add_argument("checkpoint", type=Path, help="folder of stage 'heads' or 'contrast'")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    specialists = Specialists(options.checkpoint)
    (options.out / "features").mkdir(parents=True, exist_ok=True)
    for suite in map(load_suite, SUITES):
        test = [product for file in find_files(options.data, suite.products) for product in read_file(file)]
        read = list(specialists.read(test))
        lines = [{"id": product.id, **labels} for product, (labels, _) in zip(test, read, strict=True)]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (options.out / f"{suite.name}.jsonl").write_text(text, encoding="utf-8")
        train = [product for file in find_files(options.data, str(suite.fit)) for product in read_file(file)]
        features = {"test": [f for _, f in read], "train": [f for _, f in specialists.read(train)]}
        np.savez(options.out / "features" / f"{suite.name}.npz", **{n: np.stack(f) for n, f in features.items()})
        print(f"{suite.name}: {len(test)} products")


if __name__ == "__main__":
    main()
