"""The Q-Former with its query tokens, which `transformers` keeps outside its own module.

Shapes: B photos, P patches, C width its cross-attention expects, M queries, E width of the Q-Former.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import Blip2QFormerConfig, Blip2QFormerModel


class QueryOutput(NamedTuple):
    """What the queries found, and where."""

    queries_BME: Tensor
    attention_BMP: Tensor | None
    """Cross-attention averaged over layers and heads; None unless it was asked for."""


class LoadedQFormer(NamedTuple):
    """A trained Q-Former of `transformers`, and its learned queries (1, M, E)."""

    model: Blip2QFormerModel
    query_tokens: Tensor


class QFormer(nn.Module):
    """M learned queries that read the patches (BLIP-2, arXiv 2301.12597). No question goes in: encode once, ask often."""

    def __init__(self, config: Blip2QFormerConfig, num_query_tokens: int, loaded: LoadedQFormer | None = None) -> None:
        super().__init__()
        self.model = loaded.model if loaded is not None else Blip2QFormerModel(config)
        self.query_tokens = nn.Parameter(torch.empty(1, num_query_tokens, config.hidden_size))
        if loaded is None:
            nn.init.normal_(self.query_tokens, std=config.initializer_range)
        else:
            self.query_tokens.data.copy_(loaded.query_tokens)
            # As `transformers` marks what it loads, so that nobody starts it afresh.
            self.query_tokens._is_hf_initialized = True  # type: ignore[attr-defined]
        # Attention over a few dozen queries costs the same in eager mode, which alone can return it as evidence.
        self.model.set_attn_implementation("eager")
        self.hidden_size: int = config.hidden_size

    def forward(self, patches_BPC: Tensor, return_attention: bool = False) -> QueryOutput:
        """Query outputs (B, M, E); with `return_attention` also where each query looked, (B, M, P)."""
        output = self.model(
            query_embeds=self.query_tokens.expand(patches_BPC.shape[0], -1, -1),
            encoder_hidden_states=patches_BPC,
            output_attentions=return_attention,
        )
        if not return_attention:
            return QueryOutput(output.last_hidden_state, None)
        layers = [a for a in output.cross_attentions if a is not None]
        return QueryOutput(output.last_hidden_state, torch.stack(layers).mean((0, 2)))
