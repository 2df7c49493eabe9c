"""Tiny models with random weights, and tiny public checkpoints as `transformers` writes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import Blip2QFormerConfig, PreTrainedTokenizerFast

from pumgpt.model.configuration import PumGPTConfig
from pumgpt.model.modeling import PumGPTForConditionalGeneration

_SENTENCE = "what colour is the product a blue cotton shirt red shoe of in for to and photo shows user assistant : ? ."
WORDS = _SENTENCE.split(" ")
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<image>"]
IMAGE_ID = SPECIAL.index("<image>")
VOCAB = len(SPECIAL) + len(WORDS)
SIZE = 32
TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }} : {% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}"
    "{% endif %}{% endfor %}{% endif %} {% endfor %}{% if add_generation_prompt %}assistant :{% endif %}"
)

BLOCKS = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
VISION = {**BLOCKS, "image_size": SIZE, "patch_size": 8}
QFORMER = {**BLOCKS, "encoder_hidden_size": 16, "vocab_size": 20, "cross_attention_frequency": 2}
TEXT = {
    **BLOCKS,
    "num_hidden_layers": 3,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "vocab_size": VOCAB,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "max_position_embeddings": 128,
}
LANGUAGE_MODELS = {"llama": "Llama", "qwen3": "Qwen3", "mistral": "Mistral"}
OPT = {"model_type": "opt", "hidden_size": 16, "ffn_dim": 32, "word_embed_proj_dim": 16, "num_hidden_layers": 1}


def text_config(kind: str, **changes: Any) -> Any:
    """A tiny config of the language model `kind`."""
    return getattr(transformers, f"{LANGUAGE_MODELS[kind]}Config")(**{**TEXT, **changes})


def tiny_model(kind: str = "llama", **changes: Any) -> PumGPTForConditionalGeneration:
    """A tiny PumGPT whose weights are large enough that everything matters to the logits."""
    torch.manual_seed(0)
    qformer = Blip2QFormerConfig(**QFORMER, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    config = PumGPTConfig(
        **{
            "vision_config": {"model_type": "siglip_vision_model", "vision_use_head": False, **VISION},
            "qformer_config": qformer,
            "text_config": text_config(kind),
            "num_query_tokens": 6,
            "num_visual_tokens": 3,
            "adapter_dim": 8,
            "adapter_num_heads": 2,
            "image_token_id": IMAGE_ID,
            **changes,
        }
    )
    model = PumGPTForConditionalGeneration(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.3)
    return model.eval()


def prompt(*pieces: int | str, blocks: int = 3) -> list[int]:
    """Token ids; "photo" stands for `blocks` placeholders."""
    return [token for piece in pieces for token in ([IMAGE_ID] * blocks if piece == "photo" else [int(piece)])]


def pixels(count: int, seed: int = 0) -> torch.Tensor:
    """Random photos (count, 3, 32, 32)."""
    return torch.randn(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed))


VISION_MODELS: dict[str, Callable[[], Any]] = {
    "siglip": lambda: _model("Siglip", vision_config=VISION, text_config=BLOCKS),
    "siglip-vision": lambda: _model("SiglipVision", **VISION),
    "siglip2": lambda: _model(
        "Siglip2", vision_config={**BLOCKS, "num_patches": 16, "patch_size": 8}, text_config=BLOCKS
    ),
    "clip": lambda: _model("CLIP", vision_config=VISION, text_config=BLOCKS),
    "dinov2": lambda: _model("Dinov2", **{**VISION, "mlp_ratio": 2}),
    "dinov2-registers": lambda: _model("Dinov2WithRegisters", **{**VISION, "mlp_ratio": 2}),
    "resnet": lambda: _model("ResNet", embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic"),
    "convnextv2": lambda: _model("ConvNextV2", hidden_sizes=[8, 16], depths=[1, 1], num_stages=2, patch_size=2),
    "blip2": lambda: _blip("Blip2", {**OPT, "vocab_size": VOCAB, "num_attention_heads": 2}),
    "instructblip": lambda: _blip("InstructBlip", {"model_type": "llama", **TEXT}),
}


def _model(name: str, **sizes: Any) -> Any:
    sizes = {key: dict(value) if isinstance(value, dict) else value for key, value in sizes.items()}
    return getattr(transformers, f"{name}Model")(getattr(transformers, f"{name}Config")(**sizes))


def _blip(name: str, text: dict[str, Any]) -> Any:
    config = getattr(transformers, f"{name}Config")(
        vision_config=dict(VISION), qformer_config=dict(QFORMER), text_config=dict(text), num_query_tokens=6
    )
    model = getattr(transformers, f"{name}ForConditionalGeneration")(config)
    with torch.no_grad():
        model.query_tokens.normal_()
    return model


class Checkpoints:
    """Writes each tiny checkpoint once, when it is first asked for."""

    def __init__(self, root: Path, tokenizer: PreTrainedTokenizerFast) -> None:
        self.root, self.tokenizer = root, tokenizer

    def vision(self, name: str) -> Path:
        """A checkpoint of `VISION_MODELS`."""
        folder = self.root / name
        if not folder.exists():
            torch.manual_seed(1)
            VISION_MODELS[name]().save_pretrained(folder)
        return folder

    def language_model(self, kind: str, **changes: Any) -> Path:
        """A language model with its tokenizer."""
        folder = self.root / "-".join([kind, *changes])
        if not folder.exists():
            torch.manual_seed(2)
            build = getattr(transformers, f"{LANGUAGE_MODELS[kind]}ForCausalLM")
            build(text_config(kind, **changes)).save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)
        return folder
