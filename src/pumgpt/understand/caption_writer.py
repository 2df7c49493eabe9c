"""A caption out of the record's sure fields, for where the model's own words can't be vouched for.

The sentence says as much as is sure together: the kind first, then each further fact as long as the product of the confidences
stays at the precision that was asked for. English only: a kind that isn't known by an English name makes no sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pumgpt.catalog.understanding import AttributeField, CategoryField, Understanding
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.words import plural, singular, stem
from pumgpt.tasks.plain_words import kind_stems, occasion_stems, people_group, plain_words, token_stems, tokens
from pumgpt.tasks.words import colour_family

_FOR_WHOM = {"men": "men", "women": "women", "boys": "boys", "girls": "girls", "kids": "kids"}
_ADJECTIVES = {"multi": "multicoloured", "skin": "skin-coloured", "sports": "sports"}
_VOWEL_SOUNDS_AS_CONSONANT = ("uni", "use", "eu", "one")


class Sentence(NamedTuple):
    """A caption, and how sure its parts are together; None where no part has a confidence."""

    text: str
    confidence: float | None


class _Fact(NamedTuple):
    """A word of the sentence, where it stands, and the field that it comes from."""

    place: str
    text: str
    field: CategoryField | AttributeField


def write_caption(record: Understanding, precision: float) -> Sentence | None:
    """None where not even the kind is sure, or has no English name that we know."""
    category = record.category
    if category is None or not category.path or category.status not in ("filled", "kept"):
        return None
    noun = _noun(category.path)
    if noun is None:
        return None
    used = [_Fact("kind", noun, category)]
    for fact in _facts(record.attributes or (), noun):
        more = [*used, fact]
        if precision == 0 or _confidence(more) is None or (_confidence(more) or 0.0) >= precision:
            used = more
    return Sentence(_sentence(used), _confidence(used))


def _confidence(facts: Sequence[_Fact]) -> float | None:
    """The product of the parts' confidences; what the shop says itself counts as sure."""
    filled = [fact.field.confidence for fact in facts if fact.field.status == "filled"]
    known = [confidence for confidence in filled if confidence is not None]
    if not known:
        return None
    together = 1.0
    for confidence in known:
        together *= confidence
    return round(together, 4)


def _noun(path: Sequence[str]) -> str | None:
    """The leaf as it stands in a sentence, in the singular; with the level above where the leaf is the name of a sort."""
    leaf = path[-1].strip()
    found = tokens(leaf)
    if not leaf.isascii() or not found:
        return None
    if _is_kind(found[-1]) or "and" in found:
        return " ".join(map(_lowered, found)) if any(map(_is_kind, found)) else None
    above = path[-2].strip() if len(path) > 1 else ""
    if not above.isascii() or not tokens(above) or not _is_kind(tokens(above)[-1]):
        return None
    kind = singular(tokens(above)[-1].lower())
    return leaf if kind in leaf.lower() else f"{leaf} {kind}"


def _is_kind(token: str) -> bool:
    return any(part in kind_stems() for part in token_stems(token))


def _lowered(token: str) -> str:
    """Plain words are written small, names as they stand: 'Nehru jacket'."""
    if stem(token) in ("tshirt", "t-shirt"):
        return "T-shirt"
    plain = plain_words()
    small = (plain.looks, plain.parts, plain.function, plain.modifiers, kind_stems())
    is_plain = any(part in known for part in token_stems(token) for known in small)
    is_fact = colour_family(token) or people_group(stem(token)) or stem(token) in occasion_stems()
    return token.lower() if is_plain or is_fact else token


def _facts(attributes: Sequence[AttributeField], noun: str) -> Iterator[_Fact]:
    """What the sure attributes add, the most telling first. A fact that the noun states already is left out."""
    stated = {part for token in tokens(noun) for part in token_stems(token)}
    sure = [field for field in attributes if field.status in ("filled", "kept") and isinstance(field.value, str)]
    facts = [fact for field in sure if (fact := _fact(field)) is not None]
    for place in ("colour", "people", "usage", "pattern", "material"):
        fact = next((fact for fact in facts if fact.place == place), None)
        said = {part for token in tokens(fact.text) for part in token_stems(token)} if fact else set()
        if place == "usage" and stated & occasion_stems():
            continue  # no 'party sports shoes'
        if fact is not None and not stated & said:
            yield fact


def _fact(field: AttributeField) -> _Fact | None:
    """Which place in the sentence a value has, by what it says and not by how its attribute is called."""
    value = str(field.value).strip()
    found = [stem(token) for token in tokens(value)]
    if not found or not value.isascii():
        return None
    words = _ADJECTIVES.get(value.lower(), value.lower())
    name = fold_attribute(field.name)
    if all(part in plain_words().materials for part in found):
        return _Fact("material", words, field) if name in ("material", "fabric") else None
    if colour_family(value) is not None:
        return _Fact("colour", words, field) if name == "colour" else None
    group = people_group(found[0]) if len(found) == 1 else None
    if group is not None:
        return _Fact("people", group, field) if group in _FOR_WHOM or group == "everybody" else None
    if name == "pattern" and all(part in plain_words().looks for part in found):
        return _Fact("pattern", words, field)
    # 'Casual' says that there is no occasion: a casual wallet is a wallet.
    if name in ("usage", "occasion") and found[-1] in occasion_stems() and found != ["casual"]:
        return _Fact("usage", words, field)
    return None


def _sentence(facts: Sequence[_Fact]) -> str:
    by_place = {fact.place: fact.text for fact in facts}
    people = by_place.get("people")
    order = (by_place.get("colour"), "unisex" if people == "everybody" else None, by_place.get("usage"))
    before = " ".join(filter(None, (*order, by_place.get("pattern"), by_place.get("material"))))
    phrase = _counted(f"{before} {by_place['kind']}".strip(), by_place["kind"])
    phrase = f"{phrase} for {_FOR_WHOM[people]}" if people in _FOR_WHOM else phrase
    return phrase[:1].upper() + phrase[1:]


def _counted(phrase: str, noun: str) -> str:
    """With its article: 'a blue shirt', 'a pair of jeans', 'jewellery'."""
    *_, head = tokens(noun)
    plain = plain_words()
    if " and " in noun or stem(head) in plain.uncountable:
        return phrase
    # Kinds are called in the singular or in the plural; a sentence has one.
    lead = phrase[: len(phrase) - len(head)]
    one = head if head == "T-shirt" else _singular(head)
    if stem(head) in plain.pairs:
        return f"a pair of {lead}{plural(one)}"
    return f"{_article(lead + one)} {lead}{one}"


def _singular(head: str) -> str:
    # `singular` leaves words whole that English may or may not mean as a plural ('kurtis'); here they are names of kinds.
    one = singular(head)
    return stem(head) if one == head and stem(head) in kind_stems() else one


def _article(phrase: str) -> str:
    first = phrase.lower()
    return "an" if first[:1] in "aeiou" and not first.startswith(_VOWEL_SOUNDS_AS_CONSONANT) else "a"
