"""Thousands of valid answers: the likeliest of them found by beam, along the tree of their tokens.

Scoring a taxonomy of ten thousand paths exactly runs every token of its tree for every question. A beam extends only the
`width` likeliest hypotheses of each length. What it finds has its exact score; what it drops counts as impossible
(`benchmarks/beam.py` prints how often that is the best answer).

Shapes: R rows, W hypotheses of a row, K edges of a node, X edges of all hypotheses of a row, S slots of the cache,
C answers, D language width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from pumgpt.backends.pumgpt.decoder import Decoder, PrefixCache

BEAM_WIDTH = 64
NONE = -1
"""No node below an edge, or no answer that it closes."""


@dataclass(frozen=True)
class AnswerTree:
    """Answers written as tokens, each closed by the end token. Node 0 is the end of the prompt.

    The edges of node n are those from `first_N[n]` up to `first_N[n + 1]`. An edge leads to a node, or closes an answer.
    """

    first_N: Tensor
    token_E: Tensor
    child_E: Tensor
    """`NONE` where the edge closes an answer."""
    answer_E: Tensor
    """The answer that an edge closes, else `NONE`."""
    num_answers: int

    @classmethod
    def build(cls, answers: Sequence[Sequence[int]], end_token_id: int) -> AnswerTree:
        """From token ids of each answer, without the end token. Of equal answers the last one is found."""
        children: list[dict[int, int]] = [{}]
        ends: dict[int, int] = {}
        for number, answer in enumerate(answers):
            node = 0
            for token in answer:
                if token not in children[node]:
                    children.append({})
                    children[node][token] = len(children) - 1
                node = children[node][token]
            ends[node] = number
        edges = [
            [*((token, child, NONE) for token, child in below.items())]
            + ([(end_token_id, NONE, ends[node])] if node in ends else [])
            for node, below in enumerate(children)
        ]
        tokens, nodes, closed = zip(*(edge for below in edges for edge in below), strict=True)
        first = torch.tensor([0, *map(len, edges)]).cumsum(0)
        return cls(first, torch.tensor(tokens), torch.tensor(nodes), torch.tensor(closed), len(answers))

    def to(self, device: torch.device) -> AnswerTree:
        """The same on another device."""
        tensors = {name: t.to(device) for name, t in vars(self).items() if isinstance(t, Tensor)}
        return AnswerTree(**tensors, num_answers=self.num_answers)

    def edges_of(self, node_RW: Tensor) -> tuple[Tensor, Tensor]:
        """Edges (R, W, K) of some nodes, and which of them exist: nodes have different numbers of edges."""
        first, last = self.first_N[node_RW], self.first_N[node_RW + 1]
        most = int((last - first).max())
        # Every node gets as many edges as the widest one; those that don't exist are marked, and clamped into the table.
        edges = first[..., None] + torch.arange(most, device=first.device)
        exists = edges < last[..., None]
        return edges.clamp_max(len(self.token_E) - 1), exists


@dataclass(frozen=True)
class _Hypotheses:
    """Unfinished answers: the node that each has reached, its log-probability, and the slots of the cache that it sees."""

    node_RW: Tensor
    log_prob_RW: Tensor
    hidden_RWD: Tensor
    visible_RWS: Tensor


def score_by_beam(decoder: Decoder, prefix: PrefixCache, tree: AnswerTree, width: int = BEAM_WIDTH) -> Tensor:
    """Log-probability (R, C) of the answers that the beam finds, each with its end token; -inf for the others."""
    rows, device = len(prefix.length_R), prefix.mask_RS.device
    # Answers of different lengths are found at different depths, and never compete in the beam.
    found_RC = torch.full((rows, tree.num_answers), -torch.inf, device=device)
    beam = _Hypotheses(
        torch.zeros(rows, 1, dtype=torch.long, device=device),
        torch.zeros(rows, 1, device=device),
        prefix.hidden_RD[:, None],
        prefix.mask_RS[:, None],
    )
    cache, depth = prefix.to_dynamic(), 0
    while True:
        edge_RX, log_prob_RX, source_RX = _expand(decoder, beam, tree)
        # Answers that end here leave the beam with their exact score, whatever becomes of the rest.
        closed_RX = (tree.answer_E[edge_RX] != NONE) & ~log_prob_RX.isneginf()
        row, edge = closed_RX.nonzero(as_tuple=True)
        found_RC[row, tree.answer_E[edge_RX[row, edge]]] = log_prob_RX[row, edge]

        open_RX = log_prob_RX.masked_fill(tree.child_E[edge_RX] == NONE, -torch.inf)
        best = open_RX.topk(min(width, open_RX.shape[1]), dim=1)
        if bool(best.values.isneginf().all()):
            return found_RC
        taken_RW, source_RW = edge_RX.gather(1, best.indices), source_RX.gather(1, best.indices)
        position_RW = (prefix.length_R + depth)[:, None].expand_as(taken_RW)
        visible_RWS = _extend_visible(beam.visible_RWS, source_RW)
        hidden_RWD = decoder.extend_branches(tree.token_E[taken_RW], visible_RWS, position_RW, cache)
        # A row with fewer hypotheses than its neighbours follows impossible ones, from the root so that they have edges.
        node_RW = tree.child_E[taken_RW].clamp_min(0)
        beam = _Hypotheses(node_RW, best.values, hidden_RWD, visible_RWS)
        depth += 1


def _expand(decoder: Decoder, beam: _Hypotheses, tree: AnswerTree) -> tuple[Tensor, Tensor, Tensor]:
    """Every edge that leads on from a row's hypotheses: its number, log-probability from the prompt on, and hypothesis."""
    edge_RWK, exists_RWK = tree.edges_of(beam.node_RW)
    log_probs_RWV = decoder.log_probs(beam.hidden_RWD)
    log_prob_RWK = beam.log_prob_RW[..., None] + log_probs_RWV.gather(2, tree.token_E[edge_RWK])
    log_prob_RWK = log_prob_RWK.masked_fill(~exists_RWK, -torch.inf)
    source_W = torch.arange(edge_RWK.shape[1], device=edge_RWK.device)
    source_RWK = source_W[None, :, None].expand_as(edge_RWK)
    return edge_RWK.flatten(1), log_prob_RWK.flatten(1), source_RWK.flatten(1)


def _extend_visible(visible_RWS: Tensor, source_RW: Tensor) -> Tensor:
    """What the next tokens see: all that the hypothesis saw which they extend, and of the new slots their own."""
    rows, width = source_RW.shape
    inherited = visible_RWS.gather(1, source_RW[..., None].expand(-1, -1, visible_RWS.shape[2]))
    own = torch.eye(width, dtype=torch.bool, device=visible_RWS.device).expand(rows, -1, -1)
    return torch.cat([inherited, own], 2)
