"""The parts of a model, out of public checkpoints: vision tower, Q-Former, language model.

Each is given as a folder, as the name of a hub model, or as a module that is built already.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from transformers import (
    AutoBackbone,
    AutoModel,
    AutoModelForCausalLM,
    Blip2QFormerConfig,
    Blip2QFormerModel,
    Blip2VisionConfig,
    Blip2VisionModel,
    PreTrainedConfig,
    PreTrainedModel,
)

from pumgpt.errors import ModelError, first_line
from pumgpt.model.checkpoint import Checkpoint, load_weights
from pumgpt.model.injection import decoder_layers
from pumgpt.model.qformer import LoadedQFormer
from pumgpt.model.vision import is_convolutional

BLIP = ("blip-2", "instructblip")
VISION = (
    "siglip_vision_model",
    "siglip2_vision_model",
    "clip_vision_model",
    "dinov2",
    "dinov2_with_registers",
    "blip_2_vision_model",
)
"""Vision transformers that a tower can be made of, beside every convolutional backbone."""

NORMS_OF_STAGES = "hidden_states_norms"
"""A ConvNeXt read as a backbone has a norm for each stage, which no checkpoint holds: it starts as a plain one."""

SENTENCES = (
    "A blue cotton shirt with long sleeves and a button-down collar.",
    "Which colour is the product? The photo shows a pair of black leather shoes.",
    "Whole milk in a carton of one litre, found in the dairy section of the shop.",
)
"""Plain text of the kind that visual tokens will stand beside."""

_Config = TypeVar("_Config", bound=PreTrainedConfig)


class Parts(NamedTuple):
    """Modules that are built already; a part that is None is built from its config with random weights."""

    vision: PreTrainedModel | None = None
    qformer: LoadedQFormer | None = None
    language_model: PreTrainedModel | None = None


Source = str | Path | nn.Module


def load_vision(source: Source, stages: Sequence[int] = (-2, -1)) -> PreTrainedModel:
    """The vision part of `source`; of a convolutional backbone the feature maps of `stages`.

    Raises `ModelError` where `source` holds none that a tower can be made of.
    """
    if isinstance(source, nn.Module):
        return _built_vision(source)
    checkpoint = Checkpoint(source, "vision")
    config = checkpoint.config
    if config.model_type in BLIP:
        return _blip_vision(checkpoint)
    if is_convolutional(config):
        with torch.device("meta"):
            backbone_class = type(AutoBackbone.from_config(config))
        return _pretrained(backbone_class, checkpoint, out_indices=list(stages))
    config = getattr(config, "vision_config", config)
    if config.model_type not in VISION:
        raise checkpoint.error(
            f"is a {config.model_type}, of which no vision tower can be made; known: {', '.join(VISION)}"
        )
    if hasattr(config, "vision_use_head"):
        config.vision_use_head = False  # Pools the patches, which are all that we want.
    return _pretrained(AutoModel, checkpoint, config=config)


def _built_vision(module: nn.Module) -> PreTrainedModel:
    module = getattr(module, "vision_model", module)
    config = getattr(module, "config", None)
    if not isinstance(module, PreTrainedModel) or config is None:
        raise ModelError(f"vision: a {type(module).__name__} is no model of transformers")
    if config.model_type not in VISION and not is_convolutional(config):
        raise ModelError(f"vision: no tower can be made of a {type(module).__name__}; known: {', '.join(VISION)}")
    return module


def _blip_vision(checkpoint: Checkpoint) -> PreTrainedModel:
    """BLIP-2's vision transformer; InstructBLIP's is the same network under another name."""
    config = _as(Blip2VisionConfig, checkpoint.config.vision_config)
    model = Blip2VisionModel._from_config(config)
    load_weights(model, checkpoint.tensors("vision_model"), checkpoint)
    return model


def load_qformer(source: Source) -> LoadedQFormer:
    """The Q-Former and the query tokens of a BLIP-2 or InstructBLIP checkpoint, as BLIP-2's module.

    It runs on its queries alone, so that InstructBLIP's text branch is left behind. Raises `ModelError` where `source` is
    something else.
    """
    if isinstance(source, nn.Module):
        return _built_qformer(source)
    checkpoint = Checkpoint(source, "qformer")
    if checkpoint.config.model_type not in BLIP:
        raise checkpoint.error(
            f"is a {checkpoint.config.model_type}; a Q-Former comes from a checkpoint of {' or '.join(BLIP)}"
        )
    model = Blip2QFormerModel._from_config(_qformer_config(checkpoint.config.qformer_config))
    load_weights(model, _as_blip2(checkpoint.tensors("qformer")), checkpoint)
    return LoadedQFormer(model, checkpoint.tensors("query_tokens")[""])


def _built_qformer(module: nn.Module) -> LoadedQFormer:
    qformer, queries = getattr(module, "qformer", None), getattr(module, "query_tokens", None)
    if not isinstance(qformer, PreTrainedModel) or not isinstance(queries, Tensor):
        raise ModelError(
            f"qformer: a {type(module).__name__} has no qformer and query_tokens; give a BLIP-2 or InstructBLIP"
        )
    model = Blip2QFormerModel._from_config(_qformer_config(qformer.config))
    model.load_state_dict(_as_blip2(qformer.state_dict()), strict=False)
    return LoadedQFormer(model, queries.detach().clone())


def _qformer_config(config: PreTrainedConfig) -> Blip2QFormerConfig:
    ours = _as(Blip2QFormerConfig, config)
    ours.use_qformer_text_input = bool(getattr(config, "use_qformer_text_input", False))
    return ours


def _as_blip2(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """InstructBLIP normalises queries and text together in its embeddings; BLIP-2 has that norm at the top."""
    return {name.removeprefix("embeddings.") if "layernorm" in name else name: value for name, value in tensors.items()}


def load_language_model(source: Source, dtype: torch.dtype | None = None) -> PreTrainedModel:
    """A causal language model that visual tokens can be injected into.

    Raises `InjectionError`, before any weight is read, where its layers can't be injected into, and `ModelError` where
    `source` is no language model.
    """
    if isinstance(source, nn.Module):
        decoder_layers(source)
        if not isinstance(source, PreTrainedModel):
            raise ModelError(f"language_model: a {type(source).__name__} is no model of transformers")
        return source
    checkpoint = Checkpoint(source, "language_model")
    try:
        with torch.device("meta"):
            decoder_layers(AutoModelForCausalLM.from_config(checkpoint.config))
    except ValueError as error:
        raise checkpoint.error(f"is a {checkpoint.config.model_type}, which is no causal language model") from error
    return _pretrained(AutoModelForCausalLM, checkpoint, dtype=dtype if dtype is not None else "auto")


def sample_text(tokenizer: Any, vocab_size: int) -> Tensor:
    """Token ids (R, S) of a few sentences; random ones where there is no tokenizer."""
    if tokenizer is None:
        return torch.randint(vocab_size, (4, 32), generator=torch.Generator().manual_seed(0))
    ids = [tokenizer(sentence, add_special_tokens=False)["input_ids"] for sentence in SENTENCES]
    length = min(len(row) for row in ids)
    return torch.tensor([row[:length] for row in ids])


def _pretrained(auto_class: Any, checkpoint: Checkpoint, **options: Any) -> PreTrainedModel:
    """`from_pretrained`, refusing pickles and weights that are missing."""
    checkpoint.require_safetensors()
    try:
        model, report = auto_class.from_pretrained(
            checkpoint.source, use_safetensors=True, output_loading_info=True, **options
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise checkpoint.error(f"can't be loaded: {first_line(error)}") from error
    if missing := sorted(name for name in report["missing_keys"] if not name.startswith(NORMS_OF_STAGES)):
        raise checkpoint.error(f"lacks {missing[0]}" + (f" and {len(missing) - 1} more" if len(missing) > 1 else ""))
    loaded: PreTrainedModel = model
    return loaded


def _as(wanted: type[_Config], config: PreTrainedConfig) -> _Config:
    """The same sizes as a config of another class."""
    fields = {name: value for name, value in config.to_dict().items() if name not in ("model_type", "architectures")}
    return wanted(**fields)
