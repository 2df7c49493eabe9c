"""Are wrong categories found, and right ones kept? On `fashion` test, where one category in ten is another of the catalogue.

    python experiments/curation_categories/run.py --data ../shared/data
    python experiments/curation_categories/run.py --data ../shared/data --experts text,statistics

Printed for each set of experts, with 95 % Wilson intervals: how many of the wrong categories are called contradicted, by
kind of error, how many of those called so are wrong, and how many right ones are kept.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from category_claims import FAR, SIBLING, JudgedCategory, judge_all, plant, read_products
from pumgpt.bench.stats.intervals import proportion
from pumgpt.curation.experts.base import ExpertOptions
from pumgpt.curation.experts.registry import make_experts
from pumgpt.curation.fusion import Fusion
from pumgpt.curation.verdict import Verdict

FILES = "fashion/test-*.parquet"
SETS = (
    ("text", "statistics"),
    ("text", "statistics", "similarity"),
    ("text", "statistics", "similarity", "vlm"),
    ("statistics", "similarity", "vlm"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure curation on planted wrong categories.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--experts", default="text,statistics,similarity,vlm")
    parser.add_argument("--limit", type=int, help="judge the first products only; all of them are the catalogue")
    options = parser.parse_args()
    files = sorted(options.data.glob(FILES))
    if not files:
        parser.error(f"--data {options.data}: has no {FILES}")
    names = options.experts.split(",")
    judged = judge_all(plant(read_products(files)), make_experts(names, ExpertOptions()), options.limit)
    print(f"{len(judged)} categories, {sum(one.planted.error is not None for one in judged)} of them wrong")
    for experts in SETS:
        if {*experts} <= {*names}:
            print(report(judged, experts, Fusion.load()))


def report(judged: Sequence[JudgedCategory], experts: Collection[str], fusion: Fusion) -> str:
    verdicts = [
        fusion.fuse(one.claim, [vote for name, vote in one.votes.items() if name in experts]).verdict for one in judged
    ]
    contradicted = [verdict is Verdict.CONTRADICTED for verdict in verdicts]

    def share(of: Callable[[JudgedCategory], bool]) -> str:
        return _share([said for one, said in zip(judged, contradicted, strict=True) if of(one)])

    kept = [not said for one, said in zip(judged, contradicted, strict=True) if one.planted.error is None]
    precise = [one.planted.error is not None for one, said in zip(judged, contradicted, strict=True) if said]
    return "\n".join(
        (
            ", ".join(experts),
            f"  wrong ones found        {share(lambda one: one.planted.error is not None)}",
            f"    siblings              {share(lambda one: one.planted.error == SIBLING)}",
            f"    far ones              {share(lambda one: one.planted.error == FAR)}",
            f"  of those found, wrong   {_share(precise)}",
            f"  right ones kept         {_share(kept)}",
        )
    )


def _share(hits: Sequence[bool]) -> str:
    if not hits:
        return "none"
    measured = proportion(hits)
    return f"{measured.value:.3f} [{measured.low:.3f}, {measured.high:.3f}]  {sum(hits)} of {len(hits)}"


if __name__ == "__main__":
    main()
