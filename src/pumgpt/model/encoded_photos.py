"""What is kept of a photo once it is encoded: visual tokens, and what its evidence and its features are made of.

Shapes: B photos, P patches, V vision width, M queries, E Q-Former width, K injected layers, N visual tokens, L layers,
D language width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pumgpt.errors import ModelError
from pumgpt.model.transfer import TransferFeatures


@dataclass(frozen=True)
class EncodedPhotos:
    """All that the language model needs of B photos. Computed once, shared by every question."""

    visual_KBND: Tensor
    queries_BME: Tensor | None = None
    alpha_KBNM: Tensor | None = None
    attention_BMP: Tensor | None = None
    grid: tuple[int, int] | None = None
    patches_BPV: Tensor | None = None
    """The output of the vision tower, where it was asked to be kept."""
    features_BV: Tensor | None = None
    """By which similar photos are found: the mean of the patches, and behind it what a transfer tower saw, where there is one."""
    class_logits_BK: Tensor | None = None
    """Of the classes that a transfer tower knows."""

    def select(self, index: Tensor) -> EncodedPhotos:
        """Some of the photos, in that order; a photo may be taken several times."""
        return EncodedPhotos(
            self.visual_KBND[:, index],
            None if self.queries_BME is None else self.queries_BME[index],
            None if self.alpha_KBNM is None else self.alpha_KBNM[:, index],
            None if self.attention_BMP is None else self.attention_BMP[index],
            self.grid,
            None if self.patches_BPV is None else self.patches_BPV[index],
            None if self.features_BV is None else self.features_BV[index],
            None if self.class_logits_BK is None else self.class_logits_BK[index],
        )

    @classmethod
    def concatenate(cls, parts: Sequence[EncodedPhotos]) -> EncodedPhotos:
        """The photos of all parts, which were encoded alike."""
        return cls(
            torch.cat([part.visual_KBND for part in parts], 1),
            _cat([part.queries_BME for part in parts]),
            _cat([part.alpha_KBNM for part in parts], 1),
            _cat([part.attention_BMP for part in parts]),
            parts[0].grid,
            _cat([part.patches_BPV for part in parts]),
            _cat([part.features_BV for part in parts]),
            _cat([part.class_logits_BK for part in parts]),
        )

    def joined_with_mirror_images(self) -> EncodedPhotos:
        """Of B photos followed by their mirror images: B photos, each the mean of both, seen the right way round.

        Evidence goes through the queries of either, so that there are 2 M of them.
        """
        assert self.grid is not None and self.queries_BME is not None
        alpha, attention, patches = self.alpha_KBNM, self.attention_BMP, self.patches_BPV
        if alpha is not None:
            # Half of each visual token comes from the queries of either view.
            alpha = torch.cat(alpha.chunk(2, 1), -1) / 2
        if attention is not None:
            # The mirror image's map is turned back before both are laid over the photo.
            seen_BMP, mirrored_BMP = attention.chunk(2)
            attention = torch.cat([seen_BMP, mirrored_BMP.unflatten(-1, self.grid).flip(-1).flatten(-2)], 1)
        if patches is not None:
            seen_BPV, mirrored_BPV = patches.chunk(2)
            patches = (seen_BPV + mirrored_BPV.unflatten(1, self.grid).flip(2).flatten(1, 2)) / 2
        visual_KBND = torch.stack(self.visual_KBND.chunk(2, 1)).mean(0)
        queries_BME = torch.stack(self.queries_BME.chunk(2)).mean(0)
        features_BV = None if self.features_BV is None else torch.stack(self.features_BV.chunk(2)).mean(0)
        grid = None if attention is None else self.grid
        return EncodedPhotos(visual_KBND, queries_BME, alpha, attention, grid, patches, features_BV)

    def joined_with_windows(self, windows: EncodedPhotos) -> EncodedPhotos:
        """Photos, each the mean of itself and of a window onto it. Patches and evidence are those of the whole photo."""
        assert self.queries_BME is not None and windows.queries_BME is not None
        assert self.features_BV is not None and windows.features_BV is not None
        return replace(
            self,
            visual_KBND=(self.visual_KBND + windows.visual_KBND) / 2,
            queries_BME=(self.queries_BME + windows.queries_BME) / 2,
            features_BV=(self.features_BV + windows.features_BV) / 2,
        )

    def joined_with_transfer(self, seen: TransferFeatures) -> EncodedPhotos:
        """The photos, and what a transfer tower saw in them."""
        assert self.features_BV is not None
        features_BV = torch.cat([self.features_BV, seen.features_BT], 1)
        return replace(self, features_BV=features_BV, class_logits_BK=seen.logits_BK)

    def evidence(self, attention_LBN: Tensor) -> Tensor:
        """The attention maps (B, rows, columns) of an answer, each adding up to 1.

        `attention_LBN` is how much each layer attended from the answer to the photo's visual tokens. Each token is carried
        back through its alpha and the Q-Former's cross-attention to the patches; without a Q-Former (bridge `mlp`) the
        visual tokens are the patches.
        Raises `ModelError` where the photos were encoded without evidence.
        """
        if self.grid is None:
            raise ModelError("the photos were encoded without evidence; ask encode_photos for it")
        if self.alpha_KBNM is None or self.attention_BMP is None:
            # Without queries each visual token is a patch.
            maps_BP = attention_LBN.mean(0)
        else:
            alpha_LBNM = self.alpha_KBNM.to(attention_LBN).expand(attention_LBN.shape[0], -1, -1, -1)
            weights_BM = torch.einsum("lbn,lbnm->bm", attention_LBN, alpha_LBNM)
            maps_BP = torch.einsum("bm,bmp->bp", weights_BM, self.attention_BMP.to(weights_BM))
        return (maps_BP / maps_BP.sum(1, keepdim=True)).unflatten(1, self.grid)


def _cat(tensors: Sequence[Tensor | None], dim: int = 0) -> Tensor | None:
    """None where the parts have none."""
    present = [tensor for tensor in tensors if tensor is not None]
    return torch.cat(present, dim) if present else None
