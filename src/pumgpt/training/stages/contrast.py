"""Stage `contrast`: photo with title, as in BLIP-2's first stage. Tower, Q-Former and contrastive head learn together, and the
linear heads of stage `heads` go on, now on photos of full size.

The Q-Former may have such heads too: what they can't tell from its queries, no language model behind it can. Towers and heads
that learned before may teach those that learn now.

Shapes: B photos, R texts (R <= B: not every photo has one), S tokens.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import torch
import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from torch import Tensor, nn
from transformers import TrainingArguments

from pumgpt.catalog.product import Product
from pumgpt.errors import RecipeError
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.plain_text import encode_padded
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.model.vision import keep_frozen_statistics
from pumgpt.training.data.augmentation import AugmentRecipe
from pumgpt.training.data.labels import text_of
from pumgpt.training.data.products import PhotoCache, ProductDataset, read_splits
from pumgpt.training.initialization import load_tower, tower_of
from pumgpt.training.objectives.heads import (
    LabelHeads,
    TowerWithHeads,
    as_probabilities,
    load_heads,
    mean_probabilities,
    read_values,
    save_heads,
    write_values,
)
from pumgpt.training.stages.base import Stage, StageRecipe
from pumgpt.training.stages.heads import HeadsCollator, HeadSettings, head_accuracy
from pumgpt.training.trainer import freeze_all_but, views_device


def _with_weights(value: Any) -> Any:
    """One folder, or several, count alike where no weights are given."""
    if value is None:
        return {}
    if isinstance(value, str | Path):
        return {value: 1.0}
    return dict.fromkeys(value, 1.0) if isinstance(value, list) else value


class ContrastSettings(BaseModel):
    """What is learned beside the labels, and from whom."""

    model_config = ConfigDict(extra="forbid")

    weight: float = 0.5
    """Weight of the contrastive loss beside the others."""
    share: float = 1.0
    """Share of the photos with a text that take part in a step: the Q-Former costs as much as the tower."""
    query_heads: bool = False
    """Whether the Q-Former learns the labels too, with heads on the mean of its queries."""
    tower_from: Path | None = None
    """Folder of stage `heads` whose tower and heads go on here, where `init_from` is something else."""
    teacher: Annotated[dict[Path, Annotated[float, Field(gt=0)]], BeforeValidator(_with_weights)] = {}
    """Folder of a stage, or several with their weights, whose tower and heads say of each view what they see in it: all heads
    learn the mean. Without one the queries' heads learn from the tower's own."""
    label_weight: float = 1.0
    """Weight of the labels beside the teachers."""
    trained: list[str] = ["vision_tower", "projection", "qformer", "contrast", "heads", "query_heads"]
    """Parts that train, by the beginning of their parameters' names; all others are frozen."""


class ContrastRecipe(StageRecipe):
    """Stage `contrast`; it goes on from the tower and heads of stage `heads`, or from a PumGPT checkpoint."""

    stage: Literal["contrast"]
    heads: HeadSettings
    contrast: ContrastSettings


