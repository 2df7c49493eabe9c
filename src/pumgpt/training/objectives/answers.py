"""The loss of answers, and targets for each of their tokens out of what classifiers on queries and patches say of a photo.

Labels alone tell a language model one answer per question; the heads of stage `contrast` give each valid answer a probability.
Along the trie of these answers that makes a distribution over the next token at each position of the right answer.

Shapes: B photos, M queries, E their width, P patches, V vision width, R answers, L tokens of the longest, K values of one label,
T tokens asked for, W words of the vocabulary, S positions, D language width.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pumgpt.catalog.question import Question
from pumgpt.model.encoded_photos import EncodedPhotos
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.plain_text import encode_plain
from pumgpt.tasks.context import TaskContext
from pumgpt.training.data.labels import CATEGORY
from pumgpt.training.objectives.heads import IGNORED, LabelHeads, as_probabilities

PAST_END = -1
"""Fills up the rows of a table of tokens."""


class AnswerTeacher(nn.Module):
    """Heads on the queries of photos, others on their patches where there are some, and how each of their values is written
    as an answer.

    `share` is the weight of their targets, but for the labels that `shares` names; the rest is the label's.
    Values that `context` doesn't offer as answers are left out, labels of which it offers none as well.
    """

    def __init__(
        self,
        heads: LabelHeads,
        context: TaskContext,
        tokenizer: Any,
        share: float,
        patch_heads: LabelHeads | None = None,
        shares: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.heads = heads.requires_grad_(False)
        self.patch_heads = patch_heads.requires_grad_(False) if patch_heads is not None else None
        self.choices = {CATEGORY: context.taxonomy_choices} | {a.name: a.choices for a in context.attributes}
        self.place: dict[str, dict[str, int]] = {}
        for name, values in heads.values.items():
            choices = self.choices.get(name)
            offered = set(choices.values) if choices is not None else set()
            self.place[name] = {value: index for index, value in enumerate(values) if value in offered}
        self.labels = [name for name, places in self.place.items() if places]
        self.shares = [(shares or {}).get(name, share) for name in self.labels]
        for number, name in enumerate(self.labels):
            written = [[*ids, tokenizer.eos_token_id] for ids in encode_plain(tokenizer, list(self.place[name]))]
            table_KL = torch.full((len(written), max(map(len, written))), PAST_END)
            for row, tokens in enumerate(written):
                table_KL[row, : len(tokens)] = torch.tensor(tokens)
            self.register_buffer(f"table_{number}", table_KL, persistent=False)
            self.register_buffer(f"index_{number}", torch.tensor(list(self.place[name].values())), persistent=False)

    def label_number(self, question: Question, answer: str) -> int:
        """Which label an open question about it asks for, -1 where the heads can't say anything about the answer."""
        name = question.field
        if name not in self.labels or question.choices is not self.choices[name] or answer not in self.place[name]:
            return -1
        return self.labels.index(name)

    @torch.no_grad()
    def probabilities(self, queries_BME: Tensor, patches_BPV: Tensor | None = None) -> list[Tensor]:
        """Probabilities (B, K) of the offered values of each label: the mean of both heads' where there are two."""
        # A new module is in training mode, and its dropout would blur the targets.
        self.eval()
        found = as_probabilities(self.heads(queries_BME))
        if self.patch_heads is not None and patches_BPV is not None:
            others = as_probabilities(self.patch_heads(patches_BPV))
            found = {name: (own_BK + others[name]) / 2 for name, own_BK in found.items()}
        return [found[name][:, self.get_buffer(f"index_{number}")] for number, name in enumerate(self.labels)]

    def mix(
        self,
        losses_T: Tensor,
        logits_TW: Tensor,
        labels_RS: Tensor,
        bucket: Mapping[str, Tensor],
        targets: list[Tensor],
    ) -> Tensor:
        """`losses_T` of the tokens in `labels_RS` that aren't ignored, where the taught answers' are brought to the mean,
        weighted by the label's share, with the cross-entropy to the teacher's distribution.

        `bucket` holds `taught` (R,), the numbers of the labels, `first_photo` (R,), which photo of `targets` a row shows, and
        `blended` (R,), whether the label is of no weight as the photo isn't one product's.
        """
        asked_RS = labels_RS != IGNORED
        token_RS = (asked_RS.flatten().cumsum(0) - 1).view(asked_RS.shape)
        mixed = losses_T
        for number in range(len(self.labels)):
            rows = (bucket["taught"] == number).nonzero().flatten()
            if not len(rows):
                continue
            table_KL = self.get_buffer(f"table_{number}")
            # Where in its row each answer begins, and where its tokens lie among all that are asked for.
            start = asked_RS[rows].int().argmax(1)
            place_RL = start[:, None] + torch.arange(table_KL.shape[1], device=start.device)
            inside = place_RL < (start + asked_RS[rows].sum(1))[:, None]
            place_RL = place_RL.clamp(max=labels_RS.shape[1] - 1)
            answer_RL = labels_RS[rows].gather(1, place_RL).masked_fill(~inside, PAST_END)
            weight_RLK = token_targets(table_KL, answer_RL, targets[number][bucket["first_photo"][rows]])
            which = token_RS[rows].gather(1, place_RL)[inside]
            log_TW = logits_TW[which].float().log_softmax(-1)
            step = torch.arange(table_KL.shape[1], device=start.device).expand(inside.shape)[inside]
            answers_TK = log_TW.gather(1, table_KL.clamp(min=0).T[step])
            soft_T = -(weight_RLK[inside] * answers_TK).sum(-1)
            # Of a blend no label is right: the teacher has all the weight.
            share_R = torch.where(bucket["blended"][rows], 1.0, self.shares[number])
            share_T = share_R[:, None].expand(inside.shape)[inside]
            mixed = mixed.index_put((which,), (1 - share_T) * losses_T[which] + share_T * soft_T)
        return mixed


