"""What a backbone learned on ImageNet, as an answer to the question which category a product is of.

A photo of a kind that the model was trained on is the model's to answer. Any other is answered by the classes that its frozen
backbone still tells apart, each of which has a place among the choices or none:

    share(c) = known * p(c) + (1 - known) * sum_k q_k [place_k = c]

Here p is the model's own answer, q the classifier's, and `known` how sure it is that the model was trained on such things. What
the classes without a place have (animals, landscapes, things that the choices have no category for) is the share of *cannot be
inferred*.

Shapes: P photos, R answers, C choices, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from pumgpt.catalog.question import Choices


@dataclass(frozen=True)
class GeneralKnowledge:
    """`temperature` divides the logits of the classes, so that their probabilities mean what they say."""

    temperature: float = 1.0
    _places: WeakKeyDictionary[Choices, Tensor] = field(
        default_factory=WeakKeyDictionary, init=False, compare=False, repr=False
    )

    def probabilities(self, logits_PK: Tensor) -> Tensor:
        """Of the classes, for each photo."""
        return (logits_PK.float() / self.temperature).softmax(-1)

    def shares(self, classes_RK: Tensor, choices: Choices) -> Tensor:
        """From these probabilities the share (R, C + 1) of each choice and, last, of *cannot be inferred*."""
        if choices not in self._places:
            self._places[choices] = torch.tensor(choices.class_places, device=classes_RK.device)
        empty_RC = classes_RK.new_zeros(len(classes_RK), len(choices.values) + 1)
        return empty_RC.index_add(1, self._places[choices], classes_RK)


def mix_shares(own_RC: Tensor, general_RC: Tensor, known_R: Tensor) -> Tensor:
    """The model's own shares and those of the classes, each as far as the photo is of its kind.

    The model's may lack the last of the choices, which it was not trained on: (R, L + 1) with L of C.
    """
    learned_RC = torch.zeros_like(general_RC)
    learned_RC[:, : own_RC.shape[1] - 1] = own_RC[:, :-1]
    learned_RC[:, -1] = own_RC[:, -1]
    return torch.lerp(general_RC, learned_RC, known_R[:, None].to(general_RC.dtype))
