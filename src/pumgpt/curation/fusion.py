"""Fuses the votes of any subset of experts into one ruling: a multinomial logistic regression over what they say.

Each vote gives four features, all of them zero where the expert is absent: that it voted, the logit of its score, and
whether it said contradicted or not inferable. There is no further intercept, so an absent expert changes nothing, and the
fit sees random subsets of the votes (`_with_subsets`), so no expert's weight leans on another's presence.

An expert that searches text (`YIELDING`) and doesn't find a value has not seen the photo: its "not inferable" counts a
quarter where another expert can tell. The fit tells supported from the rest; whether the rest is contradicted or not
inferable is for the votes to say. The coefficients lie in `fusion.json`; `scripts/fit_curation.py` fits them. An expert
that the fit never saw is weighed by `PRIOR_TRUST`: its own log-odds, times that number.

Legend: F features of a vote, C verdicts, in the order of `VERDICTS`.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from pumgpt.curation.verdict import Claim, Ruling, Verdict, Vote
from pumgpt.errors import ModelError

Floats = NDArray[np.float64]

VERDICTS = (Verdict.SUPPORTED, Verdict.CONTRADICTED, Verdict.NOT_INFERABLE)
NOBODY = "none"
"""The expert of a ruling where nobody voted."""
YIELDING = frozenset({"text", "ocr"})
YIELD = 0.25
PRIOR_TRUST = {"text": 1.0, "ocr": 1.0, "vlm": 0.8, "judge": 1.0, "similarity": 0.6, "statistics": 0.8}
DEFAULT_TRUST = 0.5
_PRIOR_NOD = 1.0
"""Log-odds that an unfitted expert's contradicted or not_inferable gives to that verdict, times its trust."""
_MAX_LOGIT = 5.0
_SHIPPED = Path(__file__).with_name("fusion.json")
_NUM_FEATURES = 4


class _FusionFile(BaseModel):
    """`fusion.json`: coefficients (F x C) for each expert, and the operating point."""

    model_config = ConfigDict(extra="forbid")

    format: int
    verdicts: list[str]
    operating_point: float
    """The least fused probability at which a value is called supported."""
    experts: dict[str, list[list[float]]]


