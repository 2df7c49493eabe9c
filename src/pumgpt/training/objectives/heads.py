"""Linear classifiers on what a vision tower or a Q-Former makes of a photo, and what others learn from their probabilities.

Shapes: B photos, P patches, V vision width, K values of one label.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from pumgpt.model.vision import VisionTower
from pumgpt.training.data.augmentation import resize
from pumgpt.training.data.labels import WORDS

WORDS_WEIGHT = 0.3
IGNORED = -100
"""The target that `F.cross_entropy` passes by."""
VALUES_FILE = "heads.json"
"""The values of each head, beside its weights."""


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
            # The mean over no photo would be NaN.
            if not stated.any():
                continue
            # Words have a distribution for a target, which is smooth already.
            smooth, scale = (0.0, WORDS_WEIGHT) if name == WORDS else (smoothing, 1.0)
            targets = labels[name][stated]
            losses = F.cross_entropy(logits_BK[stated], targets, label_smoothing=smooth, reduction="none")
            if weight_B is not None:
                losses = losses * weight_B[stated]
            parts.append(losses.sum() / len(stated) * scale)
        return torch.stack(parts).sum()

    @staticmethod
    def imitation_loss(
        logits: Mapping[str, Tensor], teacher: Mapping[str, Tensor], taught_B: Tensor | None = None
    ) -> Tensor:
        """Sum over labels of the cross-entropy to the probabilities (B, K) that a teacher gives the same photos (Hinton et al.
        2015, arXiv 1503.02531), whether a photo states the label or not; photos that aren't `taught_B` don't count.
        """
        parts = []
        for name, logits_BK in logits.items():
            losses_B = F.cross_entropy(logits_BK, teacher[name], reduction="none")
            if taught_B is not None:
                losses_B = losses_B * taught_B
            parts.append(losses_B.mean() * (WORDS_WEIGHT if name == WORDS else 1.0))
        return torch.stack(parts).sum()


def as_probabilities(logits: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Probabilities (B, K) by label, for others to learn from: no gradient leads back."""
    return {name: logits_BK.detach().float().softmax(-1) for name, logits_BK in logits.items()}


def mean_probabilities(
    teachers: Sequence[Mapping[str, Tensor]], weights: Sequence[float] | None = None
) -> dict[str, Tensor]:
    """The mean of the probabilities (B, K) by label that several teachers give."""
    shares = list(weights or [1.0] * len(teachers))
    return {
        name: torch.stack([w * teacher[name] for w, teacher in zip(shares, teachers, strict=True)]).sum(0) / sum(shares)
        for name in teachers[0]
    }


class TowerWithHeads(nn.Module):
    """What stage `heads` trains; and, once it has learned, a teacher.

    A teacher sees photos at the side `size_px` that it learned at, where that is known: at 128 pixels a tower of 112 names
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
        view = pixel_values if self.size_px is None else resize(pixel_values, self.size_px)
        plain, mirrored = (as_probabilities(self.heads(self.tower(side))) for side in (view, view.flip(-1)))
        return mean_probabilities([plain, mirrored])


def read_values(folder: Path | None) -> dict[str, list[str]] | None:
    """The values that the stage in `folder` had heads for, None where it had no heads."""
    file = folder / VALUES_FILE if folder else None
    return json.loads(file.read_text(encoding="utf-8")) if file and file.is_file() else None


def write_values(folder: Path, values: dict[str, list[str]]) -> None:
    (folder / VALUES_FILE).write_text(json.dumps(values, ensure_ascii=False, indent=1), encoding="utf-8")


def save_heads(heads: LabelHeads, folder: Path, name: str = "heads") -> None:
    """Write the weights as `name`.safetensors: beside a checkpoint, whose own weights know nothing of them."""
    save_file({key: tensor.contiguous() for key, tensor in heads.state_dict().items()}, folder / f"{name}.safetensors")


def load_heads(heads: LabelHeads, folder: Path, name: str = "heads") -> bool:
    """Put the heads that stage `heads` or `contrast` left in `folder` into `heads`; False where it left none. `name` is that of
    their file: `query_heads` are the Q-Former's.
    """
    if (folder / f"{name}.safetensors").is_file():
        heads.load_state_dict(load_file(folder / f"{name}.safetensors"))
        return True
    if name != "heads":
        return False
    # Stage `heads` writes tower and heads into one file.
    weights = load_file(folder / "model.safetensors")
    state = {key.removeprefix("heads."): tensor for key, tensor in weights.items() if key.startswith("heads.")}
    if state:
        heads.load_state_dict(state)
    return bool(state)
