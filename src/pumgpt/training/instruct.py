"""Stages 3 and 4: all tasks, as questions about photos. Stage 3 trains everything behind the tower, stage 4 the bridge alone.

Each photo is encoded once and asked several questions. Rows are sorted by length into buckets, so that little of a batch
is padding, and only the positions of the answers go through the output layer.

Shapes: B photos, R rows of a bucket, S positions, T answer tokens, D language width.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from pumgpt.catalog.product import Product
from pumgpt.model.injection import ARGUMENT
from pumgpt.model.modeling import EncodedPhotos, PumGPTForConditionalGeneration
from pumgpt.model.processing import IMAGE_TOKEN, PumGPTProcessor
from pumgpt.model.prompt import render_prompt
from pumgpt.tasks.base import Example, TaskContext
from pumgpt.tasks.mixture import MixtureWeights, draw_examples
from pumgpt.training.augment import AugmentRecipe, random_or_plain
from pumgpt.training.contrast import text_of
from pumgpt.training.data import PhotoCache, batch_seed
from pumgpt.training.stage import StageTrainer

IGNORED = -100


@dataclass(frozen=True)
class InstructionSettings:
    """How a product becomes rows: what may be asked, how often, how many questions a photo, and how often fewer visual
    tokens than N are shown (elastic N).
    """

    context: TaskContext
    mixture: MixtureWeights
    examples: int
    elastic: float


class InstructionCollator:
    """Products to one batch: `pixel_values` (B, 3, H, W), and buckets of rows with `input_ids`, `attention_mask`, `labels`
    (R, S) and `photo_index` (R,).
    """

    def __init__(
        self,
        photos: PhotoCache,
        processor: PumGPTProcessor,
        settings: InstructionSettings,
        size_px: int,
        views: AugmentRecipe | None,
        num_buckets: int = 4,
        contrast_length: int = 0,
    ) -> None:
        self.photos = photos
        self.processor = processor
        self.settings = settings
        self.size_px = size_px
        self.views = views
        self.num_buckets = num_buckets
        self.contrast_length = contrast_length

    def __call__(self, products: Sequence[Product]) -> dict[str, Any]:
        seed = batch_seed(products)
        rng = random.Random(seed)
        batch = torch.stack([self.photos(product) for product in products]).float() / 255
        pixels = random_or_plain(batch, self.size_px, self.views, seed)
        rows = self._rows(products, rng)
        result: dict[str, Any] = {"pixel_values": pixels * 2 - 1, "buckets": self._buckets(rows)}
        if self.contrast_length:
            result |= self._texts(products)
        return result

    def _rows(self, products: Sequence[Product], rng: random.Random) -> list[tuple[int, list[int], list[int]]]:
        settings, largest = self.settings, self.processor.num_visual_tokens
        shown = rng.randint(1, largest) if self.views and rng.random() < settings.elastic else largest
        rows = []
        for index, product in enumerate(products):
            _, examples = draw_examples(product, settings.context, rng, settings.mixture, settings.examples)
            rows.extend((index, *self._tokens(example, shown)) for example in examples)
        return rows

    def _tokens(self, example: Example, num_visual_tokens: int) -> tuple[list[int], list[int]]:
        prompt = render_prompt(self.processor, 1, example.listing, example.question.text)
        prompt = prompt.replace(IMAGE_TOKEN, IMAGE_TOKEN * num_visual_tokens)
        tokenizer = self.processor.tokenizer
        answer = tokenizer(example.answer, add_special_tokens=False)["input_ids"]
        return tokenizer(prompt, add_special_tokens=False)["input_ids"], [*answer, tokenizer.eos_token_id]

    def _buckets(self, rows: list[tuple[int, list[int], list[int]]]) -> list[dict[str, Tensor]]:
        rows = sorted(rows, key=lambda row: len(row[1]) + len(row[2]))
        size = max(1, -(-len(rows) // self.num_buckets))
        return [self._pad(rows[start : start + size]) for start in range(0, len(rows), size)]

    def _pad(self, rows: list[tuple[int, list[int], list[int]]]) -> dict[str, Tensor]:
        longest = max(len(prompt) + len(answer) for _, prompt, answer in rows)
        input_ids = torch.full((len(rows), longest), self.processor.tokenizer.pad_token_id)
        labels, mask = torch.full_like(input_ids, IGNORED), torch.zeros_like(input_ids)
        for place, (_, prompt, answer) in enumerate(rows):
            end = len(prompt) + len(answer)
            input_ids[place, :end] = torch.tensor(prompt + answer)
            labels[place, len(prompt) : end] = torch.tensor(answer)
            mask[place, :end] = 1
        index = torch.tensor([photo for photo, _, _ in rows])
        return {"input_ids": input_ids, "attention_mask": mask, "labels": labels, "photo_index": index}

    def _texts(self, products: Sequence[Product]) -> dict[str, Tensor]:
        texts = [(place, text) for place, product in enumerate(products) if (text := text_of(product))]
        if len(texts) < 2:
            return {}
        stated = [text for _, text in texts]
        options = {"padding": True, "truncation": True, "max_length": self.contrast_length, "return_tensors": "pt"}
        tokens = self.processor.tokenizer(stated, **options)
        group = torch.tensor([stated.index(text) for text in stated])
        place = torch.tensor([place for place, _ in texts])
        return {
            "text_ids": tokens["input_ids"],
            "text_mask": tokens["attention_mask"],
            "text_photo": place,
            "text_group": group,
        }


def answer_loss(model: PumGPTForConditionalGeneration, visual_KBND: Tensor, bucket: dict[str, Tensor]) -> Tensor:
    """Sum over the rows of a bucket of the mean cross-entropy of each row's answer: every answer weighs the same."""
    input_ids, labels = bucket["input_ids"], bucket["labels"]
    mask = input_ids == model.config.image_token_id
    shown = EncodedPhotos(visual_KBND[:, :, : int(mask[0].sum())])
    injection = model.injection(mask, shown, bucket["photo_index"])
    decoder = model.language_model.model
    hidden_RSD = decoder(
        input_ids=input_ids, attention_mask=bucket["attention_mask"], use_cache=False, **{ARGUMENT: injection}
    ).last_hidden_state
    asked = labels[:, 1:] != IGNORED
    logits_TV = model.language_model.get_output_embeddings()(hidden_RSD[:, :-1][asked])
    losses_T = F.cross_entropy(logits_TV.float(), labels[:, 1:][asked], reduction="none")
    weight_T = (1 / asked.sum(1, keepdim=True)).expand_as(asked)[asked]
    return (losses_T * weight_T).sum()


