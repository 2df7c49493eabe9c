"""A linear classifier on the keys of remembered products: regularised least squares, one column for each value (Rifkin, Yeo &
Poggio 2003). With a few labels a value it tells kinds apart that lie too close for their nearest neighbours to; it is solved
at once, and what it would say without some of its products follows from the same solution.

Shapes: B products asked about, N products that taught it, D key width, C values, G products left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

RIDGES = (0.1, 0.3, 1.0, 3.0)
"""How strongly weights are held small; keys have length 1."""
SCALES = (8.0, 16.0, 32.0)
"""What scores are multiplied with before they become shares."""
VARIANTS = tuple((ridge, scale) for ridge in RIDGES for scale in SCALES)


@dataclass(frozen=True)
class LinearProbe:
    """The solution for one field. The last column of keys is 1, for what holds of all products."""

    keys_ND: Tensor
    targets_NC: Tensor
    inverse_DD: Tensor
    weight_DC: Tensor

    @classmethod
    def fit(cls, keys_ND: Tensor, label_N: Tensor, num_values: int, ridge: float) -> LinearProbe:
        """`label_N` holds the index of each product's value."""
        keys_ND = _with_one(keys_ND)
        targets_NC = F.one_hot(label_N, num_values).to(keys_ND)
        gram_DD = keys_ND.T @ keys_ND + ridge * torch.eye(keys_ND.shape[1], device=keys_ND.device)
        inverse_DD = torch.linalg.inv(gram_DD)
        return cls(keys_ND, targets_NC, inverse_DD, inverse_DD @ (keys_ND.T @ targets_NC))

    def scores(self, keys_BD: Tensor) -> Tensor:
        """About 1 for the value of a product and 0 for others, (B, C)."""
        return _with_one(keys_BD) @ self.weight_DC

    def scores_without(self, key_D: Tensor, left_out_G: Tensor) -> Tensor:
        """What one product would score (C,) had those at `left_out_G` not been learned from (Woodbury's identity)."""
        key_1D = _with_one(key_D[None])
        if not len(left_out_G):
            return (key_1D @ self.weight_DC)[0]
        left_GD = self.keys_ND[left_out_G]
        spread_DG = self.inverse_DD @ left_GD.T
        residual_GC = self.targets_NC[left_out_G] - left_GD @ self.weight_DC
        own_GG = torch.eye(len(left_out_G), device=key_D.device) - left_GD @ spread_DG
        weight_DC = self.weight_DC - spread_DG @ torch.linalg.solve(own_GG, residual_GC)
        scores_1C: Tensor = key_1D @ weight_DC
        return scores_1C[0]


def _with_one(keys_BD: Tensor) -> Tensor:
    return F.pad(keys_BD.float(), (0, 1), value=1.0)
