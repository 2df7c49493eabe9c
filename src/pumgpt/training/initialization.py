"""Where a stage starts from: the `init_from` of a recipe.

init_from: nano                                     a checkpoint, by name, folder or hub name
init_from: {checkpoint: runs/nano/2-contrast}       the same in full
init_from: {parts: {vision: google/siglip-base-patch16-224, language_model: Qwen/Qwen3-0.6B}}
init_from: {scratch: {architecture: {vision_config: ..., text_config: ...}}}
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, BeforeValidator, ConfigDict, model_serializer
from safetensors.torch import load_file
from torch import nn
from transformers import CONFIG_MAPPING, AutoConfig

from pumgpt.catalog.product import Product
from pumgpt.errors import ModelError, RecipeError, first_line
from pumgpt.model.card import resolve_checkpoint
from pumgpt.model.configuration import PumGPTConfig
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.parts import load_vision
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.model.vision import VisionTower, build_tower
from pumgpt.training.scratch import build_from_scratch, tokenizer_texts

ModelAndProcessor = tuple[PumGPTForConditionalGeneration, PumGPTProcessor]


class FromCheckpoint(BaseModel):
    """The weights of an earlier stage, or of a published model."""

    model_config = ConfigDict(extra="forbid")

    checkpoint: str

    @model_serializer
    def _shorthand(self) -> str:
        return self.checkpoint

    @property
    def folder(self) -> Path:
        """Raises `RecipeError` where there is no such checkpoint."""
        try:
            return resolve_checkpoint(self.checkpoint)
        except ModelError as error:
            raise RecipeError(f"init_from: {first_line(error).removeprefix('--model ')}") from error

    def load_model(self, products: Sequence[Product], size_px: int) -> ModelAndProcessor:
        """In fp32, whatever the checkpoint is kept in: half precision loses the small steps of an optimizer."""
        model = PumGPTForConditionalGeneration.from_pretrained(self.folder, dtype=torch.float32)
        return model, PumGPTProcessor.from_pretrained(self.folder)

    def load_tower(self) -> VisionTower:
        return tower_of(self.folder)


class PartsRecipe(BaseModel):
    """Public checkpoints, each a folder or a hub name."""

    model_config = ConfigDict(extra="forbid")

    vision: str
    qformer: str | None = None
    """None: a new one with random weights."""
    language_model: str | None = None
    """Stage `heads` needs none."""
    stages: tuple[int, ...] = (-2, -1)
    """Of a convolutional tower the stages whose feature maps are read, the finest first."""
    settings: dict[str, Any] = {}
    """More arguments of `PumGPTForConditionalGeneration.from_parts`: `bridge`, `num_visual_tokens`, `adapter_dim`, ..."""


class FromParts(BaseModel):
    """A model joined out of public checkpoints; what is between them is untrained."""

    model_config = ConfigDict(extra="forbid")

    parts: PartsRecipe

    @property
    def folder(self) -> None:
        return None

    def load_model(self, products: Sequence[Product], size_px: int) -> ModelAndProcessor:
        parts = self.parts
        if parts.language_model is None:
            raise RecipeError("init_from.parts.language_model: this stage trains a whole model; name a language model")
        model = PumGPTForConditionalGeneration.from_parts(
            vision=parts.vision,
            qformer=parts.qformer,
            language_model=parts.language_model,
            # As with a checkpoint; a large frozen language model may ask for bfloat16 in its settings.
            **({"dtype": torch.float32} | parts.settings),
        )
        processor = PumGPTProcessor.from_parts(parts.vision, parts.language_model, model.config.num_visual_tokens)
        return model, processor

    def load_tower(self) -> VisionTower:
        module = load_vision(self.parts.vision, self.parts.stages)
        return build_tower(module.config, module)


class ScratchRecipe(BaseModel):
    """An architecture for random weights."""

    model_config = ConfigDict(extra="forbid")

    architecture: dict[str, Any]
    """Arguments of `PumGPTConfig`, but for those that follow from the tokenizer; of stage `heads` `vision_config` alone."""
    attributes: list[str] = []
    """Attributes whose questions and answers the tokenizer is trained on, beside the titles of the products."""


class FromScratch(BaseModel):
    """Random weights, and a tokenizer of the training products' texts."""

    model_config = ConfigDict(extra="forbid")

    scratch: ScratchRecipe

    @property
    def folder(self) -> None:
        return None

    def load_model(self, products: Sequence[Product], size_px: int) -> ModelAndProcessor:
        texts = tokenizer_texts(products, self.scratch.attributes)
        return build_from_scratch(self.scratch.architecture, texts, size_px)

    def load_tower(self) -> VisionTower:
        vision = dict(self.scratch.architecture.get("vision_config", {}))
        kind = vision.pop("model_type", None)
        if kind not in CONFIG_MAPPING:
            raise RecipeError(
                f"init_from.scratch.architecture.vision_config.model_type: '{kind}' is no model of transformers; "
                "write resnet, for example"
            )
        return build_tower(CONFIG_MAPPING[kind](**vision))


_KINDS: dict[str, type[BaseModel]] = {"checkpoint": FromCheckpoint, "parts": FromParts, "scratch": FromScratch}


def _choose_kind(value: Any) -> Any:
    """Pick the model by its one key before pydantic does: a union's error would list all of them."""
    if isinstance(value, str | Path):
        return FromCheckpoint(checkpoint=str(value))
    if isinstance(value, dict) and len(value) == 1 and (kind := _KINDS.get(next(iter(value)))):
        return kind.model_validate(value)
    if isinstance(value, tuple(_KINDS.values())):
        return value
    raise ValueError("name a checkpoint, or write one of {checkpoint: ...}, {parts: ...} and {scratch: ...}")


InitFrom = Annotated[FromCheckpoint | FromParts | FromScratch, BeforeValidator(_choose_kind)]


def tower_of(folder: Path) -> VisionTower:
    """The vision tower of a folder of stage `heads` or of a PumGPT checkpoint, of whatever shape it is."""
    config = AutoConfig.from_pretrained(folder)
    tower = build_tower(config.vision_config if isinstance(config, PumGPTConfig) else config)
    load_tower(tower, folder)
    return tower


def load_tower(tower: nn.Module, folder: Path) -> None:
    """Put the vision tower that stage `heads` left in `folder`, or that of a PumGPT checkpoint, into `tower`."""
    weights = load_file(folder / "model.safetensors")
    # Stage `heads` names it its own way, a checkpoint as the model does.
    for prefix in ("tower.", "vision_tower."):
        state = {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}
        if state:
            tower.load_state_dict(state)
            return
    raise RecipeError(
        f"{folder}/model.safetensors holds no vision tower; name a folder of stage 'heads' or of a PumGPT checkpoint"
    )
