"""Whether a value of a record is what a question asks for: navy is blue, what is unisex suits men, a sandal is no shirt."""

from __future__ import annotations

from functools import cache

from pumgpt.catalog.vocabulary.taxonomy import CategoryPath
from pumgpt.catalog.vocabulary.words import unescaped
from pumgpt.catalog.vocabulary.words import words as words_of
from pumgpt.tasks.intents import CATEGORY, intents
from pumgpt.tasks.template import load_template
from pumgpt.tasks.words import colour_family, words


def is_meant(attribute: str, asked: str, value: str | CategoryPath) -> bool | None:
    """Whether a product with this value is `asked`; None where that can't be decided."""
    if attribute == CATEGORY:
        return _is_kind(asked, (value,) if isinstance(value, str) else value)
    text = value if isinstance(value, str) else " ".join(value)
    if word_forms(asked) == word_forms(text):
        return True
    if attribute == "colour":
        return _is_colour(asked, text)
    if attribute in ("gender", "age group"):
        return _suits(asked, text)
    return word_forms(asked) in {word_forms(word) for word in other_words(attribute, text)}


def word_forms(text: str) -> tuple[str, ...]:
    """The words of a text as they are compared: small, and in the singular."""
    return tuple(word.form for word in words_of(unescaped(text)))


def other_words(attribute: str, value: str) -> tuple[str, ...]:
    """What else people call a value."""
    phrase = load_template("question").phrases.get(attribute, {}).get(value)
    listed = intents().values.get(attribute, {}).get(value, [])
    return (*((phrase, phrase.removeprefix("the ")) if phrase else ()), *listed)


def category_words() -> tuple[str, ...]:
    """Words for kinds of product that no taxonomy needs to have: 'footwear', 'sneaker'."""
    return (*_kinds(), *(word for others in words().synonyms.values() for word in others))


def _is_colour(asked: str, value: str) -> bool | None:
    asked = intents().colours.get(asked, asked)
    family, own = colour_family(asked), colour_family(value)
    if family is None or own is None or "multi" in (family, own):
        return None  # of a mix no colour can be denied
    if family != own:
        return False
    # A family holds all its shades; whether blue is navy, or teal navy, nobody should have to decide.
    return True if asked == family or set(word_forms(asked)) <= set(word_forms(value)) else None


def _suits(asked: str, value: str) -> bool | None:
    wanted, own = _people(asked), _people(value)
    if wanted is None or own is None:
        return None
    if wanted in ("kids", "adults") or wanted == own:
        return own in intents().people[wanted].suits
    # Of 'adults' or 'kids' it isn't known which.
    return None if own in ("adults", "kids") else own in intents().people[wanted].suits


@cache
def _people(text: str) -> str | None:
    forms = word_forms(text)
    return next(
        (name for name, people in intents().people.items() if forms in {word_forms(word) for word in people.words}),
        None,
    )


def _is_kind(asked: str, path: CategoryPath) -> bool | None:
    forms = word_forms(asked)
    levels = [word_forms(level) for level in path]
    if any(level[-len(forms) :] == forms for level in levels):
        return True
    top = _kinds().get(" ".join(forms))
    if top is not None:
        # Other taxonomies may call their top levels otherwise.
        return path[0] == top if path[0] in _kinds().values() else None
    others = {other for level in levels for other in words().synonyms.get(level[-1] if level else "", [])}
    return None if " ".join(forms) in others else False


@cache
def _kinds() -> dict[str, str]:
    """'accessory' -> 'Accessories': what the top levels of the training data are called in questions."""
    kinds = load_template("question").phrases["kind"]
    return {" ".join(word_forms(phrase.removeprefix("an ").removeprefix("a "))): top for top, phrase in kinds.items()}
