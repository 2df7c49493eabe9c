"""Stage 1: the vision tower learns to see, with one linear head per label. The heads are also the specialists that
the generalist is measured against.

Shapes: B photos, P patches, V vision width, K values of one label.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pumgpt.catalog.product import Product
from pumgpt.model.vision import VisionTower
from pumgpt.training.data.augment import AugmentRecipe, blend_photos, random_or_plain, resize
from pumgpt.training.data.products import PhotoCache, batch_seed

CATEGORY = "category"
WORDS = "title words"
"""A label of another kind: which words the title has, of a list. It is learned with the others, as what people write about a
photo says more of it than its labels do, and answers nothing."""
WORDS_WEIGHT = 0.3
IGNORED = -100


def label_of(product: Product, name: str) -> str | None:
    """The value of one label, None where the product doesn't state exactly one."""
    if name == CATEGORY:
        return " > ".join(product.category) if product.category else None
    value = (product.attributes or {}).get(name)
    return value if isinstance(value, str) else None


def collect_values(products: Iterable[Product], names: Sequence[str], min_count: int) -> dict[str, list[str]]:
    """The values that each label takes at least `min_count` times, most frequent first."""
    counts: dict[str, Counter[str | None]] = {name: Counter() for name in names if name != WORDS}
    for product in products:
        for name, counter in counts.items():
            counter[label_of(product, name)] += 1
    return {
        name: [value for value, count in counter.most_common() if value is not None and count >= min_count]
        for name, counter in counts.items()
    }


def collect_words(products: Sequence[Product], min_count: int) -> list[str]:
    """Words that at least `min_count` titles have, most frequent first."""
    counter = Counter(word for product in products for word in title_words(product))
    return [word for word, count in sorted(counter.items(), key=lambda item: (-item[1], item[0])) if count >= min_count]


def title_words(product: Product) -> set[str]:
    """Lower-cased words of the title that have a letter."""
    return {word for word in re.findall(r"[\w'-]+", (product.title or "").lower()) if any(map(str.isalpha, word))}


