"""Listed values about titles of which we know whether the title tells them: made from the labels of AE-110k and OA-Mine.

- true: a labelled value, as the title has it;
- rewritten: a labelled value as another shop writes it (other unit, hyphen or space, singular or plural, capitals);
- another value: of the same attribute, not in the title;
- not given: a value of an attribute where AE-110k says n/a, not in the title;
- another attribute: words of the title that are labelled as another of its attributes ("Cotton" as the brand).

Half of the true values are rewritten; for one true value there is one false one, and a third of the false are of the last
kind, as far as the set has them. The rewriting here shares no code with what is measured.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pumgpt.curation.verdict import Claim, Verdict

TRUE, REWRITTEN = "true", "rewritten"
ANOTHER_VALUE, NOT_GIVEN, ANOTHER_ATTRIBUTE = "another value", "not given", "another attribute"
KINDS = (TRUE, REWRITTEN, ANOTHER_VALUE, NOT_GIVEN, ANOTHER_ATTRIBUTE)
SHARE_ANOTHER_ATTRIBUTE = 1 / 3
_NOT_GIVEN = "n/a"

_OTHER_UNIT: dict[str, tuple[str, float]] = {
    "mm": ("cm", 0.1), "cm": ("mm", 10), "m": ("cm", 100), "inch": ("cm", 2.54), "inches": ("cm", 2.54),
    "ft": ("m", 0.3048), "g": ("oz", 1 / 28.3495), "kg": ("g", 1000), "mg": ("g", 0.001), "mcg": ("mg", 0.001),
    "oz": ("g", 28.3495), "ounce": ("g", 28.3495), "ounces": ("g", 28.3495), "lb": ("kg", 0.45359), "lbs": ("kg", 0.45359),
    "pound": ("kg", 0.45359), "pounds": ("kg", 0.45359), "l": ("ml", 1000), "ml": ("fl oz", 1 / 29.5735),
    "fl oz": ("ml", 29.5735), "fl. oz": ("ml", 29.5735), "fl.oz": ("ml", 29.5735), "fluid ounce": ("ml", 29.5735),
    "fluid ounces": ("ml", 29.5735),
}  # fmt: skip
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([\s-]?)([a-z. ]+?)\.?", re.IGNORECASE)
_SPELT = {"oz": "ounce", "ounce": "oz", "ounces": "oz", "fl oz": "fluid ounces", "inch": "in", "inches": "in", "lb": "pound",
          "lbs": "pounds", "pound": "lb", "pounds": "lbs", "fluid ounces": "fl oz", "fluid ounce": "fl oz"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Listing:
    """A title and its labels; an attribute without values is labelled n/a. Labels that are mere punctuation are left out.
    `category` is the data set's name of the product.
    """

    title: str
    labels: dict[str, tuple[str, ...]]
    category: str


@dataclass(frozen=True, slots=True)
class LabelledClaim:
    """`listing` is the place of its title in the file."""

    listing: int
    claim: Claim
    verdict: Verdict
    kind: str


def read_listings(path: Path) -> list[Listing]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [Listing(row["input"], dict(_labels(row["target_scores"])), row["category"]) for row in rows]


def make_claims(
    listings: Sequence[Listing],
    seed: int,
    rewrite_false: bool = False,
    share_another_attribute: float = SHARE_ANOTHER_ATTRIBUTE,
) -> list[LabelledClaim]:
    """Claims of every kind. With `rewrite_false` half of the false values are rewritten too, so that a changed form tells
    nothing about the truth: what is fitted is fitted on those.
    """
    chance = random.Random(seed)
    true = [
        LabelledClaim(place, Claim(name, value), Verdict.SUPPORTED, TRUE)
        for place, listing in enumerate(listings)
        for name, values in listing.labels.items()
        for value in values
    ]
    num_words = round(len(true) * share_another_attribute)
    words = list(_words_of_another_attribute(listings))
    absent = list(_absent_values(listings, chance))
    not_given = [claim for claim in absent if claim.kind == NOT_GIVEN]
    another = [claim for claim in absent if claim.kind == ANOTHER_VALUE]
    num_not_given = min(len(not_given), (len(true) - num_words) // 2)
    false = chance.sample(words, min(num_words, len(words))) + chance.sample(not_given, num_not_given)
    false += chance.sample(another, min(len(another), len(true) - len(false)))
    claims = _half_rewritten(true, chance, REWRITTEN)
    claims += _half_rewritten(false, chance, None) if rewrite_false else false
    return sorted(claims, key=lambda claim: claim.listing)


def occurs(value: str, title: str) -> bool:
    """Whether the words of a value stand together in a title, whatever their case, hyphens and plural s."""
    return f" {_stemmed(value)} " in f" {_stemmed(title)} "


def normalised(text: str) -> str:
    """Small letters, and one space for everything that is neither letter nor digit."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _labels(scores: dict[str, dict[str, int]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, values in scores.items():
        given = tuple(value.strip() for value in values if value != _NOT_GIVEN and re.search(r"\w", value))
        if given or _NOT_GIVEN in values:
            yield name, given


