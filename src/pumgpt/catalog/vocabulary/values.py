"""When two texts are the same value of an attribute: "navy" and "navy blue" by the schema's synonyms, "10 cm" and
"100 mm" by their units, "US 9" and "9 US", "T-shirts" and "t shirt".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

from pumgpt.catalog.vocabulary.quantities import Quantity, parse_quantity
from pumgpt.catalog.vocabulary.schema import AttributeSpec
from pumgpt.catalog.vocabulary.sizes import canonical_pack, canonical_size
from pumgpt.catalog.vocabulary.words import key, plural, singular, unescaped

Entry = TypeVar("Entry")

_MOST_STEPS = 4


def canonical(text: str, spec: AttributeSpec | None = None) -> str:
    """The one way to write this value: the schema's spelling where it lists or words it, a quantity in one unit (the
    schema's, or millimetres, grams, millilitres), a size as "US 9"; any other text in small singular words.
    """
    # What comes out may say more than what went in: '²' is a 2, and where lengths are in cm 2 cm.
    for _ in range(_MOST_STEPS):
        before = text
        plain = " ".join(filter(None, map(singular, _spaced(text))))
        text = _recognised(text, spec) or plain or text.strip()
        if text == before:
            break
    return text


def _recognised(text: str, spec: AttributeSpec | None) -> str | None:
    """The value where the schema lists or words it, or where it is a quantity, a size or a pack."""
    if spec is not None:
        listed = _wordings(spec).get(key(text))
        if listed is not None:
            return listed
    quantity = _quantity(text, spec)
    if quantity is not None:
        written = quantity.converted(spec.unit) if spec is not None and spec.unit else None
        return written or quantity.canonical()
    return canonical_size(text, spec is not None and "size" in spec.name.casefold()) or canonical_pack(text)


def same_value(one: str, other: str, spec: AttributeSpec | None = None) -> bool:
    """Whether both texts name the same value of the attribute."""
    first, second = canonical(one, spec), canonical(other, spec)
    if first == second:
        return True
    quantities = _quantity(one, spec), _quantity(other, spec)
    if quantities[0] is not None and quantities[1] is not None:
        return quantities[0].same_as(quantities[1])
    # Texts without a letter or digit all have the empty key, and are not one value for that.
    return bool(key(first)) and key(first) == key(second)


def wordings(value: str, spec: AttributeSpec | None = None, language: str | None = None) -> tuple[str, ...]:
    """The value, its synonyms, and what it is called in this language; in every language of the schema without one."""
    if spec is None:
        return (value,)
    listed = _wordings(spec).get(key(value), value)
    found = [value, listed, *(_entry(spec.synonyms, listed) or ())]
    for spoken, values in spec.translations.items():
        translated = _entry(values, listed)
        if translated is not None and (language is None or _is_language(spoken, language)):
            found.append(translated)
    return tuple(dict.fromkeys(found))


def written_forms(value: str, spec: AttributeSpec | None = None, language: str | None = None) -> tuple[str, ...]:
    """How a shop may write the value, itself first: its wordings, with hyphens or spaces, in singular and plural, in the
    schema's units. Capitals are left alone: who searches ignores them.
    """
    forms: list[str] = []
    for wording in wordings(value, spec, language):
        forms.append(wording)
        quantity = _quantity(wording, spec)
        if quantity is not None:
            units = () if spec is None else tuple(filter(None, (spec.unit, *spec.units)))
            forms += [form for form in map(quantity.converted, units) if form is not None]
            continue
        forms += _respaced(wording)
        if language is None or _is_language("en", language):
            forms += [form for each in (wording, *_respaced(wording)) for form in _numbered(each)]
    return tuple(dict.fromkeys(forms))


def _respaced(text: str) -> list[str]:
    if not re.search(r"\w[ -]\w", text):
        return []
    return [re.sub(r"(?<=\w)[ -](?=\w)", between, text) for between in (" ", "-")]


def _numbered(text: str) -> list[str]:
    """Singular and plural of a text that ends in an English word."""
    match = re.search(r"[A-Za-z]{3,}$", text)
    if match is None:
        return []
    one = singular(match[0].casefold())
    single = match[0][: len(one)] if match[0].casefold().startswith(one) else match[0][:1] + one[1:]
    head = text[: match.start()]
    return [head + single, head + plural(single)]


def _quantity(text: str, spec: AttributeSpec | None) -> Quantity | None:
    return parse_quantity(text, None if spec is None else spec.unit)


def _spaced(text: str) -> list[str]:
    return [part.casefold() for part in re.findall(r"[^\s\-_/,;]+", unescaped(text))]


@lru_cache(maxsize=1024)
def _wordings(spec: AttributeSpec) -> dict[str, str]:
    """The schema's value by the key of everything that means it; what it lists itself goes before what it is called."""
    table: dict[str, str] = {}
    # In rising rank, as a later entry takes the place of an earlier one.
    for values in spec.translations.values():
        table.update({key(text): value for value, text in values.items()})
    table.update({key(text): value for value, texts in spec.synonyms.items() for text in texts})
    table.update({key(value): value for value in (*spec.synonyms, *(spec.values or ()))})
    table.pop("", None)
    return table


def _entry(table: Mapping[str, Entry], value: str) -> Entry | None:
    """What a table says of a value, whatever its case."""
    if value in table:
        return table[value]
    return next((entry for name, entry in table.items() if name.casefold() == value.casefold()), None)


def _is_language(one: str, other: str) -> bool:
    """Whether two language tags name one language: "de" and "de-AT" do."""
    return one.casefold().split("-")[0] == other.casefold().split("-")[0]
