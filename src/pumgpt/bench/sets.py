"""The test sets of the development data, and the baselines that can be fitted for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pumgpt.errors import CatalogError

Condition = Literal["image only", "with title"]
IMAGE_ONLY: Condition = "image only"
WITH_TITLE: Condition = "with title"


@dataclass(frozen=True, slots=True)
class MeasuredSet:
    """One set of test products, and the products that baselines may be fitted on. Files are patterns below a folder."""

    name: str
    test: str
    train: str | None = None
    conditions: tuple[Condition, ...] = (IMAGE_ONLY,)

    def test_files(self, data: Path) -> list[Path]:
        return _find(data, self.test)

    def train_files(self, data: Path) -> list[Path]:
        return _find(data, self.train) if self.train else []


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


def _find(data: Path, pattern: str) -> list[Path]:
    files = sorted(data.glob(pattern))
    if not files:
        raise CatalogError(f"no file matches {data / pattern}; give the folder of the data with --data")
    return files