class InstructionTrainer(StageTrainer):
    """Trains a PumGPT model on batches of `InstructionCollator`."""

    def __init__(self, *args: Any, contrast_weight: float = 0.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.contrast_weight = contrast_weight
        self.model_accepts_loss_kwargs = False

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean over the answers of a batch; plus the contrastive loss, so that its head stays true while the Q-Former learns."""
        photos = model.encode_photos(inputs["pixel_values"])
        rows = sum(bucket["labels"].shape[0] for bucket in inputs["buckets"])
        answers = torch.stack([answer_loss(model, photos.visual_KBND, bucket) for bucket in inputs["buckets"]])
        loss = answers.sum() / rows
        if self.contrast_weight and "text_ids" in inputs:
            queries = photos.queries_BME[inputs["text_photo"]]
            texts = model.contrast.embed_texts(model.qformer, inputs["text_ids"], inputs["text_mask"])
            same = inputs["text_group"][:, None] == inputs["text_group"][None, :]
            contrast = model.contrast.loss(model.contrast.embed_photos(queries), texts, same)
            if model.training:
                loss = loss + self.contrast_weight * contrast
        return (loss, {"loss": loss}) if return_outputs else loss

    def prediction_step(
        self, model: Any, inputs: dict[str, Any], prediction_loss_only: bool, ignore_keys: Any = None
    ) -> tuple[Tensor, None, None]:
        """Evaluation is by loss; what the answers are worth is measured through the engine."""
        with torch.no_grad():
            return self.compute_loss(model, self._prepare_inputs(inputs)).detach(), None, None