class LabelHeads(nn.Module):
    """One linear classifier per label on the mean of the patches."""

    def __init__(self, hidden_size: int, values: Mapping[str, Sequence[str]], dropout: float = 0.1) -> None:
        super().__init__()
        self.values = {name: list(items) for name, items in values.items()}
        self.norm = nn.LayerNorm(hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleList(nn.Linear(hidden_size, len(items)) for items in self.values.values())

    def forward(self, patches_BPV: Tensor) -> dict[str, Tensor]:
        """Logits (B, K) by label."""
        pooled = self.dropout(self.norm(patches_BPV.mean(1)))
        return {name: head(pooled) for name, head in zip(self.values, self.heads, strict=True)}

    def loss(
        self,
        logits: Mapping[str, Tensor],
        labels: Mapping[str, Tensor],
        smoothing: float,
        partner: Tensor | None = None,
        own_share: Tensor | None = None,
        weight_B: Tensor | None = None,
    ) -> Tensor:
        """Sum over labels of the cross-entropy, each summed over the photos that state the label and divided by B; photos count
        by `weight_B` where it is given.

        Of blended photos `partner` (B,) says which other photo of the batch each was blended with, and `own_share` (B,) how much
        of it is its own: both photos' labels count by their shares. The words of a title share the probability evenly, as in
        Joulin et al. 2016 (arXiv 1511.02251).
        """
        if partner is None or own_share is None:
            return self._weighted_loss(logits, labels, smoothing, weight_B)
        own_B, other_B = (share if weight_B is None else share * weight_B for share in (own_share, 1 - own_share))
        others = {name: values[partner] for name, values in labels.items()}
        own = self._weighted_loss(logits, labels, smoothing, own_B)
        return own + self._weighted_loss(logits, others, smoothing, other_B)

    @staticmethod
    def _weighted_loss(
        logits: Mapping[str, Tensor], labels: Mapping[str, Tensor], smoothing: float, weight_B: Tensor | None
    ) -> Tensor:
        parts = []
        for name, logits_BK in logits.items():
            stated = labels[name].sum(-1) > 0 if name == WORDS else labels[name] != IGNORED
            if not stated.any():
                continue
            smooth, scale = (0.0, WORDS_WEIGHT) if name == WORDS else (smoothing, 1.0)
            targets = labels[name][stated]
            losses = F.cross_entropy(logits_BK[stated], targets, label_smoothing=smooth, reduction="none")
            if weight_B is not None:
                losses = losses * weight_B[stated]
            parts.append(losses.sum() / len(stated) * scale)
        return torch.stack(parts).sum()

    @staticmethod
    def imitation_loss(
        logits: Mapping[str, Tensor], teacher: Mapping[str, Tensor], heard_B: Tensor | None = None
    ) -> Tensor:
        """Sum over labels of the cross-entropy to the probabilities (B, K) that a teacher gives the same photos (Hinton et al.
        2015, arXiv 1503.02531), whether a photo states the label or not; of photos that aren't `heard_B` nothing counts.
        """
        parts = []
        for name, logits_BK in logits.items():
            losses_B = F.cross_entropy(logits_BK, teacher[name], reduction="none")
            if heard_B is not None:
                losses_B = losses_B * heard_B
            parts.append(losses_B.mean() * (WORDS_WEIGHT if name == WORDS else 1.0))
        return torch.stack(parts).sum()


def as_probabilities(logits: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Probabilities (B, K) by label, for others to learn from: no gradient leads back."""
    return {name: logits_BK.detach().float().softmax(-1) for name, logits_BK in logits.items()}


def mean_probabilities(
    voices: Sequence[Mapping[str, Tensor]], weights: Sequence[float] | None = None
) -> dict[str, Tensor]:
    """The mean of what several say, (B, K) by label."""
    shares = list(weights or [1.0] * len(voices))
    return {
        name: torch.stack([share * said[name] for share, said in zip(shares, voices, strict=True)]).sum(0) / sum(shares)
        for name in voices[0]
    }


class TowerWithHeads(nn.Module):
    """What stage 1 trains; and, when it has learned, a teacher.

    A teacher is shown photos at the side `size_px` that it learned at, where that is known: at 128 pixels a tower of 112 names
    two categories in a hundred fewer.
    """

    def __init__(
        self, tower: VisionTower, heads: LabelHeads, smoothing: float = 0.1, size_px: int | None = None
    ) -> None:
        super().__init__()
        self.tower = tower
        self.heads = heads
        self.smoothing = smoothing
        self.size_px = size_px

    def forward(
        self,
        pixel_values: Tensor,
        labels: dict[str, Tensor],
        partner: Tensor | None = None,
        own_share: Tensor | None = None,
    ) -> dict[str, Tensor | dict[str, Tensor]]:
        """Loss, and the logits (B, K) by label; `partner` and `own_share` as in `LabelHeads.loss`."""
        logits = self.heads(self.tower(pixel_values))
        return {"loss": self.heads.loss(logits, labels, self.smoothing, partner, own_share), "logits": logits}

    @torch.no_grad()
    def probabilities(self, pixel_values: Tensor) -> dict[str, Tensor]:
        """Probabilities (B, K) by label: the mean over each photo and its mirror image."""
        shown = pixel_values if self.size_px is None else resize(pixel_values, self.size_px)
        seen, mirrored = (as_probabilities(self.heads(self.tower(view))) for view in (shown, shown.flip(-1)))
        return mean_probabilities([seen, mirrored])


class HeadsCollator:
    """Products to `pixel_values` (B, 3, size_px, size_px), normalised to -1..1, and by label indices (B,), or for the
    words of titles a distribution (B, K). Where photos are blended, `partner` (B,) and `own_share` (B,) as well.

    Photos go to `device` as bytes, and their views are made there.
    """

    def __init__(
        self,
        photos: PhotoCache,
        values: Mapping[str, Sequence[str]],
        size_px: int,
        views: AugmentRecipe | None,
        blend: float = 0.0,
        device: torch.device | None = None,
    ) -> None:
        self.photos = photos
        self.size_px = size_px
        self.views = views
        self.blend = blend
        self.device = device
        self.index = {name: {value: i for i, value in enumerate(items)} for name, items in values.items()}

    def __call__(self, products: Sequence[Product]) -> dict[str, Tensor | dict[str, Tensor]]:
        products, photos = self.photos.batch(products)
        seed = batch_seed(products)
        pixels = random_or_plain(photos.to(device=self.device).float() / 255, self.size_px, self.views, seed)
        labels = {name: self._label(products, name) for name in self.index}
        result: dict[str, Tensor | dict[str, Tensor]] = {"labels": labels}
        if self.blend:
            pixels, result["partner"], result["own_share"] = blend_photos(pixels, self.blend, seed)
        return result | {"pixel_values": pixels * 2 - 1}

    def _label(self, products: Sequence[Product], name: str) -> Tensor:
        index = self.index[name]
        if name != WORDS:
            return torch.tensor([index.get(label_of(product, name) or "", IGNORED) for product in products])
        target_BK = torch.zeros(len(products), len(index))
        for row, product in enumerate(products):
            known = [index[word] for word in title_words(product) if word in index]
            target_BK[row, known] = 1 / max(len(known), 1)
        return target_BK
