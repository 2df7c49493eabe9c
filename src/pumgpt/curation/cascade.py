"""Cheap experts first: an expensive one is asked only about claims that the others have left open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pumgpt.curation.experts.base import Case, Expert
from pumgpt.curation.experts.registry import expert_class
from pumgpt.curation.fusion import Fusion
from pumgpt.curation.verdict import Claim, FusedVerdict, Verdict, Vote
from pumgpt.errors import PumGPTError

CHEAP_S = 0.002
"""Experts that take no longer for a claim are asked about every claim."""
DEFAULT_MARGIN = 0.3
"""Distance of the fused probability from the operating point beyond which a claim counts as settled."""


@dataclass
class Calls:
    """Number of claims that each expert was asked about, was spared, and failed on; `errors` has its first failure."""

    asked: Counter[str] = field(default_factory=Counter)
    spared: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass
class _ClaimState:
    """A claim on its way through the cascade: the votes so far, and what they come to."""

    claim: Claim
    fused: FusedVerdict
    votes: list[Vote] = field(default_factory=list)


class Cascade:
    """Asks `experts` in the order of their cost, and fuses their votes."""

    def __init__(self, experts: Iterable[Expert], fusion: Fusion, *, margin: float = DEFAULT_MARGIN) -> None:
        self.experts = sorted(experts, key=lambda expert: expert.cost)
        self.fusion = fusion
        self.margin = margin

    @property
    def needs_photos(self) -> bool:
        return any(expert.needs_photo for expert in self.experts)

    def judge(self, cases: Sequence[Case]) -> tuple[list[list[FusedVerdict]], Calls]:
        """For each case one fused verdict per claim, in order; and how often each expert was asked."""
        calls = Calls()
        states = [[_ClaimState(claim, self.fusion.fuse(claim, ())) for claim in case.claims] for case in cases]
        for expert in self.experts:
            self._ask(expert, cases, states, calls)
        return [[state.fused for state in row] for row in states], calls

    def _ask(
        self, expert: Expert, cases: Sequence[Case], states: Sequence[Sequence[_ClaimState]], calls: Calls
    ) -> None:
        """Ask one expert about the claims that are still open, and fuse its votes with the earlier ones."""
        asked: list[tuple[Case, list[_ClaimState]]] = []
        for case, row in zip(cases, states, strict=True):
            if not row or (expert.needs_photo and not case.product.images):
                continue
            left = [state for state in row if expert.cost <= CHEAP_S or not self._is_settled(state)]
            calls.spared[expert.name] += len(row) - len(left)
            calls.asked[expert.name] += len(left)
            if left:
                asked.append((case, left))
        if not asked:
            return
        parts = [case.part(tuple(state.claim for state in left)) for case, left in asked]
        try:
            answers = expert.judge(parts)
        except PumGPTError as error:
            # An endpoint that is down must not end a run of hours: the others decide, and the summary warns.
            calls.failed[expert.name] += sum(len(left) for _, left in asked)
            calls.errors.setdefault(expert.name, str(error))
            return
        for (_, left), votes in zip(asked, answers, strict=True):
            for state, vote in zip(left, votes, strict=True):
                if vote is not None:
                    state.votes.append(vote)
                    state.fused = self.fusion.fuse(state.claim, state.votes)

    def _is_settled(self, state: _ClaimState) -> bool:
        votes = [(vote.expert, vote.verdict) for vote in state.votes]
        return is_settled(state.fused.score, votes, self.fusion.operating_point_of(state.claim), self.margin)


def is_settled(score: float, votes: Iterable[tuple[str, Verdict]], operating_point: float, margin: float) -> bool:
    """Whether no further vote is worth its cost. `votes` are pairs of expert and verdict."""
    if abs(score - operating_point) < margin:
        return False
    if score >= operating_point:
        return any(verdict is Verdict.SUPPORTED for _, verdict in votes)
    # A text that doesn't mention a value settles nothing, however low the score: a photo may show the value.
    return any(
        verdict is Verdict.CONTRADICTED or (verdict is Verdict.NOT_INFERABLE and not expert_class(expert).searches_text)
        for expert, verdict in votes
    )
