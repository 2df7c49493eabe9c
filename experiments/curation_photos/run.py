"""Do the experts that look at the photo find wrong values? Must-hold 2 of curation.

    python experiments/curation_photos/run.py --data ../shared/data --experts similarity,vlm

On `fashion` test, titles struck out, three colours, genders and article types in ten are swapped for another value of the
catalogue; on `implicitave` dev likewise with the one implicit attribute of each product. An expert's score orders the values:
printed is the area under the ROC curve by which it finds the swapped ones, with a 95 % bootstrap interval over products, a few
points of that curve, and the share of values that the expert has a say about (the others count as score one half).
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, roc_curve

from photo_claims import JudgedClaim, judge_all, read_products, swap
from pumgpt.curation.experts.base import ExpertOptions
from pumgpt.curation.experts.registry import make_experts
from pumgpt.curation.fusion import Fusion

RESAMPLES = 1000
FILES = {"fashion": "fashion/test-*.parquet", "implicitave": "implicitave/dev*.parquet"}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the photo experts on swapped values.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--experts", default="similarity,vlm")
    parser.add_argument("--similarity", default="nano")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--fusion", type=Path, help="by default the shipped one")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--sets", default="fashion,implicitave")
    options = parser.parse_args()
    expert_options = ExpertOptions(similarity=options.similarity, model=options.model)
    for name in options.sets.split(","):
        files = sorted(options.data.glob(FILES[name]))
        if not files:
            parser.error(f"--data {options.data}: has no {FILES[name]}")
        rows = swap(read_products(files, options.limit))
        print(f"{name}: {len(rows)} products")
        measure(judge_all(rows, make_experts(options.experts.split(","), expert_options)), Fusion.load(options.fusion))


def measure(judged: Sequence[JudgedClaim], fusion: Fusion) -> None:
    swapped = sum(one.is_swapped for one in judged)
    print(f"{len(judged)} values, {swapped} of them swapped")
    for expert in judged[0].votes:
        votes = [one.votes[expert] for one in judged]
        scores = [0.5 if vote is None else vote.score for vote in votes]
        report(expert, judged, scores, sum(vote is not None for vote in votes))
    fused = [fusion.fuse(one.claim, one.given).score if one.given else 0.5 for one in judged]
    report("fusion", judged, fused, sum(bool(one.given) for one in judged))
    names = sorted({one.claim.name for one in judged})
    for name in names if len(names) > 1 else ():
        of_it = [(one, score) for one, score in zip(judged, fused, strict=True) if one.claim.name == name]
        report(f"fusion: {name}", [one for one, _ in of_it], [score for _, score in of_it], len(of_it))


def report(name: str, judged: Sequence[JudgedClaim], given: Sequence[float], told: int) -> None:
    truth, scores = np.array([one.is_swapped for one in judged]), np.array(given)
    of_product = np.array([one.place for one in judged])
    if truth.all() or not truth.any():
        print(f"  {name}: too few values")
        return
    rows_of = [np.flatnonzero(of_product == place) for place in np.unique(of_product)]
    areas = _resampled_areas(rows_of, truth, scores)
    low, high = np.percentile(areas, (2.5, 97.5))
    false, found, _ = roc_curve(truth, -scores)
    points = ", ".join(f"{np.interp(at, false, found):.2f} at {at:.2f}" for at in (0.05, 0.1, 0.2))
    area, share = roc_auc_score(truth, -scores), told / len(truth)
    print(f"  {name:22} AUC {area:.3f} [{low:.3f}, {high:.3f}]  n={len(truth)} say {share:.2f}")
    print(f"  {'':22} swapped values found, at a share of true ones taken for swapped: {points}")


def _resampled_areas(
    rows_of: Sequence[NDArray[np.int_]], truth: NDArray[np.bool_], scores: NDArray[np.float64]
) -> list[float]:
    chance, areas = random.Random(0), []
    for _ in range(RESAMPLES):
        drawn = np.concatenate(chance.choices(rows_of, k=len(rows_of)))
        if 0 < truth[drawn].sum() < len(drawn):
            areas.append(float(roc_auc_score(truth[drawn], -scores[drawn])))
    return areas


if __name__ == "__main__":
    main()
