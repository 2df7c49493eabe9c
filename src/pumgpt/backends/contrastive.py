"""Zero-shot CLIP and SigLIP behind the backend protocol: the choice whose words lie nearest to the photo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from pumgpt.backends.chat.answers import NUM_RANKED
from pumgpt.backends.protocol import Answer, Choices, Question, Request
from pumgpt.errors import ModelError, first_line

KINDS = frozenset({"clip", "siglip", "siglip2"})
TEXTS_AT_ONCE = 128


class ContrastiveBackend:
    """Answers closed questions about a category or an attribute. It never says that it can't tell, and reads no listing.

    Several photos of a product count as their mean.
    """

    def __init__(self, model: Any, processor: Any, name: str, revision: str) -> None:
        self.model = model.train(False)
        self.processor = processor
        self.name = name
        self.revision = revision
        self._texts: dict[tuple[str | None, Choices], Tensor] = {}

    @classmethod
    def load(cls, folder: Path, revision: str, device: str | None = None) -> Self:
        """The model and processor in `folder`. Raises `ModelError` where they can't be loaded."""
        from transformers import AutoModel, AutoProcessor

        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        try:
            model: Any = AutoModel.from_pretrained(folder)
            processor = AutoProcessor.from_pretrained(folder)
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise ModelError(f"{folder}: can't be loaded as a CLIP or SigLIP: {first_line(error)}") from error
        return cls(model.to(device), processor, folder.name, revision)

    @torch.inference_mode()
    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        """See `Backend.answer`. There is no evidence."""
        return [self._about(request) for request in requests]

    def _about(self, request: Request) -> list[Answer]:
        if not request.photos:
            return [Answer("", error=f"{self.name} answers from photos, and there is none") for _ in request.questions]
        pixels = self.processor.image_processor(list(request.photos), return_tensors="pt").to(self.model.device)
        photo_D = _unit(_features(self.model.get_image_features(**pixels)).mean(0, keepdim=True))[0]
        return [self._choose(photo_D, question) for question in request.questions]

    def _choose(self, photo_D: Tensor, question: Question) -> Answer:
        if question.choices is None or question.task not in ("category", "attribute_qa"):
            return Answer(
                "", error=f"{self.name} compares photos with given values; it can't answer '{question.task}' so"
            )
        logits_C = self._text_features(question.field, question.choices) @ photo_D * self.model.logit_scale.exp()
        shares_C = logits_C.softmax(-1)
        top = shares_C.topk(min(NUM_RANKED, len(shares_C)))
        values = question.choices.values
        pairs = zip(top.indices.tolist(), top.values.tolist(), strict=True)
        ranked = tuple((values[place], float(share)) for place, share in pairs)
        return Answer(ranked[0][0], ranked[0][1], 0.0, ranked)

    def _text_features(self, field: str | None, choices: Choices) -> Tensor:
        """One row for each choice, kept: (C, D)."""
        key = field, choices
        if key not in self._texts:
            texts = [describe(field, value) for value in choices.values]
            batches = [texts[start : start + TEXTS_AT_ONCE] for start in range(0, len(texts), TEXTS_AT_ONCE)]
            self._texts[key] = torch.cat([self._encode(batch) for batch in batches])
        return self._texts[key]

    def _encode(self, texts: list[str]) -> Tensor:
        """SigLIP was trained on texts padded to their full length."""
        padding: Any = True if self.model.config.model_type == "clip" else "max_length"
        tokens = self.processor.tokenizer(texts, padding=padding, truncation=True, return_tensors="pt")
        return _unit(_features(self.model.get_text_features(**tokens.to(self.model.device))))


def describe(field: str | None, value: str) -> str:
    """The words that a choice is compared by: of a category its last two levels."""
    if field == "category":
        return f"a photo of {', '.join(reversed(value.split(' > ')[-2:]))}"
    return f"a photo of a product, {field}: {value}"


def _features(found: Any) -> Tensor:
    """Some versions give the features, some an output that holds them."""
    features: Tensor = found if isinstance(found, Tensor) else found.pooler_output
    return features.float()


def _unit(rows: Tensor) -> Tensor:
    unit: Tensor = rows / rows.norm(dim=-1, keepdim=True)
    return unit
