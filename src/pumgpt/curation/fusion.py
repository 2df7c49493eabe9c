"""Fuses the votes of any subset of experts into one verdict, by multinomial logistic regression.

Each vote gives four features, all of them zero if the expert is absent: that it voted, the logit of its score, and whether
its verdict is contradicted or not inferable. There is no other intercept, so an absent expert changes nothing, and the fit
sees random subsets of the votes (`_with_subsets`), so no expert's weight relies on another's presence.

An expert that searches text and doesn't find a value has not seen the photo: its "not inferable" counts a quarter if another
expert can tell. The fit separates supported from the rest; whether the rest is contradicted or not inferable is decided by
the votes. The coefficients are in `fusion.json`; `scripts/fit_curation.py` fits them, those for categories apart: a title
names nearly every category and few values. An expert that the fit never saw is weighted by its own log-odds, times its
`trust`.

Legend: F features of a vote, C verdicts, in the order of `VERDICTS`.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from pumgpt.curation.experts.registry import expert_class
from pumgpt.curation.verdict import Claim, FusedVerdict, Verdict, Vote
from pumgpt.errors import ModelError

Floats = NDArray[np.float64]

VERDICTS = (Verdict.SUPPORTED, Verdict.CONTRADICTED, Verdict.NOT_INFERABLE)
NO_EXPERT = "none"
"""The decisive expert of a claim without votes."""
_TEXT_MISS_WEIGHT = 0.25
"""Weight of a text search that found nothing, beside an expert that can tell."""
_PRIOR_LOG_ODDS = 1.0
"""What an unfitted expert's contradicted or not inferable adds to that verdict, times its trust."""
_MAX_LOGIT = 5.0
SHIPPED = Path(__file__).with_name("fusion.json")
_NUM_FEATURES = 4


class _Coefficients(BaseModel):
    """Coefficients (F x C) for each expert, and the operating point."""

    model_config = ConfigDict(extra="forbid")

    operating_point: float
    experts: dict[str, list[list[float]]]


class _FusionFile(_Coefficients):
    """`fusion.json`: the coefficients for values of attributes, and those for categories."""

    format: int
    verdicts: list[str]
    categories: _Coefficients | None = None


