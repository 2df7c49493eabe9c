from __future__ import annotations

import random
from itertools import permutations
from pathlib import Path

import pytest

from pumgpt.curation.fusion import NO_EXPERT, Fusion
from pumgpt.curation.verdict import Claim, Verdict, Vote
from pumgpt.errors import ModelError

SUPPORTED, CONTRADICTED, NOT_INFERABLE = Verdict
CLAIM = Claim("colour", "Red")
SILENT = Vote("text", NOT_INFERABLE, 0.02)
SAYS = Vote("text", SUPPORTED, 0.97, {"words": "Red"})


@pytest.mark.parametrize(
    ("votes", "verdict", "expert"),
    [
        ([], NOT_INFERABLE, NO_EXPERT),
        ([SAYS], SUPPORTED, "text"),
        ([SILENT], NOT_INFERABLE, "text"),
        ([Vote("text", CONTRADICTED, 0.02)], CONTRADICTED, "text"),
        ([SILENT, Vote("statistics", NOT_INFERABLE, 0.1)], NOT_INFERABLE, "statistics"),
        ([SILENT, Vote("statistics", CONTRADICTED, 0.05)], CONTRADICTED, "statistics"),
        ([SILENT, Vote("vlm", SUPPORTED, 0.95)], SUPPORTED, "vlm"),
        ([SAYS, Vote("statistics", NOT_INFERABLE, 0.1)], SUPPORTED, "text"),
        ([SAYS, Vote("a stranger", NOT_INFERABLE, 0.4)], SUPPORTED, "text"),
    ],
)
def test_the_shipped_fusion_decides_as_one_would(votes: list[Vote], verdict: Verdict, expert: str) -> None:
    fused = Fusion.load().fuse(CLAIM, votes)
    assert (fused.verdict, fused.expert) == (verdict, expert)
    assert fused.votes == tuple(votes)
    assert 0 <= fused.score <= 1


def test_the_order_of_the_votes_changes_nothing() -> None:
    votes = [SILENT, Vote("vlm", SUPPORTED, 0.8), Vote("judge", CONTRADICTED, 0.1)]
    fused_verdicts = [Fusion.load().fuse(CLAIM, order) for order in permutations(votes)]
    assert {(r.verdict, r.expert, round(r.score, 9)) for r in fused_verdicts} == {
        (fused_verdicts[0].verdict, fused_verdicts[0].expert, round(fused_verdicts[0].score, 9))
    }


def test_a_fit_learns_which_expert_to_trust_and_survives_its_file(tmp_path: Path) -> None:
    chance, labelled = random.Random(0), []
    for _ in range(300):
        true = chance.random() < 0.5
        knows = Vote("judge", SUPPORTED if true else CONTRADICTED, 0.9 if true else 0.1)
        guesses = Vote("vlm", SUPPORTED, chance.random())
        labelled.append(([knows, guesses], SUPPORTED if true else CONTRADICTED))
    fusion = Fusion.fit(labelled)
    assert all(fusion.fuse(CLAIM, votes).verdict is true for votes, true in labelled)
    fusion.save(tmp_path / "fusion.json")
    again = Fusion.load(tmp_path / "fusion.json")
    assert [again.fuse(CLAIM, votes).verdict for votes, _ in labelled] == [true for _, true in labelled]


def test_values_of_one_verdict_teach_nothing() -> None:
    with pytest.raises(ModelError, match="one verdict"):
        Fusion.fit([([SAYS], SUPPORTED)] * 3)


@pytest.mark.parametrize("content", ["", "{}", '{"format": 9, "verdicts": [], "operating_point": 0.5, "experts": {}}'])
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "fusion.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=r"fusion\.json"):
        Fusion.load(tmp_path / "fusion.json")
