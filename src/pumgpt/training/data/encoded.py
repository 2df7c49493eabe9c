"""Views of the training photos, encoded once: where tower and Q-Former are frozen, most of a step of stage `instruct` would
go into computing again what they computed before.

Of each photo two kinds of views are kept: those that the model sees in inference (the photo; its mirror image and the
window onto its middle where the configuration says so), and random ones. A photo is then shown as the mean of the former, or
of a few of the latter.

Shapes: U photos, B of them in a batch, C channels, W views, M queries, E their width, V vision width.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from pumgpt.catalog.product import ImageRef, Product
from pumgpt.errors import RecipeError
from pumgpt.model.encoded_photos import EncodedPhotos
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.views import photo_views
from pumgpt.training.data.augmentation import AugmentRecipe, augment, resize
from pumgpt.training.data.products import PhotoCache

logger = logging.getLogger(__name__)
BATCH = 96


class EncodedRecipe(BaseModel):
    """How photos are encoded before training begins, and how they are shown."""

    model_config = ConfigDict(extra="forbid")

    file: Path
    """Where the views are kept, for a run that goes on and for the stages after it; made where it isn't there."""
    random_views: int = Field(default=4, ge=1)
    """Random views that are kept of each photo, drawn as the recipe's `augment` says."""
    shown: int = Field(default=2, ge=1)
    """Of how many random views a photo that is shown so is the mean."""
    plain: float = Field(default=0.5, ge=0, le=1)
    """Share of the batches whose photos are shown as the model reads them when it is asked."""
    blend: float = Field(default=0.0, ge=0, le=1)
    """Share of the photos that are blended with another one of the batch, as in mixup, for the questions that a teacher can
    answer: its probabilities for the blend are learned, and no label."""
    neighbours: int = Field(default=0, ge=0)
    """Out of how many of its nearest in the batch a photo's partner is drawn, as there is doubt between two kinds of shoes but
    nothing between a shoe and a cap; 0: out of all."""

    @model_validator(mode="after")
    def _as_many_are_kept(self) -> EncodedRecipe:
        if self.shown > self.random_views:
            raise ValueError(
                f"shown is {self.shown}, of only {self.random_views} random_views; raise these or lower it"
            )
        return self


class ViewBatch(NamedTuple):
    """Photos of a batch, each by a few of its views."""

    queries_BWME: Tensor
    pooled_BWV: Tensor
    """The mean over the patches that the tower saw."""

    def through(self, bridge: nn.Module) -> EncodedPhotos:
        """As `encode_photos` would give them: visual tokens and queries are the mean over the views."""
        count, shown = self.queries_BWME.shape[:2]
        bridged = bridge(self.pooled_BWV.flatten(0, 1)[:, None], self.queries_BWME.flatten(0, 1), bridge.max_tokens)
        visual_KBND = bridged.visual_KBND.unflatten(1, (count, shown)).mean(2)
        pooled_BPV = self.pooled_BWV.mean(1, keepdim=True)
        return EncodedPhotos(visual_KBND, self.queries_BWME.mean(1), patches_BPV=pooled_BPV)

    def blended(self, share: float, neighbours: int, generator: torch.Generator) -> BlendedBatch:
        """Each photo with `share`'s probability mixed with another, of which up to a half comes in.

        View by view, before anything is made of them: the mean of two photos' queries is what the heads of a teacher would
        see of a photo between them.
        """
        count = len(self.queries_BWME)
        itself = torch.arange(count)
        partner = self._neighbours(neighbours, generator) if neighbours else torch.randperm(count, generator=generator)
        own = 1 - torch.rand(count, generator=generator) / 2
        chosen = (torch.rand(count, generator=generator) < share) & (partner != itself)
        own = torch.where(chosen, own, torch.ones(()))
        answered_by = torch.where(torch.rand(count, generator=generator) < own, itself, partner)
        queries, pooled = (
            torch.lerp(values[partner], values, own.view(-1, *[1] * (values.dim() - 1))) for values in self
        )
        return BlendedBatch(ViewBatch(queries, pooled), chosen, answered_by)

    def _neighbours(self, count: int, generator: torch.Generator) -> Tensor:
        """For each photo (B,) one of the `count` that are most like it to the tower; itself where it is alone."""
        total = len(self.pooled_BWV)
        if total == 1:
            return torch.zeros(1, dtype=torch.long)
        seen_BV = self.pooled_BWV.mean(1)
        # What all photos of the batch share tells none apart.
        seen_BV = F.normalize(seen_BV - seen_BV.mean(0), dim=-1)
        likeness_BB = (seen_BV @ seen_BV.T).fill_diagonal_(-torch.inf)
        nearest_BK = likeness_BB.topk(min(count, total - 1)).indices
        drawn = torch.randint(nearest_BK.shape[1], (total, 1), generator=generator)
        return nearest_BK.gather(1, drawn)[:, 0]


