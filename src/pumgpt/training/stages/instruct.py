"""Stage `instruct`: all tasks, as questions about photos. It trains the parts that its recipe names, from everything behind the
tower to the bridge alone; the others are frozen.
"""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from transformers import TrainingArguments

from pumgpt.catalog.product import Product
from pumgpt.errors import RecipeError
from pumgpt.model.card import CARD_FILE
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.mixture import MixtureWeights
from pumgpt.training.data.augmentation import AugmentRecipe
from pumgpt.training.data.encoded import EncodedRecipe, EncodedViews, Encoding, ViewBatch, open_or_encode
from pumgpt.training.data.instructions import InstructionCollator, PromptSettings
from pumgpt.training.data.labels import build_context
from pumgpt.training.data.products import PhotoCache, ProductDataset, read_splits, read_validation
from pumgpt.training.data.stream import ProductStream
from pumgpt.training.field_fit import describe
from pumgpt.training.held_out import HeldOutRecipe, measure_and_remember
from pumgpt.training.initialization import ModelAndProcessor, load_tower
from pumgpt.training.labelled import attributes_of, with_worthy_labels
from pumgpt.training.objectives.answers import AnswerTeacher, FormerModel, answer_loss
from pumgpt.training.objectives.heads import LabelHeads, load_heads, read_values
from pumgpt.training.stages.base import Batch, Stage, StageRecipe
from pumgpt.training.trainer import freeze_all_but

logger = logging.getLogger(__name__)

BUCKETS_ON_CPU, BUCKETS_ON_GPU = 8, 2
"""Many buckets spare a CPU the padding; a GPU computes that in no time, and each bucket costs it launches."""


class InstructSettings(BaseModel):
    """What is asked, how photos are shown, and which parts learn from it."""

    model_config = ConfigDict(extra="forbid")

    trained: list[str]
    """Parts of the model that train, by the beginning of their parameters' names; all others are frozen."""
    tower_from: Path | None = None
    """Folder whose vision tower takes the place of the one in `init_from`: a tower that learned on by itself."""
    examples: int = 3
    """Questions asked about a photo each time it is seen."""
    elastic: float = 0.3
    """Share of the batches in which fewer visual tokens than N are shown."""
    num_photos: dict[int, float] = {1: 0.8, 2: 0.12, 0: 0.08}
    """How often a batch's prompts show how many photos: two are views of one, with none the title must do."""
    attributes: list[str] | None
    """The attributes that are asked for, in the order of a record; with None all that the products have labels of."""
    mixture: MixtureWeights = MixtureWeights()
    mirrored: bool | None = None
    """Whether the model sees each photo together with its mirror image from here on; with None as in `init_from`."""
    zoomed: float | None = Field(default=None, gt=0, le=1)
    """Whether it sees each photo together with a window onto its middle, of this share of its sides; as `mirrored`."""
    encoded: EncodedRecipe | None = None
    """Encode the photos before training begins, where tower and Q-Former are frozen: a step then takes half the time."""
    contrast_weight: float = 0.0
    teacher: Path | None = None
    """Folder of stage `contrast` whose heads, on queries and patches, say what is in a photo: of an answer to an open question
    about the photo alone each token is learned from their probabilities too. Tower and Q-Former must be those in `init_from`, and
    frozen."""
    teacher_share: float = Field(default=0.7, ge=0, le=1)
    """Weight of the teacher's targets; the label has the rest."""
    teacher_shares: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    """The same for single fields, 'category' or an attribute."""
    retained: list[str] = []
    """Tasks whose answers shall stay as they are in `init_from`: in training its probabilities take the place of the labels, so
    that one task can be learned without the others being forgotten."""
    min_count: int = 1
    """How often a value must occur in the data to be offered as a choice."""


class InstructRecipe(StageRecipe):
    """Stage `instruct`."""

    stage: Literal["instruct"]
    instruct: InstructSettings
    held_out: HeldOutRecipe | None = None
    """Measure and calibrate the model on products held out, and give it a memory, for a shop that uses it as it is."""

    @model_validator(mode="after")
    def _can_hold_out(self) -> InstructRecipe:
        if self.data.stream and (self.held_out is not None or self.instruct.attributes is None):
            raise ValueError(
                "data.stream keeps no products to hold out or to take attributes from: set held_out=null and name "
                "instruct.attributes, and measure the model with `pumgpt bench`"
            )
        return self


