"""A suite's cases and the models' results on them, computed once for every kind of output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pumgpt.backends.protocol import Backend
from pumgpt.bench.asking.answer_cache import TimedAnswer
from pumgpt.bench.asking.cases import BenchCase, show_listing
from pumgpt.bench.judging.failures import Failure, find_failures
from pumgpt.bench.judging.fields import FieldScores, Verdicts
from pumgpt.bench.judging.label_noise import Ceiling, LabelNoise, stated_fields
from pumgpt.bench.judging.outcomes import (
    Calibrate,
    CaseOutcome,
    PositionBias,
    chosen_place,
    judge,
    measure_position_bias,
    right_shares,
    under,
)
from pumgpt.bench.judging.photo_robustness import ConditionScores
from pumgpt.bench.judging.scoring import Scores, score
from pumgpt.bench.judging.unlearned_kinds import UnlearnedScores
from pumgpt.bench.stats.comparison import Comparison, compare
from pumgpt.bench.suites.items import Item, SuiteData
from pumgpt.bench.suites.suite import Suite

EvidenceMap = NDArray[np.float32]


@dataclass(frozen=True)
class ModelResult:
    """What one model answered to all cases."""

    name: str
    revision: str
    outcomes: tuple[CaseOutcome, ...]
    seconds: float
    """Spent on the answers, those of an interrupted run included."""
    num_tokens: int | None = None
    """Of prompts and answers, where the backend counts them."""
    evidence: Mapping[str, EvidenceMap] = field(default_factory=dict)
    """Case -> where in the first photo the answer comes from, of the answers that a report shows."""
    fields: FieldScores = field(default_factory=FieldScores)
    altered: ConditionScores = field(default_factory=dict)
    """Photo condition -> field -> metric; empty where no photo was altered."""
    unlearned: UnlearnedScores | None = None
    """None where the model knows the suite's kinds, or nothing says which it knows."""

    @cached_property
    def errors(self) -> dict[str, int]:
        """Reason -> how many cases got no answer for it."""
        # By case first: a record of attributes has several outcomes, but failed only once.
        reasons = {o.case.id: o.text for o in self.outcomes if o.status == "error"}
        return dict(Counter(reasons.values()))

    def position_bias(self) -> PositionBias | None:
        return measure_position_bias(chosen_place(o) for o in self.outcomes if o.case.position is not None)

    def verdicts(self, condition: str) -> dict[str, Verdicts]:
        """Confidences and verdicts by slot, where the model gives confidences."""
        by_slot: dict[str, tuple[list[float], list[bool]]] = {}
        for outcome in self.outcomes:
            case = outcome.case
            # Only these answers are one of a known set, so only their confidence is the probability of being right.
            closed = outcome.task.answer_form in ("path", "value")
            if closed and case.form == "plain" and case.condition == condition and outcome.confidence is not None:
                confidences, right = by_slot.setdefault(case.task, ([], []))
                confidences.append(outcome.confidence)
                right.append(outcome.right)
        return dict(by_slot)


def judge_answers(
    backend: Backend,
    answers: Mapping[str, TimedAnswer],
    cases: Sequence[BenchCase],
    items: Mapping[str, Item],
    calibrate: Calibrate | None = None,
) -> ModelResult:
    """Compare a model's answers with the truth."""
    outcomes = [
        outcome
        for case in cases
        for outcome in judge(
            case,
            answers[case.id].answer,
            items[case.product],
            show_listing(items[case.product], case.condition).text,
            calibrate,
        )
    ]
    seconds = sum(timed.seconds for timed in answers.values())
    tokens = [timed.answer.num_tokens for timed in answers.values()]
    counted = [count for count in tokens if count is not None]
    # A sum over some of the answers would make the model look cheaper than it is.
    num_tokens = sum(counted) if counted and len(counted) == len(tokens) else None
    return ModelResult(backend.name, backend.revision, tuple(outcomes), seconds, num_tokens)


@dataclass(frozen=True)
class BenchResult:
    """A finished benchmark. Everything but `ModelResult.seconds` is the same on every run."""

    suite: Suite
    data: SuiteData
    cases: tuple[BenchCase, ...]
    models: tuple[ModelResult, ...]

    @cached_property
    def items(self) -> dict[str, Item]:
        return {item.product.id: item for item in self.data.items}

    @cached_property
    def scores(self) -> dict[str, dict[str, Scores]]:
        """Condition -> model -> scores."""
        return {
            condition: {model.name: score(under(model.outcomes, condition), self.items) for model in self.models}
            for condition in self.suite.conditions
        }

    @cached_property
    def field_scores(self) -> dict[str, dict[str, dict[str, Scores]]]:
        """Condition -> precision -> model -> scores of what it filled in; those of the models that filled anything."""
        by_condition: dict[str, dict[str, dict[str, Scores]]] = {}
        for model in self.models:
            for condition, by_precision in model.fields.scores.items():
                for name, scores in by_precision.items():
                    by_condition.setdefault(condition, {}).setdefault(name, {})[model.name] = scores
        return by_condition

    @cached_property
    def comparisons(self) -> list[Comparison]:
        return compare({model.name: right_shares(model.outcomes) for model in self.models})

    @cached_property
    def noise(self) -> LabelNoise:
        """The label noise of the fields that are asked and that have an answer."""
        asked = {name: True for case in self.cases for name, true in case.truth.fields.items() if true is not None}
        # The baselines' products are labelled by the same people, so their conflicts count too.
        others = self.data.fit.items if self.data.fit is not None else []
        return LabelNoise(self.data.items, others, tuple(stated_fields(self.data.items, asked)))

    @cached_property
    def ceilings(self) -> list[Ceiling]:
        """The best accuracy of each field that the photo alone allows."""
        return self.noise.ceilings()

    @cached_property
    def failures(self) -> dict[str, list[Failure]]:
        """Wrong answers with their kinds, by model."""
        return {model.name: find_failures(model.outcomes, self.items, self.noise) for model in self.models}
