"""Parse answers: strictly, as a question asks for them, and leniently, out of what a chat model wrote around them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pumgpt.catalog.question import CANNOT_TELL, Choices
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR

Verdict = Literal["right", "wrong"]
AnswerValue = str | tuple[str, ...] | Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A parsed answer.

    `value` is text, a category path, or name -> value with None for what can't be inferred; None unless `status` is
    `value`. A correction carries its `verdict` too, and what is right as the `value` of a wrong one.
    """

    status: Literal["value", "cannot tell", "invalid"]
    value: AnswerValue | None = None
    verdict: Verdict | None = None
    strict: bool = True
    """Whether the answer was written exactly as asked for."""


INVALID = Parsed("invalid", strict=False)

# Asterisks and underscores are Markdown's emphasis, which chat models put around an answer.
_AROUND = " \t\r\n.,;:!?'\"`’“”()[]{}*_"
_REFUSALS = frozenset({"cannot be told", "can't be inferred", "can not be inferred", "cannot tell", "can't tell"})
# One sentence that is nothing but a refusal. It must match as a whole: "Not shown: Blue" still names a value.
_WHOLE_REFUSAL = re.compile(
    r"(?:it |i |this )?(?:can(?:no|')t|can not|could not|unable to)\b.{0,40}\b(?:infer|tell|told|determin|see|say|know)\w*.*"
    r"|cannot be inferred.*|unknown|not (?:visible|shown|stated|inferable|specified)|n/?a|undetermined",
    re.IGNORECASE | re.DOTALL,
)
# A refusal within a longer reply.
_REFUSAL_WITHIN = re.compile(
    r"\b(?:can(?:not|'t| not) (?:be )?(?:infer|determin|tell|told|say|see|identif)\w*"
    r"|(?:unable|impossible|not possible) to (?:infer|determine|tell|say|see|identify)"
    r"|not (?:visible|shown|specified|stated|given|available|provided|applicable)|no information)",
    re.IGNORECASE,
)
# Of a free reply these mean that there is no answer; as an attribute's value ("collar: none") they may be one.
_EMPTY_REPLIES = frozenset({"none", "null", "not sure"})
# A reply that is cut at its maximum length may never close its thoughts.
_THOUGHT = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)
_LABEL = re.compile(r"^(?:the )?(?:final )?answer\s*(?:is|:)\s*", re.IGNORECASE)
_REPEATED_LABEL = re.compile(r"^\s*(?:answer|assistant|a)\s*:", re.IGNORECASE)


# The same few thousand values are compared with every answer of a run.
@lru_cache(maxsize=65536)
def normalise(text: str) -> str:
    """A text as answers are compared: lower case, single spaces, no punctuation around it."""
    return " ".join(text.split()).strip(_AROUND).lower()


def plain_words(text: str) -> str:
    """Lower-case words with one space between them; a text without a word stays as it is."""
    return " ".join(re.findall(r"\w+", text.casefold())) or text.strip()


def is_refusal(text: str) -> bool:
    """Whether the whole text is a refusal, in the form asked for (`CANNOT_TELL`) or in other words."""
    # Chat models write typographic apostrophes, and a refusal as a heading or an item of a list.
    bare_text = text.replace("’", "'").strip(_AROUND + "#-")
    return text == CANNOT_TELL or normalise(bare_text) in _REFUSALS or bool(_WHOLE_REFUSAL.fullmatch(bare_text))


def contains_refusal(text: str) -> bool:
    """The same of a free reply: a refusal anywhere in it counts."""
    return (
        normalise(text) in _EMPTY_REPLIES
        or is_refusal(text)
        or _REFUSAL_WITHIN.search(text.replace("’", "'")) is not None
    )


def parse_refusal(text: str, choices: Choices | None = None) -> Parsed | None:
    """`cannot tell` where the text is a refusal and isn't itself one of the choices."""
    if text == CANNOT_TELL:
        return Parsed("cannot tell")
    # A schema may have the value 'Unknown' or 'N/A', which is then an answer like any other.
    if not is_refusal(text) or (choices is not None and is_valid(text, choices)):
        return None
    return Parsed("cannot tell", strict=False)


