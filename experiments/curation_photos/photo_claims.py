"""Listed values about photos of which we know whether they are true: three in ten are swapped for another of the catalogue.

Titles and descriptions are struck out, so that the photo alone can tell. Of `fashion` they are colour, gender and article
type, of `implicitave` the one implicit attribute of each product.
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
from pumgpt.curation.experts.base import Case, Expert, claims_of
from pumgpt.curation.verdict import Claim, Verdict, Vote

SHARE = 0.3
BATCH = 16
ARTICLE_TYPE = "article type"

Swapped = tuple[Product, frozenset[str]]
"""A product without its title, and the names of its swapped attributes."""


class JudgedClaim(NamedTuple):
    """A claim about the product at `place`, and what each expert votes on it, None where it has no say."""

    place: int
    claim: Claim
    is_swapped: bool
    votes: dict[str, Vote | None]

    @property
    def given(self) -> list[Vote]:
        return [vote for vote in self.votes.values() if vote is not None]

    @property
    def truth(self) -> Verdict:
        return Verdict.CONTRADICTED if self.is_swapped else Verdict.SUPPORTED


def read_products(files: Sequence[Path], limit: int | None = None) -> list[Product]:
    """What is judged: titles struck, and of `fashion` colour, gender and article type alone."""
    return list(_products(files))[:limit]


def _products(files: Sequence[Path]) -> Iterator[Product]:
    for file in files:
        for row in read_catalog(file):
            if not isinstance(row, Product) or not row.attributes:
                continue
            listed = dict(row.attributes)
            if row.source == "fashion":
                listed = {key: value for key, value in listed.items() if key in ("colour", "gender")}
                listed[ARTICLE_TYPE] = row.category[-1] if row.category else ""
            yield replace(row, title=None, description=None, attributes={k: v for k, v in listed.items() if v})


def swap(rows: Sequence[Product], seed: int = 0) -> list[Swapped]:
    chance = random.Random(seed)
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


def judge_all(rows: Sequence[Swapped], experts: Sequence[Expert]) -> list[JudgedClaim]:
    """Every expert's vote on every listed value."""
    for expert in experts:
        expert.prepare(product for product, _ in rows)
    judged = []
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        cases = [Case(p, claims_of(p), lambda p: tuple(open_photo(ref) for ref in p.images)) for p, _ in batch]
        votes = {expert.name: expert.judge(cases) for expert in experts}
        for at, (case, (_, wrong)) in enumerate(zip(cases, batch, strict=True)):
            for number, claim in enumerate(case.claims):
                said = {name: given[at][number] for name, given in votes.items()}
                judged.append(JudgedClaim(start + at, claim, claim.name in wrong, said))
    return judged
