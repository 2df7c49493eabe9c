"""Products that the project draws itself: the demo's catalogue, a part of the training data, and pictures to refuse."""

from __future__ import annotations

from pumgpt.samples.draw import KINDS, TRAINING_SEEDS, draw_product
from pumgpt.samples.foreign import FOREIGN, draw_foreign
from pumgpt.samples.sheets import SAMPLE_SEEDS, draw_foreign_parquet, draw_parquet, draw_sample, write_catalog

__all__ = [
    "FOREIGN",
    "KINDS",
    "SAMPLE_SEEDS",
    "TRAINING_SEEDS",
    "draw_foreign",
    "draw_foreign_parquet",
    "draw_parquet",
    "draw_product",
    "draw_sample",
    "write_catalog",
]
