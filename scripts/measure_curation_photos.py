"""Do the experts that look at the photo find wrong values? Must-hold 2 of curation.

    python scripts/measure_curation_photos.py --data ../shared/data --experts similarity,vlm

On `fashion` test, titles struck out, three colours, genders and article types in ten are swapped for another value of the
catalogue; on `implicitave` dev likewise with the one implicit attribute of each product. An expert's score orders the values:
printed is the area under the ROC curve by which it finds the swapped ones, with a 95 % bootstrap interval over products, a few
points of that curve, and the share of values that the expert has a say about (the others count as score one half).
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, roc_curve

from pumgpt.catalog.photos import open_photo
from pumgpt.catalog.product import Product
from pumgpt.catalog.readers import read_catalog
from pumgpt.curation.expert import Case, Expert, claims_of
from pumgpt.curation.fusion import Fusion
from pumgpt.curation.registry import Tools, make_experts
from pumgpt.curation.verdict import Vote
from pumgpt.engine.models import load_backend

SHARE = 0.3
RESAMPLES = 1000
BATCH = 16
ARTICLE_TYPE = "article type"
FILES = {"fashion": "fashion/test-*.parquet", "implicitave": "implicitave/dev*.parquet"}

Swapped = tuple[Product, frozenset[str]]
"""A product without its title, and the names of its swapped attributes."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the photo experts on swapped values.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--experts", default="similarity,vlm")
    parser.add_argument("--similarity", default="nano")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--sets", default="fashion,implicitave")
    options = parser.parse_args()
    tools = Tools(similarity=options.similarity, model=options.model, load_backend=load_backend)
    for name in options.sets.split(","):
        rows = swap(list(products(options.data, name))[: options.limit])
        experts = make_experts(options.experts.split(","), tools)
        measure(name, rows, experts)


def products(data: Path, name: str) -> Iterator[Product]:
    """What is judged: titles struck, and of `fashion` colour, gender and article type alone."""
    for file in sorted(data.glob(FILES[name])) or sorted((data / name).rglob("*.parquet")):
        for row in read_catalog(file):
            if not isinstance(row, Product) or not row.attributes:
                continue
            listed = dict(row.attributes)
            if name == "fashion":
                listed = {key: value for key, value in listed.items() if key in ("colour", "gender")}
                listed[ARTICLE_TYPE] = row.category[-1] if row.category else ""
            yield replace(row, title=None, description=None, attributes={k: v for k, v in listed.items() if v})


def swap(rows: Sequence[Product]) -> list[Swapped]:
    chance = random.Random(0)
    values: dict[str, set[str]] = {}
    for row in rows:
        for claim in claims_of(row):
            values.setdefault(claim.name, set()).add(claim.value)
    swapped = []
    for row in rows:
        listed, wrong = dict(row.attributes or {}), set()
        for name, value in listed.items():
            others = sorted(values[name].difference([value] if isinstance(value, str) else value))
            if others and chance.random() < SHARE:
                listed[name] = chance.choice(others)
                wrong.add(name)
        swapped.append((replace(row, attributes=listed), frozenset(wrong)))
    return swapped


def measure(name: str, rows: Sequence[Swapped], experts: Sequence[Expert]) -> None:
    fusion, wrong = Fusion.load(), []
    votes: dict[str, list[Vote | None]] = {expert.name: [] for expert in experts}
    for expert in experts:
        expert.prepare(product for product, _ in rows)
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        cases = [Case(p, claims_of(p), lambda p: tuple(open_photo(ref) for ref in p.images)) for p, _ in batch]
        for expert in experts:
            votes[expert.name] += [vote for row in expert.judge(cases) for vote in row]
        wrong += [
            (start + at, claim, claim.name in names) for at, (p, names) in enumerate(batch) for claim in claims_of(p)
        ]
    truth, of_product = np.array([is_wrong for *_, is_wrong in wrong]), np.array([place for place, *_ in wrong])
    print(f"{name}: {len(rows)} products, {len(truth)} values, {truth.sum()} of them swapped")
    for expert_name, given in votes.items():
        scores = np.array([0.5 if vote is None else vote.score for vote in given])
        report(expert_name, scores, truth, of_product, sum(vote is not None for vote in given))
    together = [[vote for vote in each if vote is not None] for each in zip(*votes.values(), strict=True)]
    fused = np.array(
        [fusion.rule(claim, said).score if said else 0.5 for (_, claim, _), said in zip(wrong, together, strict=True)]
    )
    report("fusion", fused, truth, of_product, sum(bool(said) for said in together))
    for attribute in sorted({claim.name for _, claim, _ in wrong}) if name == "fashion" else ():
        of_it = np.array([claim.name == attribute for _, claim, _ in wrong])
        report(f"fusion: {attribute}", fused[of_it], truth[of_it], of_product[of_it], int(of_it.sum()))


def report(
    name: str, scores: NDArray[np.float64], truth: NDArray[np.bool_], of_product: NDArray[np.int_], told: int
) -> None:
    if truth.all() or not truth.any():
        print(f"  {name}: too few values")
        return
    rows_of = [np.flatnonzero(of_product == place) for place in np.unique(of_product)]
    chance, areas = random.Random(0), []
    for _ in range(RESAMPLES):
        drawn = np.concatenate(chance.choices(rows_of, k=len(rows_of)))
        if 0 < truth[drawn].sum() < len(drawn):
            areas.append(roc_auc_score(truth[drawn], -scores[drawn]))
    low, high = np.percentile(areas, (2.5, 97.5))
    false, found, _ = roc_curve(truth, -scores)
    points = ", ".join(f"{np.interp(at, false, found):.2f} at {at:.2f}" for at in (0.05, 0.1, 0.2))
    print(
        f"  {name:22} AUC {roc_auc_score(truth, -scores):.3f} [{low:.3f}, {high:.3f}]  n={len(truth)} say {told / len(truth):.2f}"
    )
    print(f"  {'':22} swapped values found, at a share of true ones taken for swapped: {points}")


if __name__ == "__main__":
    main()
