"""One attribute under the names that shops and systems give it: 'Color', 'base_colour' and 'colour' are one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from pumgpt.catalog.product import AttributeValue

_SPELLINGS = {"color": "colour", "colors": "colour", "colours": "colour", "sex": "gender", "agegroup": "age group"}


@lru_cache(maxsize=4096)
def fold_attribute(name: str) -> str:
    """The name as names are compared and as readers write it: small letters, single spaces, British spelling."""
    words = re.sub(r"[\W_]+", " ", name.casefold()).split()
    return " ".join(_SPELLINGS.get(word, word) for word in words)


def find_attribute(attributes: Mapping[str, AttributeValue] | None, name: str) -> AttributeValue | None:
    """The value of an attribute, whatever spelling its name has; the name as it stands comes first."""
    if not attributes:
        return None
    if name in attributes:
        return attributes[name]
    folded = fold_attribute(name)
    return next((value for own, value in attributes.items() if fold_attribute(own) == folded), None)
