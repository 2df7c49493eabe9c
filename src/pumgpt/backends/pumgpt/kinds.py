"""Whether photos show a product of a kind that a model has learnt: how far their features are from those of its training photos.

Each field of a product is calibrated on photos of its own kind, and would be filled on every kind: a desk gets a gender. The
distance to the nearest of some reference points tells kinds apart that no training product was of (Sun et al. 2022, arXiv
2204.06507), in a space where the spread within categories is alike in all directions (Lee et al. 2018, arXiv 1807.03888).

Shapes: B photos, N reference points, V width of the features, D of that space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from pumgpt.errors import ModelError, first_line
from pumgpt.model.card import KINDS_FILE

REFERENCES_PER_CATEGORY = 4
MAX_JOINED = 1_000
"""So many of a shop's photos become reference points, as many as hold its kinds and keep the file small."""
_ROUNDS = 10
_LEAST_SPREAD = 1e-6
_INT8_MAX = 127


class _Description(BaseModel):
    """The metadata of the file, beside its tensors."""

    model_config = ConfigDict(extra="forbid")

    first_column: int
    is_cosine: bool
    radius: float
    width: float


@dataclass(frozen=True)
class FeatureSpace:
    """Where distances are taken: features are centred, projected, and with `is_cosine` brought to length 1.

    Only V columns from `first_column` on are read: of a model with a transfer tower, what that tower saw.
    """

    centre_V: Tensor
    projection_VD: Tensor
    is_cosine: bool = False
    first_column: int = 0

    def __call__(self, features_BV: Tensor) -> Tensor:
        """Points (B, D)."""
        columns_BV = features_BV[:, self.first_column : self.first_column + len(self.centre_V)]
        points_BD = (columns_BV.float() - self.centre_V) @ self.projection_VD
        return F.normalize(points_BD, dim=-1) if self.is_cosine else points_BD

    @classmethod
    def principal(cls, features_NV: Tensor, dim: int) -> FeatureSpace:
        """The `dim` strongest principal components, each at the same spread; lengths don't count."""
        centre_V = features_NV.mean(0)
        _, spread_K, directions_KV = torch.linalg.svd(features_NV - centre_V, full_matrices=False)
        spread_D = (spread_K[:dim] / len(features_NV) ** 0.5).clamp_min(_LEAST_SPREAD)
        return cls(centre_V, directions_KV[:dim].T / spread_D, is_cosine=True)

    @classmethod
    def within_categories(cls, features_NV: Tensor, categories_N: Tensor, shrinkage: float = 0.1) -> FeatureSpace:
        """Where photos of one category are spread alike in all directions, so that distances are Mahalanobis'.

        All directions stay: unknown kinds differ in those in which the known ones are alike. `shrinkage` of the covariance is
        taken from its mean, as there are few photos of each category.
        """
        centre_V = features_NV.mean(0)
        means_CV, index_N = category_means(features_NV, categories_N)
        rest_NV = features_NV - means_CV[index_N]
        covariance_VV = rest_NV.T @ rest_NV / len(rest_NV)
        round_VV = covariance_VV.diagonal().mean() * torch.eye(len(centre_V))
        strength_V, axes_VV = torch.linalg.eigh((1 - shrinkage) * covariance_VV + shrinkage * round_VV)
        return cls(centre_V, axes_VV / strength_V.clamp_min(_LEAST_SPREAD**2).sqrt())


