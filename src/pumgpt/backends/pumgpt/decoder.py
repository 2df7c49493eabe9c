"""The language model's part: prompts that share a beginning are read once, then many questions go on from there.

A batch of questions is a `Reading`: the cache of everything read so far, a mask of which cache slots are real, and the
next position of each row. Rows differ in length; what is padding is masked, and positions count real tokens only, so that
a row's answers don't depend on its neighbours.

Shapes: R rows, L layers, S slots of the cache, T nodes of a trie, C answers, D language width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from pumgpt.backends.pumgpt.trie import TokenTrie
from pumgpt.model.injection import ARGUMENT, decoder_layers
from pumgpt.model.layer_attention import attention_to
from pumgpt.model.modeling import EncodedPhotos, PumGPTForConditionalGeneration


@dataclass(frozen=True)
class Reading:
    """Rows of text read so far."""

    keys_values: tuple[tuple[Tensor, Tensor], ...]
    """For each layer keys and values (R, heads, S, head width)."""
    mask_RS: Tensor
    length_R: Tensor
    """Real tokens of each row, which is its next position."""
    hidden_RD: Tensor
    """Last hidden state of each row's last token."""
    attention_RLS: Tensor | None = None
    """How much each layer attends from each row's last token to all slots, where that was asked."""

    def select(self, rows: Tensor) -> Reading:
        """Some of the rows, in that order; a row may be taken several times."""
        return Reading(
            tuple((k[rows], v[rows]) for k, v in self.keys_values),
            self.mask_RS[rows],
            self.length_R[rows],
            self.hidden_RD[rows],
        )

    def cache(self) -> DynamicCache:
        """A cache that holds this reading; what is added to it later leaves the reading as it is."""
        cache = DynamicCache()
        for layer, (keys, values) in enumerate(self.keys_values):
            cache.update(keys, values, layer)
        return cache


def _keys_values(cache: DynamicCache) -> tuple[tuple[Tensor, Tensor], ...]:
    layers: list[Any] = cache.layers
    return tuple((layer.keys, layer.values) for layer in layers)


