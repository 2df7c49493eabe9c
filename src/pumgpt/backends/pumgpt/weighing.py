"""How the labels of retrieved products and a model's own answer are combined, and how that is fitted.

With the model's own shares over the choices of a question, raised to the power `sharpness` and normalised to p, choice c gets

    (strength * p(c) + sum_i w_i [label_i = c]) / (strength + sum_i w_i),    w_i = exp((cosine_i - 1) / temperature)

over the retrieved products i whose label is among the choices, to which a linear classifier that learned from all of them may
add `linear` times its shares: the posterior mean under a Dirichlet prior of that strength,
where a product counts as one observation if its photo is the same, and as next to none if it is of something else. What
resembles nothing in the memory stays with the model alone. Unlike in kNN-LM (arXiv 1911.00172) the memory's part is not
fixed.

Whether a question can be answered at all, the model alone decides by default. Where it doesn't know the choices, and so refuses
all of them, *cannot be inferred* is one of the c (`joint`): then what resembles nothing is refused, and the rest is answered.

Shapes: R answers, T temperatures, C choices.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from pumgpt.backends.calibration import FieldCalibration, fit_calibration, prove_precision
from pumgpt.backends.pumgpt.linear_probe import VARIANTS

TEMPERATURES = (0.014, 0.02, 0.028, 0.04, 0.056, 0.08)
STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1e6)
"""The last leaves the answer to the model."""
LINEAR = (0.0, 0.03, 0.1, 0.3, 1.0)
SHARPNESSES = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5)
EXAMPLES = (0, 1, 2, 4, 8, 16, 32)
"""Where the points of a curve over the number of examples begin."""
FOLDS = 5
"""Parts in which answers are held out, one after the other, to see how good a fit on the others is."""
LEAST_SHARE = 1e-4
"""What a share counts as, at least, where likelihoods are compared: one answer of which nobody thought decides nothing."""


class Weighing(BaseModel):
    """How retrieved products count for one field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: float = Field(gt=0)
    """How fast the weight of a product falls with its similarity, in cosine."""
    strength: float = Field(gt=0)
    """How many products of the same photo the model's own answer is worth."""
    sharpness: float = Field(default=1.0, gt=0)
    """Above 1 the model's own shares lean more to its best choice. Which one that is stays."""
    linear: float = Field(default=0.0, ge=0)
    """How many products of the same photo the linear classifier's opinion is worth."""
    ridge: float = Field(default=1.0, gt=0)
    scale: float = Field(default=16.0, gt=0)
    """Of the classifier; see `linear_probe`."""
    joint: bool = False
    """Whether retrieved products also speak against *cannot be inferred*."""

    def weigh(self, shares_RC: Tensor, counts_RC: Tensor) -> Tensor:
        """The model's shares (R, C + 1) of the choices and, last, of *cannot be inferred*, combined with the weight (R, C) of
        the retrieved products labelled with each choice.
        """
        own_RC, refused_R1 = shares_RC[:, :-1], shares_RC[:, -1:]
        answered_R1 = own_RC.sum(1, keepdim=True)
        # To the power of the sharpness and normalised; the clamp keeps a share of zero from becoming NaN.
        tiny = torch.finfo(own_RC.dtype).tiny
        prior_RC = (own_RC.clamp_min(tiny).log() * self.sharpness).softmax(-1)
        total_R1 = self.strength + counts_RC.sum(1, keepdim=True)
        # Jointly, *cannot be inferred* competes with the labels; else its share stays, and they divide the rest.
        if self.joint:
            joint_RC = self.strength * answered_R1 * prior_RC + counts_RC
            return torch.cat([joint_RC, self.strength * refused_R1], 1) / total_R1
        return torch.cat([(self.strength * prior_RC + counts_RC) / total_R1 * answered_R1, refused_R1], 1)


class Fit(NamedTuple):
    """How good answers are: the share that is right of those that have one, were every field filled, and the mean negative
    log-likelihood of what is right, which may be *cannot be inferred*.
    """

    accuracy: float
    loss: float

    @classmethod
    def of(cls, shares_RC: Tensor, right_R: Tensor) -> Fit:
        """`right_R` is C where the field can't be inferred."""
        right_share_R = shares_RC.gather(1, right_R[:, None])[:, 0]
        answerable_R = right_R < shares_RC.shape[1] - 1
        hit_R = shares_RC[:, :-1].argmax(1) == right_R
        accuracy = hit_R[answerable_R].double().mean()
        return cls(float(accuracy), float(-right_share_R.clamp_min(LEAST_SHARE).log().mean()))

    def __str__(self) -> str:
        return f"{self.accuracy:.4f} right, loss {self.loss:.4f}"