@dataclass(frozen=True)
class Fusion:
    """`operating_point` is the least fused probability at which a value is called supported."""

    coefficients_FC: Mapping[str, Floats]
    operating_point: float = 0.5

    def rule(self, claim: Claim, votes: Sequence[Vote]) -> Ruling:
        """The fused verdict. Where nobody voted: not inferable, by nobody, with probability 0."""
        if not votes:
            return Ruling(claim, Verdict.NOT_INFERABLE, 0.0, NOBODY)
        shares_VC = np.stack([self._share(vote, votes) for vote in votes])
        chances_C = _softmax(shares_VC.sum(axis=0))
        chosen = 0 if chances_C[0] >= self.operating_point else VERDICTS.index(_unsupported(votes))
        others_V = np.delete(shares_VC, chosen, axis=1).mean(axis=1)
        weight = dict(zip(map(id, votes), shares_VC[:, chosen] - others_V, strict=True))
        decisive = max(_agreeing(votes, VERDICTS[chosen]), key=lambda vote: weight[id(vote)])
        return Ruling(
            claim, VERDICTS[chosen], float(chances_C[0]), decisive.expert, dict(decisive.evidence), tuple(votes)
        )

    def _share(self, vote: Vote, votes: Sequence[Vote]) -> Floats:
        """What one vote adds to the log-odds of each verdict: (C,)."""
        fitted = self.coefficients_FC.get(vote.expert)
        return _features(vote, votes) @ (prior_coefficients(vote.expert) if fitted is None else fitted)

    @classmethod
    def fit(
        cls, labelled: Sequence[tuple[Sequence[Vote], Verdict]], operating_point: float | None = None, seed: int = 0
    ) -> Fusion:
        """Fit on votes and true verdicts; a few hundred are enough. Without an `operating_point`, the one with the best
        macro-F1 of supported against the rest is taken, by cross-validation. Raises `ModelError` for less than two verdicts.
        """
        if len({verdict for _, verdict in labelled}) < 2:
            raise ModelError(
                "the fusion can't be fitted on values of one verdict; label some right and some wrong ones"
            )
        coefficients = _fit(labelled, seed)
        if operating_point is None:
            operating_point = _best_operating_point(labelled, seed)
        return cls(coefficients, operating_point)

    @classmethod
    def load(cls, path: Path | None = None) -> Fusion:
        """The shipped fusion, or one that `save` wrote. Raises `ModelError` that names the file."""
        path = path or _SHIPPED
        try:
            content = _FusionFile.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ModelError(f"{path}: can't be read ({error.strerror}); mend the path") from error
        except (ValidationError, UnicodeDecodeError) as error:
            raise ModelError(f"{path}: is no fusion; fit it again with scripts/fit_curation.py") from error
        if content.format != 1 or content.verdicts != [str(verdict) for verdict in VERDICTS]:
            raise ModelError(f"{path}: fusion of another format ({content.format}); fit it again")
        coefficients = {name: np.array(rows, dtype=np.float64) for name, rows in content.experts.items()}
        wrong = next((n for n, c in coefficients.items() if c.shape != (_NUM_FEATURES, len(VERDICTS))), None)
        if wrong is not None:
            raise ModelError(f"{path}: expert '{wrong}' hasn't {_NUM_FEATURES} x {len(VERDICTS)} numbers; fit it again")
        return cls(coefficients, content.operating_point)

    def save(self, path: Path) -> None:
        content: dict[str, Any] = {
            "format": 1,
            "verdicts": [str(verdict) for verdict in VERDICTS],
            "operating_point": round(self.operating_point, 4),
            "experts": {name: self.coefficients_FC[name].round(6).tolist() for name in sorted(self.coefficients_FC)},
        }
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _unsupported(votes: Sequence[Vote]) -> Verdict:
    """Contradicted or not inferable, as the votes that say either weigh. Labels of titles can't teach that: a title that is
    silent about a wrong value doesn't contradict it.
    """
    weights = dict.fromkeys(VERDICTS, 0.0)
    for vote in votes:
        weights[vote.verdict] += PRIOR_TRUST.get(vote.expert, DEFAULT_TRUST) * (YIELD if _yields(vote, votes) else 1)
    outweighs = weights[Verdict.CONTRADICTED] > weights[Verdict.NOT_INFERABLE]
    return Verdict.CONTRADICTED if outweighs else Verdict.NOT_INFERABLE


def _agreeing(votes: Sequence[Vote], verdict: Verdict) -> Sequence[Vote]:
    """The votes one of which decides: those for the verdict, and before text that is merely silent whoever gives a reason."""
    agreeing = [vote for vote in votes if vote.verdict is verdict]
    reasoned = [vote for vote in agreeing if vote.expert not in YIELDING or verdict is not Verdict.NOT_INFERABLE]
    return reasoned or agreeing or votes


def prior_coefficients(expert: str) -> Floats:
    """The weights (F, C) of an expert that the fit never saw."""
    trust = PRIOR_TRUST.get(expert, DEFAULT_TRUST)
    coefficients_FC = np.zeros((_NUM_FEATURES, len(VERDICTS)))
    coefficients_FC[1, 0] = trust
    coefficients_FC[2, 1] = coefficients_FC[3, 2] = trust * _PRIOR_NOD
    return coefficients_FC


def _features(vote: Vote, votes: Sequence[Vote]) -> Floats:
    """What a vote says, as numbers (F,); scaled down where it yields to an expert that can tell."""
    chance = min(max(vote.score, 1e-6), 1 - 1e-6)
    logit = math.log(chance / (1 - chance))
    features_F = np.array(
        [
            1.0,
            min(max(logit, -_MAX_LOGIT), _MAX_LOGIT),
            vote.verdict is Verdict.CONTRADICTED,
            vote.verdict is Verdict.NOT_INFERABLE,
        ]
    )
    return features_F * YIELD if _yields(vote, votes) else features_F