@dataclass(kw_only=True)
class InstructStage(Stage):
    """A PumGPT model, the questions that its products can answer, and a teacher where there is one."""

    name = "instruct"
    recipe_class = InstructRecipe
    label_names = ("buckets",)

    recipe: InstructRecipe
    model: PumGPTForConditionalGeneration
    processor: PumGPTProcessor
    context: TaskContext
    photos: PhotoCache
    teacher: AnswerTeacher | None
    former: PumGPTForConditionalGeneration | None
    """The model as it was, where some tasks are to be retained."""
    encoded: EncodedViews | None
    num_buckets: int
    products: Sequence[Product]
    """All products that it could learn from, those that are held out included; none of a stream."""

    @classmethod
    def build(cls, recipe: InstructRecipe, arguments: TrainingArguments) -> InstructStage:
        data, settings = recipe.data, recipe.instruct
        train: list[Product] = []
        stream = None
        if data.stream:
            stream = ProductStream(data.train, recipe.data_dir, data, recipe.seed)
            validation = read_validation(data, recipe.data_dir)
        else:
            train, validation = read_splits(data, recipe.data_dir, recipe.seed, recipe.stage)
        if settings.attributes is None:
            train, validation = with_worthy_labels(train), with_worthy_labels(validation)
        products = stream.in_order() if stream is not None else train
        # Whatever is held out, the questions are those of all products.
        context = build_context(products, attributes_of(train, settings.attributes), settings.min_count)
        on_cpu = arguments.device.type == "cpu"
        model, processor = _load_model(recipe, train, on_cpu)
        former = copy.deepcopy(model).requires_grad_(False).eval().to(arguments.device) if settings.retained else None
        # What doesn't fit into memory as files doesn't as pixels either.
        photos = PhotoCache(data.size_px, keep=not data.stream, longest_px=data.longest_px)
        teacher = None
        if settings.teacher is not None:
            teacher = _load_teacher(settings, settings.teacher, model, context, processor).to(arguments.device)
        encoded = None
        if settings.encoded is not None:
            # Views are kept for every product, so that none may drop out later.
            train = photos.usable(train)
            encoded = _encode(recipe, settings.encoded, model, train, photos, arguments.bf16)
        every_product = train
        if recipe.held_out is not None:
            train = recipe.held_out.training_products(train)
        return cls(
            recipe=recipe,
            model=model,
            train_set=stream or ProductDataset(train),
            validation_set=ProductDataset(validation),
            processor=processor,
            context=context,
            photos=photos,
            teacher=teacher,
            former=former,
            encoded=encoded,
            num_buckets=BUCKETS_ON_CPU if on_cpu else BUCKETS_ON_GPU,
            products=every_product,
        )

    def collate(self, views: AugmentRecipe | None) -> InstructionCollator:
        asked, recipe = self.recipe.instruct, self.recipe
        return InstructionCollator(
            self.photos,
            self.processor,
            PromptSettings(
                self.context,
                asked.mixture,
                asked.examples,
                asked.elastic,
                asked.num_photos,
                recipe.data.untaught,
                asked.retained,
            ),
            recipe.size_px,
            views,
            num_buckets=self.num_buckets,
            contrast_length=self.model.config.contrastive_max_length if asked.contrast_weight else 0,
            teacher=self.teacher,
            encoded=self.encoded,
        )

    def loss(self, model: PumGPTForConditionalGeneration, batch: Batch) -> dict[str, Any]:
        """Mean over the answers of a batch; plus the contrastive loss, so that its head stays true while the Q-Former learns.

        The teacher counts in training alone, so that the loss in evaluation is that of the labels.
        """
        teacher = self.teacher if model.training else None
        if "pixel_values" in batch:
            photos = model.encode_photos(batch["pixel_values"], keep_patches=teacher is not None)
        else:
            photos = ViewBatch(batch["queries_BWME"], batch["pooled_BWV"]).through(model.bridge)
        targets = None
        if teacher is not None:
            assert photos.queries_BME is not None, "a teacher is refused where there are no queries"
            targets = teacher.probabilities(photos.queries_BME, photos.patches_BPV)
        former = self._former(batch) if self.former is not None and model.training else None
        answers = [
            answer_loss(model, photos.visual_KBND, bucket, teacher, targets, former) for bucket in batch["buckets"]
        ]
        # By the rows of the batch, not of each bucket: a bucket is no unit of meaning.
        loss = torch.stack(answers).sum() / sum(bucket["labels"].shape[0] for bucket in batch["buckets"])
        if self.recipe.instruct.contrast_weight and "text_ids" in batch and model.training:
            assert photos.queries_BME is not None, "a contrastive head is refused where there are no queries"
            queries = photos.queries_BME[batch["text_photo"]]
            texts = model.contrast.embed_texts(model.qformer, batch["text_ids"], batch["text_mask"])
            same = batch["text_group"][:, None] == batch["text_group"][None, :]
            contrast = model.contrast.loss(model.contrast.embed_photos(queries), texts, same)
            loss = loss + self.recipe.instruct.contrast_weight * contrast
        if model.training and not loss.requires_grad:
            # A batch that shows no photo teaches nothing to adapters that train alone.
            loss = loss + 0 * photos.visual_KBND.sum()
        return {"loss": loss}

    @torch.no_grad()
    def _former(self, batch: Batch) -> FormerModel:
        assert self.former is not None
        if "pixel_values" in batch:
            return FormerModel(self.former, self.former.encode_photos(batch["pixel_values"]).visual_KBND)
        views = ViewBatch(batch["queries_BWME"], batch["pooled_BWV"])
        return FormerModel(self.former, views.through(self.former.bridge).visual_KBND)

    def save(self, folder: Path) -> None:
        self.model.save_pretrained(folder)
        self.processor.save_pretrained(folder)
        self._write_card(folder)

    def complete(self, run_stage: Callable[[StageRecipe], Stage]) -> None:
        """Measure, calibrate and remember, where the recipe holds products out."""
        held_out = self.recipe.held_out
        if held_out is None:
            return

        def train_without(fold: int, folder: Path) -> Path:
            beside = held_out.model_copy(update={"without": fold})
            run_stage(self.recipe.model_copy(update={"held_out": beside, "output_dir": folder}))
            return folder

        products = self.products
        for line in map(describe, measure_and_remember(self.recipe.output_dir, products, held_out, train_without)):
            logger.info("%s", line)

    def _write_card(self, folder: Path) -> None:
        """What the checkpoint was trained to answer, for `pumgpt info` and as defaults of `pumgpt enrich`."""
        choices = self.context.taxonomy_choices.values if self.context.taxonomy_choices else ()
        card = {
            "name": folder.name,
            "tasks": [name for name, weight in self.recipe.instruct.mixture.tasks.items() if weight],
            "categories": [path.split(" > ") for path in choices],
            "attributes": {a.name: list(a.choices.values) if a.choices else [] for a in self.context.attributes},
            "training_data": [source.files for source in self.recipe.data.train],
        }
        (folder / CARD_FILE).write_text(json.dumps(card, ensure_ascii=False, indent=1), encoding="utf-8")


