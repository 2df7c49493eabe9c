"""Cheap experts first: an expensive one is asked only about the claims that the others have not settled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from PIL.Image import Image

from pumgpt.catalog.product import Product
from pumgpt.curation.experts.base import Case, Expert
from pumgpt.curation.fusion import YIELDING
from pumgpt.curation.verdict import Claim, Ruling, Verdict, Vote
from pumgpt.errors import PumGPTError

CHEAP_S = 0.002
"""Experts that take no longer for a claim are asked about every claim."""
DEFAULT_MARGIN = 0.3
"""How far the fused probability has to stand from the operating point for a claim to be settled."""


class Fuses(Protocol):
    """What the cascade needs of a fusion."""

    @property
    def operating_point(self) -> float: ...

    def rule(self, claim: Claim, votes: Sequence[Vote]) -> Ruling: ...


@dataclass
class Calls:
    """How many claims each expert was asked about, was spared, and failed at; `error` is its first failure."""

    asked: Counter[str] = field(default_factory=Counter)
    spared: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass
class _Open:
    """One claim on its way through the cascade."""

    claim: Claim
    ruling: Ruling
    votes: list[Vote] = field(default_factory=list)


class Cascade:
    """Asks `experts` in the order of their cost and fuses what they say. `for_photos` names those that need a photo."""

    def __init__(
        self,
        experts: Iterable[Expert],
        fusion: Fuses,
        *,
        for_photos: Collection[str] = (),
        margin: float = DEFAULT_MARGIN,
    ) -> None:
        self.experts = sorted(experts, key=lambda expert: expert.cost)
        self.fusion = fusion
        self.for_photos = frozenset(for_photos)
        self.margin = margin

    @property
    def looks_at_photos(self) -> bool:
        return any(expert.name in self.for_photos for expert in self.experts)

    def judge(self, cases: Sequence[Case]) -> tuple[list[list[Ruling]], Calls]:
        """For each case one ruling a claim, in order, and what it took."""
        calls = Calls()
        claims = [[_Open(claim, self.fusion.rule(claim, ())) for claim in case.claims] for case in cases]
        for expert in self.experts:
            self._ask(expert, cases, claims, calls)
        return [[claim.ruling for claim in row] for row in claims], calls

    def _ask(self, expert: Expert, cases: Sequence[Case], claims: Sequence[Sequence[_Open]], calls: Calls) -> None:
        asked = []
        for case, row in zip(cases, claims, strict=True):
            if not row or (expert.name in self.for_photos and not case.product.images):
                continue
            left = [claim for claim in row if expert.cost <= CHEAP_S or not self.is_settled(claim.ruling)]
            calls.spared[expert.name] += len(row) - len(left)
            calls.asked[expert.name] += len(left)
            if left:
                asked.append((case, left))
        for claim, vote in _votes(expert, asked, calls):
            claim.votes.append(vote)
        for claim in (claim for _, left in asked for claim in left if len(claim.votes) > len(claim.ruling.votes)):
            claim.ruling = self.fusion.rule(claim.claim, claim.votes)

    def is_settled(self, ruling: Ruling) -> bool:
        said = [(vote.expert, vote.verdict) for vote in ruling.votes]
        return is_settled(ruling.score, said, self.fusion.operating_point, self.margin)


def is_settled(score: float, said: Iterable[tuple[str, Verdict]], operating_point: float, margin: float) -> bool:
    """Whether no further vote is worth its cost; `said` are the experts and their verdicts. Text that merely doesn't say a
    value settles nothing: a photo may show it.
    """
    if abs(score - operating_point) < margin:
        return False
    return any(expert not in YIELDING or verdict is not Verdict.NOT_INFERABLE for expert, verdict in said)


def _votes(expert: Expert, asked: Sequence[tuple[Case, Sequence[_Open]]], calls: Calls) -> Iterator[tuple[_Open, Vote]]:
    """The votes that the expert has on the claims. Where it can't answer at all, the others decide without it."""
    if not asked:
        return
    parts = [replace(case, claims=tuple(o.claim for o in left), open_photos=_same_photos(case)) for case, left in asked]
    try:
        answers = expert.judge(parts)
    except PumGPTError as error:
        calls.failed[expert.name] += sum(len(left) for _, left in asked)
        calls.errors.setdefault(expert.name, str(error))
        return
    for (_, left), votes in zip(asked, answers, strict=True):
        yield from ((claim, vote) for claim, vote in zip(left, votes, strict=True) if vote is not None)


def _same_photos(case: Case) -> Callable[[Product], tuple[Image, ...]]:
    """Photos are decoded once for all experts."""
    return lambda product: case.photos
