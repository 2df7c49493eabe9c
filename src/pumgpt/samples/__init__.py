"""Products that the project draws itself: the demo's catalogue, a part of the training data, and pictures to refuse.

product.py    a product out of a seed, of one of the kinds in families/
foreign/      pictures of no product: scenes, creatures, papers, surfaces
seeds.py      which seeds are drawn for what
files.py      catalogues and Parquet of drawings
canvas.py, colour.py, texture.py, kind.py    what families/ and foreign/ draw with
"""

from __future__ import annotations

from pumgpt.samples.files import draw_foreign_parquet, draw_parquet, draw_sample, write_catalog
from pumgpt.samples.foreign.picture import FOREIGN, draw_foreign
from pumgpt.samples.product import KINDS, draw_product

__all__ = [
    "FOREIGN",
    "KINDS",
    "draw_foreign",
    "draw_foreign_parquet",
    "draw_parquet",
    "draw_product",
    "draw_sample",
    "write_catalog",
]
