"""What a stage of training is, and the keys that every stage's recipe has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from torch import nn
from torch.utils.data import Dataset
from transformers import EvalPrediction, TrainingArguments

from pumgpt.catalog.product import Product
from pumgpt.training.data.augmentation import AugmentRecipe
from pumgpt.training.data.products import DataRecipe
from pumgpt.training.initialization import InitFrom

Batch = dict[str, Any]
Collator = Callable[[Sequence[Product]], Batch]


class StageRecipe(BaseModel):
    """The keys that all stages share. A stage's own recipe adds its block."""

    model_config = ConfigDict(extra="forbid")

    stage: str
    about: str
    """One sentence: what this stage is for."""
    output_dir: Path
    data_dir: Path
    init_from: InitFrom
    data: DataRecipe
    augment: AugmentRecipe | None = AugmentRecipe()
    size_px: int = 128
    detail_px: int | None = None
    """Plain views hold no more detail than a photo of this side; `augment.resolution_px` says it of random ones."""
    learning_rates: dict[str, float] = {}
    """Beginning of parameters' names -> how many times `trainer.learning_rate` they learn at; the longest that fits counts."""
    average: float | None = Field(default=None, gt=0, lt=1)
    """Decay of an exponential mean of the weights, which is what is evaluated at the end and kept."""
    frozen_statistics: bool = False
    """Whether batch norms keep the statistics that they came with, while their scales and shifts learn."""
    seed: int = 0
    trainer: dict[str, Any]
    """Passed to `transformers.TrainingArguments` as it is."""


@dataclass(kw_only=True)
class Stage(ABC):
    """A model, its data and its loss, ready to be trained. A subclass says how they are built from its recipe."""

    name: ClassVar[str]
    recipe_class: ClassVar[type[StageRecipe]]
    label_names: ClassVar[Sequence[str]] = ("labels",)
    """Keys of a batch that `Trainer` hands to `metrics`."""

    model: nn.Module
    train_set: Dataset[Product]
    validation_set: Dataset[Product]
    metrics: Callable[[EvalPrediction], dict[str, float]] | None = None
    """What evaluation measures beside the loss."""

    @classmethod
    @abstractmethod
    def build(cls, recipe: Any, arguments: TrainingArguments) -> Stage:
        """The stage of a recipe, which is a `recipe_class`. Raises `RecipeError` for what can't be built."""

    @abstractmethod
    def collate(self, views: AugmentRecipe | None) -> Collator:
        """What makes batches of products: of random views, or of the plain photos with None."""

    def loss(self, model: Any, batch: Batch) -> dict[str, Any]:
        """`loss`, which is minimised, and for `metrics` `logits`. `model` is ours as `Trainer` wrapped it."""
        return dict(model(**batch))

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Leave in `folder` what the next stage, or `pumgpt enrich`, loads."""

    def complete(self, run_stage: Callable[[StageRecipe], Stage]) -> None:  # noqa: B027 - most stages have nothing to add
        """Add to the trained model what takes further runs, once it is saved."""
