"""Two small experts and a fusion, real ones, whose every verdict can be worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL.ImageColor import getrgb

from pumgpt.catalog.product import Product
from pumgpt.curation.experts.base import Case, Expert
from pumgpt.curation.fusion import Floats, Fusion
from pumgpt.curation.verdict import Claim, FusedVerdict, Verdict, Vote
from pumgpt.errors import BackendError


class WordExpert(Expert):
    """Looks for the value among the title's words."""

    name = "text"
    cost = 0.00001

    def prepare(self, catalog: Iterable[Product]) -> None:
        self.seen = sum(1 for _ in catalog)

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        return [[self._vote(case.product, claim) for claim in case.claims] for case in cases]

    def _vote(self, product: Product, claim: Claim) -> Vote | None:
        if product.title is None:
            return None
        if claim.value.casefold() in product.title.casefold().split():
            return Vote(self.name, Verdict.SUPPORTED, 0.95, {"words": claim.value})
        return Vote(self.name, Verdict.NOT_INFERABLE, 0.1)


class PaintExpert(Expert):
    """Compares a colour's name with the photo's middle. Dear, so it should be asked seldom."""

    name = "similarity"
    cost = 0.1
    needs_photo = True

    def __init__(self) -> None:
        self.asked: list[Claim] = []

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        return [[self._vote(case, claim) for claim in case.claims] for case in cases]

    def _vote(self, case: Case, claim: Claim) -> Vote | None:
        self.asked.append(claim)
        if not case.photos or claim.name != "colour":
            return None
        photo = case.photos[0]
        middle = np.asarray(photo.getpixel((photo.width // 2, photo.height // 2)), dtype=float)
        is_same = bool(np.abs(middle - getrgb(claim.value.lower())).mean() < 20)
        verdict = Verdict.SUPPORTED if is_same else Verdict.CONTRADICTED
        return Vote(self.name, verdict, 0.9 if is_same else 0.05, {"box": [0, 0, photo.width, photo.height]})


class BrokenExpert(Expert):
    """An endpoint that is down."""

    name = "judge"
    cost = 1.0

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        raise BackendError("http://localhost:1: refuses the connection; start it")


@dataclass(frozen=True)
class LastWord(Fusion):
    """A fusion that believes the last vote."""

    coefficients_FC: Mapping[str, Floats] = field(default_factory=dict)

    def fuse(self, claim: Claim, votes: Sequence[Vote]) -> FusedVerdict:
        if not votes:
            return FusedVerdict(claim, Verdict.NOT_INFERABLE, 0.0, "none")
        last = votes[-1]
        return FusedVerdict(claim, last.verdict, last.score, last.expert, last.evidence, tuple(votes))


class NewExpert(WordExpert):
    """Supports everything. What the cascade and the fusion need to know of it is declared here, and nowhere else."""

    name = "paint"
    trust = 0.9
    extra = "paint"

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        return [[Vote(self.name, Verdict.SUPPORTED, 0.9) for _ in case.claims] for case in cases]
