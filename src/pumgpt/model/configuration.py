"""The architecture of a PumGPT model, as it is written into a checkpoint's `config.json`."""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig, Blip2QFormerConfig, PreTrainedConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from pumgpt.errors import ModelError

FORMAT_VERSION = 1
"""Version of the checkpoint layout that this program writes. It reads this one and older ones."""

BRIDGES = ("layerwise", "queries", "mlp")


class PumGPTConfig(PreTrainedConfig):
    """Vision tower, Q-Former, bridge and language model.

    Args:
        vision_config: any `transformers` vision model or backbone (a config, or a dict with `model_type`).
        qformer_config: BLIP-2's Q-Former.
        text_config: any decoder whose layers we can inject into.
        bridge: how vision reaches the language model: `layerwise` (N tokens of its own for every layer), `queries` (the M
            query outputs enter at layer 0, as in BLIP-2), `mlp` (every patch enters at layer 0, as in LLaVA).
        num_query_tokens: M.
        num_visual_tokens: N, smaller than M (`layerwise` only).
        adapter_dim: width d of an adapter's latents, keys and values.
        adapter_num_heads: heads of an adapter's attention.
        image_token_id: the placeholder's id in the tokenizer.
        mirrored: whether each photo is read together with its mirror image: twice the work of the tower, steadier answers. Not
            with the bridge `mlp`.
        zoomed: below 1, each photo is read together with a window onto its middle, of this share of its sides: twice the work of
            the tower again. Not with the bridge `mlp` either.
        tower_px: side that photos are brought to for the vision tower; None leaves them as the processor made them.
        detail_px: photos are shown to the vision tower with no more detail than one of this side holds, however large they came;
            None leaves them as they are.
        transfer_config: a second, convolutional backbone that stays as it was pretrained. What it sees serves retrieval, and no
            prompt; None for a model without one.
        transfer_classes: how many classes its own classifier knows.
        contrastive_dim: width of the photo-text similarity space; 0 for a model without contrastive head.
        contrastive_vocab_size: size of the vocabulary that the contrastive head reads.
        contrastive_max_length: longest text, in tokens, that the contrastive head reads.
        format_version: layout of the checkpoint; a newer one than this program knows is refused.
    """

    model_type = "pumgpt"
    sub_configs = {"vision_config": AutoConfig, "qformer_config": Blip2QFormerConfig, "text_config": AutoConfig}  # noqa: RUF012

    def __init__(
        self,
        vision_config: PreTrainedConfig | dict[str, Any] | None = None,
        qformer_config: PreTrainedConfig | dict[str, Any] | None = None,
        text_config: PreTrainedConfig | dict[str, Any] | None = None,
        bridge: str = "layerwise",
        num_query_tokens: int = 32,
        num_visual_tokens: int = 8,
        adapter_dim: int = 256,
        adapter_num_heads: int = 4,
        image_token_id: int = 0,
        mirrored: bool = False,
        zoomed: float = 1.0,
        tower_px: int | None = None,
        detail_px: int | None = None,
        transfer_config: PreTrainedConfig | dict[str, Any] | None = None,
        transfer_classes: int = 0,
        contrastive_dim: int = 0,
        contrastive_vocab_size: int = 0,
        contrastive_max_length: int = 32,
        format_version: int = FORMAT_VERSION,
        **kwargs: Any,
    ) -> None:
        if format_version > FORMAT_VERSION:
            raise ModelError(
                f"this checkpoint has format_version {format_version}, this program reads up to {FORMAT_VERSION}; "
                "install a newer pumgpt"
            )
        if bridge not in BRIDGES:
            raise ModelError(f"bridge '{bridge}' is not known; choose one of {', '.join(BRIDGES)}")
        if bridge == "layerwise" and num_visual_tokens >= num_query_tokens:
            raise ModelError(
                f"num_visual_tokens ({num_visual_tokens}) must be below num_query_tokens ({num_query_tokens})"
            )
        if mirrored and bridge == "mlp":
            raise ModelError("mirrored photos need a Q-Former, which bridge 'mlp' doesn't have; leave mirrored off")
        if not 0 < zoomed <= 1:
            raise ModelError(f"zoomed is the share of a photo's sides that is seen, above 0 and up to 1, not {zoomed}")
        if zoomed < 1 and bridge == "mlp":
            raise ModelError("zoomed photos need a Q-Former, which bridge 'mlp' doesn't have; leave zoomed at 1")
        self.vision_config = _sub_config(vision_config, "siglip_vision_model")
        self.qformer_config = _sub_config(qformer_config, "blip_2_qformer")
        self.text_config = _sub_config(text_config, "llama")
        self.bridge = bridge
        self.num_query_tokens = num_query_tokens
        self.num_visual_tokens = num_visual_tokens
        self.adapter_dim = adapter_dim
        self.adapter_num_heads = adapter_num_heads
        self.image_token_id = image_token_id
        self.mirrored = mirrored
        self.zoomed = zoomed
        self.tower_px = tower_px
        self.detail_px = detail_px
        self.transfer_config = None if transfer_config is None else _sub_config(transfer_config, "efficientnet_lite")
        self.transfer_classes = transfer_classes
        self.contrastive_dim = contrastive_dim
        self.contrastive_vocab_size = contrastive_vocab_size
        self.contrastive_max_length = contrastive_max_length
        self.format_version = format_version
        kwargs["tie_word_embeddings"] = bool(getattr(self.text_config, "tie_word_embeddings", False))
        super().__init__(**kwargs)


def _sub_config(given: PreTrainedConfig | dict[str, Any] | None, default: str) -> PreTrainedConfig:
    if isinstance(given, PreTrainedConfig):
        return given
    fields = dict(given or {})
    model_type = fields.pop("model_type", default)
    if model_type not in CONFIG_MAPPING:
        raise ModelError(f"model_type '{model_type}' is not one that the installed transformers knows; upgrade it")
    config: PreTrainedConfig = CONFIG_MAPPING[model_type](**fields)
    return config
