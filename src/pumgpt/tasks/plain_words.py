"""Plain words (`plain_words.yaml`), and titles reduced to them: what is left names the product, without brand or model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from itertools import pairwise

import yaml
from pydantic import BaseModel, ConfigDict

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.words import stem, stems
from pumgpt.tasks.words import colour_family, words

_TOKEN = re.compile(r"[^\W_]+(?:['’`./-][^\W_]+)*")


class PlainWords(BaseModel):
    """`plain_words.yaml`, checked; what each list is for stands there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    function: frozenset[str]
    looks: frozenset[str]
    parts: frozenset[str]
    materials: frozenset[str]
    people: dict[str, frozenset[str]]
    people_within: dict[str, frozenset[str]]
    kinds: frozenset[str]
    pairs: frozenset[str]
    uncountable: frozenset[str]
    modifiers: frozenset[str]


@cache
def plain_words() -> PlainWords:
    """The words that ship with the package, as stems."""
    text = resources.files("pumgpt.tasks").joinpath("plain_words.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    lists = {name: frozenset(map(stem, listed)) for name, listed in document.items() if isinstance(listed, list)}
    people = {group: frozenset(map(stem, listed)) for group, listed in document["people"].items()}
    return PlainWords.model_validate(document | lists | {"people": people})


@cache
def kind_stems() -> frozenset[str]:
    """The heads of the names of products."""
    plain, synonyms = plain_words(), words().synonyms
    known = plain.kinds | plain.pairs | plain.uncountable
    return known | {stem(name) for kind, names in synonyms.items() for name in (kind, *names)}


@cache
def people_stems() -> frozenset[str]:
    return frozenset().union(*plain_words().people.values())


def people_group(word: str) -> str | None:
    """For whom a product is of which this stem is said: 'lady' -> 'women'."""
    return next((group for group, stated in plain_words().people.items() if word in stated), None)


@cache
def occasion_stems() -> frozenset[str]:
    return frozenset(map(stem, words().occasions))


@cache
def _seen_stems() -> frozenset[str]:
    """What a photo can vouch for: all plain words but the materials."""
    plain = plain_words()
    return plain.looks | plain.parts | kind_stems() | people_stems() | occasion_stems()


def tokens(text: str) -> list[str]:
    """The words of a text, hyphens, points and apostrophes inside of them kept."""
    return _TOKEN.findall(text)


def token_stems(token: str) -> list[str]:
    """A token as one word, and its parts where it has several: 'V-Neck' -> vneck, v, neck."""
    whole = stem(re.sub(r"[-./]", "", token))
    return list(dict.fromkeys([whole, *(stem(part) for part in re.split(r"[-./]", token))]))


def is_every_part(token: str, known: Iterable[str]) -> bool:
    """Whether a token is one of the `known` stems, or made of nothing else."""
    whole, *parts = token_stems(token)
    known = known if isinstance(known, (set, frozenset)) else set(known)
    return whole in known or (bool(parts) and all(part in known for part in parts))


def plain_title(product: Product) -> str | None:
    """The product's title without what names its maker, model, size or material, and without colours that it hasn't.

    None where what is left doesn't name the product.
    """
    left = [token for token, keep in _kept_tokens(product) if keep]
    known = kind_stems() | _own_stems(product)
    named = any(part in known for token in left for part in token_stems(token))
    return " ".join(left) if named and len(left) > 1 else None


def plain_ending(product: Product, cut: int) -> str:
    """The words of `plain_title` after the first `cut` tokens of the title; may be empty."""
    return " ".join(token for token, keep in _kept_tokens(product)[cut:] if keep)


def _own_stems(product: Product) -> frozenset[str]:
    return frozenset(stems(" ".join((product.category or ())[-1:])))


def _kept_tokens(product: Product) -> list[tuple[str, bool]]:
    """The title's tokens, and which of them are plain.

    A shop's title begins with the brand, and nothing marks its end but what most of them say next: for whom the product is. So
    what stands ahead of that goes, and each word that isn't plain.
    """
    found = tokens(product.title or "")
    kept = _plain_tokens(found, _own_stems(product), _label_families(product))
    # 'Red Tape Men', 'Arrow Sport Men': a plain word ahead may be a part of the name.
    first_person = next((i for i, token in enumerate(found) if stem(token) in people_stems()), 0)
    kept = [keep and i >= first_person for i, keep in enumerate(kept)]
    function = plain_words().function
    for i, token in enumerate(found):
        if token.lower() in function:
            kept[i] = 0 < i < len(found) - 1 and kept[i - 1] and kept[i + 1] and found[i + 1].lower() not in function
    return list(zip(found, kept, strict=True))


def _plain_tokens(found: list[str], own: frozenset[str], families: set[str] | None) -> list[bool]:
    """Which tokens are plain words, or words of the product's own kind, and no colour out of another family."""
    plain = _seen_stems() | plain_words().function | own
    kept = []
    for token in found:
        stated = {family for part in token_stems(token) if (family := colour_family(part))}
        is_colour = any(colour_family(part) for part in (token_stems(token)[0], token_stems(token)[-1]))
        if stated and not is_every_part(token, plain):
            kept.append(is_colour and (families is None or stated <= families))
        else:
            kept.append(is_every_part(token, plain))
    # 'T Shirt' and 'V Neck' are compounds in two words.
    for i, (first, second) in enumerate(pairwise(found)):
        if stem(first + second) in plain:
            kept[i] = kept[i + 1] = True
    return kept


def _label_families(product: Product) -> set[str] | None:
    """The families of the colours that the label states; None where no colour could be untrue."""
    label = (product.attributes or {}).get("colour")
    families = set(_families([label] if isinstance(label, str) else label or []))
    return families if families and "multi" not in families else None


def _families(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        for word in value.split():
            if (family := colour_family(word)) is not None:
                yield family
