"""Is a caption true? Compared with the labels by stated rules, since no string metric asks that."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.words import stem, stems
from pumgpt.tasks.plain_words import people_group, plain_words
from pumgpt.tasks.words import colour_family, words


def caption_is_true(text: str, product: Product) -> bool:
    """Whether a caption names the kind of product and no colour that it doesn't have.

    The kind is the last word of the category's leaf, or a word for it. A colour counts by its family, and is true where
    the label or the title has it; without a colour label no colour is judged. Nothing else in it is.
    """
    facts = caption_facts(text, product)
    return facts.names_kind and not facts.untrue_colours


@dataclass(frozen=True, slots=True)
class CaptionFacts:
    """What a caption states that labels can confirm or refute: CHAIR for products (Rohrbach et al. 2018)."""

    names_kind: bool
    """Whether it names what the product is."""
    colours: int
    """Families of colour that it states, and of them those that the labels don't have."""
    untrue_colours: int
    untrue_people: int
    """For how many it says that the product is who aren't meant by the label; none without a label."""

    @property
    def are_true(self) -> bool:
        """Whether it names the kind, and states no colour and nobody that the labels deny."""
        return self.names_kind and not self.untrue_colours and not self.untrue_people


def caption_facts(text: str, product: Product) -> CaptionFacts:
    """The rules of `caption_is_true`, fact by fact."""
    caption_stems = stems(text)
    colours = _colours(caption_stems)
    untrue = colours - _true_colours(product, caption_stems)
    untrue_people = _untrue_people(caption_stems, product)
    return CaptionFacts(_names_kind(caption_stems, product), len(colours), len(untrue), len(untrue_people))


def _names_kind(caption_stems: list[str], product: Product) -> bool:
    if not product.category:
        return False
    # The head of an English noun phrase is its last word: 'Casual Shoes' are shoes.
    kind = stem(product.category[-1].split()[-1])
    names = {kind, *(stem(word) for word in words().synonyms.get(kind, []))}
    # Compounds are written as one word or as two: 'T shirt' is 'Tshirts'.
    joined = {first + second for first, second in pairwise(caption_stems)}
    return not names.isdisjoint({*caption_stems, *joined})


def _true_colours(product: Product, caption_stems: list[str]) -> set[str]:
    colour = (product.attributes or {}).get("colour")
    # Without a label no colour can be called untrue.
    if colour is None:
        return _colours(caption_stems)
    stated = " ".join([colour] if isinstance(colour, str) else colour)
    # The title counts as a label too: shops name a second colour there. "Multi" may stand for any mix.
    return _colours(stems(stated)) | _colours(stems(product.title or "")) | ({"multi"} & _colours(caption_stems))


def _untrue_people(caption_stems: list[str], product: Product) -> set[str]:
    label = (product.attributes or {}).get("gender")
    groups = set(filter(None, map(people_group, stems(label)))) if isinstance(label, str) else set()
    stated = set(filter(None, map(people_group, caption_stems)))
    within = plain_words().people_within
    return {group for group in stated - groups if groups and not within.get(group, frozenset()) & groups}


def _colours(stemmed: list[str]) -> set[str]:
    return {family for word in stemmed if (family := colour_family(word)) is not None}