def parse_text(text: str) -> Parsed:
    """Open text: anything but nothing."""
    tidied = " ".join(text.split())
    # Punctuation alone is no answer either.
    return Parsed("value", tidied, strict=tidied == text) if normalise(tidied) else INVALID


def parse_choice(text: str, choices: Choices | None) -> Parsed:
    """One of `choices`, forgiving case, spaces and punctuation around it; open text where there are no choices."""
    if choices is None:
        return parse_text(text)
    if text in choices.values:
        return Parsed("value", text)
    value = _by_normal_form(choices).get(normalise(text))
    return INVALID if value is None else Parsed("value", value, strict=False)


def is_valid(value: str, choices: Choices | None) -> bool:
    """Whether a value is one of the choices, or may be anything."""
    return choices is None or value in _as_set(choices)


# The three caches are by `Choices`, of which a run has a few with up to thousands of values each.
@lru_cache(maxsize=64)
def _as_set(choices: Choices) -> frozenset[str]:
    return frozenset(choices.values)


@lru_cache(maxsize=256)
def _by_normal_form(choices: Choices) -> dict[str, str]:
    # Reversed, so that of two values with one normal form the first stays.
    return {normalise(value): value for value in reversed(choices.values)}


def bare(reply: str) -> str:
    """A chat model's reply without its thoughts, a label before the answer, and markup around it."""
    text = _THOUGHT.sub("", reply).strip()
    text = _LABEL.sub("", text.strip("*` \n")).strip()
    return text.strip('*`"“” \n')


def without_prompt(text: str, question: str, listing: str | None) -> str:
    """The text without a repetition of what was asked; unchanged where it repeats nothing."""
    rest = text
    for part in (listing, question):
        # A single word of the prompt, such as a one-word title, may as well be the answer.
        if part and len(part.split()) > 1 and part.strip().lower() in rest.lower():
            place = rest.lower().index(part.strip().lower())
            rest = rest[:place] + " " + rest[place + len(part.strip()) :]
    if rest == text:
        return text
    # Only now: in a reply that repeats nothing, 'A: Blue' may be the option A.
    rest = _REPEATED_LABEL.sub("", rest.strip())
    return " ".join(rest.split()) if normalise(rest) else ""


def find_choice(text: str, choices: Choices, *, leaves: bool = False) -> str | None:
    """The one choice, `CANNOT_TELL` among them, that is named in a text; None for none or several.

    With `leaves` the last level of a category's path is enough, where no other path ends so. 'The colour is navy blue'
    names 'Navy Blue' and not 'Blue', which is a part of it; 'blue or red' names nothing.
    """
    words = plain_words(text)
    # Spaces around both keep 'red' from matching within 'tired'.
    named = [(form, value) for form, value in _word_forms(choices, leaves).items() if f" {form} " in f" {words} "]
    whole = {v for f, v in named if not any(f != other and f" {f} " in f" {other} " for other, _ in named)}
    # What a longer name contains is a part of it. If two names are left, the text doesn't decide between them.
    return whole.pop() if len(whole) == 1 else None


def match_choice(text: str, choices: Choices) -> str | None:
    """The choice, `CANNOT_TELL` among them, that a whole text is: as it is written, by its words, or as a refusal."""
    if text in choices.values or text == CANNOT_TELL:
        return text
    exact = _word_forms(choices, leaves=False).get(plain_words(text))
    return CANNOT_TELL if exact is None and is_refusal(text) else exact


@lru_cache(maxsize=256)
def _word_forms(choices: Choices, leaves: bool) -> dict[str, str]:
    """Every choice by its words. Of two with the same words the first counts."""
    # A leaf that ends several paths names none of them.
    ends: dict[str, list[str]] = {}
    for value in choices.values if leaves else ():
        ends.setdefault(plain_words(value.rsplit(SEPARATOR, 1)[-1]), []).append(value)
    short = {end: values[0] for end, values in ends.items() if len(values) == 1}
    return short | {plain_words(value): value for value in reversed((*choices.values, CANNOT_TELL))}