def _yields(vote: Vote, votes: Sequence[Vote]) -> bool:
    """Whether this is a search in text that found nothing, beside an expert that can tell."""
    return (
        vote.expert in YIELDING
        and vote.verdict is Verdict.NOT_INFERABLE
        and any(other.expert not in YIELDING and other.verdict is not Verdict.NOT_INFERABLE for other in votes)
    )


def _softmax(logits_C: Floats) -> Floats:
    raised_C = np.exp(logits_C - logits_C.max())
    return np.asarray(raised_C / raised_C.sum())


def _with_subsets(labelled: Sequence[tuple[Sequence[Vote], Verdict]], seed: int) -> list[tuple[list[Vote], Verdict]]:
    """Every example whole, and once with each vote left out by the toss of a coin."""
    coin = random.Random(seed)
    examples = [(list(votes), verdict) for votes, verdict in labelled if votes]
    for votes, verdict in labelled:
        kept = [vote for vote in votes if coin.random() < 0.5]
        if kept and len(kept) < len(votes):
            examples.append((kept, verdict))
    return examples


def _fit(labelled: Sequence[tuple[Sequence[Vote], Verdict]], seed: int) -> dict[str, Floats]:
    from sklearn.linear_model import LogisticRegression

    examples = _with_subsets(labelled, seed)
    experts = sorted({vote.expert for votes, _ in examples for vote in votes})
    columns = {expert: _NUM_FEATURES * place for place, expert in enumerate(experts)}
    design = np.zeros((len(examples), _NUM_FEATURES * len(experts)))
    for row, (votes, _) in zip(design, examples, strict=True):
        for vote in votes:
            row[columns[vote.expert] : columns[vote.expert] + _NUM_FEATURES] = _features(vote, votes)
    truths = np.array([VERDICTS.index(verdict) for _, verdict in examples])
    model = LogisticRegression(C=1.0, fit_intercept=False, max_iter=1000).fit(design, truths)
    weights = np.full((design.shape[1], len(VERDICTS)), 0.0)
    if len(model.classes_) == 2:  # one row of weights, for the later of two verdicts
        weights[:, model.classes_[0]], weights[:, model.classes_[1]] = -model.coef_[0] / 2, model.coef_[0] / 2
        absent = ({0, 1, 2} - set(model.classes_.tolist())).pop()
        weights[::_NUM_FEATURES, absent] = -2 * _MAX_LOGIT
    else:
        weights[:, :] = model.coef_.T
    return {expert: weights[start : start + _NUM_FEATURES] for expert, start in columns.items()}


def _best_operating_point(labelled: Sequence[tuple[Sequence[Vote], Verdict]], seed: int, folds: int = 5) -> float:
    """The probability of supported above which macro-F1 (supported against the rest) is best, out of fold."""
    order = list(range(len(labelled)))
    random.Random(seed).shuffle(order)
    chances, truths = [], []
    for fold in range(folds):
        held = set(order[fold::folds])
        rest = [example for place, example in enumerate(labelled) if place not in held]
        if not held or len({verdict for _, verdict in rest}) < 2:
            continue
        fusion = Fusion(_fit(rest, seed))
        for place in held:
            votes, verdict = labelled[place]
            chances.append(fusion.rule(Claim("", ""), votes).score)
            truths.append(verdict is Verdict.SUPPORTED)
    points = np.arange(0.2, 0.81, 0.02)
    scored = [_macro_f1(np.array(chances) >= point, np.array(truths)) for point in points]
    return float(points[int(np.argmax(scored))]) if chances else 0.5


def _macro_f1(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    scores = []
    for a, b in ((said, true), (~said, ~true)):
        total = int(a.sum() + b.sum())
        scores.append(2 * int((a & b).sum()) / total if total else 0.0)
    return sum(scores) / 2
