"""Zero-shot CLIP and SigLIP: the encoder, and the backend that picks the choice whose words lie nearest to the photo.

Shapes: B photos, R texts, D width of the shared space, C choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from PIL.Image import Image
from torch import Tensor
from torch.nn import functional as F

from pumgpt.backends.chat.answers import NUM_RANKED
from pumgpt.backends.protocol import Answer, Backend, Question, Request
from pumgpt.backends.registry import LoadOptions
from pumgpt.backends.runtime import no_progress_bar, select_device
from pumgpt.catalog.control_tokens import escape_control_tokens
from pumgpt.errors import ModelError, first_line
from pumgpt.model.card import resolve_checkpoint, revision_of
from pumgpt.model.plain_text import control_tokens
from pumgpt.model.processing import load_image_processor

CONTRASTIVE_TYPES = frozenset({"clip", "siglip", "siglip2"})
"""Values of `model_type` that `DualEncoder` loads."""
TEXTS_AT_ONCE = 128
MAX_TEXTS_KEPT = 50_000


class DualEncoder:
    """A CLIP, SigLIP or SigLIP 2 of `transformers`: photos and texts as unit vectors in one space.

    The vectors of texts are kept, as the values of an attribute come back with every product.
    """

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any, name: str) -> None:
        self.model = model.train(False)
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.name = name
        self._control_tokens = tuple(control_tokens(tokenizer))
        self._texts: dict[str, Tensor] = {}

    @classmethod
    def load(cls, folder: Path, device: str | None = None) -> Self:
        """The model in `folder`, with its tokenizer and image processor. Raises `ModelError` where they can't be loaded."""
        from transformers import AutoModel, AutoTokenizer

        try:
            with no_progress_bar():
                model: Any = AutoModel.from_pretrained(folder)
                tokenizer = AutoTokenizer.from_pretrained(folder)
                image_processor = load_image_processor(folder)
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise ModelError(f"{folder}: can't be loaded as a CLIP or SigLIP: {first_line(error)}") from error
        return cls(model.to(select_device(device)), tokenizer, image_processor, folder.name)

    @torch.inference_mode()
    def embed_photos(self, photos: Sequence[Image]) -> Tensor:
        """Unit vectors (B, D)."""
        pixels = self.image_processor(list(photos), return_tensors="pt").to(self.model.device)
        return _unit_vectors(self.model.get_image_features(**pixels))

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors (R, D)."""
        new = [text for text in dict.fromkeys(texts) if text not in self._texts]
        # A bound rather than an eviction policy: only a catalogue of free text ever reaches it.
        if len(self._texts) + len(new) > MAX_TEXTS_KEPT:
            self._texts.clear()
            new = list(dict.fromkeys(texts))
        # SigLIP was trained on texts padded to their full length.
        padding: Any = True if self.model.config.model_type == "clip" else "max_length"
        length = self.model.config.text_config.max_position_embeddings
        for start in range(0, len(new), TEXTS_AT_ONCE):
            batch = new[start : start + TEXTS_AT_ONCE]
            # CLIP ends a text at the first of its end tokens, whoever wrote it.
            plain = [escape_control_tokens(text, self._control_tokens) for text in batch]
            tokens = self.tokenizer(plain, padding=padding, truncation=True, max_length=length, return_tensors="pt")
            vectors = _unit_vectors(self.model.get_text_features(**tokens.to(self.model.device)))
            self._texts.update(zip(batch, vectors, strict=True))
        return torch.stack([self._texts[text] for text in texts])

    @torch.inference_mode()
    def similarity(self, photos_BD: Tensor, texts_RD: Tensor) -> Tensor:
        """Similarity (B, R) at the scale that the model was trained with.

        SigLIP's bias is left out: it is the same for every pair, and only differences between texts are compared here.
        """
        scaled: Tensor = photos_BD @ texts_RD.T * self.model.logit_scale.exp()
        return scaled


class ContrastiveBackend(Backend):
    """Answers closed questions about a category or an attribute. It never abstains, and reads no listing.

    Several photos of a product count as their mean.
    """

    def __init__(self, encoder: DualEncoder, revision: str) -> None:
        self.encoder = encoder
        self.name = encoder.name
        self.revision = revision

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        """See `Backend.answer`. There is no evidence."""
        return [self._answer(request) for request in requests]

    @torch.inference_mode()
    def _answer(self, request: Request) -> list[Answer]:
        if not request.photos:
            return [Answer("", error=f"{self.name} answers from photos, and there is none") for _ in request.questions]
        # The mean of unit vectors is shorter than one; cosine similarity needs its length back.
        photo_1D = F.normalize(self.encoder.embed_photos(request.photos).mean(0, keepdim=True), dim=-1)
        return [self._choose(photo_1D, question) for question in request.questions]

    def _choose(self, photo_1D: Tensor, question: Question) -> Answer:
        if question.choices is None or question.task not in ("category", "attribute_qa"):
            return Answer(
                "", error=f"{self.name} compares photos with given values; it can't answer '{question.task}' so"
            )
        values = question.choices.values
        texts_CD = self.encoder.embed_texts([describe(question.field, value) for value in values])
        shares_C = self.encoder.similarity(photo_1D, texts_CD)[0].softmax(-1)
        top = shares_C.topk(min(NUM_RANKED, len(shares_C)))
        pairs = zip(top.indices.tolist(), top.values.tolist(), strict=True)
        ranked = tuple((values[index], float(share)) for index, share in pairs)
        return Answer(ranked[0][0], ranked[0][1], 0.0, ranked)


def load_contrastive(source: str, options: LoadOptions) -> ContrastiveBackend:
    """The CLIP or SigLIP in the folder `source`, or of that hub name. A product's photos are one batch: no batch size."""
    folder = resolve_checkpoint(source)
    return ContrastiveBackend(DualEncoder.load(folder, options.device), revision_of(folder))


def describe(field: str | None, value: str) -> str:
    """The words that a choice is compared by: of a category its last two levels."""
    if field == "category":
        return f"a photo of {', '.join(reversed(value.split(' > ')[-2:]))}"
    return f"a photo of a product, {field}: {value}"


def _unit_vectors(output: Any) -> Tensor:
    """Some versions of `transformers` return the features, some an output that holds them."""
    features: Tensor = output if isinstance(output, Tensor) else output.pooler_output
    features = features.float()
    unit: Tensor = features / features.norm(dim=-1, keepdim=True)
    return unit