def token_targets(table_KL: Tensor, answer_RL: Tensor, probability_RK: Tensor) -> Tensor:
    """The share (R, L, K) that each value has in the target of each token: its probability among the values that begin as the
    answer did up to there.

    `table_KL` holds the tokens of the values, `answer_RL` those of the right ones; both end in `PAST_END`.
    """
    # A value counts for a token as long as all tokens before it are the answer's.
    same_RKL = table_KL[None] == answer_RL[:, None]
    before_RKL = torch.cat([torch.ones_like(same_RKL[..., :1]), same_RKL[..., :-1]], -1).cumprod(-1)
    weight_RKL = probability_RK[:, :, None] * before_RKL * (table_KL != PAST_END)
    return (weight_RKL / weight_RKL.sum(1, keepdim=True).clamp(min=1e-12)).transpose(1, 2)


class FormerModel(NamedTuple):
    """The model as it was before it learned on, and how it sees the photos of a batch."""

    model: PumGPTForConditionalGeneration
    visual_KBND: Tensor


def answer_loss(
    model: PumGPTForConditionalGeneration,
    visual_KBND: Tensor,
    bucket: dict[str, Tensor],
    teacher: AnswerTeacher | None = None,
    targets: list[Tensor] | None = None,
    former: FormerModel | None = None,
) -> Tensor:
    """Sum over the rows of a bucket of each answer's cross-entropy, summed over its tokens times the row's `weight` (R,).

    Of an answer that is one of a list all tokens together decide, so that its sum counts: a mean would let a category of ten
    tokens weigh a tenth of a colour of one. Of open text the mean counts, lest captions outweigh all else. The `targets` that a
    `teacher` gives for the photos are mixed in. The `retained` rows (R,) are learned from what the `former` model says in place
    of the label: learning without forgetting (Li and Hoiem 2016).
    """
    labels = bucket["labels"]
    asked = labels[:, 1:] != IGNORED
    logits_TV = _answer_logits(model, visual_KBND, bucket)
    losses_T = F.cross_entropy(logits_TV.float(), labels[:, 1:][asked], reduction="none")
    if teacher is not None and targets is not None:
        losses_T = teacher.mix(losses_T, logits_TV, labels[:, 1:], bucket, targets)
    if former is not None:
        with torch.no_grad():
            before_TV = _answer_logits(former.model, former.visual_KBND, bucket).float().softmax(-1)
        retained_T = bucket["retained"][:, None].expand(asked.shape)[asked]
        losses_T = torch.where(retained_T, F.cross_entropy(logits_TV.float(), before_TV, reduction="none"), losses_T)
    weight_T = bucket["weight"][:, None].expand(asked.shape)[asked]
    return (losses_T * weight_T).sum()


def _answer_logits(model: PumGPTForConditionalGeneration, visual_KBND: Tensor, bucket: Mapping[str, Tensor]) -> Tensor:
    """Logits (T, W) of each token of the answers, in the order of the rows."""
    input_ids, photo_index = bucket["input_ids"], bucket["photo_index"]
    # With elastic N a batch may show fewer visual tokens than the bridge made.
    num_placeholders = int((input_ids == model.config.image_token_id).sum())
    photos = EncodedPhotos(visual_KBND[:, :, : num_placeholders // max(len(photo_index), 1)])
    hidden_RSD = model.hidden_states(
        input_ids, photos, photo_index, attention_mask=bucket["attention_mask"], use_cache=False
    ).last_hidden_state
    assert hidden_RSD is not None
    # The state at a position gives the token after it. Only answers go through the output layer, the largest of all.
    asked = bucket["labels"][:, 1:] != IGNORED
    # Probabilities in full precision, whatever the layers compute in: a teacher's small ones are to be learned too.
    with torch.autocast(input_ids.device.type, enabled=False):
        return model.logits(hidden_RSD[:, :-1][asked])