def category_means(features_NV: Tensor, categories_N: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of each category (C, V), and for each photo (N,) which of them is its own."""
    _, index_N = categories_N.unique(return_inverse=True)
    count = int(index_N.max()) + 1
    sums_CV = features_NV.new_zeros(count, features_NV.shape[1]).index_add(0, index_N, features_NV)
    return sums_CV / index_N.bincount(minlength=count)[:, None], index_N


def condense(points_ND: Tensor, categories_N: Tensor, per_category: int = REFERENCES_PER_CATEGORY) -> Tensor:
    """At most `per_category` reference points for each category: the centres of its photos by k-means, so that a category of few
    photos keeps its place.
    """
    return torch.cat([_centres(points_ND[categories_N == each], per_category) for each in categories_N.unique()])


def _centres(points_ND: Tensor, count: int) -> Tensor:
    if len(points_ND) <= count:
        return points_ND
    generator = torch.Generator().manual_seed(0)
    centres_KD = points_ND[torch.randperm(len(points_ND), generator=generator)[:count]]
    for _ in range(_ROUNDS):
        nearest_N = torch.cdist(points_ND, centres_KD).argmin(1)
        sums_KD = torch.zeros_like(centres_KD).index_add(0, nearest_N, points_ND)
        sizes_K1 = nearest_N.bincount(minlength=count)[:, None]
        # A centre without photos stays where it is.
        centres_KD = torch.where(sizes_K1 > 0, sums_KD / sizes_K1.clamp_min(1), centres_KD)
    return centres_KD


@dataclass(frozen=True)
class KnownKinds:
    """A photo at `radius` from the nearest reference point is as likely of a known kind as not; within `width` around it that
    changes.
    """

    space: FeatureSpace
    references_ND: Tensor
    radius: float
    width: float

    def distances(self, features_BV: Tensor) -> Tensor:
        """The distance (B,) to the nearest reference point."""
        points_BD = self.space(features_BV)
        return torch.cdist(points_BD, self.references_ND).amin(1)

    def known(self, features_BV: Tensor) -> Tensor:
        """How likely photos are of a kind that was learnt (B,), 0 to 1. A row of NaN, of a product without a photo, gets 1:
        nothing speaks against it.
        """
        nearness_B = (self.radius - self.distances(features_BV.nan_to_num(0.0))) / self.width
        return torch.where(features_BV.isnan().any(1), 1.0, nearness_B.sigmoid())

    def joined(self, features_NV: Tensor) -> KnownKinds:
        """These kinds, and those of a shop's products."""
        step = max(1, -(-len(features_NV) // MAX_JOINED))
        points_ND = self.space(features_NV[::step])
        return replace(self, references_ND=torch.cat([self.references_ND, points_ND]))

    def to(self, device: torch.device | str) -> KnownKinds:
        centre_V, projection_VD = self.space.centre_V.to(device), self.space.projection_VD.to(device)
        space = replace(self.space, centre_V=centre_V, projection_VD=projection_VD)
        return replace(self, space=space, references_ND=self.references_ND.to(device))

    def save(self, folder: Path) -> None:
        """Write the file into a checkpoint's folder, reference points in 8 bits."""
        scale_N1 = self.references_ND.abs().amax(1, keepdim=True).clamp_min(_LEAST_SPREAD) / _INT8_MAX
        tensors = {
            "centre": self.space.centre_V.float(),
            "projection": self.space.projection_VD.half(),
            "references": (self.references_ND / scale_N1).round().to(torch.int8),
            "scale": scale_N1.float(),
        }
        description = _Description(
            first_column=self.space.first_column,
            is_cosine=self.space.is_cosine,
            radius=self.radius,
            width=self.width,
        )
        path = folder / KINDS_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        contiguous = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
        save_file(contiguous, path, metadata={"description": description.model_dump_json()})
        path.chmod(0o644)

    @classmethod
    def load(cls, folder: Path) -> KnownKinds | None:
        """The known kinds of a checkpoint, None where it doesn't tell them. Raises `ModelError` naming the file."""
        path = folder / KINDS_FILE
        if not path.is_file():
            return None
        try:
            with safe_open(path, "pt") as file:
                told = _Description.model_validate_json((file.metadata() or {}).get("description", ""))
                tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - it is no dict
            space = FeatureSpace(tensors["centre"], tensors["projection"], told.is_cosine, told.first_column)
            return cls(space, tensors["references"] * tensors["scale"], told.radius, told.width)
        except (OSError, SafetensorError, ValidationError, KeyError) as error:
            raise ModelError(
                f"{path}: doesn't hold the kinds that a model knows ({first_line(error)}); delete it or fit it again"
            ) from error


def mean_features(features_BV: Tensor, shown: Sequence[Sequence[int]]) -> Tensor:
    """The mean (R, V) over the photos that each of R requests shows; NaN for one without photos."""
    none_V = torch.full_like(features_BV[0], torch.nan)
    return torch.stack([features_BV[list(index)].mean(0) if index else none_V for index in shown])
