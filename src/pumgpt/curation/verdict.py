"""The terms of curation: a claim is one listed value or the category, a vote is one expert's verdict on it, and the votes
are fused.

As in UniHD (arXiv 2402.03190), which checks claims with tools and gives each verdict its reason; here for attribute values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR

CATEGORY = "category"
"""What the claim about a category is called."""


class Verdict(StrEnum):
    """Whether photo or text show the listed value, another value, or nothing about it."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_INFERABLE = "not_inferable"


@dataclass(frozen=True, slots=True)
class Claim:
    """One listed value of one attribute, or the category. An attribute with several values makes several claims."""

    name: str
    value: str
    path: tuple[str, ...] | None = None
    """Of a category, its levels from root to leaf; its `value` is 'A > B > C'."""

    @classmethod
    def of_category(cls, path: tuple[str, ...]) -> Claim:
        return cls(CATEGORY, SEPARATOR.join(path), path)

    @property
    def kind(self) -> tuple[bool, str]:
        """What claims have in common that are about the same: an attribute may be called category too."""
        return (self.path is not None, self.name.casefold())


@dataclass(frozen=True, slots=True)
class Vote:
    """One expert's verdict on one claim.

    `score` is the expert's own probability that the value is supported; the fusion learns what it is worth.
    `evidence` is JSON: `{"words": ...}`, `{"box": ...}`, `{"reason": ...}`, ...
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
class FusedVerdict:
    """What all votes on a claim come to: exactly one for each listed value.

    `score` is the fused probability that the value is supported; `expert` cast the decisive vote, and `evidence` is its.
    """

    claim: Claim
    verdict: Verdict
    score: float
    expert: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    votes: tuple[Vote, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """One entry of a row's `verdicts`. That on the category has its `path` too."""
        return {
            "name": self.claim.name,
            "value": self.claim.value,
            **({} if self.claim.path is None else {"path": list(self.claim.path)}),
            "verdict": str(self.verdict),
            "score": round(self.score, 4),
            "expert": self.expert,
            "evidence": dict(self.evidence),
            "votes": [vote.to_json() for vote in self.votes],
        }