@dataclass(frozen=True, slots=True)
class HeldOutScore:
    """Of labelled products that neither a weighing nor a threshold was fitted on: how many were asked, and of how many the
    answer was right, were every field filled; how many are filled at an asked precision, and how many of these are right.
    """

    asked: int
    right: int
    filled: int
    filled_right: int


class CurvePoint(NamedTuple):
    """Answers about values of which at least `examples` other products are remembered, and fewer than of the next point."""

    examples: int
    asked: int
    right: int


@dataclass
class FieldSamples:
    """Answers to one field that a weighing is fitted on: which choice is right (C for *cannot be inferred*), the model's own
    shares (C + 1,) of the choices and, last, of *cannot be inferred*, and the weight (T, C) of the retrieved products
    labelled with each choice at each of `TEMPERATURES`. Answers about one product's listings have the same group.
    """

    right: list[int] = field(default_factory=list)
    own: list[Tensor] = field(default_factory=list)
    counts: list[Tensor] = field(default_factory=list)
    classified: list[Tensor] = field(default_factory=list)
    """What the linear classifier says by each of its `VARIANTS`, (L, C); one entry for each answer, or none at all."""
    group: list[int] = field(default_factory=list)
    examples: list[int] = field(default_factory=list)
    """How many other products with what is right are remembered."""

    @property
    def labelled(self) -> int:
        """Answers of which a choice is right."""
        return sum(right < len(own_C) - 1 for right, own_C in zip(self.right, self.own, strict=True))

    def add(
        self,
        right: int,
        own_C: Tensor,
        counts_TC: Tensor,
        group: int | None = None,
        classified_LC: Tensor | None = None,
        examples: int = 0,
    ) -> None:
        """Without a `group` an answer is of a product of its own."""
        self.examples.append(examples)
        if classified_LC is not None:
            self.classified.append(classified_LC)
        self.group.append(-len(self.group) - 1 if group is None else group)
        self.right.append(right)
        self.own.append(own_C)
        self.counts.append(counts_TC)

    def extend(self, other: FieldSamples) -> None:
        """Add the answers of another model to the same questions. Choices are the same, and so are the groups."""
        for name in ("right", "own", "counts", "classified", "group", "examples"):
            getattr(self, name).extend(getattr(other, name))

    def part(self, keep: Callable[[int], bool]) -> FieldSamples:
        """The answers whose group `keep` takes."""
        found = FieldSamples()
        classified: Sequence[Tensor | None] = self.classified or [None] * len(self.right)
        rows = zip(self.right, self.own, self.counts, self.group, classified, self.examples, strict=True)
        for row in rows:
            if keep(row[3]):
                found.add(*row)
        return found

    def fit(self, joint: bool | None = False) -> tuple[Weighing, Fit, Fit]:
        """The weighing under which the labels are likeliest, of those under which no fewer answers are right than without a
        memory; and how good the answers are without it and with it. `joint` None: whichever is likelier.
        """
        right_R, own_RC, counts_RTC = torch.tensor(self.right), torch.stack(self.own), torch.stack(self.counts)
        alone = Fit.of(own_RC, right_R)
        (ridge, scale), classified_RC = self._best_classifier(right_R)
        joints = (False, True) if joint is None else (joint,)

        def best_of(linears: Sequence[float], sharpnesses: Sequence[float]) -> tuple[float, int, Weighing, Fit]:
            fits: list[tuple[float, int, Weighing, Fit]] = []
            for index, strength, sharpness, linear, joined in product(
                range(len(TEMPERATURES)), STRENGTHS, sharpnesses, linears, joints
            ):
                weighing = Weighing(
                    temperature=TEMPERATURES[index],
                    strength=strength,
                    sharpness=sharpness,
                    linear=linear,
                    ridge=ridge,
                    scale=scale,
                    joint=joined,
                )
                counts_RC = counts_RTC[:, index] + linear * classified_RC if linear else counts_RTC[:, index]
                found = Fit.of(weighing.weigh(own_RC, counts_RC), right_R)
                # A likelier weighing that gets fewer answers right would be a loss to the shop.
                if found.accuracy >= alone.accuracy:
                    fits.append((found.loss, len(fits), weighing, found))
            # The running number breaks ties: weighings themselves have no order.
            return min(fits)

        # One after the other: all of them at once would take minutes for a choice among a hundred categories.
        linear = best_of(LINEAR, SHARPNESSES[:1])[2].linear if self.classified else 0.0
        _, _, weighing, combined = best_of((linear,), SHARPNESSES)
        return weighing, alone, combined

    def _best_classifier(self, right_R: Tensor) -> tuple[tuple[float, float], Tensor]:
        """The variant of the linear classifier under which the labels are likeliest, and what it says (R, C)."""
        if not self.classified:
            return VARIANTS[0], torch.zeros(())
        classified_RLC = torch.stack(self.classified)
        answerable_R = right_R < classified_RLC.shape[-1]
        shares_RLC = classified_RLC / classified_RLC.sum(-1, keepdim=True).clamp_min(1e-12)
        rows = answerable_R.nonzero()[:, 0]
        right_RL = shares_RLC[rows, :, right_R[rows]]
        best = int(right_RL.clamp_min(LEAST_SHARE).log().mean(0).argmax())
        return VARIANTS[best], classified_RLC[:, best]

    def weighed(self, weighing: Weighing) -> Tensor:
        """The shares (R, C + 1) under a weighing of this grid."""
        counts_RC = torch.stack(self.counts)[:, TEMPERATURES.index(weighing.temperature)]
        if weighing.linear:
            variant = VARIANTS.index((weighing.ridge, weighing.scale))
            counts_RC = counts_RC + weighing.linear * torch.stack(self.classified)[:, variant]
        return weighing.weigh(torch.stack(self.own), counts_RC)

    def calibration(self, weighing: Weighing) -> FieldCalibration:
        """What confidences mean under a weighing of this grid."""
        best_R, choice_R = self.weighed(weighing)[:, :-1].max(1)
        return fit_calibration(best_R.tolist(), (choice_R == torch.tensor(self.right)).tolist())

    def held_out(self, joint: bool | None = False) -> HeldOutAnswers:
        """Confidences of answers that had no say in them: weighing and map are fitted on the other folds."""
        fold_of = _folds(self.group)
        found = HeldOutAnswers()
        for fold in sorted(set(fold_of.values())):
            rest = self.part(lambda group, fold=fold: fold_of[group] != fold)  # type: ignore[misc]
            asked = self.part(lambda group, fold=fold: fold_of[group] == fold)  # type: ignore[misc]
            if not rest.labelled:
                continue
            weighing, _, _ = rest.fit(joint)
            calibration = rest.calibration(weighing)
            shares_RC, right_R = asked.weighed(weighing), torch.tensor(asked.right)
            best_R, choice_R = shares_RC[:, :-1].max(1)
            # What is refused is never filled, whatever its confidence.
            refused = (shares_RC[:, -1] > best_R).tolist()
            confidences = [calibration.map(share) for share in best_R.tolist()]
            found.confidence.extend(
                0.0 if refusal else sure for sure, refusal in zip(confidences, refused, strict=True)
            )
            found.right.extend((choice_R == right_R).tolist())
            found.labelled.extend(right < len(own_C) - 1 for right, own_C in zip(asked.right, asked.own, strict=True))
            found.fold.extend([fold] * len(asked.right))
            found.examples.extend(asked.examples)
        return found


