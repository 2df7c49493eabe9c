"""What speaks against a caption: words that nothing vouches for, and words that contradict the record.

No list of brands can be complete, so it is the other way round: a word that is none of the plain words any shop uses has to stand
in the listing or in a field that the record is sure of. So has a plain word that states a fact: a colour, a material, for whom
the product is, its usage, its kind. Where the record is sure of that fact, the word must agree, whatever the listing says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple, Self

from pumgpt.catalog.product import AttributeValue, Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath
from pumgpt.catalog.vocabulary.words import stem
from pumgpt.tasks.context import AskedAttribute
from pumgpt.tasks.plain_words import kind_stems, occasion_stems, people_group, plain_words, token_stems, tokens
from pumgpt.tasks.words import colour_family, words

SURE = frozenset({"filled", "kept", "conflict"})
"""Statuses of fields whose value stands in the record."""


Reason = Literal["not vouched for", "contradicts the record", "names no kind"]


class Objection(NamedTuple):
    """A word of a caption, and what is wrong with it; no word where the caption doesn't name the product."""

    word: str
    reason: Reason


@dataclass(frozen=True)
class ProductFacts:
    """What is known of a product when a caption is held against it, all words as stems.

    `kind` holds the words that name the category, `colours` the families and `people` the groups that the record is sure of;
    empty where it isn't sure. `stated` are the words of its sure values, `listed` those of the shop's own text. `others` are the
    words of the values that the record's sure attributes could have had, but have not.
    """

    kind: frozenset[str]
    colours: frozenset[str]
    people: frozenset[str]
    materials: frozenset[str]
    stated: frozenset[str]
    listed: frozenset[str]
    others: frozenset[str] = field(default=frozenset())

    @classmethod
    def of(
        cls,
        product: Product,
        record: Understanding,
        seen_path: CategoryPath | None = None,
        asked: Sequence[AskedAttribute] = (),
        beginning: str = "",
    ) -> Self:
        """`seen_path`: the model's own category, where the record has it under another taxonomy's name."""
        paths = _sure_paths(product, record, seen_path)
        values = {one.name: _listed_values(one.value) for one in record.attributes or () if one.status in SURE}
        stated = _stems(text for texts in values.values() for text in texts)
        return cls(
            kind=_kind_words(paths),
            colours=frozenset(filter(None, map(colour_family, stated))),
            people=frozenset(filter(None, map(people_group, stated))),
            materials=stated & plain_words().materials,
            stated=stated | _stems(level for path in paths for level in path),
            listed=_stems([*_shop_texts(product), beginning]),
            others=_other_values(values, asked),
        )


def check_caption(text: str, facts: ProductFacts) -> list[Objection]:
    """All that speaks against a caption; nothing where each of its words is vouched for and it names the product."""
    stated = {part for token in _compounds(text) for part in token_stems(token)}
    # Without a sure category the shop's own words may name the kind.
    kind = facts.kind or kind_stems() & facts.listed
    return [*check_words(text, facts), *([] if stated & kind else [Objection("", "names no kind")])]


def check_words(text: str, facts: ProductFacts) -> list[Objection]:
    """As `check_caption`, of a text that need not name the product."""
    return [objection for token in _compounds(text) if (objection := _check(token, facts)) is not None]


def _check(token: str, facts: ProductFacts) -> Objection | None:
    whole, *parts = token_stems(token)
    # A compound that isn't known as one word is as good as its parts: 'Grey-Blue'.
    is_one = not parts or whole in facts.kind | facts.stated | facts.listed or _is_known(whole)
    for part in [whole] if is_one else parts:
        if (reason := _reason_against(part, facts)) is not None:
            return Objection(token, reason)
    return None