class BlendedBatch(NamedTuple):
    """Photos of B products of which some are, or have beside them, a blend with another one."""

    photos: ViewBatch
    is_blended: Tensor
    """Which products are blended, (B,)."""
    answered_by: Tensor
    """Along whose label each blend is asked, (B,): its own, or its partner's as often as the partner has a share in it."""


class EncodedViews:
    """The kept views of U photos: `queries` (U, W, M, E) and `pooled` (U, W, V) in half precision, the plain views first."""

    def __init__(
        self, photos: Sequence[ImageRef], queries: Tensor, pooled: Tensor, num_plain: int, recipe: EncodedRecipe
    ) -> None:
        self.place = {photo: index for index, photo in enumerate(photos)}
        self.queries = queries
        self.pooled = pooled
        self.num_plain = num_plain
        self.recipe = recipe

    def sample(self, products: Sequence[Product], num_photos: int, generator: torch.Generator) -> BlendedBatch:
        """The photos of B products as a batch shows them, `num_photos` times over, but at least once; and where blends are asked
        for, B more after all others.

        All photos are shown by as many views, of a batch either by the plain ones or by random ones of each.
        """
        kept = self.queries.shape[1] - self.num_plain
        is_plain = torch.rand((), generator=generator) < self.recipe.plain
        place = torch.tensor([self.place[product.images[0]] for product in products])[:, None]
        sets = []
        for _ in range(max(num_photos, 1)):
            if is_plain:
                views_BW = torch.arange(self.num_plain).expand(len(products), -1)
            else:
                views_BW = torch.rand(len(products), kept, generator=generator).argsort(1)[:, : self.recipe.shown]
                views_BW = views_BW + self.num_plain
            sets.append(ViewBatch(self.queries[place, views_BW].float(), self.pooled[place, views_BW].float()))
        is_blended, answered_by = torch.zeros(len(products), dtype=torch.bool), torch.arange(len(products))
        if self.recipe.blend and num_photos == 1:
            blend, is_blended, answered_by = sets[0].blended(self.recipe.blend, self.recipe.neighbours, generator)
            sets.append(blend)
        photos = ViewBatch(*(torch.cat(values) for values in zip(*sets, strict=True)))
        return BlendedBatch(photos, is_blended, answered_by)


class Encoding(NamedTuple):
    """How a run makes its views."""

    recipe: EncodedRecipe
    random: AugmentRecipe
    size_px: int
    seed: int
    bf16: bool
    """Lets the tower compute in it; half precision is what is kept anyway."""