@dataclass
class HeldOutAnswers:
    """Answers with confidences that were fitted on others: whether each is right, whether its product is labelled at all, and
    the fold that it was held out with.
    """

    confidence: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    labelled: list[bool] = field(default_factory=list)
    fold: list[int] = field(default_factory=list)
    examples: list[int] = field(default_factory=list)

    def proven(self) -> list[tuple[float, float]]:
        """What each threshold proves; see `FieldCalibration.proven`."""
        return prove_precision(self.confidence, self.right)

    def curve(self) -> list[CurvePoint]:
        """How good answers are by how many other products with the right value are remembered, were every field filled."""
        points = []
        for low, high in pairwise((*EXAMPLES, sys.maxsize)):
            hits = [
                right
                for right, labelled, count in zip(self.right, self.labelled, self.examples, strict=True)
                if labelled and low <= count < high
            ]
            if hits:
                points.append(CurvePoint(low, len(hits), sum(hits)))
        return points

    def score(self, precision: float, least: float) -> HeldOutScore:
        """At an asked precision, with a threshold that was chosen on the other folds; nothing is filled below `least`."""
        filled = []
        for fold in sorted(set(self.fold)):
            rest = [row for row, own in enumerate(self.fold) if own != fold]
            proven = prove_precision([self.confidence[row] for row in rest], [self.right[row] for row in rest])
            threshold = FieldCalibration(proven=proven).threshold(precision) if proven else math.inf
            filled += [
                self.right[row]
                for row, own in enumerate(self.fold)
                if own == fold and self.labelled[row] and self.confidence[row] >= max(threshold, least)
            ]
        return HeldOutScore(sum(self.labelled), sum(self.right), len(filled), sum(filled))


def _folds(groups: list[int]) -> dict[int, int]:
    """A fold for each group: as many groups in each."""
    return {group: place % FOLDS for place, group in enumerate(dict.fromkeys(groups))}
