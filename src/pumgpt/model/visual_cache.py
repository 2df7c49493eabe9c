"""Visual tokens as private keys and values of every layer: the second view of the injection (DESIGN section 2).

What a placeholder computes is thrown away at the next layer, so text sees of it only the keys and values that each layer
makes of its own visual tokens. Those are a normalisation and two projections away: no attention and no perceptron has to run for
a photo, and every question about it shares them.

Shapes: R rows, F photos of a row, n visual tokens of a photo, T = F n, D width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers import DynamicCache

from pumgpt.errors import ModelError
from pumgpt.model.injection import decoder_layers
from pumgpt.model.layer_attention import keys_and_values
from pumgpt.model.modeling import EncodedPhotos, PumGPTForConditionalGeneration


def visual_cache(
    model: PumGPTForConditionalGeneration,
    photos: EncodedPhotos,
    photo_index_RF: Tensor | None = None,
    start: int | Tensor = 0,
    cache: DynamicCache | None = None,
) -> DynamicCache:
    """A cache that text after the photos continues from, as if their placeholders had been run.

    Args:
        photos: what `encode_photos` gave.
        photo_index_RF: the photos that each row shows, in order; by default one row for each photo.
        start: position of the first visual token, one for all rows or one for each (R,).
        cache: keys and values of the text before the photos, for the same R rows; it is extended.

    Raises `ModelError` for a bridge that has no visual tokens of its own for every layer.
    """
    layers = decoder_layers(model.language_model)
    if photos.visual_KBND.shape[0] != len(layers):
        raise ModelError(f"bridge '{model.config.bridge}' has no keys and values for every layer; run its placeholders")
    if photo_index_RF is None:
        photo_index_RF = torch.arange(photos.visual_KBND.shape[1], device=photos.visual_KBND.device)[:, None]
    visual_LRTD = photos.visual_KBND[:, photo_index_RF].flatten(2, 3)
    rotation = model.language_model.model.rotary_emb(visual_LRTD[0], _positions(start, visual_LRTD[0]))
    cache = cache if cache is not None else DynamicCache(config=model.config.text_config)
    for index, (layer, visual_RTD) in enumerate(zip(layers, visual_LRTD, strict=True)):
        cache.update(*keys_and_values(layer, visual_RTD, rotation), index)
    return cache


def _positions(start: int | Tensor, visual_RTD: Tensor) -> Tensor:
    rows, count = visual_RTD.shape[:2]
    steps_T = torch.arange(count, device=visual_RTD.device)
    starts_R = torch.as_tensor(start, device=visual_RTD.device).expand(rows)
    return starts_R[:, None] + steps_T
