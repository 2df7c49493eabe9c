"""Products to batches of questions and answers about photos.

Each photo is encoded once and asked several questions. Rows are sorted by length into buckets, so that little of a batch
is padding, and only the positions of the answers go through the output layer.

Shapes: B photos, R rows of a bucket, S positions.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL
from pumgpt.model.plain_text import encode_padded, encode_plain
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.tasks.base import Example
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.mixture import MixtureWeights, draw_examples
from pumgpt.training.data.augmentation import AugmentRecipe, random_or_plain
from pumgpt.training.data.encoded import EncodedViews
from pumgpt.training.data.labels import label_of, text_of
from pumgpt.training.data.products import PhotoCache, batch_seed
from pumgpt.training.objectives.answers import AnswerTeacher
from pumgpt.training.objectives.heads import IGNORED


@dataclass(frozen=True)
class PromptSettings:
    """How a product becomes prompts: what may be asked, how often, how many questions a photo, how often fewer visual tokens
    than N are shown (elastic N), and how often a prompt shows how many photos.
    """

    context: TaskContext
    mixture: MixtureWeights
    examples: int
    elastic: float
    num_photos: Mapping[int, float]
    untaught: Collection[str] = ()
    """Sources of products that the teacher knows nothing about."""
    retained: Collection[str] = ()
    """Tasks whose answers the model shall give as before."""


class _PromptRow(NamedTuple):
    """A prompt about a product, and its answer, as tokens."""

    photos: tuple[int, ...]
    """Which photos of the batch it shows."""
    prompt: list[int]
    answer: list[int]
    closed: bool
    """Whether the answer is one of a list."""
    taught: int
    """The number of the label by which a teacher's heads know the answer, -1 where they don't."""
    blended: bool
    """Whether the photo is blended with another one, so that no label is true of it."""
    retained: bool
    """Whether the model's former probabilities take the place of the answer's."""


class InstructionCollator:
    """Products to one batch: `pixel_values` (B, 3, H, W), and buckets of rows with `input_ids`, `attention_mask`, `labels`
    (R, S) and `photo_index`, one for each photo that a row shows.

    All rows of a batch show the same number of photos: views of one photo where it is more than one, and with none only
    what can be told from the title is asked. Where views were `encoded` before, `queries_BWME` and
    `pooled_BWV` take the place of `pixel_values`, but for evaluation.
    """

    def __init__(
        self,
        photos: PhotoCache,
        processor: PumGPTProcessor,
        settings: PromptSettings,
        size_px: int,
        views: AugmentRecipe | None,
        num_buckets: int = 8,
        contrast_length: int = 0,
        teacher: AnswerTeacher | None = None,
        encoded: EncodedViews | None = None,
    ) -> None:
        self.photos = photos
        self.processor = processor
        self.settings = settings
        self.size_px = size_px
        self.views = views
        self.num_buckets = num_buckets
        self.contrast_length = contrast_length
        self.teacher = teacher
        self.encoded = encoded if views else None

    def __call__(self, products: Sequence[Product]) -> dict[str, Any]:
        if self.encoded is None:
            products, photos = self.photos.batch(products)
        # Only after unusable photos are left out: the seed belongs to the products that are seen.
        seed = batch_seed(products)
        rng = random.Random(seed)
        counts = self.settings.num_photos if self.views else {1: 1.0}
        num_photos = rng.choices(list(counts), list(counts.values()))[0]
        blends: dict[int, Product] = {}
        if self.encoded is None:
            result: dict[str, Any] = {"pixel_values": self._pixels(photos.float() / 255, seed, num_photos)}
        else:
            shown = self.encoded.sample(products, num_photos, torch.Generator().manual_seed(seed))
            result = shown.photos._asdict()
            answered_by = shown.answered_by.tolist()
            blends = {index: products[answered_by[index]] for index in shown.is_blended.nonzero().flatten().tolist()}
        result["buckets"] = self._buckets(self._rows(products, rng, num_photos, blends))
        if self.contrast_length:
            result |= self._texts(products)
        return result

    def _pixels(self, photos_BCHW: Tensor, seed: int, num_photos: int) -> Tensor:
        shown = range(max(num_photos, 1))
        views = [random_or_plain(photos_BCHW, self.size_px, self.views, seed + number) for number in shown]
        return torch.cat(views) * 2 - 1

    def _rows(
        self, products: Sequence[Product], rng: random.Random, num_photos: int, blends: Mapping[int, Product]
    ) -> list[_PromptRow]:
        """`blends` holds for each product that has a blend the one along whose label it is asked."""
        settings, largest = self.settings, self.processor.num_visual_tokens
        shown = rng.randint(1, largest) if self.views and rng.random() < settings.elastic else largest
        mixture = settings.mixture if num_photos else settings.mixture.model_copy(update={"listing": {"present": 1.0}})
        rows = []
        for index, product in enumerate(products):
            _, examples = draw_examples(product, settings.context, rng, mixture, settings.examples)
            for example in examples:
                closed, taught = example.question.choices is not None, self._taught(product, example, num_photos)
                shown_photos = tuple(index + view * len(products) for view in range(num_photos))
                blend = index in blends and taught >= 0
                if blend:
                    shown_photos = (index + num_photos * len(products),)
                    example = self._blended_example(example, blends[index])
                prompt, answer = self._tokens(example, num_photos, shown)
                retained = example.question.task in settings.retained
                rows.append(_PromptRow(shown_photos, prompt, answer, closed, taught, blend, retained))
        return rows

    def _taught(self, product: Product, example: Example, num_photos: int) -> int:
        """The number of the label that the teacher has targets for, else -1."""
        if self.teacher is None or product.source in self.settings.untaught:
            return -1
        # Its heads see the photo alone: where there is a text beside it, they know less than the label.
        if num_photos == 0 or example.listing is not None:
            return -1
        return self.teacher.label_number(example.question, example.answer)

    def _blended_example(self, example: Example, other: Product) -> Example:
        """The question with the answer that is true of `other`, where the teacher can judge it. Of a blend neither answer is
        right: it only decides along which tokens the teacher's distribution is learned.
        """
        field = example.question.field
        answer = label_of(other, field) if field is not None else None
        if answer is None:
            return example
        asked = replace(example, answer=answer)
        return asked if self._taught(other, asked, 1) >= 0 else example

    def _tokens(self, example: Example, num_photos: int, num_visual_tokens: int) -> tuple[list[int], list[int]]:
        prompt = self.processor.prompt_ids(num_photos, example.listing, example.question.text, num_visual_tokens)
        # Without photo and text nothing can be told.
        blank = num_photos == 0 and example.listing is None
        tokenizer = self.processor.tokenizer
        (answer,) = encode_plain(tokenizer, [CANNOT_TELL if blank else example.answer])
        return prompt, [*answer, tokenizer.eos_token_id]

    def _buckets(self, rows: list[_PromptRow]) -> list[dict[str, Tensor]]:
        rows = sorted(rows, key=lambda row: len(row.prompt) + len(row.answer))
        size = max(1, -(-len(rows) // self.num_buckets))
        return [self._pad(rows[start : start + size]) for start in range(0, len(rows), size)]

    def _pad(self, rows: list[_PromptRow]) -> dict[str, Tensor]:
        # Padding is on the right, so that positions are those of generation.
        longest = max(len(row.prompt) + len(row.answer) for row in rows)
        input_ids = torch.full((len(rows), longest), self.processor.tokenizer.pad_token_id)
        labels, mask = torch.full_like(input_ids, IGNORED), torch.zeros_like(input_ids)
        for place, row in enumerate(rows):
            end = len(row.prompt) + len(row.answer)
            input_ids[place, :end] = torch.tensor(row.prompt + row.answer)
            labels[place, len(row.prompt) : end] = torch.tensor(row.answer)
            mask[place, :end] = 1
        index = torch.tensor([photo for row in rows for photo in row.photos], dtype=torch.long)
        # One wrong token makes an answer from a list wrong, so that all its tokens count; of open text the mean does.
        weight = torch.tensor([1.0 if row.closed else 1 / len(row.answer) for row in rows])
        return {
            "input_ids": input_ids,
            "attention_mask": mask,
            "labels": labels,
            "weight": weight,
            "photo_index": index,
            "first_photo": torch.tensor([row.photos[0] if row.photos else 0 for row in rows]),
            "taught": torch.tensor([row.taught for row in rows]),
            "blended": torch.tensor([row.blended for row in rows]),
            "retained": torch.tensor([row.retained for row in rows]),
        }

    def _texts(self, products: Sequence[Product]) -> dict[str, Tensor]:
        texts = [(place, text) for place, product in enumerate(products) if (text := text_of(product))]
        if len(texts) < 2:
            return {}
        stated = [text for _, text in texts]
        tokens = encode_padded(self.processor.tokenizer, stated, self.contrast_length)
        group = torch.tensor([stated.index(text) for text in stated])
        place = torch.tensor([place for place, _ in texts])
        return {
            "text_ids": tokens["input_ids"],
            "text_mask": tokens["attention_mask"],
            "text_photo": place,
            "text_group": group,
        }
