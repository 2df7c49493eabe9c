"""Products of which we know whether their category is true: in one of ten it is swapped for another of the catalogue.

Half of the wrong ones are siblings (the same parent, where it has other children, else the same first level), half are of
another first level.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.curation.experts.base import Case, Expert
from pumgpt.curation.verdict import Claim, Verdict, Vote

SHARE = 0.1
BATCH = 16
SIBLING, FAR = "sibling", "far"

CategoryPath = tuple[str, ...]


class PlantedProduct(NamedTuple):
    """`error` is the kind of error that was planted, None where the category is the product's own."""

    product: Product
    error: str | None


class JudgedCategory(NamedTuple):
    planted: PlantedProduct
    claim: Claim
    votes: dict[str, Vote]

    @property
    def truth(self) -> Verdict:
        return Verdict.SUPPORTED if self.planted.error is None else Verdict.CONTRADICTED


def read_products(files: Sequence[Path], limit: int | None = None, titles: bool = True) -> list[Product]:
    """Products with a category; their attributes are left out, as only the category is judged."""
    found = [
        replace(row, attributes=None, description=None, title=row.title if titles else None)
        for file in files
        for row in read_catalog(file)
        if isinstance(row, Product) and row.category
    ]
    return found[:limit]


def plant(products: Sequence[Product], seed: int = 0, share: float = SHARE) -> list[PlantedProduct]:
    chance = random.Random(seed)
    paths = sorted({product.category for product in products if product.category})
    planted = []
    for product in products:
        kind = chance.choice((SIBLING, FAR)) if chance.random() < share else None
        others = [*_others(paths, product.category or (), kind)] if kind else []
        if others:
            planted.append(PlantedProduct(replace(product, category=chance.choice(others)), kind))
        else:
            planted.append(PlantedProduct(product, None))
    return planted


def _others(paths: Sequence[CategoryPath], own: CategoryPath, kind: str) -> Iterator[CategoryPath]:
    if kind == FAR:
        yield from (path for path in paths if path[0] != own[0])
        return
    siblings = [path for path in paths if path != own and path[:-1] == own[:-1]]
    yield from siblings or (path for path in paths if path != own and path[0] == own[0])


def judge_all(
    planted: Sequence[PlantedProduct], experts: Sequence[Expert], limit: int | None = None
) -> list[JudgedCategory]:
    """Every expert's vote on the category of the first `limit` products; each has seen the whole catalogue before."""
    for expert in experts:
        expert.prepare(one.product for one in planted)
    judged = []
    chosen = planted[:limit]
    for start in range(0, len(chosen), BATCH):
        batch = chosen[start : start + BATCH]
        claims = [Claim.of_category(one.product.category or ()) for one in batch]
        cases = [
            Case(one.product, (claim,), lambda product: tuple(open_photo(ref) for ref in product.images))
            for one, claim in zip(batch, claims, strict=True)
        ]
        given = {expert.name: expert.judge(cases) for expert in experts}
        for place, (one, claim) in enumerate(zip(batch, claims, strict=True)):
            votes = {name: vote for name, rows in given.items() if (vote := rows[place][0]) is not None}
            judged.append(JudgedCategory(one, claim, votes))
    return judged