class Decoder:
    """Reads prompts and answers them with a PumGPT model's language model."""

    def __init__(self, model: PumGPTForConditionalGeneration, pad_token_id: int, end_token_ids: Sequence[int]) -> None:
        self.model = model
        self.never_written = list(model.generation_config.suppress_tokens or ())
        self.pad_token_id = pad_token_id
        self.end_token_ids = tuple(end_token_ids)
        self.backbone: Any = model.language_model.model

    def read(self, prompts: Sequence[Sequence[int]], photos: EncodedPhotos | None, photo_index: Tensor) -> Reading:
        """Read the beginnings of prompts (R rows), whose placeholders show `photos` as `photo_index` says."""
        device = self.model.device
        length_R = torch.tensor([len(prompt) for prompt in prompts], device=device)
        input_ids, mask = self._pad(prompts)
        injection = None
        if photos is not None and len(photo_index):
            injection = self.model.injection(input_ids == self.model.config.image_token_id, photos, photo_index)
        cache = DynamicCache()
        positions = torch.arange(input_ids.shape[1], device=device).expand_as(input_ids)
        hidden = self._run(input_ids, mask, positions, cache, injection).last_hidden_state
        return Reading(_keys_values(cache), mask.bool(), length_R, self._last(hidden, length_R))

    def go_on(self, reading: Reading, continuations: Sequence[Sequence[int]], attention: bool = False) -> Reading:
        """Read on, one continuation for each row; rows whose is empty stay where they are. With `attention`, for which none may
        be, it is kept what their last tokens look at.
        """
        if not any(continuations):
            return reading
        input_ids, mask = self._pad(continuations)
        length = mask.sum(1)
        positions = reading.length_R[:, None] + torch.arange(input_ids.shape[1], device=input_ids.device)
        whole_mask = torch.cat([reading.mask_RS.long(), mask], 1)
        cache = reading.cache()
        output = self._run(input_ids, whole_mask, positions, cache, None, output_hidden_states=attention)
        last = torch.where(length[:, None] > 0, self._last(output.last_hidden_state, length), reading.hidden_RD)
        read = Reading(_keys_values(cache), whole_mask.bool(), reading.length_R + length, last)
        if not attention:
            return read
        return replace(read, attention_RLS=self._attention(read, [self._last(h, length) for h in output.hidden_states]))

    def _attention(self, read: Reading, hidden_of_layer: Sequence[Tensor]) -> Tensor:
        """How much each layer attends from the last tokens, whose hidden states (R, D) on entry to each are given."""
        rotation = self.backbone.rotary_emb(hidden_of_layer[0], read.length_R[:, None] - 1)
        layers = zip(decoder_layers(self.model.language_model), hidden_of_layer, read.keys_values, strict=False)
        looks = [attention_to(layer, hidden, keys, read.mask_RS, rotation) for layer, hidden, (keys, _) in layers]
        return torch.stack(looks, 1)

    def score(self, reading: Reading, trie: TokenTrie) -> Tensor:
        """Log-probability (R, C) of each answer of the trie with its end token, under the unrestricted softmax."""
        states = reading.hidden_RD[:, None]
        if trie.num_nodes:
            states = torch.cat([states, self._run_tree(reading, trie)], 1)
        log_probs_RNV = self.log_probs(states)
        log_probs_RE = log_probs_RNV[:, trie.edge_node_E, trie.edge_token_E]
        log_probs_CR: Tensor = torch.sparse.mm(trie.ways_CE, log_probs_RE.T)
        return log_probs_CR.T

    def _run_tree(self, reading: Reading, trie: TokenTrie) -> Tensor:
        """Hidden states (R, T, D) of all nodes at once: each sees its row's prompt and the nodes above it."""
        rows, slots = reading.mask_RS.shape
        device = reading.mask_RS.device
        tokens = trie.token_T.expand(rows, -1)
        positions = reading.length_R[:, None] + trie.depth_T - 1
        seen = torch.zeros(rows, trie.num_nodes, slots + trie.num_nodes, dtype=torch.bool, device=device)
        seen[..., :slots] = reading.mask_RS[:, None]
        seen[..., slots:] = trie.ancestry_TT
        return self.read_branches(tokens, seen, positions, reading.cache())

    def read_branches(self, tokens_RT: Tensor, seen_RTS: Tensor, positions_RT: Tensor, cache: DynamicCache) -> Tensor:
        """Hidden states (R, T, D) of tokens that see of the cache, themselves at its end, what `seen_RTS` says; the cache
        grows by them.
        """
        dtype = self.model.dtype
        bias = torch.zeros(seen_RTS.shape, dtype=dtype, device=seen_RTS.device)
        bias.masked_fill_(~seen_RTS, torch.finfo(dtype).min)
        hidden: Tensor = self._run(tokens_RT, bias[:, None], positions_RT, cache, None).last_hidden_state
        return hidden

    def log_probs(self, hidden: Tensor) -> Tensor:
        """Log-probabilities of the next token, under the unrestricted softmax."""
        return self._logits(hidden).log_softmax(-1)

    def write(self, reading: Reading, max_new_tokens: Sequence[int]) -> list[tuple[list[int], float]]:
        """Greedy answers: the tokens of each row without the end token, and the geometric mean of their probabilities
        (end token included where it was reached).
        """
        written: list[list[int]] = [[] for _ in max_new_tokens]
        log_probs: list[list[float]] = [[] for _ in max_new_tokens]
        active = list(range(len(max_new_tokens)))
        while active:
            logits_RV = self._logits(reading.hidden_RD)
            logits_RV[:, self.never_written] = -torch.inf
            best = logits_RV.log_softmax(-1).max(-1)
            going: list[int] = []
            for place, row in enumerate(active):
                token = int(best.indices[place])
                log_probs[row].append(float(best.values[place]))
                if token not in self.end_token_ids:
                    written[row].append(token)
                    if len(written[row]) < max_new_tokens[row]:
                        going.append(place)
            if not going:
                break
            active = [active[place] for place in going]
            reading = reading.select(torch.tensor(going, device=reading.mask_RS.device))
            reading = self.go_on(reading, [[written[row][-1]] for row in active])
        return [(tokens, _geometric_mean(values)) for tokens, values in zip(written, log_probs, strict=True)]

    def _run(
        self, input_ids: Tensor, mask: Tensor, positions: Tensor, cache: DynamicCache, injection: Any, **options: Any
    ) -> Any:
        return self.backbone(
            input_ids=input_ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            **{ARGUMENT: injection},
            **options,
        )

    def _logits(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.model.language_model.get_output_embeddings()(hidden)
        return logits.float()

    def _pad(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        longest = max(len(row) for row in rows)
        input_ids = torch.full((len(rows), longest), self.pad_token_id)
        mask = torch.zeros_like(input_ids)
        for place, row in enumerate(rows):
            input_ids[place, : len(row)] = torch.tensor(row, dtype=torch.long)
            mask[place, : len(row)] = 1
        return input_ids.to(self.model.device), mask.to(self.model.device)

    @staticmethod
    def _last(hidden_RSD: Tensor, length_R: Tensor) -> Tensor:
        return hidden_RSD[torch.arange(len(length_R), device=length_R.device), length_R - 1]


def _geometric_mean(log_probs: Sequence[float]) -> float:
    return float(torch.tensor(log_probs).mean().exp()) if log_probs else 0.0
