"""The language model's part: a shared prefix is prefilled once, then many questions extend it.

Rows differ in length; padding is masked, and positions count real tokens only, so that a row's answers don't depend on its
neighbours in the batch.

Shapes: R rows, L layers, S slots of the cache, T nodes of a trie, C answers, D language width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache

from pumgpt.backends.pumgpt.trie import TokenTrie
from pumgpt.model.encoded_photos import EncodedPhotos
from pumgpt.model.layer_attention import attention_by_layer
from pumgpt.model.modeling import PumGPTForConditionalGeneration


@dataclass(frozen=True)
class PrefixCache:
    """Keys and values of rows of text, and what is needed to extend them. Immutable, so that many questions can share it."""

    keys_values: tuple[tuple[Tensor, Tensor], ...]
    """For each layer keys and values (R, heads, S, head width)."""
    mask_RS: Tensor
    """True at real tokens."""
    length_R: Tensor
    """Real tokens of each row, which is its next position."""
    hidden_RD: Tensor
    """Last hidden state of each row's last token."""
    attention_RLS: Tensor | None = None
    """How much each layer attends from each row's last token to all slots, where that was asked."""

    def select(self, rows: Tensor) -> PrefixCache:
        """Some of the rows, in that order; a row may be taken several times."""
        return PrefixCache(
            tuple((keys[rows], values[rows]) for keys, values in self.keys_values),
            self.mask_RS[rows],
            self.length_R[rows],
            self.hidden_RD[rows],
        )

    def to_dynamic(self) -> DynamicCache:
        """A cache for the language model; what is added to it leaves this one as it is."""
        cache = DynamicCache()
        # The language model concatenates to new tensors, and never writes into these.
        for layer, (keys, values) in enumerate(self.keys_values):
            cache.update(keys, values, layer)
        return cache


class GeneratedText(NamedTuple):
    """Tokens without the end token, and the geometric mean of their probabilities, end token included where it was reached."""

    token_ids: list[int]
    probability: float


