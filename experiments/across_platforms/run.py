"""Learned on one source, tested on another: how much is lost, and what explains it.

    python experiments/across_platforms/run.py --data ../shared/data
    python experiments/across_platforms/run.py --data ../shared/data --features runs/nano/specialists/features

A linear classifier learns the kinds that `fashion` (studio photos of a shop) and `clothing` (amateur photos) share, from one of
them, and is tested on both. Features are 16 x 16 pixels, or with --features the arrays `train` and `test` of `<set>.npz` that
predict_specialists.py leaves. What explains the drop is asked one thing at a time: by merging the kinds that the two sources
cut apart in other ways (labels), by testing on photos with and without a plain background (style), and by making photos coarser
(resolution; pixels only).
"""

from __future__ import annotations

import argparse
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pumgpt.bench.reporting.markdown import render_rows
from pumgpt.bench.stats.intervals import Measured, proportion
from pumgpt.bench.suites.labels import find_files
from pumgpt.bench.suites.pixels import features_of
from pumgpt.bench.suites.suite import load_suite
from pumgpt.errors import PumGPTError

SHARED = {
    "T-shirt": (("Tshirts",), ("T-Shirt", "Polo")),
    "shirt": (("Shirts",), ("Shirt",)),
    "top": (("Tops", "Tunics"), ("Top", "Blouse", "Undershirt")),
    "trousers": (("Jeans", "Trousers", "Track Pants", "Lounge Pants"), ("Pants",)),
    "shorts": (("Shorts", "Lounge Shorts"), ("Shorts",)),
    "dress": (("Dresses",), ("Dress",)),
    "skirt": (("Skirts",), ("Skirt",)),
    "jacket": (("Jackets", "Blazers", "Rain Jacket"), ("Outwear", "Blazer")),
    "sweatshirt": (("Sweatshirts",), ("Hoodie",)),
    "hat": (("Caps", "Hat"), ("Hat",)),
    "shoes": (("Casual Shoes", "Sports Shoes", "Formal Shoes", "Flats"), ("Shoes",)),
}
"""Kind -> what `fashion` calls it, and `clothing`. `Longsleeve` and `Body` have no counterpart."""
MERGED = dict.fromkeys(("T-shirt", "shirt", "top", "sweatshirt", "jacket"), "upper body")
"""Kinds that the two sources don't cut apart alike."""
PLAIN_SPREAD = 12.0
"""A background is plain where its pixels at the border differ by less than this (standard deviation, of 255)."""
COARSE_PX = 24
SOURCES = ("fashion", "clothing")


@dataclass(frozen=True)
class Part:
    """One split of one source: kinds, features, and whether each photo's background is plain."""

    kinds: NDArray[np.str_]
    features: NDArray[np.float32]
    plain: NDArray[np.bool_]
    coarse: NDArray[np.float32]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what is lost from one source to another.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--features", type=Path, help="folder of <set>.npz")
    parser.add_argument("--limit", type=int, help="this many photos of each split, for a try")
    options = parser.parse_args()
    try:
        parts = {
            (name, split): read_part(name, split, options.data, options.features, options.limit)
            for name in SOURCES
            for split in ("train", "test")
        }
    except PumGPTError as error:
        print(f"measure_across_platforms: {error}", file=sys.stderr)
        return 1
    for test in SOURCES:
        rows = [row for train in SOURCES for row in measure(parts[train, "train"], parts[test, "test"], train)]
        print(f"Tested on {test}:\n\n{render_rows(['trained on', 'variant', 'accuracy'], rows)}")
    return 0


def read_part(name: str, split: str, data: Path, features: Path | None, limit: int | None) -> Part:
    suite = load_suite(name)
    files = find_files(data, suite.products if split == "test" else str(suite.fit))
    own = {leaf: kind for kind, leaves in SHARED.items() for leaf in leaves[SOURCES.index(name)]}
    kinds, photos, places, place = [], [], [], 0
    for file in files:
        for record in pq.ParquetFile(file).iter_batches(batch_size=512, columns=["category", "image"]):
            for row in record.to_pylist():
                kind = own.get((row["category"] or [""])[-1])
                if kind is not None and (limit is None or len(kinds) < limit):
                    kinds.append(kind)
                    places.append(place)
                    photos.append(Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB"))
                place += 1
    pixels = features_of(photos) if features is None else np.load(features / f"{name}.npz")[split][places]
    coarse = features_of(photo.resize((COARSE_PX, COARSE_PX)).resize(photo.size) for photo in photos)
    return Part(np.array(kinds), pixels, np.array([is_plain(photo) for photo in photos]), coarse)


def is_plain(photo: Image.Image) -> bool:
    """Whether nothing is going on along the left and right border."""
    grey = np.asarray(photo.convert("L"), dtype=np.float32)
    return bool(np.concatenate([grey[:, :2].ravel(), grey[:, -2:].ravel()]).std() < PLAIN_SPREAD)


def measure(train: Part, test: Part, name: str) -> list[list[str]]:
    learner = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000, class_weight="balanced"))
    learner.fit(train.features, train.kinds)
    said = learner.predict(test.features)
    right = said == test.kinds
    rows = [
        ["as it is", proportion(right)],
        ["similar kinds merged", proportion(merge(said) == merge(test.kinds))],
    ]
    rows += [["plain background", proportion(right[test.plain])], ["busy background", proportion(right[~test.plain])]]
    if train.features.shape[1] == train.coarse.shape[1]:
        coarse = learner.predict(test.coarse) == test.kinds
        rows.append([f"test photos reduced to {COARSE_PX} px", proportion(coarse)])
    rows.append(["majority", majority(test.kinds)])
    return [[name, str(what), str(score)] for what, score in rows]


def merge(kinds: NDArray[np.str_]) -> NDArray[np.str_]:
    return np.array([MERGED.get(kind, kind) for kind in kinds])


def majority(kinds: NDArray[np.str_]) -> Measured:
    values, counts = np.unique(kinds, return_counts=True)
    return proportion(kinds == values[counts.argmax()])


if __name__ == "__main__":
    sys.exit(main())