@dataclass(kw_only=True)
class ContrastStage(Stage):
    """The model's parts before the bridge, with heads on the tower and, where asked for, on the queries."""

    name = "contrast"
    recipe_class = ContrastRecipe

    recipe: ContrastRecipe
    model: ContrastiveModel
    whole: PumGPTForConditionalGeneration
    """The checkpoint that is written: what trains is a part of it."""
    processor: PumGPTProcessor
    photos: PhotoCache
    device: torch.device

    @classmethod
    def build(cls, recipe: ContrastRecipe, arguments: TrainingArguments) -> ContrastStage:
        settings = recipe.contrast
        train, validation = read_splits(recipe.data, recipe.data_dir, recipe.seed, recipe.stage)
        start = settings.tower_from or recipe.init_from.folder
        values = recipe.heads.values(train, start)
        whole, processor = recipe.init_from.load_model(train, recipe.size_px)
        if settings.tower_from is not None:
            load_tower(whole.vision_tower, settings.tower_from)
        # New heads start at random, those of the stage before go on.
        heads = LabelHeads(whole.vision_tower.hidden_size, values)
        query_heads = LabelHeads(whole.qformer.hidden_size, values) if settings.query_heads else None
        if start is not None and read_values(start) is not None:
            load_heads(heads, start)
            if query_heads is not None:
                load_heads(query_heads, start, "query_heads")
        teachers = {load_teacher(folder, values): weight for folder, weight in settings.teacher.items()}
        smoothing = recipe.heads.smoothing
        model = ContrastiveModel(whole, heads, smoothing, settings.weight, query_heads, teachers, settings.label_weight)
        freeze_all_but(model, settings.trained)
        return cls(
            recipe=recipe,
            model=model,
            train_set=ProductDataset(train),
            validation_set=ProductDataset(validation),
            metrics=head_accuracy(list(values)),
            whole=whole,
            processor=processor,
            photos=PhotoCache(recipe.data.size_px, longest_px=recipe.data.longest_px),
            device=views_device(arguments),
        )

    def collate(self, views: AugmentRecipe | None) -> ContrastiveCollator:
        recipe, values = self.recipe, self.model.heads.values
        labelled = HeadsCollator(
            self.photos, values, recipe.size_px, views, recipe.heads, detail_px=recipe.detail_px, device=self.device
        )
        longest = self.whole.config.contrastive_max_length
        share, untaught = recipe.contrast.share, recipe.data.untaught
        return ContrastiveCollator(labelled, self.processor.tokenizer, longest, share, untaught)

    def save(self, folder: Path) -> None:
        self.whole.save_pretrained(folder)
        self.processor.save_pretrained(folder)
        save_heads(self.model.heads, folder)
        if self.model.query_heads is not None:
            save_heads(self.model.query_heads, folder, "query_heads")
        write_values(folder, self.model.heads.values)


def load_teacher(folder: Path, values: dict[str, list[str]]) -> TowerWithHeads:
    """Tower and heads that a stage `heads` or `contrast` left in `folder`, of whatever shape they are.

    Raises `RecipeError` where they learned other values: heads that mean something else can't be imitated.
    """
    if read_values(folder) == values:
        tower = tower_of(folder)
        # Where the stage left its recipe, it says how large the photos were that it learned from.
        file = folder / "recipe.yaml"
        size_px = yaml.safe_load(file.read_text(encoding="utf-8")).get("size_px") if file.is_file() else None
        teacher = TowerWithHeads(tower, LabelHeads(tower.hidden_size, values), size_px=size_px).requires_grad_(False)
        if load_heads(teacher.heads, folder):
            return teacher
    raise RecipeError(
        f"contrast.teacher: {folder} has no heads for the values that this stage learns; name the folder of "
        "the stage that this one goes on from, or of another that learned from the same data"
    )