@dataclass(frozen=True)
class Fusion:
    """`operating_point` is the least fused probability at which a value is called supported. `categories` fuses the votes on
    categories; without it they are fused as those on values.
    """

    coefficients_FC: Mapping[str, Floats]
    operating_point: float = 0.5
    categories: Fusion | None = None

    def fuse(self, claim: Claim, votes: Sequence[Vote]) -> FusedVerdict:
        """The fused verdict. Without votes: not inferable, with probability 0."""
        if not votes:
            return FusedVerdict(claim, Verdict.NOT_INFERABLE, 0.0, NO_EXPERT)
        if claim.path is not None and self.categories is not None:
            return self.categories.fuse(claim, votes)
        log_odds_VC = np.stack([self._log_odds(vote, votes) for vote in votes])
        probabilities_C = _softmax(log_odds_VC.sum(axis=0))
        is_supported = probabilities_C[0] >= self.operating_point
        chosen = 0 if is_supported else VERDICTS.index(_unsupported_verdict(votes))
        if is_supported and claim.path is not None and all(vote.verdict is not Verdict.SUPPORTED for vote in votes):
            # Most categories are right, so that a weak vote against one leaves it likely; but nobody has seen it.
            chosen = VERDICTS.index(Verdict.NOT_INFERABLE)
        verdict = VERDICTS[chosen]
        # The decisive vote is the one that does most for the verdict, against the mean of the other two. Experts that give
        # a reason come before a text search that merely found nothing: its evidence would be empty.
        agreeing = [vote for vote in votes if vote.verdict is verdict]
        reasoned = [vote for vote in agreeing if not _is_text_miss(vote)]
        weights_V = log_odds_VC[:, chosen] - np.delete(log_odds_VC, chosen, axis=1).mean(axis=1)
        weight = dict(zip(map(id, votes), weights_V, strict=True))
        decisive = max(reasoned or agreeing or votes, key=lambda vote: weight[id(vote)])
        return FusedVerdict(
            claim, verdict, float(probabilities_C[0]), decisive.expert, dict(decisive.evidence), tuple(votes)
        )

    def operating_point_of(self, claim: Claim) -> float:
        return self.categories.operating_point if claim.path and self.categories else self.operating_point

    def _log_odds(self, vote: Vote, votes: Sequence[Vote]) -> Floats:
        """What one vote adds to the log-odds of each verdict: (C,)."""
        fitted = self.coefficients_FC.get(vote.expert)
        return _features(vote, votes) @ (prior_coefficients(vote.expert) if fitted is None else fitted)

    @classmethod
    def fit(
        cls,
        labelled: Sequence[tuple[Sequence[Vote], Verdict]],
        operating_point: float | None = None,
        seed: int = 0,
        *,
        balanced: bool = False,
    ) -> Fusion:
        """Fit on votes and true verdicts; a few hundred are enough. Without an `operating_point`, cross-validation picks the
        one with the best macro-F1 of supported against the rest. `balanced` gives both verdicts the same weight: there is no
        common intercept, so where one verdict is frequent, every further vote would count its frequency again. Raises
        `ModelError` if there are fewer than two verdicts.
        """
        if len({verdict for _, verdict in labelled}) < 2:
            raise ModelError(
                "the fusion can't be fitted on values of one verdict; label some right and some wrong ones"
            )
        coefficients = _fit(labelled, seed, balanced)
        if operating_point is None:
            operating_point = _best_operating_point(labelled, seed)
        return cls(coefficients, operating_point)

    @classmethod
    def load(cls, path: Path | None = None) -> Fusion:
        """The shipped fusion, or one that `save` wrote. Raises `ModelError` that names the file."""
        path = path or SHIPPED
        try:
            content = _FusionFile.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelError(f"{path}: can't be read ({error.strerror}); mend the path") from error
        except (ValidationError, UnicodeDecodeError) as error:
            raise ModelError(f"{path}: is no fusion; fit it again with scripts/fit_curation.py") from error
        if content.format != 1 or content.verdicts != [str(verdict) for verdict in VERDICTS]:
            raise ModelError(f"{path}: fusion of another format ({content.format}); fit it again")
        categories = None if content.categories is None else cls._checked(content.categories, path)
        return replace(cls._checked(content, path), categories=categories)

    @classmethod
    def _checked(cls, content: _Coefficients, path: Path) -> Fusion:
        coefficients = {name: np.array(rows, dtype=np.float64) for name, rows in content.experts.items()}
        wrong = next((n for n, c in coefficients.items() if c.shape != (_NUM_FEATURES, len(VERDICTS))), None)
        if wrong is not None:
            raise ModelError(f"{path}: expert '{wrong}' hasn't {_NUM_FEATURES} x {len(VERDICTS)} numbers; fit it again")
        return cls(coefficients, content.operating_point)

    def save(self, path: Path) -> None:
        content: dict[str, Any] = {"format": 1, "verdicts": [str(verdict) for verdict in VERDICTS], **self._to_json()}
        if self.categories is not None:
            content["categories"] = self.categories._to_json()
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    def _to_json(self) -> dict[str, Any]:
        experts = {name: self.coefficients_FC[name].round(6).tolist() for name in sorted(self.coefficients_FC)}
        return {"operating_point": round(self.operating_point, 4), "experts": experts}


def _unsupported_verdict(votes: Sequence[Vote]) -> Verdict:
    """Contradicted or not inferable, by the trust in the experts that voted for either."""
    # Not fitted: in labelled titles, one that doesn't mention a wrong value doesn't contradict it.
    weights = dict.fromkeys(VERDICTS, 0.0)
    for vote in votes:
        weights[vote.verdict] += expert_class(vote.expert).trust * _weight(vote, votes)
    outweighs = weights[Verdict.CONTRADICTED] > weights[Verdict.NOT_INFERABLE]
    return Verdict.CONTRADICTED if outweighs else Verdict.NOT_INFERABLE


def prior_coefficients(expert: str) -> Floats:
    """The coefficients (F, C) of an expert that the fit never saw."""
    trust = expert_class(expert).trust
    coefficients_FC = np.zeros((_NUM_FEATURES, len(VERDICTS)))
    coefficients_FC[1, 0] = trust
    coefficients_FC[2, 1] = coefficients_FC[3, 2] = trust * _PRIOR_LOG_ODDS
    return coefficients_FC


def _features(vote: Vote, votes: Sequence[Vote]) -> Floats:
    """One vote as numbers (F,), scaled by its weight beside the others."""
    probability = min(max(vote.score, 1e-6), 1 - 1e-6)
    logit = math.log(probability / (1 - probability))
    features_F = np.array(
        [
            1.0,
            # Clipped, since one expert that is a hundred percent sure must not outvote all others.
            min(max(logit, -_MAX_LOGIT), _MAX_LOGIT),
            vote.verdict is Verdict.CONTRADICTED,
            vote.verdict is Verdict.NOT_INFERABLE,
        ]
    )
    return features_F * _weight(vote, votes)