def _stemmed(text: str) -> str:
    return " ".join(word[:-1] if len(word) > 3 and word.endswith("s") else word for word in normalised(text).split())


def _absent_values(listings: Sequence[Listing], chance: random.Random) -> Iterator[LabelledClaim]:
    """For every labelled attribute a value that the title hasn't, as often as the set has it."""
    values: dict[str, Counter[str]] = {}
    for listing in listings:
        for name, given in listing.labels.items():
            values.setdefault(name, Counter()).update(given)
    for place, listing in enumerate(listings):
        for name, given in listing.labels.items():
            absent = {value: count for value, count in values[name].items() if not occurs(value, listing.title)}
            if not absent:
                continue
            value = chance.choices(list(absent), list(absent.values()))[0]
            kind, verdict = (ANOTHER_VALUE, Verdict.CONTRADICTED) if given else (NOT_GIVEN, Verdict.NOT_INFERABLE)
            yield LabelledClaim(place, Claim(name, value), verdict, kind)


def _words_of_another_attribute(listings: Sequence[Listing]) -> Iterator[LabelledClaim]:
    """Every labelled value of a title under each of the title's other attributes, but where that would be right, or nearly."""
    for place, listing in enumerate(listings):
        for name, own in listing.labels.items():
            verdict = Verdict.CONTRADICTED if own else Verdict.NOT_INFERABLE
            for other, given in listing.labels.items():
                for value in given if other != name else ():
                    if not any(occurs(value, true) or occurs(true, value) for true in own):
                        yield LabelledClaim(place, Claim(name, value), verdict, ANOTHER_ATTRIBUTE)


def _half_rewritten(claims: Sequence[LabelledClaim], chance: random.Random, kind: str | None) -> list[LabelledClaim]:
    chosen = set(chance.sample(range(len(claims)), len(claims) // 2))
    done = []
    for place, labelled in enumerate(claims):
        value = rewrite(labelled.claim.value, chance) if place in chosen else labelled.claim.value
        changed = value != labelled.claim.value
        named = kind if kind is not None and changed else labelled.kind
        done.append(LabelledClaim(labelled.listing, Claim(labelled.claim.name, value), labelled.verdict, named))
    return done


def rewrite(value: str, chance: random.Random) -> str:
    """The value as another shop writes it: one of the ways that change it, by lot; a quantity mostly in another unit."""
    ways: list[Callable[[str, random.Random], str]] = [_other_unit, _other_spacing, _other_number, _other_capitals]
    if _other_unit(value, chance) != value and chance.random() < 0.75:
        return _other_unit(value, chance)
    results = [way(value, chance) for way in ways]
    changed = [result for result in results if result != value]
    return chance.choice(changed) if changed else value


def _other_unit(value: str, chance: random.Random) -> str:
    match = _QUANTITY.fullmatch(value.strip())
    unit = match[3].strip().casefold() if match else ""
    if match is None or unit not in _OTHER_UNIT:
        return value
    if unit in _SPELT and chance.random() < 0.5:
        return f"{match[1]} {_SPELT[unit]}"
    other, factor = _OTHER_UNIT[unit]
    number = f"{float(match[1]) * factor:.2f}" if float(match[1]) * factor >= 0.1 else f"{float(match[1]) * factor:.4f}"
    return f"{number.rstrip('0').rstrip('.')} {other}"


def _other_spacing(value: str, chance: random.Random) -> str:
    if "-" in value:
        return value.replace("-", chance.choice([" ", ""]))
    if re.fullmatch(r"\d+(\.\d+)?[A-Za-z]+", value):
        return re.sub(r"(?<=\d)(?=[A-Za-z])", " ", value)
    return re.sub(r"(?<=\w) (?=\w)", chance.choice(["-", ""]) if value.count(" ") == 1 else "-", value, count=1)


def _other_number(value: str, _: random.Random) -> str:
    match = re.search(r"(?<![\w'])[A-Za-z]{3,}('s)?$", value)
    if match is None or match[0].isupper():
        return value
    word = match[0]
    pairs = {
        "men": "man",
        "women": "woman",
        "men's": "man",
        "women's": "woman",
        "man": "men",
        "woman": "women",
        "children": "child",
    }
    if word.casefold() in pairs:
        changed = pairs[word.casefold()]
        return value[: match.start()] + (changed.capitalize() if word[0].isupper() else changed)
    if word.endswith("'s"):
        changed = word[:-2]
    elif word.endswith("ies"):
        changed = word[:-3] + "y"
    elif re.search(r"(ss|sh|ch|x)es$", word):
        changed = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        changed = word[:-1]
    elif re.search(r"(ss|sh|ch|x)$", word):
        changed = word + "es"
    elif re.search(r"[^aeiou]y$", word):
        changed = word[:-1] + "ies"
    else:
        changed = word + "s" if word[-1] != "s" else word
    return value[: match.start()] + changed


def _other_capitals(value: str, chance: random.Random) -> str:
    changed = [text for text in (value.lower(), value.upper(), value.title()) if text != value]
    return chance.choice(changed) if changed else value