def _load_model(recipe: InstructRecipe, train: Sequence[Product], on_cpu: bool) -> ModelAndProcessor:
    """The model that the stage starts from, changed and frozen as its recipe says."""
    settings = recipe.instruct
    model, processor = recipe.init_from.load_model(train, recipe.size_px)
    if settings.mirrored is not None:
        model.config.mirrored = settings.mirrored
    if settings.zoomed is not None:
        model.config.zoomed = settings.zoomed
    if settings.tower_from is not None:
        load_tower(model.vision_tower, settings.tower_from)
    freeze_all_but(model, settings.trained)
    if on_cpu:
        # On a CPU, and with rows as short as these, plain products are faster than the fused kernel: by a fifth of a step.
        model.language_model.set_attn_implementation("eager")
    return model, processor


def _encode(
    recipe: InstructRecipe,
    settings: EncodedRecipe,
    model: PumGPTForConditionalGeneration,
    train: Sequence[Product],
    photos: PhotoCache,
    bf16: bool,
) -> EncodedViews:
    _require_frozen_queries(model, "instruct.encoded keeps the Q-Former's output")
    if recipe.data.stream or recipe.augment is None:
        raise RecipeError("instruct.encoded keeps random views of all photos: it needs `augment`, and not data.stream")
    return open_or_encode(model, train, photos, Encoding(settings, recipe.augment, recipe.size_px, recipe.seed, bf16))


def _load_teacher(
    settings: InstructSettings,
    folder: Path,
    model: PumGPTForConditionalGeneration,
    context: TaskContext,
    processor: PumGPTProcessor,
) -> AnswerTeacher:
    """The heads that a stage `contrast` left in `folder`: those on the queries, and those on the patches where there are some."""
    _require_frozen_queries(model, "instruct.teacher judges by the queries")
    if (values := read_values(folder)) is not None:
        heads = LabelHeads(model.qformer.hidden_size, values)
        patch_heads = LabelHeads(model.vision_tower.hidden_size, values)
        if load_heads(heads, folder, "query_heads"):
            also = patch_heads if load_heads(patch_heads, folder) else None
            tokenizer, shares = processor.tokenizer, settings.teacher_shares
            return AnswerTeacher(heads, context, tokenizer, settings.teacher_share, also, shares)
    raise RecipeError(
        f"instruct.teacher: {folder} has no heads on queries; name a folder of stage 'contrast' that learned them"
    )


def _require_frozen_queries(model: PumGPTForConditionalGeneration, reason: str) -> None:
    """Raises `RecipeError` where what makes the queries would change while it trains, or where there are no queries."""
    parts = [model.vision_tower, model.projection, model.qformer] if model.uses_queries else []
    if not parts or any(p.requires_grad for part in parts for p in part.parameters()):
        raise RecipeError(f"{reason}, so that tower and Q-Former must be frozen; see instruct.trained")