def _weight(vote: Vote, votes: Sequence[Vote]) -> float:
    """Less than 1 for a text search that found nothing, if an expert that isn't one can tell."""
    others_can_tell = _is_text_miss(vote) and any(
        other.verdict is not Verdict.NOT_INFERABLE and not expert_class(other.expert).searches_text for other in votes
    )
    return _TEXT_MISS_WEIGHT if others_can_tell else 1.0


def _is_text_miss(vote: Vote) -> bool:
    return vote.verdict is Verdict.NOT_INFERABLE and expert_class(vote.expert).searches_text


def _softmax(logits_C: Floats) -> Floats:
    raised_C = np.exp(logits_C - logits_C.max())
    return np.asarray(raised_C / raised_C.sum())


def _with_subsets(labelled: Sequence[tuple[Sequence[Vote], Verdict]], seed: int) -> list[tuple[list[Vote], Verdict]]:
    """Every example whole, and once more with each vote left out at random."""
    coin = random.Random(seed)
    examples = [(list(votes), verdict) for votes, verdict in labelled if votes]
    for votes, verdict in labelled:
        kept = [vote for vote in votes if coin.random() < 0.5]
        if kept and len(kept) < len(votes):
            examples.append((kept, verdict))
    return examples


def _fit(labelled: Sequence[tuple[Sequence[Vote], Verdict]], seed: int, balanced: bool = False) -> dict[str, Floats]:
    from sklearn.linear_model import LogisticRegression

    examples = _with_subsets(labelled, seed)
    experts = sorted({vote.expert for votes, _ in examples for vote in votes})
    columns = {expert: _NUM_FEATURES * place for place, expert in enumerate(experts)}
    design = np.zeros((len(examples), _NUM_FEATURES * len(experts)))
    for row, (votes, _) in zip(design, examples, strict=True):
        for vote in votes:
            row[columns[vote.expert] : columns[vote.expert] + _NUM_FEATURES] = _features(vote, votes)
    truths = np.array([VERDICTS.index(verdict) for _, verdict in examples])
    model = LogisticRegression(
        C=1.0, fit_intercept=False, max_iter=1000, class_weight="balanced" if balanced else None
    ).fit(design, truths)
    weights = np.full((design.shape[1], len(VERDICTS)), 0.0)
    if len(model.classes_) == 2:  # scikit-learn keeps one row for the two, that of the later
        weights[:, model.classes_[0]], weights[:, model.classes_[1]] = -model.coef_[0] / 2, model.coef_[0] / 2
        # A verdict that the examples don't have must not win with its zero coefficients.
        absent = ({0, 1, 2} - set(model.classes_.tolist())).pop()
        weights[::_NUM_FEATURES, absent] = -2 * _MAX_LOGIT
    else:
        weights[:, :] = model.coef_.T
    return {expert: weights[start : start + _NUM_FEATURES] for expert, start in columns.items()}


def _best_operating_point(labelled: Sequence[tuple[Sequence[Vote], Verdict]], seed: int, folds: int = 5) -> float:
    """The probability of supported above which macro-F1 (supported against the rest) is best, out of fold."""
    order = list(range(len(labelled)))
    random.Random(seed).shuffle(order)
    probabilities, truths = [], []
    for fold in range(folds):
        held = set(order[fold::folds])
        rest = [example for place, example in enumerate(labelled) if place not in held]
        if not held or len({verdict for _, verdict in rest}) < 2:
            continue
        fusion = Fusion(_fit(rest, seed))
        for place in held:
            votes, verdict = labelled[place]
            probabilities.append(fusion.fuse(Claim("", ""), votes).score)
            truths.append(verdict is Verdict.SUPPORTED)
    points = np.arange(0.2, 0.81, 0.02)
    scored = [_macro_f1(np.array(probabilities) >= point, np.array(truths)) for point in points]
    return float(points[int(np.argmax(scored))]) if probabilities else 0.5


def _macro_f1(predicted: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    scores = []
    for a, b in ((predicted, true), (~predicted, ~true)):
        total = int(a.sum() + b.sum())
        scores.append(2 * int((a & b).sum()) / total if total else 0.0)
    return sum(scores) / 2
