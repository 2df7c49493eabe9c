"""What the pipeline sees of an expert. A new expert is one new file, and a line in `curation/experts/registry.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

from PIL.Image import Image

from pumgpt.catalog.product import Product
from pumgpt.curation.verdict import Claim, Vote
from pumgpt.errors import PhotoError


@dataclass(frozen=True)
class Case:
    """A product, and those of its listed values that are to be judged. Photos are decoded when an expert first asks."""

    product: Product
    claims: tuple[Claim, ...]
    open_photos: Callable[[Product], tuple[Image, ...]]

    @cached_property
    def photos(self) -> tuple[Image, ...]:
        """The photos that can be opened; one that can't is left out."""
        try:
            return self.open_photos(self.product)
        except PhotoError:
            return ()


@runtime_checkable
class Expert(Protocol):
    """Judges claims by one kind of evidence."""

    name: str
    cost: float
    """About how many seconds a claim takes on one processor core; the cascade asks the cheap ones first."""

    def prepare(self, catalog: Iterable[Product]) -> None:
        """Look at the catalogue once before judging; most experts need not. Memory must stay bounded."""
        ...

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        """For each case one vote a claim, in order; None where this expert has no say (no text, no photo, no tool)."""
        ...


def claims_of(product: Product) -> tuple[Claim, ...]:
    """Every listed value of a product, in order."""
    listed = (product.attributes or {}).items()
    return tuple(
        Claim(name, value) for name, given in listed for value in ([given] if isinstance(given, str) else given)
    )
