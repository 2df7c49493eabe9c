"""Build a model from scratch by an architecture: tokenizer, processor, random weights."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from pumgpt.catalog.product import Product
from pumgpt.errors import RecipeError
from pumgpt.model.configuration import PumGPTConfig
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.plain_text import encode_plain
from pumgpt.model.processing import IMAGE_TOKEN, PumGPTProcessor
from pumgpt.tasks.mixture import MixtureWeights, draw_examples
from pumgpt.training.data.labels import build_context, text_of
from pumgpt.training.tokenizer import CHAT_TEMPLATE, train_tokenizer

SCALE_ROWS, SCALE_LENGTH = 32, 24
"""Rows of tokens, and tokens in each, by which the scale of text in a new language model is measured."""


def build_from_scratch(
    architecture: dict[str, Any], texts: Iterable[str], size_px: int
) -> tuple[PumGPTForConditionalGeneration, PumGPTProcessor]:
    """A model with random weights and a processor whose tokenizer was trained on `texts`.

    `architecture` holds the arguments of `PumGPTConfig` but for what follows from the tokenizer. The bridge starts at the
    scale that `texts` have in the language model.
    """
    # Twice: the tokenizer is trained on them, and then their scale is measured.
    lines = list(texts)
    fields = dict(architecture)
    tokenizer = train_tokenizer(lines, fields["text_config"]["vocab_size"])
    fields["image_token_id"] = tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)
    fields["contrastive_vocab_size"] = fields["text_config"]["vocab_size"]
    # Without a beginning of text: the chat template begins with the user's token.
    ids = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None}
    fields["text_config"] = fields["text_config"] | ids
    config = PumGPTConfig(**fields)
    model = PumGPTForConditionalGeneration(config)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    # The placeholder's logits are trained by nothing, and a photo can't be written.
    model.generation_config.suppress_tokens = [config.image_token_id]
    needed = SCALE_ROWS * SCALE_LENGTH
    (sample_ids,) = encode_plain(tokenizer, [" ".join(lines[:needed])])
    if len(sample_ids) < needed:
        raise RecipeError("there is too little text to build a tokenizer from; check data.train")
    model.match_scale(torch.tensor(sample_ids[:needed]).view(SCALE_ROWS, SCALE_LENGTH))
    images = SiglipImageProcessorPil(size={"height": size_px, "width": size_px})
    processor = PumGPTProcessor(images, tokenizer, config.num_visual_tokens, chat_template=CHAT_TEMPLATE)
    return model, processor


def tokenizer_texts(products: Sequence[Product], attributes: Sequence[str]) -> Iterator[str]:
    """What a tokenizer for `products` should encode well: their texts, and what the tasks ask and answer about them."""
    context, rng, weights = build_context(products, attributes, 1), random.Random(0), MixtureWeights()
    for product in products:
        if text := text_of(product):
            yield text
        for example in draw_examples(product, context, rng, weights, 2)[1]:
            yield example.question.text
            yield example.answer
