"""What carries vision into the language model: ours and its two comparators, behind one interface.

A bridge gives visual tokens (K, B, N, D): for the first K layers of the language model, N tokens of width D for each of B
photos. `layerwise` has K = L, the comparators K = 1.

Shapes: B photos, P patches, V vision width, M queries, E Q-Former width, L layers, N visual tokens, D language width,
d adapter width, h heads.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from pumgpt.errors import ModelError
from pumgpt.model.configuration import PumGPTConfig


class Bridged(NamedTuple):
    """Visual tokens, and on request how each was mixed from the queries."""

    visual_KBND: Tensor
    alpha_KBNM: Tensor | None = None


class LayerwiseAdapter(nn.Module):
    """The adapter of one layer: N latents attend to the queries, `T = O(softmax(latent . K(q)) V(q))`."""

    def __init__(self, config: PumGPTConfig) -> None:
        super().__init__()
        width, dim = config.qformer_config.hidden_size, config.adapter_dim
        self.num_heads = config.adapter_num_heads
        self.latents = nn.Parameter(torch.empty(config.num_visual_tokens, dim))
        self.key = nn.Linear(width, dim, bias=False)
        self.value = nn.Linear(width, dim, bias=False)
        self.output = nn.Linear(dim, config.text_config.hidden_size, bias=True)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.num_heads, -1)).transpose(-3, -2)

    def forward(self, queries_BME: Tensor, num_tokens: int) -> tuple[Tensor, Tensor]:
        """Visual tokens (B, n, D) of this layer, and alpha (B, n, M) averaged over heads."""
        latents_hnd = self._split(self.latents[:num_tokens])
        keys_BhMd, values_BhMd = self._split(self.key(queries_BME)), self._split(self.value(queries_BME))
        scores = latents_hnd @ keys_BhMd.transpose(-1, -2) * latents_hnd.shape[-1] ** -0.5
        alpha_BhnM = scores.softmax(-1)
        mixed_BnD = (alpha_BhnM @ values_BhMd).transpose(-3, -2).flatten(-2)
        return self.output(mixed_BnD), alpha_BhnM.mean(1)


class LayerwiseBridge(nn.Module):
    """One adapter for every layer of the language model. Serves any n <= N tokens (the first n latents)."""

    def __init__(self, config: PumGPTConfig) -> None:
        super().__init__()
        self.max_tokens = config.num_visual_tokens
        self.adapters = nn.ModuleList(LayerwiseAdapter(config) for _ in range(config.text_config.num_hidden_layers))

    def num_tokens(self, num_patches: int) -> int:
        """Visual tokens of a photo: N, however many patches it has."""
        return self.max_tokens

    def forward(self, patches_BPV: Tensor, queries_BME: Tensor, num_tokens: int, return_alpha: bool = False) -> Bridged:
        """Visual tokens (L, B, n, D)."""
        pairs = [adapter(queries_BME, num_tokens) for adapter in self.adapters]
        alpha = torch.stack([alpha for _, alpha in pairs]) if return_alpha else None
        return Bridged(torch.stack([visual for visual, _ in pairs]), alpha)

    @torch.no_grad()
    def match_scale(self, rms_by_layer: Tensor) -> None:
        """Bring each adapter's output to the RMS (L,) that text has on entry to its layer; a random start at the wrong scale
        wastes the first thousand steps.
        """
        for adapter, rms in zip(self.adapters, rms_by_layer.tolist(), strict=True):
            assert isinstance(adapter, LayerwiseAdapter)
            # The Q-Former ends in a layer norm, so that normalised noise has the scale of its outputs.
            probe = torch.randn(256, 32, adapter.key.in_features, device=adapter.key.weight.device).to(
                adapter.key.weight
            )
            now = adapter(torch.nn.functional.layer_norm(probe, probe.shape[-1:]), self.max_tokens)[0]
            adapter.output.weight.mul_(rms / now.float().pow(2).mean().sqrt().item())


class QueriesBridge(nn.Module):
    """BLIP-2's way: the M query outputs, projected, enter at layer 0."""

    def __init__(self, config: PumGPTConfig) -> None:
        super().__init__()
        self.max_tokens = config.num_query_tokens
        self.projection = nn.Linear(config.qformer_config.hidden_size, config.text_config.hidden_size)

    def num_tokens(self, num_patches: int) -> int:
        """Visual tokens of a photo: M."""
        return self.max_tokens

    def forward(self, patches_BPV: Tensor, queries_BME: Tensor, num_tokens: int, return_alpha: bool = False) -> Bridged:
        """Visual tokens (1, B, n, D)."""
        visual = self.projection(queries_BME[:, :num_tokens])
        # Each visual token is one query, which the evidence needs to know.
        eye = torch.eye(queries_BME.shape[1], device=visual.device)[:num_tokens].expand(1, visual.shape[0], -1, -1)
        return Bridged(visual[None], eye if return_alpha else None)

    @torch.no_grad()
    def match_scale(self, rms_by_layer: Tensor) -> None:
        """Bring the projection's output to the RMS of text embeddings."""
        self.projection.weight.mul_(rms_by_layer[0].item() / self.projection.weight.pow(2).sum(1).mean().sqrt().item())


class MlpBridge(nn.Module):
    """LLaVA's way: every patch, through a two-layer perceptron, enters at layer 0."""

    def __init__(self, config: PumGPTConfig, vision_width: int) -> None:
        super().__init__()
        width = config.text_config.hidden_size
        self.layers = nn.Sequential(nn.Linear(vision_width, width), nn.GELU(), nn.Linear(width, width))

    def num_tokens(self, num_patches: int) -> int:
        """Visual tokens of a photo: one for each patch."""
        return num_patches

    def forward(
        self, patches_BPV: Tensor, queries_BME: Tensor | None, num_tokens: int, return_alpha: bool = False
    ) -> Bridged:
        """Visual tokens (1, B, P, D). There are no queries, so there is no alpha."""
        return Bridged(self.layers(patches_BPV)[None])

    @torch.no_grad()
    def match_scale(self, rms_by_layer: Tensor) -> None:
        """Nothing to do: the perceptron's scale is learned within a few steps."""


Bridge = LayerwiseBridge | QueriesBridge | MlpBridge


def build_bridge(config: PumGPTConfig, vision_width: int) -> Bridge:
    """The bridge that `config` names."""
    if config.bridge == "layerwise":
        return LayerwiseBridge(config)
    if config.bridge == "queries":
        return QueriesBridge(config)
    if config.bridge == "mlp":
        return MlpBridge(config, vision_width)
    raise ModelError(f"bridge '{config.bridge}' is not known")
