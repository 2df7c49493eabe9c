"""Stage `heads`: the vision tower learns to see, with one linear head per label. The heads are also the specialists that
the generalist is measured against.

Shapes: B photos, K values of one label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from safetensors.torch import save_file
from torch import Tensor
from transformers import EvalPrediction, TrainingArguments

from pumgpt.catalog.product import Product
from pumgpt.training.data.augmentation import AugmentRecipe, blend_photos, luminance, random_or_plain
from pumgpt.training.data.labels import WORDS, collect_values, collect_words, label_of, title_words
from pumgpt.training.data.products import PhotoCache, ProductDataset, batch_seed, read_splits
from pumgpt.training.objectives.heads import (
    IGNORED,
    LabelHeads,
    TowerWithHeads,
    load_heads,
    read_values,
    write_values,
)
from pumgpt.training.stages.base import Stage, StageRecipe
from pumgpt.training.trainer import freeze_all_but, views_device


class HeadSettings(BaseModel):
    """Linear heads on the tower: which labels, and how often a value must occur to be one."""

    model_config = ConfigDict(extra="forbid")

    labels: list[str]
    min_count: int = 1
    smoothing: float = 0.1
    words_min_count: int = 0
    """Beside the labels the words of titles are learned that at least so many titles have; 0: none."""
    blend: float = 0.0
    """Share of the photos that are blended with another one of the batch, as in mixup (Zhang et al. 2018, arXiv 1710.09412)."""

    grey: float = 0.0
    """Share of the photos that lose their colours, and with them the labels `grey_hides`."""
    grey_hides: list[str] = ["colour"]

    def values(self, products: Sequence[Product], start: Path | None) -> dict[str, list[str]]:
        """The values of each head: those of the stage in `start` where it had heads, else what the products state.

        A head's rows mean these values in this order, so that those of an earlier stage stay as they are.
        """
        values = read_values(start) or collect_values(products, self.labels, self.min_count)
        if self.words_min_count and WORDS not in values:
            values[WORDS] = collect_words(products, self.words_min_count)
        return values


class HeadsRecipe(StageRecipe):
    """Stage `heads`; tower and heads go on from `init_from` where that is a folder that has them."""

    stage: Literal["heads"]
    heads: HeadSettings
    trained: list[str] | None = None
    """Parts that train, by the beginning of their parameters' names, as `tower.model.stages.4`; with None all."""


@dataclass(kw_only=True)
class HeadsStage(Stage):
    """A tower and linear heads, each head learning one label."""

    name = "heads"
    recipe_class = HeadsRecipe

    recipe: HeadsRecipe
    model: TowerWithHeads
    photos: PhotoCache
    device: torch.device

    @classmethod
    def build(cls, recipe: HeadsRecipe, arguments: TrainingArguments) -> HeadsStage:
        train, validation = read_splits(recipe.data, recipe.data_dir, recipe.seed, recipe.stage)
        start = recipe.init_from.folder
        values = recipe.heads.values(train, start)
        tower = recipe.init_from.load_tower()
        model = TowerWithHeads(tower, LabelHeads(tower.hidden_size, values), recipe.heads.smoothing)
        if start is not None:
            # A PumGPT checkpoint may have none; they then start at random.
            load_heads(model.heads, start)
        if recipe.trained is not None:
            freeze_all_but(model, recipe.trained)
        return cls(
            recipe=recipe,
            model=model,
            train_set=ProductDataset(train),
            validation_set=ProductDataset(validation),
            metrics=head_accuracy(list(values)),
            photos=PhotoCache(recipe.data.size_px, longest_px=recipe.data.longest_px),
            device=views_device(arguments),
        )

    def collate(self, views: AugmentRecipe | None) -> HeadsCollator:
        recipe, values = self.recipe, self.model.heads.values
        return HeadsCollator(
            self.photos, values, recipe.size_px, views, recipe.heads, detail_px=recipe.detail_px, device=self.device
        )

    def save(self, folder: Path) -> None:
        weights = {name: tensor.detach().contiguous() for name, tensor in self.model.state_dict().items()}
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        write_values(folder, self.model.heads.values)
        self.model.tower.config.save_pretrained(folder)


def head_accuracy(names: Sequence[str]) -> Callable[[EvalPrediction], dict[str, float]]:
    """Metric function for `Trainer`: accuracy of each head over the photos that state its label."""

    def metrics(prediction: EvalPrediction) -> dict[str, float]:
        logits: Any = prediction.predictions
        labels: Any = prediction.label_ids
        result = {}
        for name in names:
            if name == WORDS:
                continue
            stated = labels[name] != IGNORED
            if stated.any():
                right = logits[name][stated].argmax(-1) == labels[name][stated]
                result[f"accuracy_{name}"] = float(np.mean(right))
        return result

    return metrics


class HeadsCollator:
    """Products to `pixel_values` (B, 3, size_px, size_px), normalised to -1..1, and by label indices (B,), or for the
    words of titles a distribution (B, K). Where photos are blended, `partner` (B,) and `own_share` (B,) as well.

    Photos go to `device` as bytes, and their views are made there.
    """

    def __init__(
        self,
        photos: PhotoCache,
        values: Mapping[str, Sequence[str]],
        size_px: int,
        views: AugmentRecipe | None,
        settings: HeadSettings | None = None,
        *,
        detail_px: int | None = None,
        device: torch.device | None = None,
    ) -> None:
        settings = settings or HeadSettings(labels=[])
        self.photos = photos
        self.size_px = size_px
        self.detail_px = detail_px
        self.views = views
        self.blend = settings.blend if views else 0.0
        self.grey = settings.grey if views else 0.0
        self.grey_hides = settings.grey_hides
        self.device = device
        self.index = {name: {value: i for i, value in enumerate(items)} for name, items in values.items()}

    def __call__(self, products: Sequence[Product]) -> dict[str, Any]:
        products, photos = self.photos.batch(products)
        seed = batch_seed(products)
        pixels = photos.to(device=self.device).float() / 255
        pixels = random_or_plain(pixels, self.size_px, self.views, seed, self.detail_px)
        labels = {name: self._label(products, name) for name in self.index}
        if self.grey:
            is_grey = torch.rand(len(pixels), generator=torch.Generator().manual_seed(seed)) < self.grey
            pixels = torch.where(is_grey.view(-1, 1, 1, 1).to(pixels.device), luminance(pixels), pixels)
            for name in set(self.grey_hides) & set(labels):
                labels[name] = torch.where(is_grey, IGNORED, labels[name])
        result: dict[str, Any] = {"labels": labels}
        if self.blend:
            pixels, result["partner"], result["own_share"] = blend_photos(pixels, self.blend, seed)
        return result | {"pixel_values": pixels * 2 - 1}

    def _label(self, products: Sequence[Product], name: str) -> Tensor:
        index = self.index[name]
        if name != WORDS:
            return torch.tensor([index.get(label_of(product, name) or "", IGNORED) for product in products])
        target_BK = torch.zeros(len(products), len(index))
        for row, product in enumerate(products):
            # Shares of one: a long title must not weigh more than a short one.
            known = [index[word] for word in title_words(product) if word in index]
            target_BK[row, known] = 1 / max(len(known), 1)
        return target_BK
