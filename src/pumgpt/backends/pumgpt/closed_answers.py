"""Shares of the choices of a question as answers: the model's own, or those of what its transfer tower knows.

Shapes: R answers, C choices, L choices that the model was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from pumgpt.backends.protocol import Answer
from pumgpt.backends.pumgpt.general_knowledge import mix_shares
from pumgpt.catalog.question import CANNOT_TELL, Choices

NUM_RANKED_BY_CLASS = 50
"""Where classes of ImageNet count: a family of them is one category to a shop, so that small shares add up."""
LEAST_RANKED = 1e-4


def ranked_answers(shares_RC: Tensor, choices: Choices, num_ranked: int) -> list[Answer]:
    """The answers of which these are the shares (R, C + 1) of the choices and, last, of `CANNOT_TELL`."""
    top = shares_RC[:, :-1].topk(min(num_ranked, shares_RC.shape[1] - 1), dim=-1)
    answers = []
    for row, refusal in enumerate(shares_RC[:, -1].tolist()):
        ranked = tuple(
            (choices.values[index], share)
            for index, share in zip(top.indices[row].tolist(), top.values[row].tolist(), strict=True)
        )
        best, share = ranked[0]
        # `probability` is of the best choice given that the question can be answered; `refusal` is beside it.
        answerable = float(shares_RC[row, :-1].sum())
        probability = share / answerable if answerable > 0 else 0.0
        answers.append(Answer(best if share >= refusal else CANNOT_TELL, probability, refusal, ranked))
    return answers


def answers_by_class(
    own: Sequence[Answer], shares_RL: Tensor, general_RC: Tensor, known_R: Tensor, choices: Choices
) -> list[Answer]:
    """The model's `own` answers, whose shares are (R, L + 1), and where the likeliest share (R, C + 1) comes from classes of
    ImageNet those instead. `known_R` is how likely each is of a kind that the model has learnt.

    Where the classes have no part the model's answer stays as it was calibrated. Without a photo there are none: zeros.
    """
    mixed_RC = mix_shares(shares_RL, general_RC, known_R)
    best_R1 = mixed_RC.argmax(1, keepdim=True)
    from_classes_R1 = (1 - known_R)[:, None] * general_RC.gather(1, best_R1)
    by_class_R = (general_RC.sum(1) > 0) & (from_classes_R1 > mixed_RC.gather(1, best_R1) / 2)[:, 0]
    general = ranked_answers(mixed_RC, choices, NUM_RANKED_BY_CLASS)
    return [
        replace(mixed, ranked=_likely(mixed.ranked), by_class=True) if by_class else alone
        for mixed, alone, by_class in zip(general, own, by_class_R.tolist(), strict=True)
    ]


def _likely(ranked: Sequence[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Without the tail, of which a record would keep dozens of entries."""
    return tuple(pair for place, pair in enumerate(ranked) if place == 0 or pair[1] >= LEAST_RANKED)
