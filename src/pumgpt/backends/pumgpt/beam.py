"""Thousands of valid answers: the likeliest of them found by beam, along the tree of their tokens.

Scoring a taxonomy of ten thousand paths exactly reads every token of its tree for every question. A beam reads on from the
`width` likeliest beginnings of each length alone. What it finds has its exact score; what it drops counts as impossible
(`scripts/measure_beam.py` prints how often that is the best answer).

Shapes: R rows, W beginnings of a row, K edges of a node, S slots of the cache, C answers, D language width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from pumgpt.backends.pumgpt.decoder import Decoder, Reading

WIDTH = 64
NOWHERE = -1


@dataclass(frozen=True)
class AnswerTree:
    """Answers written as tokens, each closed by the end token. Node 0 is the end of the prompt.

    The edges of node n are those from `first_N[n]` up to `first_N[n + 1]`. An edge leads to a node, or closes an answer.
    """

    first_N: Tensor
    token_E: Tensor
    child_E: Tensor
    """`NOWHERE` where the edge closes an answer."""
    answer_E: Tensor
    """The answer that an edge closes, else `NOWHERE`."""
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
            [*((token, child, NOWHERE) for token, child in below.items())]
            + ([(end_token_id, NOWHERE, ends[node])] if node in ends else [])
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
        """Edges (R, W, K) of some nodes, and which of them are there: nodes have different numbers of edges."""
        first, last = self.first_N[node_RW], self.first_N[node_RW + 1]
        most = int((last - first).max())
        edges = first[..., None] + torch.arange(most, device=first.device)
        there = edges < last[..., None]
        return edges.clamp_max(len(self.token_E) - 1), there


@dataclass
class _Frontier:
    """The beginnings that are still followed: where each stands, how likely it is, and what it sees of the cache."""

    node_RW: Tensor
    log_prob_RW: Tensor
    hidden_RWD: Tensor
    seen_RWS: Tensor


def score_by_beam(decoder: Decoder, reading: Reading, tree: AnswerTree, width: int = WIDTH) -> Tensor:
    """Log-probability (R, C) of the answers that the beam finds, each with its end token; -inf for the others."""
    rows, device = len(reading.length_R), reading.mask_RS.device
    found_RC = torch.full((rows, tree.num_answers), -torch.inf, device=device)
    frontier = _Frontier(
        torch.zeros(rows, 1, dtype=torch.long, device=device),
        torch.zeros(rows, 1, device=device),
        reading.hidden_RD[:, None],
        reading.mask_RS[:, None],
    )
    cache, depth = reading.cache(), 0
    while True:
        edge_RX, log_prob_RX, from_RX = _step(decoder, frontier, tree)
        _keep_closed(found_RC, edge_RX, log_prob_RX, tree)
        open_RX = log_prob_RX.masked_fill(tree.child_E[edge_RX] == NOWHERE, -torch.inf)
        best = open_RX.topk(min(width, open_RX.shape[1]), dim=1)
        if bool(best.values.isneginf().all()):
            return found_RC
        taken_RW, source_RW = edge_RX.gather(1, best.indices), from_RX.gather(1, best.indices)
        position_RW = (reading.length_R + depth)[:, None].expand_as(taken_RW)
        frontier.seen_RWS = _see_itself(frontier.seen_RWS, source_RW)
        hidden = decoder.read_branches(tree.token_E[taken_RW], frontier.seen_RWS, position_RW, cache)
        # A row with fewer beginnings than its neighbours follows impossible ones, from the root so that they have edges.
        node_RW = tree.child_E[taken_RW].clamp_min(0)
        frontier = _Frontier(node_RW, best.values, hidden, frontier.seen_RWS)
        depth += 1


def _step(decoder: Decoder, frontier: _Frontier, tree: AnswerTree) -> tuple[Tensor, Tensor, Tensor]:
    """Every edge that leads on from a row's beginnings: its number, log-probability from the prompt on, and where it starts."""
    edge_RWK, there_RWK = tree.edges_of(frontier.node_RW)
    log_probs_RWV = decoder.log_probs(frontier.hidden_RWD)
    log_prob_RWK = frontier.log_prob_RW[..., None] + log_probs_RWV.gather(2, tree.token_E[edge_RWK])
    log_prob_RWK = log_prob_RWK.masked_fill(~there_RWK, -torch.inf)
    places = torch.arange(edge_RWK.shape[1], device=edge_RWK.device)[None, :, None].expand_as(edge_RWK)
    return edge_RWK.flatten(1), log_prob_RWK.flatten(1), places.flatten(1)


def _keep_closed(found_RC: Tensor, edge_RX: Tensor, log_prob_RX: Tensor, tree: AnswerTree) -> None:
    row, place = ((tree.answer_E[edge_RX] != NOWHERE) & ~log_prob_RX.isneginf()).nonzero(as_tuple=True)
    found_RC[row, tree.answer_E[edge_RX[row, place]]] = log_prob_RX[row, place]


def _see_itself(seen_RWS: Tensor, source_RW: Tensor) -> Tensor:
    """What the next tokens see: all that those saw which they follow, and of the new slots their own."""
    rows, width = source_RW.shape
    inherited = seen_RWS.gather(1, source_RW[..., None].expand(-1, -1, seen_RWS.shape[2]))
    own = torch.eye(width, dtype=torch.bool, device=seen_RWS.device).expand(rows, -1, -1)
    return torch.cat([inherited, own], 2)
