"""The interface of experts: each judges claims by one kind of evidence.

A new expert is one file with a subclass of `Expert`, and one line in `registry.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec

from PIL.Image import Image

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.curation.verdict import Claim, Vote
from pumgpt.errors import PhotoError


@dataclass(frozen=True)
class ExpertOptions:
    """What the user chose for the experts. Picklable, since each worker of Ray makes experts of its own."""

    schema: AttributeSchema | None = None
    similarity: str = "nano"
    """The contrastive model of `similarity`."""
    model: str = "nano"
    """The vision-language model of `vlm`."""
    vlm_categories_only: bool = False
    """Whether `vlm` leaves attributes to the others: it is then asked once for a product, and not once for each value."""
    judge: str | None = None
    """The endpoint of `judge`: `openai:NAME@BASE_URL`."""


@dataclass(frozen=True)
class Case:
    """A product and the claims about it that are to be judged. Photos are decoded when an expert first asks for them."""

    product: Product
    claims: tuple[Claim, ...]
    open_photos: Callable[[Product], tuple[Image, ...]]

    @cached_property
    def photos(self) -> tuple[Image, ...]:
        """The photos that can be opened; the others are left out."""
        try:
            return self.open_photos(self.product)
        except PhotoError:
            return ()

    def part(self, claims: tuple[Claim, ...]) -> Case:
        """The case with some of its claims only. It shares the photos, so that they are decoded once for all experts."""
        return replace(self, claims=claims, open_photos=lambda _: self.photos)


class Expert(ABC):
    """Judges claims by one kind of evidence. What the cascade, the fusion and the registry know of it is declared here."""

    name: str
    cost: float
    """Seconds for one claim on one processor core, roughly; the cascade asks cheap experts first."""
    needs_photo: bool = False
    """Whether it abstains from every product without a photo, so that it need not be asked."""
    searches_text: bool = False
    """Whether its *not inferable* only means that some text doesn't mention the value."""
    trust: float = 0.5
    """Weight of its votes in a fusion that wasn't fitted on it, and between *contradicted* and *not inferable* always."""
    modules: tuple[str, ...] = ()
    """Modules that it needs beyond a plain installation, and the `extra` of the package that brings them."""
    extra: str = ""
    options: tuple[str, ...] = ()
    """Names of those `ExpertOptions` that change its votes, besides the schema."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know of its judgements so far, one line each."""
        return ()

    @classmethod
    def create(cls, options: ExpertOptions) -> Expert:
        return cls()

    @classmethod
    def is_default(cls, options: ExpertOptions) -> bool:
        """Whether it judges when the user names no experts."""
        return True

    @classmethod
    def missing_requirement(cls) -> str | None:
        """Why it can't run in this environment; None if it can."""
        absent = [module for module in cls.modules if find_spec(module) is None]
        return f"{' and '.join(absent)} is not installed; pip install 'pumgpt[{cls.extra}]'" if absent else None

    # Not abstract: most experts judge each product for itself.
    def prepare(self, catalog: Iterable[Product]) -> None:  # noqa: B027
        """Collect what is needed from the whole catalogue, once, before judging. Memory must stay bounded."""

    @abstractmethod
    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        """One vote for each claim of each case, in order; None is an abstention (no text, no photo, no answer)."""


def claims_of(product: Product) -> tuple[Claim, ...]:
    """One claim about the category, where there is one, then one for each listed value of a product, in order."""
    listed = (product.attributes or {}).items()
    values = (Claim(name, value) for name, given in listed for value in ([given] if isinstance(given, str) else given))
    path = product.category
    # An id that no taxonomy explains says nothing that photo or text could show.
    is_opaque = product.category_id is not None and path == (product.category_id,)
    return (*([Claim.of_category(path)] if path and not is_opaque else []), *values)
