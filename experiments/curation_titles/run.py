"""Which listed values can be told from the title? Must-hold 1 of curation, on the test files of AE-110k and OA-Mine.

    python experiments/curation_titles/run.py --text ../shared/data/text

Prints precision, recall and F1 of *supported* and the macro-F1 (supported against the rest), with 95 % bootstrap intervals
over titles, for exact matching, normalised matching, the text expert alone and the fusion; then how each kind of claim fares.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumgpt.curation.experts.text import TextExpert
from pumgpt.curation.fusion import Fusion
from pumgpt.curation.verdict import Verdict, Vote
from pumgpt.extraction.mentions import Text
from pumgpt.extraction.span_classifier import SpanClassifier
from pumgpt.extraction.text_score import TextScore
from title_claims import KINDS, LabelledClaim, Listing, make_claims, normalised, read_listings

Bools = NDArray[np.bool_]
SETS = ("ae-110k-test", "oa-mine-test")
RESAMPLES = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the text expert on claims about titles.")
    parser.add_argument("--text", type=Path, default=Path("../shared/data/text"))
    parser.add_argument("--fitted", type=Path, help="folder with other fitted files than the shipped ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--reliability", type=Path, help="write the bins of the report's reliability diagram here")
    options = parser.parse_args()
    methods = judges(options.fitted)
    if options.reliability is not None:
        write_reliability(options.reliability, options.text, options.seed)
        return
    for name in SETS:
        listings = read_listings(options.text / f"{name}.jsonl")
        claims = make_claims(listings, options.seed)
        truth = np.array([labelled.verdict is Verdict.SUPPORTED for labelled in claims])
        print(f"{name}: {len(listings)} titles, {len(claims)} values, {truth.sum()} of them can be told")
        answers = {method: np.array([judge(one, listings) for one in claims]) for method, judge in methods.items()}
        for method, said in answers.items():
            print(f"  {method:12}", figures(said, truth, np.array([one.listing for one in claims])))
        print(f"  {'right, of':20}", *(f"{method:>12}" for method in answers))
        for kind in KINDS:
            of_kind = np.array([one.kind == kind for one in claims])
            rates = ((said == truth)[of_kind].mean() if of_kind.any() else float("nan") for said in answers.values())
            print(f"  {of_kind.sum():5} {kind:18}", *(f"{rate:12.3f}" for rate in rates))


def judges(fitted: Path | None) -> dict[str, Callable[[LabelledClaim, Sequence[Listing]], bool]]:
    """Whether the title supports the claim, by each method."""
    if fitted is None:
        expert, fusion = TextExpert(), Fusion.load()
    else:
        score, classifier = (
            TextScore.load(fitted / "text_score.json"),
            SpanClassifier.load(fitted / "span_classifier.npz"),
        )
        expert, fusion = TextExpert(score=score, classifier=classifier), Fusion.load(fitted / "fusion.json")

    def vote(one: LabelledClaim, listings: Sequence[Listing]) -> Vote:
        return expert.vote(one.claim, {"title": Text(listings[one.listing].title)})

    return {
        "exact": lambda one, listings: one.claim.value in listings[one.listing].title,
        "normalised": lambda one, listings: _within(
            normalised(one.claim.value), normalised(listings[one.listing].title)
        ),
        "text": lambda one, listings: vote(one, listings).verdict is Verdict.SUPPORTED,
        "fusion": lambda one, listings: fusion.fuse(one.claim, [vote(one, listings)]).verdict is Verdict.SUPPORTED,
    }


def write_reliability(path: Path, text: Path, seed: int) -> None:
    """Ten bins of the fused score over both test files: its mean, and the share of values that the title supports."""
    expert, fusion, chances, truths = TextExpert(), Fusion.load(), [], []
    for name in SETS:
        listings = read_listings(text / f"{name}.jsonl")
        for one in make_claims(listings, seed):
            vote = expert.vote(one.claim, {"title": Text(listings[one.listing].title)})
            chances.append(fusion.fuse(one.claim, [vote]).score)
            truths.append(one.verdict is Verdict.SUPPORTED)
    scores_V, truths_V = np.array(chances), np.array(truths)
    places_V = np.minimum((scores_V * 10).astype(int), 9)
    bins = [
        {
            "score": round(float(scores_V[places_V == place].mean()), 4),
            "supported": round(float(truths_V[places_V == place].mean()), 4),
            "count": int((places_V == place).sum()),
        }
        for place in np.unique(places_V)
    ]
    about = (
        f"Measured on {len(truths):,} values about titles of AE-110k and OA-Mine that the fit has not seen, by the text expert "
        "alone. A dot on the dashed line is a score that keeps its promise; its size is the number of values."
    )
    path.write_text(json.dumps({"about": about, "count": len(truths), "bins": bins}, indent=1) + "\n", encoding="utf-8")


def _within(value: str, title: str) -> bool:
    return bool(value) and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", title) is not None


def figures(said: Bools, truth: Bools, titles: NDArray[np.int_]) -> str:
    """Four scores, each with its 95 % interval: titles are drawn again, with all their claims."""
    rows_of = [np.flatnonzero(titles == title) for title in np.unique(titles)]
    chance = random.Random(0)
    drawn = [np.concatenate(chance.choices(rows_of, k=len(rows_of))) for _ in range(RESAMPLES)]
    around = np.percentile([scores(said[rows], truth[rows]) for rows in drawn], (2.5, 97.5), axis=0)
    names = ("precision", "recall", "F1", "macro-F1")
    return "  ".join(
        f"{name} {score:.3f} [{low:.3f}, {high:.3f}]"
        for name, score, low, high in zip(names, scores(said, truth), *around, strict=True)
    )


def scores(said: Bools, truth: Bools) -> tuple[float, float, float, float]:
    right, wrong, missed = ((said & truth).sum(), (said & ~truth).sum(), (~said & truth).sum())
    rest = (~said & ~truth).sum()
    f1, f1_rest = 2 * right / max(2 * right + wrong + missed, 1), 2 * rest / max(2 * rest + wrong + missed, 1)
    return right / max(right + wrong, 1), right / max(right + missed, 1), f1, (f1 + f1_rest) / 2


if __name__ == "__main__":
    main()
