"""The text of a product that all questions about it share: its title and description, whole, struck out, or absent.

Struck titles are what makes a result on attributes mean something where titles name the answer, as most shops' do: the
model keeps the brand and the rest, and needs the photo for the answer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.words import stem, stems
from pumgpt.tasks.sources import DataFacts
from pumgpt.tasks.words import words

ListingMode = Literal["present", "struck", "absent"]

# Descriptions name the product in their first lines, and all of one would be the longest part of a prompt.
_DESCRIPTION_CHARS = 200
_FILLERS = frozenset({"and", "the", "of", "for", "with", "a", "in"})
_TOKEN = re.compile(r"[^\W_]+(?:['’`-][^\W_]+)*['’`]?")
_GAP = re.compile(r"\s+")
# Punctuation and empty brackets that striking leaves between spaces.
_LOOSE = re.compile(r"(?:(?<=\s)|^)[^\w\s()]+(?=\s|$)|\(\s*\)")


class Listing(NamedTuple):
    """A product's shared text as one set of questions sees it."""

    mode: ListingMode = "absent"
    text: str | None = None

    @classmethod
    def of(cls, product: Product, mode: ListingMode, facts: DataFacts, rng: random.Random | None = None) -> Listing:
        """`absent` too where the product has nothing to show."""
        text = render_listing(product, mode, facts, rng)
        return cls(mode if text else "absent", text)

    @property
    def described(self) -> bool:
        """Whether a description is shown, from which more can be inferred than from the photo."""
        return self.text is not None and "Description: " in self.text


NO_LISTING = Listing()


def render_listing(
    product: Product, mode: ListingMode, facts: DataFacts, rng: random.Random | None = None
) -> str | None:
    """The shared text, None where there is none. Ids and file names are never in it.

    With `rng` (training) a description is left out half of the time, so that a title alone is as familiar.
    """
    if mode == "absent":
        return None
    title = tidy(product.title or "")
    # Never with a description, which names the answers in ways that can't all be struck.
    if mode == "struck":
        struck = strike(title, product, facts)
        return f"Title: {struck}" if struck else None
    lines = [f"Title: {title}"] if title else []
    described = product.description and not facts.source(product).describes_classes
    if product.description and described and (rng is None or rng.random() < 0.5):
        lines.append(f"Description: {shorten(product.description, _DESCRIPTION_CHARS)}")
    return "\n".join(lines) or None


def tidy(text: str) -> str:
    """One space between words, none around."""
    return _GAP.sub(" ", text).strip()


def shorten(text: str, max_chars: int) -> str:
    """The beginning of a text, cut between words."""
    # Descriptions may be very long, and tidying all of one takes time for text that is never shown.
    text = tidy(text[: max_chars * 4])
    if len(text) <= max_chars:
        return text
    return text[: max_chars + 1].rsplit(" ", 1)[0][:max_chars].rstrip(" ,;:-")


def strike(title: str, product: Product, facts: DataFacts) -> str:
    """The title without the words that answer a question: every colour, every word for whom or for
    what occasion it is, the names of the product's category and the values of its attributes.
    """
    # An attribute that only the text shows, such as the brand, gives no answer about the photo away: it stays.
    asked = {n: v for n, v in (product.attributes or {}).items() if facts.attribute(n).shown != "in text"}
    values = [value for given in asked.values() for value in ([given] if isinstance(given, str) else given)]
    struck = _struck_stems(product.category or (), tuple(values))
    tokens = list(_TOKEN.finditer(title))
    gone = [_is_struck(match.group(), struck) for match in tokens]
    # A compound may be written as two words: 'Sweat Shirt' is 'Sweatshirts'.
    for i in range(len(tokens) - 1):
        if stem(_joined(tokens[i].group()) + _joined(tokens[i + 1].group())) in struck:
            gone[i] = gone[i + 1] = True
    # What lies between the words stays: a title without its punctuation would look unlike any other.
    pieces, end = [], 0
    for match, drop in zip(tokens, gone, strict=True):
        pieces.append(title[end : match.start()])
        if not drop:
            pieces.append(match.group())
        end = match.end()
    pieces.append(title[end:])
    return tidy(_LOOSE.sub(" ", tidy("".join(pieces))))


def _joined(token: str) -> str:
    return token.replace("-", "")


def _is_struck(token: str, struck: frozenset[str]) -> bool:
    """Whether a token, or a part of it ('Blue-Black'), is struck."""
    return stem(_joined(token)) in struck or ("-" in token and any(stem(part) in struck for part in token.split("-")))


@cache
def _always_struck() -> frozenset[str]:
    colours = [name for names in words().colours.values() for name in names]
    return frozenset(_stems_of([*colours, *words().people, *words().occasions]))


# Many products share a category and values, and each is struck once an epoch.
@lru_cache(maxsize=4096)
def _struck_stems(category: tuple[str, ...], values: tuple[str, ...]) -> frozenset[str]:
    # The product's own words are struck together with their synonyms, or "tee" would give "Tshirts" away.
    own = _stems_of([*category, *values])
    for name in list(own):
        own.update(stem(other) for other in words().synonyms.get(name, []))
    return _always_struck() | own


def _stems_of(texts: Iterable[str]) -> set[str]:
    """The stems of all words, and of each text's words written as one."""
    all_stems: set[str] = set()
    for text in texts:
        parts = [part for part in stems(text) if part not in _FILLERS]
        all_stems.update(parts)
        # "Flip Flops" is also written "flipflops".
        all_stems.add(stem("".join(parts)))
    return all_stems - {""}
