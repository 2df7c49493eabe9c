"""The second view of the injection: visual tokens as private keys and values of every layer.

A placeholder's output is dropped at the next layer, so text sees of it only the keys and values that each layer makes of its
own visual tokens. This computes just these, and `test_injection` holds both views to the same logits. The backend runs the
placeholders instead, once for each product: that is one pass for text and photos, and needs nothing to be known of a layer.

Shapes: R rows, F photos of a row, n visual tokens of a photo, T = F n, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import DynamicCache

from pumgpt.model.encoded_photos import EncodedPhotos
from pumgpt.model.injection import decoder_layers
from pumgpt.model.modeling import PumGPTForConditionalGeneration


def visual_cache(
    model: PumGPTForConditionalGeneration,
    photos: EncodedPhotos,
    photo_index_RF: Tensor,
    start: Tensor,
    cache: DynamicCache | None = None,
) -> DynamicCache:
    """A cache that text after the photos continues from, as if their placeholders had been run.

    `start` (R,) is the position of each row's first visual token; `cache` holds the text before it, and is extended.
    """
    layers = decoder_layers(model.language_model)
    assert photos.visual_KBND.shape[0] == len(layers), "a bridge without visual tokens for every layer"
    visual_LRTD = photos.visual_KBND[:, photo_index_RF].flatten(2, 3)
    positions_RT = start[:, None] + torch.arange(visual_LRTD.shape[2])
    rotation = model.language_model.model.rotary_emb(visual_LRTD[0], positions_RT)
    cache = cache if cache is not None else DynamicCache(config=model.config.text_config)
    for layer, visual_RTD in zip(layers, visual_LRTD, strict=True):
        # What the attention puts into the cache is all that is wanted of it.
        layer.self_attn(
            layer.input_layernorm(visual_RTD),
            position_embeddings=rotation,
            attention_mask=None,
            past_key_values=cache,
        )
    return cache
