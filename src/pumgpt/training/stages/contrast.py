"""Stage 2: photo with title, as in BLIP-2's first stage. Tower, Q-Former and contrastive head learn together, and the
linear heads of stage 1 go on, now on photos of full size. The Q-Former may have such heads too: what they can't read off its
queries, no language model behind it can. And towers and heads that learned before may teach those that learn now.

Shapes: B photos, R texts (R <= B: not every photo has one), S tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from pumgpt.catalog.product import Product
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.vision import keep_frozen_statistics
from pumgpt.training.stages.heads import HeadsCollator, LabelHeads, TowerWithHeads, as_probabilities, mean_probabilities


class ContrastiveStage(nn.Module):
    """What stage 2 trains: the model's parts before the bridge, and the heads. The language model isn't among them."""

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

    def train(self, mode: bool = True) -> ContrastiveStage:
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
        logits = told = self.heads(patches_BPV)
        if is_taught is None:
            is_taught = torch.ones(len(pixel_values), dtype=torch.bool, device=pixel_values.device)
        heard_B = self._heard(is_taught, partner, own_share) if self.teachers else None
        weight_B = None if heard_B is None else torch.where(heard_B, self.label_weight, 1.0)
        stated = (labels, self.smoothing, partner, own_share, weight_B)
        loss = self.heads.loss(told, *stated)
        if self.teachers:
            voices = [cast(TowerWithHeads, teacher).probabilities(pixel_values) for teacher in self.teachers]
            said = mean_probabilities(voices, self.teacher_weights)
            loss = loss + self.heads.imitation_loss(told, said, heard_B)
        else:
            said = as_probabilities(told)
        queries_BME = None
        if self.query_heads is not None:
            queries_BME = self._queries(patches_BPV)
            logits = self.query_heads(queries_BME)
            loss = loss + self.query_heads.loss(logits, *stated)
            loss = loss + self.query_heads.imitation_loss(logits, said, heard_B)
        if input_ids is not None and attention_mask is not None and text_photo is not None and text_group is not None:
            shown = self._queries(patches_BPV[text_photo]) if queries_BME is None else queries_BME[text_photo]
            texts = self.contrast.embed_texts(self.qformer, input_ids, attention_mask)
            same = text_group[:, None] == text_group[None, :]
            loss = loss + self.contrast_weight * self.contrast.loss(self.contrast.embed_photos(shown), texts, same)
        return {"loss": loss, "logits": logits}

    @staticmethod
    def _heard(is_taught: Tensor, partner: Tensor | None, own_share: Tensor | None) -> Tensor:
        """Of which photos (B,) the teachers are heard: nothing in a blend may be unknown to them."""
        if partner is None or own_share is None:
            return is_taught
        return is_taught & (is_taught[partner] | (own_share == 1))

    def _queries(self, patches_BPV: Tensor) -> Tensor:
        queries_BME: Tensor = self.qformer(self.projection(patches_BPV)).queries_BME
        return queries_BME


class ContrastiveCollator:
    """What `HeadsCollator` makes, the tokens of each photo's text, and whether teachers know what it shows: not those of products
    of the sources `untaught`. Blended photos have no text, as none is true of them.
    """

    def __init__(
        self,
        views: HeadsCollator,
        tokenizer: Any,
        text_of: Callable[[Product], str | None],
        max_length: int,
        share: float = 1.0,
        untaught: Collection[str] = (),
    ) -> None:
        self.views = views
        self.tokenizer = tokenizer
        self.text_of = text_of
        self.max_length = max_length
        self.share = share
        self.untaught = untaught

    def __call__(self, products: Sequence[Product]) -> dict[str, Any]:
        batch: dict[str, Any] = dict(self.views(products))
        products = self.views.photos.usable(products)
        batch["is_taught"] = torch.tensor([product.source not in self.untaught for product in products])
        texts = [self.text_of(product) for product in products]
        whole = batch["own_share"] == 1 if "own_share" in batch else torch.ones(len(products), dtype=torch.bool)
        photo = [index for index, text in enumerate(texts) if text and whole[index]]
        photo = photo[: round(len(photo) * self.share)]
        if len(photo) < 2:
            return batch
        stated = [texts[index] for index in photo]
        tokens = self.tokenizer(stated, padding=True, truncation=True, max_length=self.max_length, return_tensors="pt")
        first = {text: position for position, text in reversed(list(enumerate(stated)))}
        batch["input_ids"], batch["attention_mask"] = tokens["input_ids"], tokens["attention_mask"]
        batch["text_photo"] = torch.tensor(photo)
        batch["text_group"] = torch.tensor([first[text] for text in stated])
        return batch


def text_of(product: Product) -> str | None:
    """What stands beside a photo: its title, else the leaf of its category with the level above it."""
    if product.title:
        return product.title
    if product.category:
        return " ".join(reversed(product.category[-2:]))
    return None