class ContrastiveModel(nn.Module):
    """The part of a PumGPT model that lies before the bridge, and heads on it. The language model isn't in it."""

    def __init__(
        self,
        model: PumGPTForConditionalGeneration,
        heads: LabelHeads,
        smoothing: float,
        contrast_weight: float,
        query_heads: LabelHeads | None = None,
        teachers: Mapping[TowerWithHeads, float] | None = None,
        label_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.vision_tower = model.vision_tower
        self.projection = model.projection
        self.qformer = model.qformer
        self.contrast = model.contrast
        self.heads = heads
        self.query_heads = query_heads
        self.teachers = nn.ModuleList(teachers or {})
        self.teacher_weights = list((teachers or {}).values())
        self.smoothing = smoothing
        self.contrast_weight = contrast_weight
        self.label_weight = label_weight

    def train(self, mode: bool = True) -> ContrastiveModel:
        """As in `nn.Module`, but the batch-norm statistics of a frozen tower are frozen with its weights, and the teachers
        never train.
        """
        super().train(mode)
        if mode:
            keep_frozen_statistics(self.vision_tower)
        self.teachers.eval()
        return self

    def forward(
        self,
        pixel_values: Tensor,
        labels: dict[str, Tensor],
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        text_photo: Tensor | None = None,
        text_group: Tensor | None = None,
        partner: Tensor | None = None,
        own_share: Tensor | None = None,
        is_taught: Tensor | None = None,
    ) -> dict[str, Any]:
        """Loss, and logits by label, of the queries' heads where there are some. `text_photo` (R,) says which photo a text
        belongs to, `text_group` (R,) which texts are equal; `partner` and `own_share` as in `LabelHeads.loss`.
        Where `is_taught` (B,) is false the teachers don't know what they see: the labels alone are learned.
        """
        patches_BPV = self.vision_tower(pixel_values)
        logits = tower_logits = self.heads(patches_BPV)
        if is_taught is None:
            is_taught = torch.ones(len(pixel_values), dtype=torch.bool, device=pixel_values.device)
        taught_B = None
        if self.teachers:
            # A teacher has something to say of a blend only where it knows both of its photos.
            blended = partner is not None and own_share is not None
            taught_B = is_taught & (is_taught[partner] | (own_share == 1)) if blended else is_taught
        weight_B = None if taught_B is None else torch.where(taught_B, self.label_weight, 1.0)
        stated = (labels, self.smoothing, partner, own_share, weight_B)
        loss = self.heads.loss(tower_logits, *stated)
        if self.teachers:
            opinions = [cast(TowerWithHeads, teacher).probabilities(pixel_values) for teacher in self.teachers]
            targets = mean_probabilities(opinions, self.teacher_weights)
            loss = loss + self.heads.imitation_loss(tower_logits, targets, taught_B)
        else:
            targets = as_probabilities(tower_logits)
        queries_BME = None
        if self.query_heads is not None:
            queries_BME = self._queries(patches_BPV)
            logits = self.query_heads(queries_BME)
            loss = loss + self.query_heads.loss(logits, *stated)
            loss = loss + self.query_heads.imitation_loss(logits, targets, taught_B)
        if input_ids is not None and attention_mask is not None and text_photo is not None and text_group is not None:
            # The Q-Former runs on all photos only where its heads need them all.
            shown = self._queries(patches_BPV[text_photo]) if queries_BME is None else queries_BME[text_photo]
            texts = self.contrast.embed_texts(self.qformer, input_ids, attention_mask)
            same = text_group[:, None] == text_group[None, :]
            loss = loss + self.contrast_weight * self.contrast.loss(self.contrast.embed_photos(shown), texts, same)
        return {"loss": loss, "logits": logits}

    def _queries(self, patches_BPV: Tensor) -> Tensor:
        queries_BME: Tensor = self.qformer(self.projection(patches_BPV)).queries_BME
        return queries_BME


class ContrastiveCollator:
    """What `HeadsCollator` makes, the tokens of each photo's text, and whether teachers know what it shows: not those of products
    of the sources `untaught`. Blended photos have no text, as none is true of them.
    """

    def __init__(
        self,
        labelled: HeadsCollator,
        tokenizer: Any,
        max_length: int,
        share: float = 1.0,
        untaught: Collection[str] = (),
    ) -> None:
        self.labelled = labelled
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.share = share
        self.untaught = untaught

    def __call__(self, products: Sequence[Product]) -> dict[str, Any]:
        batch = self.labelled(products)
        products = self.labelled.photos.usable(products)
        batch["is_taught"] = torch.tensor([product.source not in self.untaught for product in products])
        texts = [text_of(product) for product in products]
        whole = batch["own_share"] == 1 if "own_share" in batch else torch.ones(len(products), dtype=torch.bool)
        photo = [index for index, text in enumerate(texts) if text and whole[index]]
        # The first ones: the loader has shuffled the products already.
        photo = photo[: round(len(photo) * self.share)]
        if len(photo) < 2:
            # One text has none to be told apart from.
            return batch
        stated = [text for index in photo if (text := texts[index])]
        tokens = encode_padded(self.tokenizer, stated, self.max_length)
        # Products with the same title are no negatives of each other.
        first = {text: position for position, text in reversed(list(enumerate(stated)))}
        batch["input_ids"], batch["attention_mask"] = tokens["input_ids"], tokens["attention_mask"]
        batch["text_photo"] = torch.tensor(photo)
        batch["text_group"] = torch.tensor([first[text] for text in stated])
        return batch
