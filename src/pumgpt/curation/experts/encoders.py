"""Encoders for `similarity`: nano's contrastive head, and whatever `transformers` knows as a CLIP or SigLIP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from PIL.Image import Image

from pumgpt.curation.experts.similarity import Encoder, Floats
from pumgpt.errors import ModelError, first_line
from pumgpt.model.card import read_config, resolve_checkpoint

_KINDS = ("clip", "siglip", "siglip2")


def load_encoder(model: str) -> Encoder:
    """`nano`, a folder or a hub name. Raises `ModelError` where there is none, or it compares no photos with texts."""
    folder = resolve_checkpoint(model)
    kind = read_config(folder).get("model_type")
    if kind == "pumgpt":
        return _load(lambda: ContrastiveEncoder(model, str(folder)), model)
    if kind in _KINDS:
        return _load(lambda: DualEncoder(model, str(folder)), model)
    raise ModelError(f"--similarity {model}: its model_type is '{kind}'; give a PumGPT, CLIP or SigLIP")


def _load(make: Callable[[], Encoder], model: str) -> Encoder:
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        return make()
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"--similarity {model}: can't be loaded: {first_line(error)}") from error
    finally:
        if shown:
            logging.enable_progress_bar()


class ContrastiveEncoder:
    """A PumGPT checkpoint with a contrastive head."""

    def __init__(self, name: str, folder: str) -> None:
        from pumgpt.model.modeling import PumGPTForConditionalGeneration
        from pumgpt.model.processing import PumGPTProcessor

        self.name = name
        self.model: Any = PumGPTForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
        if not self.model.config.contrastive_dim:
            raise ModelError(f"--similarity {name}: the checkpoint has no contrastive head; give a CLIP or SigLIP")
        self.processor = PumGPTProcessor.from_pretrained(folder)
        self._texts: dict[str, torch.Tensor] = {}

    @torch.inference_mode()
    def logits(self, photos: Sequence[Image], texts: Sequence[str]) -> Floats:
        model = self.model
        self._embed([text for text in texts if text not in self._texts])
        pixels = self.processor(images=list(photos))["pixel_values"]
        photos_BMJ = model.contrast.embed_photos(model.encode_photos(pixels).queries_BME)
        texts_RJ = torch.stack([self._texts[text] for text in texts])
        scale = model.contrast.log_scale.exp().clamp(max=100)
        return np.asarray((model.contrast.similarity(photos_BMJ, texts_RJ) * scale).numpy())

    def _embed(self, texts: Sequence[str]) -> None:
        """Remember the texts' vectors: an attribute's values come again with every product."""
        if not texts:
            return
        if len(self._texts) > 50_000:
            self._texts.clear()
        read = self.processor.tokenizer(list(texts), return_tensors="pt", padding=True, truncation=True)
        vectors = self.model.contrast.embed_texts(self.model.qformer, read["input_ids"], read["attention_mask"])
        self._texts.update(zip(texts, vectors, strict=True))


class DualEncoder:
    """CLIP, SigLIP or SigLIP 2 as `transformers` loads them."""

    def __init__(self, name: str, folder: str) -> None:
        from transformers import AutoModel, AutoTokenizer

        from pumgpt.model.processing import load_image_processor

        self.name = name
        self.model: Any = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self.image_processor = load_image_processor(folder)

    @torch.inference_mode()
    def logits(self, photos: Sequence[Image], texts: Sequence[str]) -> Floats:
        padding = True if self.model.config.model_type == "clip" else "max_length"  # SigLIP was trained on full length
        length = self.model.config.text_config.max_position_embeddings
        read = self.tokenizer(list(texts), return_tensors="pt", padding=padding, truncation=True, max_length=length)
        pixels = self.image_processor(list(photos), return_tensors="pt")
        return np.asarray(self.model(**read, **pixels).logits_per_image.numpy())
