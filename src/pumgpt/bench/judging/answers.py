"""Reads an answer twice: strictly, as it was asked for, and with good will, as a person would take it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from pumgpt.backends.chat.answers import bare, only_named, plain_words
from pumgpt.backends.protocol import Answer
from pumgpt.bench.asking.answer_cache import is_failure
from pumgpt.bench.asking.case import TEXT_TASKS, Case
from pumgpt.catalog.question import Choices, Question
from pumgpt.tasks.base import INVALID, Parsed, normalise
from pumgpt.tasks.category import SEPARATOR
from pumgpt.tasks.registry import get_task

Status = Literal["value", "cannot tell", "left out", "invalid", "error"]
"""`left out`: a record that says nothing of an attribute that it was asked for."""

REFUSALS = re.compile(
    r"\b(?:can(?:not|'t| not) (?:be )?(?:infer|determin|tell|told|say|see|identif)\w*"
    r"|(?:unable|impossible|not possible) to (?:infer|determine|tell|say|see|identify)"
    r"|not (?:visible|shown|specified|stated|given|available|provided|applicable)|no information)",
    re.IGNORECASE,
)
_DENIALS = re.compile(r"^\W*(?:no|incorrect|false|not right|not correct)\b", re.IGNORECASE)
_BARE_REFUSALS = frozenset({"n/a", "na", "none", "null", "unknown", "not sure"})


@dataclass(frozen=True, slots=True)
class Reading:
    """`parsed` is the answer with good will; `strict` whether it was written exactly as asked for."""

    status: Status
    parsed: Parsed
    strict: bool


def read_answer(case: Case, answer: Answer, listing: str | None = None) -> Reading:
    """Never raises. An answer that only repeats the prompt is invalid."""
    if is_failure(answer):
        return Reading("error", INVALID, strict=False)
    task = get_task(case.task)
    written = answer.text if answer.written is None else answer.written
    text = _without_prompt(bare(written), case.question.text, listing)
    parsed = task.parse(text, case.question) if text else INVALID
    strict = parsed.status != "invalid" if case.task in TEXT_TASKS else parsed.strict and text == written
    if _may_be_refusal(case, parsed, strict) and is_refusal(text):
        parsed, strict = task.parse("cannot tell", case.question), False
    elif parsed.status == "invalid" and text:
        parsed = _with_good_will(text, case.question)
    return Reading(parsed.status, parsed, strict and parsed.status != "invalid")


def _with_good_will(text: str, question: Question) -> Parsed:
    """The option that stands somewhere in a longer answer; a verdict in other words."""
    task = get_task(question.task)
    if question.task == "attribute_correction":
        return task.parse(_DENIALS.sub("wrong", text), replace(question, choices=None))
    option = find_option(text, question.choices) if question.choices is not None else None
    return INVALID if option is None else task.parse(option, question)


def _may_be_refusal(case: Case, parsed: Parsed, strict: bool) -> bool:
    """Captions say what they like; one attribute of a record may be refused while the others are told."""
    if case.task in ("caption", "caption_completion") or parsed.status == "cannot tell":
        return False
    if case.task == "attributes":
        return parsed.status == "invalid"
    return case.question.choices is None or not strict


def is_refusal(text: str) -> bool:
    """Whether a text says, in words of its own, that the answer can't be told."""
    return normalise(text) in _BARE_REFUSALS or REFUSALS.search(text.replace("’", "'")) is not None


def find_option(text: str, choices: Choices) -> str | None:
    """The one option that stands in a text, whole or by the last level of its path; None for none or several."""
    return only_named(plain_words(text), _spelled(choices))


@lru_cache(maxsize=256)
def _spelled(choices: Choices) -> dict[str, str]:
    """Every option by its words; and by those of its last level, where only one option ends so."""
    leaves: dict[str, list[str]] = {}
    for option in choices.values:
        leaves.setdefault(plain_words(option.rsplit(SEPARATOR, 1)[-1]), []).append(option)
    short = {leaf: options[0] for leaf, options in leaves.items() if len(options) == 1}
    return short | {plain_words(option): option for option in choices.values}


def _without_prompt(text: str, question: str, listing: str | None) -> str:
    """The text without a repetition of what was asked, as it is where it repeats nothing."""
    rest = text
    for part in (listing, question):
        if part and len(part.split()) > 1 and part.strip().lower() in rest.lower():
            place = rest.lower().index(part.strip().lower())
            rest = rest[:place] + " " + rest[place + len(part.strip()) :]
    if rest == text:
        return text
    rest = re.sub(r"^\s*(?:answer|assistant|a)\s*:", "", rest.strip(), flags=re.IGNORECASE)
    return " ".join(rest.split()) if normalise(rest) else ""
