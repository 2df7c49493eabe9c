"""Encoders for `similarity`: the contrastive head of a PumGPT, and every CLIP or SigLIP of `transformers`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL.Image import Image

from pumgpt.backends.contrastive import CONTRASTIVE_TYPES, DualEncoder
from pumgpt.backends.pumgpt.backend import PumGPTBackend
from pumgpt.curation.experts.checkpoints import load_shared
from pumgpt.curation.experts.similarity import Encoder, Floats
from pumgpt.errors import ModelError
from pumgpt.model.card import read_config, resolve_checkpoint
from pumgpt.model.plain_text import encode_padded

MAX_CACHED_TEXTS = 50_000


def load_encoder(model: str) -> Encoder:
    """Load a shipped checkpoint by its name, a folder or a hub name. Raises `ModelError` if it is missing, or doesn't
    compare photos with texts.
    """
    folder = resolve_checkpoint(model)
    model_type = read_config(folder).get("model_type")
    if model_type in CONTRASTIVE_TYPES:
        return DualEncoderScores(model, DualEncoder.load(folder, "cpu"))
    backend = load_shared(model) if model_type == "pumgpt" else None
    if not isinstance(backend, PumGPTBackend):
        raise ModelError(f"--similarity {model}: its model_type is '{model_type}'; give a PumGPT, CLIP or SigLIP")
    return ContrastiveEncoder(model, backend)


class ContrastiveEncoder:
    """A PumGPT checkpoint with a contrastive head."""

    def __init__(self, name: str, backend: PumGPTBackend) -> None:
        self.name, self.backend = name, backend
        self.model: Any = backend.model
        if not self.model.config.contrastive_dim:
            raise ModelError(f"--similarity {name}: the checkpoint has no contrastive head; give a CLIP or SigLIP")
        self.processor = backend.processor
        self._texts: dict[str, torch.Tensor] = {}

    @torch.inference_mode()
    def logits(self, photos: Sequence[Image], texts: Sequence[str]) -> Floats:
        model = self.model
        pixels = self.processor(images=list(photos))["pixel_values"].to(model.device)
        photos_BMJ = model.contrast.embed_photos(model.encode_photos(pixels).queries_BME)
        texts_RJ = self._embed(texts)
        scale = model.contrast.log_scale.exp().clamp(max=100)
        return np.asarray((model.contrast.similarity(photos_BMJ, texts_RJ) * scale).float().cpu().numpy())

    def _embed(self, texts: Sequence[str]) -> torch.Tensor:
        """Embeddings (R, J), cached: the values of an attribute recur with every product."""
        if len(self._texts) > MAX_CACHED_TEXTS:
            self._texts.clear()
        new = [text for text in texts if text not in self._texts]
        if new:
            tokens = encode_padded(self.processor.tokenizer, new)
            ids, mask = (tokens[name].to(self.model.device) for name in ("input_ids", "attention_mask"))
            embedded = self.model.contrast.embed_texts(self.model.qformer, ids, mask)
            self._texts.update(zip(new, embedded, strict=True))
        return torch.stack([self._texts[text] for text in texts])


class DualEncoderScores:
    """A CLIP, SigLIP or SigLIP 2."""

    def __init__(self, name: str, encoder: DualEncoder) -> None:
        self.name = name
        self.encoder = encoder

    def logits(self, photos: Sequence[Image], texts: Sequence[str]) -> Floats:
        photos_BD, texts_RD = self.encoder.embed_photos(photos), self.encoder.embed_texts(texts)
        return np.asarray(self.encoder.similarity(photos_BD, texts_RD).numpy())
