"""The test sets of the development data, and the baselines that can be fitted for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pumgpt.errors import CatalogError

Condition = Literal["image only", "with title", "title struck", "title only"]
"""What a model is shown: the photos; with the listing's text; with the words struck out of it that name an answer; or
that text alone."""
IMAGE_ONLY: Condition = "image only"
WITH_TITLE: Condition = "with title"
TITLE_STRUCK: Condition = "title struck"
TITLE_ONLY: Condition = "title only"


@dataclass(frozen=True, slots=True)
class MeasuredSet:
    """One set of test products, and the products that baselines may be fitted on. Files are patterns below a folder."""

    name: str
    test: str
    train: str | None = None
    conditions: tuple[Condition, ...] = (IMAGE_ONLY,)

    def test_files(self, data: Path) -> list[Path]:
        return find_files(data, self.test)

    def train_files(self, data: Path) -> list[Path]:
        return find_files(data, self.train) if self.train else []


FASHION = MeasuredSet("fashion", "fashion/test-*.parquet", "fashion/train-*.parquet", (IMAGE_ONLY, WITH_TITLE))
NANO_SETS = (
    FASHION,
    MeasuredSet("grocery", "grocery/test.parquet", "grocery/train.parquet"),
    MeasuredSet("grocery-iconic", "grocery/iconic.parquet", "grocery/train.parquet"),
    MeasuredSet("clothing", "clothing/test.parquet", "clothing/train.parquet"),
)
"""What nano was trained for."""

OPEN_DOMAIN = MeasuredSet("open-domain", "open-domain/test.parquet")
"""Everyday photos: no category of a shop is right, and nothing may ever be fitted on them."""

VALIDATION_SETS = (
    MeasuredSet("fashion-validation", "fashion/validation-*.parquet", conditions=(IMAGE_ONLY, WITH_TITLE)),
    MeasuredSet("grocery-validation", "grocery/validation.parquet"),
)
"""What confidences and thresholds are fitted on."""


def find_files(data: Path, pattern: str) -> list[Path]:
    """The files below `data` that match a pattern, in the order of their names. Raises `CatalogError` for none."""
    files = sorted(data.glob(pattern))
    if not files:
        raise CatalogError(f"no file matches {data / pattern}; give the folder of the data with --data")
    return files
