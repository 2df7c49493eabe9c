"""Stages 3 and 4: all tasks, as questions about photos. Stage 3 trains everything behind the tower, stage 4 the bridge alone.

Each photo is encoded once and asked several questions. Rows are sorted by length into buckets, so that little of a batch
is padding, and only the positions of the answers go through the output layer.

Shapes: B photos, R rows of a bucket, S positions, T answer tokens, D language width.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL
from pumgpt.model.encoded_photos import EncodedPhotos
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.tasks.base import Example, TaskContext
from pumgpt.tasks.mixture import MixtureWeights, draw_examples
from pumgpt.training.data.augment import AugmentRecipe, random_or_plain
from pumgpt.training.data.encoded import EncodedViews, ShownPhotos
from pumgpt.training.data.products import PhotoCache, batch_seed
from pumgpt.training.objectives.teacher import AnswerTeacher
from pumgpt.training.stages.contrast import text_of
from pumgpt.training.stages.heads import label_of
from pumgpt.training.trainer import StageTrainer

IGNORED = -100


@dataclass(frozen=True)
class InstructionSettings:
    """How a product becomes rows: what may be asked, how often, how many questions a photo, how often fewer visual tokens
    than N are shown (elastic N), and how often a prompt shows how many photos.
    """

    context: TaskContext
    mixture: MixtureWeights
    examples: int
    elastic: float
    num_photos: Mapping[int, float]
    untaught: Collection[str] = ()
    """Sources of products about which no teacher is asked."""


class _Row(NamedTuple):
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
        settings: InstructionSettings,
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
        photos = None
        if self.encoded is None:
            products, photos = self.photos.batch(products)
        seed = batch_seed(products)
        rng = random.Random(seed)
        counts = self.settings.num_photos if self.views else {1: 1.0}
        num_photos = rng.choices(list(counts), list(counts.values()))[0]
        blends: dict[int, Product] = {}
        if photos is not None:
            result: dict[str, Any] = {"pixel_values": self._pixels(photos.float() / 255, seed, num_photos)}
        else:
            assert self.encoded is not None
            shown = self.encoded.show(products, num_photos, torch.Generator().manual_seed(seed))
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
    ) -> list[_Row]:
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
                    example = self._along(example, blends[index])
                prompt, answer = self._tokens(example, num_photos, shown)
                rows.append(_Row(shown_photos, prompt, answer, closed, taught, blend))
        return rows

    def _taught(self, product: Product, example: Example, num_photos: int) -> int:
        """Heads see the photo alone: where there is a text beside it, they know less than the label."""
        if self.teacher is None or product.source in self.settings.untaught:
            return -1
        if num_photos == 0 or example.listing is not None:
            return -1
        return self.teacher.label_number(example.question, example.answer)

    def _along(self, example: Example, other: Product) -> Example:
        """The question with the answer that is true of `other`, where the teacher knows it: along its tokens the teacher says
        what comes next. Of a blend neither answer is the right one.
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
        answer = tokenizer(CANNOT_TELL if blank else example.answer, add_special_tokens=False)["input_ids"]
        return prompt, [*answer, tokenizer.eos_token_id]

    def _buckets(self, rows: list[_Row]) -> list[dict[str, Tensor]]:
        rows = sorted(rows, key=lambda row: len(row.prompt) + len(row.answer))
        size = max(1, -(-len(rows) // self.num_buckets))
        return [self._pad(rows[start : start + size]) for start in range(0, len(rows), size)]

    def _pad(self, rows: list[_Row]) -> dict[str, Tensor]:
        longest = max(len(row.prompt) + len(row.answer) for row in rows)
        input_ids = torch.full((len(rows), longest), self.processor.tokenizer.pad_token_id)
        labels, mask = torch.full_like(input_ids, IGNORED), torch.zeros_like(input_ids)
        for place, row in enumerate(rows):
            end = len(row.prompt) + len(row.answer)
            input_ids[place, :end] = torch.tensor(row.prompt + row.answer)
            labels[place, len(row.prompt) : end] = torch.tensor(row.answer)
            mask[place, :end] = 1
        index = torch.tensor([photo for row in rows for photo in row.photos], dtype=torch.long)
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
        }

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


def answer_loss(
    model: PumGPTForConditionalGeneration,
    visual_KBND: Tensor,
    bucket: dict[str, Tensor],
    teacher: AnswerTeacher | None = None,
    said: list[Tensor] | None = None,
) -> Tensor:
    """Sum over the rows of a bucket of each answer's cross-entropy, summed over its tokens times the row's `weight` (R,).

    Of an answer that is one of a list all tokens together decide, so that its sum counts: a mean would let a category of ten
    tokens weigh a tenth of a colour of one. Of open text the mean counts, lest captions outweigh all else. What a `teacher` has
    `said` of the photos is mixed in.
    """
    input_ids, labels = bucket["input_ids"], bucket["labels"]
    photo_index = bucket["photo_index"]
    num_placeholders = int((input_ids == model.config.image_token_id).sum())
    photos = EncodedPhotos(visual_KBND[:, :, : num_placeholders // max(len(photo_index), 1)])
    hidden_RSD = model.hidden_states(
        input_ids, photos, photo_index, attention_mask=bucket["attention_mask"], use_cache=False
    ).last_hidden_state
    assert hidden_RSD is not None
    asked = labels[:, 1:] != IGNORED
    # Probabilities in full precision, whatever the layers compute in: a teacher's small ones are to be learned too.
    with torch.autocast(input_ids.device.type, enabled=False):
        logits_TV = model.logits(hidden_RSD[:, :-1][asked])
    losses_T = F.cross_entropy(logits_TV.float(), labels[:, 1:][asked], reduction="none")
    if teacher is not None and said is not None:
        losses_T = teacher.mix(losses_T, logits_TV, labels[:, 1:], bucket, said)
    weight_T = bucket["weight"][:, None].expand(asked.shape)[asked]
    return (losses_T * weight_T).sum()


class InstructionTrainer(StageTrainer):
    """Trains a PumGPT model on batches of `InstructionCollator`."""

    def __init__(
        self, *args: Any, contrast_weight: float = 0.0, teacher: AnswerTeacher | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.contrast_weight = contrast_weight
        self.teacher = teacher.to(self.args.device) if teacher is not None else None
        self.model_accepts_loss_kwargs = False

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Mean over the answers of a batch; plus the contrastive loss, so that its head stays true while the Q-Former learns.
        A teacher is heard in training alone, so that the loss in evaluation is that of the labels.
        """
        # `Trainer` computes in bf16 within `model.forward` alone, which isn't what is called here.
        with self.accelerator.autocast():
            loss = self._loss(model, inputs)
        return (loss, {"loss": loss}) if return_outputs else loss

    def _loss(self, model: PumGPTForConditionalGeneration, inputs: dict[str, Any]) -> Tensor:
        teacher = self.teacher if model.training else None
        if "pixel_values" in inputs:
            photos = model.encode_photos(inputs["pixel_values"], keep_patches=teacher is not None)
        else:
            photos = ShownPhotos(inputs["queries_BWME"], inputs["pooled_BWV"]).through(model.bridge)
        rows = sum(bucket["labels"].shape[0] for bucket in inputs["buckets"])
        said = None
        if teacher is not None:
            assert photos.queries_BME is not None, "a teacher is refused where there are no queries"
            said = teacher.probabilities(photos.queries_BME, photos.patches_BPV)
        answers = torch.stack(
            [answer_loss(model, photos.visual_KBND, bucket, teacher, said) for bucket in inputs["buckets"]]
        )
        loss = answers.sum() / rows
        if self.contrast_weight and "text_ids" in inputs:
            assert photos.queries_BME is not None, "a contrastive head is refused where there are no queries"
            queries = photos.queries_BME[inputs["text_photo"]]
            texts = model.contrast.embed_texts(model.qformer, inputs["text_ids"], inputs["text_mask"])
            same = inputs["text_group"][:, None] == inputs["text_group"][None, :]
            contrast = model.contrast.loss(model.contrast.embed_photos(queries), texts, same)
            if model.training:
                loss = loss + self.contrast_weight * contrast
        if model.training and not loss.requires_grad:
            # A batch that shows no photo teaches nothing to adapters that train alone.
            loss = loss + 0 * photos.visual_KBND.sum()
        return loss

    def prediction_step(
        self, model: Any, inputs: dict[str, Any], prediction_loss_only: bool, ignore_keys: Any = None
    ) -> tuple[Tensor, None, None]:
        """Evaluation is by loss; what the answers are worth is measured through the engine."""
        with torch.no_grad():
            return self.compute_loss(model, self._prepare_inputs(inputs)).detach(), None, None