def _reason_against(word: str, facts: ProductFacts) -> Reason | None:
    """The rules of this module, for one stem."""
    if word in facts.kind or word in facts.stated:
        return None
    plain, family, group = plain_words(), colour_family(word), people_group(word)
    is_material = word in plain.materials
    is_detail = word in plain.looks or word in plain.parts or word in plain.function
    is_kind = word in kind_stems() and not is_detail
    if family is not None and facts.colours and not is_material:
        return None if family in facts.colours else "contradicts the record"
    if group is not None and facts.people:
        fits = group in facts.people or not plain.people_within.get(group, frozenset()).isdisjoint(facts.people)
        return None if fits else "contradicts the record"
    if word in facts.others or (is_material and facts.materials) or (is_kind and facts.kind):
        return "contradicts the record"
    if word in facts.listed:
        return None
    states_fact = family is not None or group is not None or is_material or is_kind or word in occasion_stems()
    return "not vouched for" if states_fact or not is_detail else None


def _is_known(word: str) -> bool:
    plain = plain_words()
    is_plain = any(word in known for known in (plain.looks, plain.parts, plain.function, plain.materials, kind_stems()))
    return is_plain or colour_family(word) is not None or people_group(word) is not None or word in occasion_stems()


def _compounds(text: str) -> list[str]:
    """The tokens of a text, two that are one compound joined: 'T Shirt', 'V Neck'."""
    found = tokens(text)
    joined: list[str] = []
    skip = False
    for first, second in pairwise([*found, ""]):
        if skip:
            skip = False
        elif len(first) == 1 and second and _is_known(stem(first + second)):
            joined.append(f"{first}-{second}")
            skip = True
        else:
            joined.append(first)
    return joined


def _sure_paths(product: Product, record: Understanding, seen_path: CategoryPath | None) -> list[CategoryPath]:
    category = record.category
    if category is None:
        return [product.category] if product.category else []
    if category.status not in SURE or not category.path:
        return []
    # What the model calls the kind may stand beside the shop's name only where the path came from the model.
    also = [seen_path] if seen_path and category.status == "filled" else []
    return [tuple(category.path), *also]


def _kind_words(paths: Iterable[CategoryPath]) -> frozenset[str]:
    """The words of the categories that name a kind, and other words for it."""
    found: set[str] = set()
    for path in paths:
        leaf = [part for token in tokens(path[-1]) for part in token_stems(token)]
        joined = [stem(first + second) for first, second in pairwise(tokens(path[-1]))]
        heads = {word for word in (*leaf, *joined) if word in kind_stems()}
        # A leaf that is the name of a sort ('Golden Delicious') is called by what stands above it.
        if not heads and len(path) > 1:
            heads = {word for word in _stems([path[-2]]) if word in kind_stems()}
        found |= heads | {leaf[-1]} if leaf else heads
        for head in heads:
            found |= {stem(name) for name in words().synonyms.get(head, ())}
            # 'Pants' are trousers, but a 'Bag' may be more than one kind of it.
            wider = {kind for kind, names in words().synonyms.items() if head in map(stem, names)}
            found |= wider if len(wider) == 1 else set()
    return frozenset(found)


def _other_values(values: dict[str, list[str]], asked: Sequence[AskedAttribute]) -> frozenset[str]:
    """Colours and people are compared by families and groups instead."""
    others: set[str] = set()
    for attribute in asked:
        if attribute.name in values and attribute.choices is not None:
            stated = _stems(values[attribute.name])
            if not any(colour_family(word) or people_group(word) for word in stated):
                others |= _value_stems(attribute.choices.values) - stated
    return frozenset(others)


# All products are asked for the same values.
@lru_cache(maxsize=512)
def _value_stems(values: tuple[str, ...]) -> frozenset[str]:
    return _stems(values)


def _shop_texts(product: Product) -> list[str]:
    texts = [product.title or "", product.description or "", *(product.category or ())]
    for value in (product.attributes or {}).values():
        texts += _listed_values(value)
    return texts


def _listed_values(value: AttributeValue | None) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _stems(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(part for text in texts for token in tokens(text) for part in token_stems(token))
