"""The valid answers of a closed question as a tree of tokens, so that all of them are scored in one pass.

Shapes: T inner nodes (those with something below them), C answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TokenTrie:
    """Answers written as tokens, each closed by the end token, sharing their common prefixes.

    Node 0 is the root, which stands for the end of the prompt. Edges lead from a node to the next token; an edge of the end
    token leads to no node. Nodes come in the order of their depth.
    """

    token_T: Tensor
    """The token that leads to each inner node but the root: (T,)."""
    depth_T: Tensor
    """Depth of each of them, 1 below the root: (T,)."""
    ancestry_TT: Tensor
    """True where the column's node lies above the row's, or is it."""
    edge_node_E: Tensor
    """The node that each edge starts from, the root being 0 and node t of the above t + 1: (E,)."""
    edge_token_E: Tensor
    """The token of each edge: (E,)."""
    paths_CE: Tensor
    """1 where an answer's path takes an edge (sparse)."""

    @classmethod
    def build(cls, answers: Sequence[Sequence[int]], end_token_id: int) -> TokenTrie:
        """From token ids of each answer, without the end token. Equal answers share a path."""
        closed = [(*answer, end_token_id) for answer in answers]
        inner = {answer[:length] for answer in closed for length in range(1, len(answer))}
        # By length, so that parents come before their children: `_ancestry` relies on it.
        prefixes = sorted(inner, key=lambda prefix: (len(prefix), prefix))
        number = {(): 0} | {prefix: index for index, prefix in enumerate(prefixes, start=1)}
        paths = [[(number[answer[:length]], answer[length]) for length in range(len(answer))] for answer in closed]
        edges = sorted({edge for path in paths for edge in path})
        edge_number = {edge: index for index, edge in enumerate(edges)}
        taken = [(answer, edge_number[edge]) for answer, path in enumerate(paths) for edge in path]
        nodes, tokens = zip(*edges, strict=True)
        return cls(
            token_T=torch.tensor([prefix[-1] for prefix in prefixes], dtype=torch.long),
            depth_T=torch.tensor([len(prefix) for prefix in prefixes], dtype=torch.long),
            ancestry_TT=_ancestry([number[prefix[:-1]] for prefix in prefixes]),
            edge_node_E=torch.tensor(nodes),
            edge_token_E=torch.tensor(tokens),
            # Sparse, as each of thousands of answers takes a handful of as many edges.
            paths_CE=torch.sparse_coo_tensor(
                torch.tensor(taken).T, torch.ones(len(taken)), (len(closed), len(edges)), check_invariants=False
            ).coalesce(),
        )

    @property
    def num_nodes(self) -> int:
        """Inner nodes without the root: the tokens of one pass."""
        return len(self.token_T)

    def to(self, device: torch.device) -> TokenTrie:
        """The same on another device."""
        return TokenTrie(**{name: tensor.to(device) for name, tensor in vars(self).items()})


def _ancestry(parents: Sequence[int]) -> Tensor:
    """From the number of the node above each node (0 is the root), parents first."""
    ancestry = torch.zeros(len(parents), len(parents), dtype=torch.bool)
    for index, parent in enumerate(parents):
        if parent:
            ancestry[index] = ancestry[parent - 1]
        ancestry[index, index] = True
    return ancestry