def open_or_encode(
    model: PumGPTForConditionalGeneration, products: Iterable[Product], photos: PhotoCache, how: Encoding
) -> EncodedViews:
    """The views of all photos of `products`, each of which has one that can be used: read from the recipe's file where they
    are those that would be made, else made and written there.

    Raises `RecipeError` where the file is something else than views: it is not written over.
    """
    first: dict[ImageRef, Product] = {}
    for product in products:
        first.setdefault(product.images[0], product)
    recipe = how.recipe
    # The file may be another run's: views of other weights or photos would be learned from without a word.
    mark = _fingerprint(model, list(first), how)
    num_plain = len(photo_views(torch.zeros(1, 3, 2, 2), model.config))
    if recipe.file.is_file():
        kept = _read(recipe.file, mark)
        if kept is not None:
            return EncodedViews(list(first), *kept, num_plain, recipe)
        logger.info("%s: holds views of other photos or weights; they are made anew", recipe.file)
    queries, pooled = _encode(model, list(first.values()), photos, num_plain, how)
    recipe.file.parent.mkdir(parents=True, exist_ok=True)
    # Under its own name only when it is whole: a run that is killed leaves no half of it.
    part = recipe.file.with_name(recipe.file.name + ".part")
    save_file({"queries": queries, "pooled": pooled}, part, {"made_of": mark})
    part.replace(recipe.file)
    return EncodedViews(list(first), queries, pooled, num_plain, recipe)


def _read(file: Path, mark: str) -> tuple[Tensor, Tensor] | None:
    """Queries and patches that are kept in `file`, None where they are made of something else."""
    try:
        with safe_open(str(file), "pt") as opened:
            made_of = (opened.metadata() or {}).get("made_of")
            if made_of == mark:
                return opened.get_tensor("queries"), opened.get_tensor("pooled")
    except (OSError, SafetensorError):
        made_of = None
    if made_of is None:
        raise RecipeError(
            f"instruct.encoded.file: {file} is something else than encoded views; name another, or move it"
        )
    return None


@torch.inference_mode()
def _encode(
    model: PumGPTForConditionalGeneration,
    products: Sequence[Product],
    photos: PhotoCache,
    num_plain: int,
    how: Encoding,
) -> tuple[Tensor, Tensor]:
    count, random_views = len(products), how.recipe.random_views
    kept = num_plain + random_views
    queries = torch.empty(count, kept, model.config.num_query_tokens, model.qformer.hidden_size, dtype=torch.float16)
    pooled = torch.empty(count, kept, model.vision_tower.hidden_size, dtype=torch.float16)
    generator = torch.Generator().manual_seed(how.seed)
    # Dropout would be frozen into the views.
    was_training = model.training
    model.eval()
    for start in range(0, count, BATCH):
        batch = photos.batch(products[start : start + BATCH])[1].to(model.device).float() / 255
        random = [augment(batch, how.size_px, how.random, generator) for _ in range(random_views)]
        views = [*photo_views(resize(batch, how.size_px) * 2 - 1, model.config), *(photo * 2 - 1 for photo in random)]
        for number, view in enumerate(views):
            with torch.autocast(model.device.type, torch.bfloat16, enabled=how.bf16):
                patches_BPV = model.vision_tower(view.to(model.dtype))
            patches_BPV = patches_BPV.to(model.dtype)
            queries[start : start + BATCH, number] = model.qformer(model.projection(patches_BPV)).queries_BME.half()
            pooled[start : start + BATCH, number] = patches_BPV.mean(1).half()
        if start // BATCH % 50 == 0:
            logger.info("photos encoded: %d of %d, %d views each", min(start + BATCH, count), count, kept)
    model.train(was_training)
    return queries, pooled


def _fingerprint(model: PumGPTForConditionalGeneration, photos: Sequence[ImageRef], how: Encoding) -> str:
    """What the views are made of: the weights that make them, the photos and how they are drawn."""
    digest = hashlib.sha256()
    for part in (model.vision_tower, model.projection, model.qformer):
        for name, tensor in part.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    for photo in photos:
        # A photo in a file goes by its address: hashing the pixels of all would cost as much as decoding them.
        digest.update(photo.data or photo.label.encode())
    drawn = [
        how.random.model_dump(),
        how.recipe.random_views,
        how.bf16,
        how.size_px,
        how.seed,
        model.config.mirrored,
        model.config.zoomed,
    ]
    digest.update(json.dumps(drawn).encode())
    return digest.hexdigest()
