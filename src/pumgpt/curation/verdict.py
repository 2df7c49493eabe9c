"""The words of curation: a claim is a listed value, a vote is one expert's say about it, a ruling is what comes of all votes.

The records of UniHD (arXiv 2402.03190, claims, tools, a verdict with its reason), for attribute values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """Whether a listed value can be told from photo and text, and if so whether it is right."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_INFERABLE = "not_inferable"


@dataclass(frozen=True, slots=True)
class Claim:
    """One listed value of one attribute. An attribute with several values makes several claims."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Vote:
    """What one expert says of one claim.

    `score` is the expert's own probability, in 0..1, that the value is supported; the fusion learns what it is worth.
    `evidence` is what the expert saw, ready for JSON: `{"words": ...}`, `{"box": ...}`, `{"reason": ...}`, ...
    """

    expert: str
    verdict: Verdict
    score: float
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "expert": self.expert,
            "verdict": str(self.verdict),
            "score": round(self.score, 4),
            "evidence": dict(self.evidence),
        }


@dataclass(frozen=True, slots=True)
class Ruling:
    """The fused verdict on one claim: exactly one for every listed value.

    `score` is the fused probability, in 0..1, that the value is supported; `expert` the one that decided.
    """

    claim: Claim
    verdict: Verdict
    score: float
    expert: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    votes: tuple[Vote, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """One entry of a row's `verdicts`."""
        return {
            "name": self.claim.name,
            "value": self.claim.value,
            "verdict": str(self.verdict),
            "score": round(self.score, 4),
            "expert": self.expert,
            "evidence": dict(self.evidence),
            "votes": [vote.to_json() for vote in self.votes],
        }
