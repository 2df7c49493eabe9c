"""The configuration of a model out of parts that are loaded already: sizes, the placeholder's id, how each part attends."""

from __future__ import annotations

import logging
from typing import Any, cast

from torch import nn
from transformers import Blip2QFormerConfig, PreTrainedModel

from pumgpt.errors import ModelError
from pumgpt.model.configuration import PumGPTConfig
from pumgpt.model.parts import Parts
from pumgpt.model.processing import IMAGE_TOKEN
from pumgpt.model.vision import build_tower

logger = logging.getLogger(__name__)


def config_of_parts(
    parts: Parts,
    tokenizer: Any,
    num_query_tokens: int | None,
    qformer_config: Blip2QFormerConfig | None,
    **settings: Any,
) -> PumGPTConfig:
    """The configuration that fits `parts`, which hold a vision tower and a language model.

    The language model's embeddings grow where the placeholder has no row of its own. `tokenizer` holds the placeholder, or
    is None. `settings` are further fields of `PumGPTConfig`.
    """
    assert parts.vision is not None and parts.language_model is not None
    vision_width = build_tower(parts.vision.config, parts.vision).hidden_size
    config = PumGPTConfig(
        vision_config=parts.vision.config,
        qformer_config=_qformer_config(parts, qformer_config, vision_width),
        text_config=parts.language_model.config,
        num_query_tokens=_num_query_tokens(parts, num_query_tokens),
        image_token_id=_make_room(parts.language_model, tokenizer),
        attn_implementation=_attention_of_parts(parts),
        **settings,
    )
    if config.bridge != "mlp" and config.qformer_config.encoder_hidden_size != vision_width:
        logger.warning(
            "the vision tower is %d wide, the Q-Former reads %d: a new projection is between them, which has to be trained",
            vision_width,
            config.qformer_config.encoder_hidden_size,
        )
    return config


def _attention_of_parts(parts: Parts) -> dict[str, str | None]:
    """The attention that each part was built with; a config that doesn't name it resets it in the parts' own configs."""
    assert parts.vision is not None and parts.language_model is not None
    return {
        "vision_config": parts.vision.config._attn_implementation,
        "qformer_config": "eager",
        "text_config": parts.language_model.config._attn_implementation,
    }


def _qformer_config(parts: Parts, given: Blip2QFormerConfig | None, vision_width: int) -> Blip2QFormerConfig:
    if parts.qformer is not None:
        config: Blip2QFormerConfig = parts.qformer.model.config
        return config
    return given if given is not None else Blip2QFormerConfig(encoder_hidden_size=vision_width)


def _num_query_tokens(parts: Parts, asked: int | None) -> int:
    if parts.qformer is None:
        return asked if asked is not None else 32
    found = parts.qformer.query_tokens.shape[1]
    if asked not in (None, found):
        raise ModelError(
            f"the Q-Former was trained with {found} query tokens, num_query_tokens asks for {asked}; leave it out"
        )
    return found


def _make_room(language_model: PreTrainedModel, tokenizer: Any) -> int:
    """The placeholder's id; the embeddings grow where it lies beyond them.

    What is embedded there does not matter (the placeholder's hidden states are replaced), so that one more row is all.
    """
    rows = cast(nn.Embedding, language_model.get_input_embeddings()).num_embeddings
    # Without a tokenizer the placeholder takes the first id behind the vocabulary.
    placeholder: int = rows if tokenizer is None else tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)
    if placeholder >= rows:
        language_model.resize_token_embeddings(placeholder + 1, mean_resizing=False)
    return placeholder