class Decoder:
    """Runs a PumGPT model's language model over prompts: prefill, extend, then score answers or generate."""

    def __init__(self, model: PumGPTForConditionalGeneration, pad_token_id: int, end_token_ids: Sequence[int]) -> None:
        self.model = model
        self.suppressed_ids = list(model.generation_config.suppress_tokens or ())
        self.pad_token_id = pad_token_id
        self.end_token_ids = tuple(end_token_ids)

    def prefill(
        self, prefixes: Sequence[Sequence[int]], photos: EncodedPhotos | None, photo_index: Tensor
    ) -> PrefixCache:
        """Run prefixes (R rows), whose placeholders show `photos` as `photo_index` says."""
        input_ids, mask = self._pad(prefixes)
        length_R, cache = mask.sum(1), DynamicCache()
        # Padding stands behind the real tokens, so that a real token's position is its index.
        positions = torch.arange(input_ids.shape[1], device=input_ids.device).expand_as(input_ids)
        output = self.model.hidden_states(
            input_ids,
            photos,
            photo_index,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        )
        return PrefixCache(_keys_values(cache), mask.bool(), length_R, _at_last(output.last_hidden_state, length_R))

    def extend(
        self, prefix: PrefixCache, continuations: Sequence[Sequence[int]], attention: bool = False
    ) -> PrefixCache:
        """Run one continuation for each row; rows whose is empty stay as they are.

        With `attention`, for which none may be empty, the attention of each row's last token is kept.
        """
        if not any(continuations):
            return prefix
        input_ids, mask = self._pad(continuations)
        length = mask.sum(1)
        positions = prefix.length_R[:, None] + torch.arange(input_ids.shape[1], device=input_ids.device)
        # The cache may have padding in its middle from here on; the mask and the positions account for it.
        whole_mask = torch.cat([prefix.mask_RS.long(), mask], 1)
        cache = prefix.to_dynamic()
        output = self.model.hidden_states(
            input_ids,
            attention_mask=whole_mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            output_hidden_states=attention,
        )
        last = torch.where(length[:, None] > 0, _at_last(output.last_hidden_state, length), prefix.hidden_RD)
        extended = PrefixCache(_keys_values(cache), whole_mask.bool(), prefix.length_R + length, last)
        if not attention:
            return extended
        attention_RLS = attention_by_layer(
            self.model.language_model,
            [_at_last(hidden, length) for hidden in output.hidden_states or ()],
            [keys for keys, _ in extended.keys_values],
            extended.mask_RS,
            extended.length_R - 1,
        )
        return replace(extended, attention_RLS=attention_RLS)

    def score(self, prefix: PrefixCache, trie: TokenTrie) -> Tensor:
        """Log-probability (R, C) of each answer of the trie with its end token, under the unrestricted softmax."""
        # Edges of the root are scored by the prefix's own last state, so only the inner nodes have to run.
        states = prefix.hidden_RD[:, None]
        if trie.num_nodes:
            # All nodes run at once: each sees its row's prefix and the nodes above it.
            rows, slots = prefix.mask_RS.shape
            visible = torch.zeros(
                rows, trie.num_nodes, slots + trie.num_nodes, dtype=torch.bool, device=prefix.mask_RS.device
            )
            visible[..., :slots] = prefix.mask_RS[:, None]
            visible[..., slots:] = trie.ancestry_TT
            positions = prefix.length_R[:, None] + trie.depth_T - 1
            nodes = self.extend_branches(trie.token_T.expand(rows, -1), visible, positions, prefix.to_dynamic())
            states = torch.cat([states, nodes], 1)
        log_probs_RE = self.log_probs(states)[:, trie.edge_node_E, trie.edge_token_E]
        # Each answer is the sum of the edges along its path.
        log_probs_CR: Tensor = torch.sparse.mm(trie.paths_CE, log_probs_RE.T)
        return log_probs_CR.T

    def extend_branches(
        self, tokens_RT: Tensor, visible_RTS: Tensor, positions_RT: Tensor, cache: DynamicCache
    ) -> Tensor:
        """Hidden states (R, T, D) of tokens that attend to the slots of the cache, themselves at its end, that
        `visible_RTS` marks; the cache grows by them.
        """
        dtype = self.model.dtype
        # The largest negative number rather than -inf: a softmax over nothing but -inf would be NaN.
        bias = torch.zeros(visible_RTS.shape, dtype=dtype, device=visible_RTS.device)
        bias.masked_fill_(~visible_RTS, torch.finfo(dtype).min)
        output = self.model.hidden_states(
            tokens_RT, attention_mask=bias[:, None], position_ids=positions_RT, past_key_values=cache, use_cache=True
        )
        assert output.last_hidden_state is not None
        return output.last_hidden_state

    def log_probs(self, hidden: Tensor) -> Tensor:
        """Log-probabilities of the next token, under the unrestricted softmax."""
        return self.model.logits(hidden).float().log_softmax(-1)

    def generate(self, prefix: PrefixCache, max_new_tokens: Sequence[int]) -> list[GeneratedText]:
        """Greedy answers, one for each row."""
        generated: list[list[int]] = [[] for _ in max_new_tokens]
        log_probs: list[list[float]] = [[] for _ in max_new_tokens]
        active = list(range(len(max_new_tokens)))
        while active:
            logits_RV = self.model.logits(prefix.hidden_RD).float()
            # The placeholder has a row in the output layer, but is no text.
            logits_RV[:, self.suppressed_ids] = -torch.inf
            best = logits_RV.log_softmax(-1).max(-1)
            unfinished: list[int] = []
            for position, row in enumerate(active):
                token = int(best.indices[position])
                log_probs[row].append(float(best.values[position]))
                if token not in self.end_token_ids:
                    generated[row].append(token)
                    if len(generated[row]) < max_new_tokens[row]:
                        unfinished.append(position)
            if not unfinished:
                break
            # Finished rows leave the batch, so that one long answer doesn't run at the width of all.
            active = [active[position] for position in unfinished]
            prefix = prefix.select(torch.tensor(unfinished, device=prefix.mask_RS.device))
            prefix = self.extend(prefix, [[generated[row][-1]] for row in active])
        return [
            GeneratedText(tokens, float(torch.tensor(values).mean().exp()) if values else 0.0)
            for tokens, values in zip(generated, log_probs, strict=True)
        ]

    def _pad(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Token ids and mask (R, S), filled up on the right."""
        longest = max(len(row) for row in rows)
        input_ids = torch.full((len(rows), longest), self.pad_token_id)
        mask = torch.zeros_like(input_ids)
        for index, row in enumerate(rows):
            input_ids[index, : len(row)] = torch.tensor(row, dtype=torch.long)
            mask[index, : len(row)] = 1
        return input_ids.to(self.model.device), mask.to(self.model.device)


def _keys_values(cache: DynamicCache) -> tuple[tuple[Tensor, Tensor], ...]:
    layers: list[Any] = cache.layers
    return tuple((layer.keys, layer.values) for layer in layers)


def _at_last(hidden_RSD: Tensor | None, length_R: Tensor) -> Tensor:
    """The hidden state (R, D) of each row's last real token."""
    assert hidden_RSD is not None
    return hidden_RSD[torch.arange(len(length_R), device=length_R.device), length_R - 1]
