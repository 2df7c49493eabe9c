"""A stage from outside the package: registered, found by its recipe, trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
import yaml
from pydantic import BaseModel, ConfigDict
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import TrainingArguments

from pumgpt.catalog.product import Product
from pumgpt.errors import RecipeError
from pumgpt.samples import draw_parquet
from pumgpt.training.data.augmentation import AugmentRecipe, random_or_plain
from pumgpt.training.data.products import PhotoCache, ProductDataset, batch_seed, read_splits
from pumgpt.training.recipe import load_recipe
from pumgpt.training.run import train
from pumgpt.training.stages import registry
from pumgpt.training.stages.base import Stage, StageRecipe


class BrightnessSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    start: float = 0.0


class BrightnessRecipe(StageRecipe):
    stage: Literal["brightness"]
    brightness: BrightnessSettings = BrightnessSettings()


class Guess(nn.Module):
    """Says the same brightness of every photo."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(start))

    def forward(self, brightness_B: Tensor) -> dict[str, Tensor]:
        return {"loss": (self.level - brightness_B).square().mean()}


@dataclass(kw_only=True)
class BrightnessStage(Stage):
    name = "brightness"
    recipe_class = BrightnessRecipe
    label_names = ("brightness_B",)

    model: Guess
    photos: PhotoCache

    @classmethod
    def build(cls, recipe: BrightnessRecipe, arguments: TrainingArguments) -> BrightnessStage:
        train_set, validation = read_splits(recipe.data, recipe.data_dir, recipe.seed, recipe.stage)
        return cls(
            model=Guess(recipe.brightness.start),
            train_set=ProductDataset(train_set),
            validation_set=ProductDataset(validation),
            photos=PhotoCache(recipe.data.size_px),
        )

    def collate(self, views: AugmentRecipe | None) -> Any:
        def batch(products: Sequence[Product]) -> dict[str, Tensor]:
            found, photos = self.photos.batch(products)
            shown = random_or_plain(photos.float() / 255, 16, views, batch_seed(found))
            return {"brightness_B": shown.mean((1, 2, 3))}

        return batch

    def save(self, folder: Path) -> None:
        save_file(self.model.state_dict(), folder / "model.safetensors")


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry as it is without what a test registers."""
    monkeypatch.setattr(registry, "_STAGES", dict(registry._STAGES))


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    draw_parquet(tmp_path / "products.parquet", range(8), size_px=32)
    document = {
        "stage": "brightness",
        "about": "a test",
        "output_dir": str(tmp_path / "out"),
        "data_dir": str(tmp_path),
        "init_from": {"scratch": {"architecture": {}}},
        "data": {
            "size_px": 32,
            "train": [{"files": "products.parquet"}],
            "validation": [{"files": "products.parquet"}],
        },
        "brightness": {"start": 0.2},
        "trainer": {"max_steps": 2, "learning_rate": 0.1, "disable_tqdm": True, "use_cpu": True},
    }
    path = tmp_path / "brightness.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def test_a_stage_from_outside_is_trained(stages: None, recipe: Path) -> None:
    with pytest.raises(RecipeError, match="'brightness' is no stage of training"):
        load_recipe(recipe)
    registry.register(BrightnessStage)
    folder = train(recipe)
    assert load_file(folder / "model.safetensors")["level"] > 0.25
    assert load_recipe(folder / "recipe.yaml").stage == "brightness"
    assert "eval_loss" in (folder / "trainer_state.json").read_text()
    with pytest.raises(RecipeError, match=r"brightness\.sart: Extra inputs"):
        load_recipe(recipe, ["brightness.sart=1"])


def test_an_installed_package_brings_its_stage(stages: None, recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("brightness", f"{__name__}:BrightnessStage", registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == "pumgpt.stages" else [])
    registry._load_entry_points.cache_clear()
    try:
        assert registry.get_stage("brightness") is BrightnessStage
    finally:
        registry._load_entry_points.cache_clear()


def test_a_name_means_one_stage(stages: None) -> None:
    registry.register(BrightnessStage)
    registry.register(BrightnessStage)

    class Other(BrightnessStage):
        pass

    with pytest.raises(RecipeError, match="'brightness' is registered already"):
        registry.register(Other)
