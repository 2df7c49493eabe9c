"""Build a model from scratch by a recipe's `architecture`: tokenizer, processor, random weights."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import PreTrainedTokenizerFast
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from pumgpt.errors import RecipeError
from pumgpt.model.configuration import PumGPTConfig
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import IMAGE_TOKEN, PumGPTProcessor
from pumgpt.training.stages.heads import LabelHeads
from pumgpt.training.tokenizer import CHAT_TEMPLATE, train_tokenizer


def build_from_scratch(
    architecture: dict[str, Any], texts: Iterable[str], size_px: int
) -> tuple[PumGPTForConditionalGeneration, PumGPTProcessor]:
    """A model with random weights and a processor whose tokenizer was trained on `texts`.

    `architecture` holds the arguments of `PumGPTConfig` but for what follows from the tokenizer. The bridge starts at the
    scale that `texts` have in the language model.
    """
    lines = list(texts)
    fields = dict(architecture)
    tokenizer = train_tokenizer(lines, fields["text_config"]["vocab_size"])
    fields["image_token_id"] = tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)
    fields["contrastive_vocab_size"] = fields["text_config"]["vocab_size"]
    ids = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None}
    fields["text_config"] = fields["text_config"] | ids
    config = PumGPTConfig(**fields)
    model = PumGPTForConditionalGeneration(config)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.suppress_tokens = [config.image_token_id]
    model.match_scale(_sample_ids(tokenizer, lines))
    images = SiglipImageProcessorPil(size={"height": size_px, "width": size_px})
    processor = PumGPTProcessor(images, tokenizer, config.num_visual_tokens, chat_template=CHAT_TEMPLATE)
    return model, processor


def _sample_ids(tokenizer: PreTrainedTokenizerFast, lines: list[str], rows: int = 32, length: int = 24) -> torch.Tensor:
    ids = tokenizer(" ".join(lines[: rows * length]))["input_ids"]
    if len(ids) < rows * length:
        raise RecipeError("there is too little text to build a tokenizer from; check data.train")
    return torch.tensor(ids[: rows * length]).view(rows, length)


def load_tower(tower: nn.Module, folder: Path) -> None:
    """Put the vision tower that stage `heads` left in `folder`, or that of a PumGPT checkpoint, into `tower`."""
    weights = load_file(folder / "model.safetensors")
    for prefix in ("tower.", "vision_tower."):
        state = {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}
        if state:
            tower.load_state_dict(state)
            return
    raise RecipeError(
        f"{folder}/model.safetensors holds no vision tower; name a folder of stage 'heads' or of a PumGPT checkpoint"
    )


def load_heads(heads: LabelHeads, folder: Path, name: str = "heads") -> bool:
    """Put the heads that stage `heads` or `contrast` left in `folder` into `heads`; False where it left none. `name` is that of
    their file: `query_heads` are the Q-Former's.
    """
    if (folder / f"{name}.safetensors").is_file():
        heads.load_state_dict(load_file(folder / f"{name}.safetensors"))
        return True
    if name != "heads":
        return False
    weights = load_file(folder / "model.safetensors")
    state = {name.removeprefix("heads."): tensor for name, tensor in weights.items() if name.startswith("heads.")}
    if state:
        heads.load_state_dict(state)
    return bool(state)
