"""From a chat model's reply to an `Answer`: strictly as it was asked for, then with some good will."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from pumgpt.backends.chat.reply import ChatReply, TokenProbability
from pumgpt.backends.protocol import CANNOT_TELL, Answer, Choices, Question

NUM_RANKED = 5
_THOUGHT = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)
_LABEL = re.compile(r"^(?:the )?(?:final )?answer\s*(?:is|:)\s*", re.IGNORECASE)
_AROUND = " \t\r\n.,;:!?'\"`’“”()[]{}*_#-"
_REFUSALS = re.compile(
    r"(?:it |i |this )?(?:can(?:no|')t|can not|could not|unable to)\b.{0,40}\b(?:infer|tell|told|determin|see|say|know)\w*.*"
    r"|cannot be inferred.*|unknown|not (?:visible|shown|stated|inferable|specified)|n/?a|undetermined",
    re.IGNORECASE | re.DOTALL,
)


def read_answer(reply: ChatReply, question: Question) -> Answer:
    """Sets `error` where the reply is empty, or none of the choices, or several of them."""
    return replace(_read(reply, question), written=reply.text, num_tokens=reply.num_tokens)


def _read(reply: ChatReply, question: Question) -> Answer:
    text = bare(reply.text)
    if not text:
        return Answer("", error="the model answered nothing")
    if question.choices is None:
        return _open(text, reply.tokens)
    found = read_choice(text, question.choices)
    if found is None:
        shown = text if len(text) <= 60 else text[:57] + "..."
        return Answer(
            "", error=f"the model answered '{' '.join(shown.split())}', which is not (only) one of the choices"
        )
    return _closed(found, question.choices, reply.tokens)


def read_choice(text: str, choices: Choices) -> str | None:
    """One of the choices or `CANNOT_TELL`: as it is written; by its words; or the only one that stands in the text."""
    if text in choices.values or text == CANNOT_TELL:
        return text
    words = plain_words(text)
    exact = _by_words(choices).get(words)
    if exact is not None:
        return exact
    if _REFUSALS.fullmatch(text.strip(_AROUND)):
        return CANNOT_TELL
    return only_named(words, _by_words(choices))


def only_named(words: str, forms: Mapping[str, str]) -> str | None:
    """The one value whose form (as `plain_words` writes it) stands in the words; None for none or several.

    'The colour is navy blue' names 'Navy Blue', which 'Blue' is a part of; 'blue or red' names nothing.
    """
    named = [(form, value) for form, value in forms.items() if f" {form} " in f" {words} "]
    whole = {v for f, v in named if not any(f != other and f" {f} " in f" {other} " for other, _ in named)}
    return whole.pop() if len(whole) == 1 else None


@lru_cache(maxsize=256)
def _by_words(choices: Choices) -> dict[str, str]:
    """The later of two values with the same words gives way; `CANNOT_TELL` is one of them."""
    return {plain_words(value): value for value in reversed((*choices.values, CANNOT_TELL))}


def plain_words(text: str) -> str:
    """Small letters, one space between words, no punctuation."""
    return " ".join(re.findall(r"\w+", text.casefold())) or text.strip()


def bare(text: str) -> str:
    """Without thoughts, a label before the answer, and markup around it."""
    text = _THOUGHT.sub("", text).strip()
    text = _LABEL.sub("", text.strip("*` \n")).strip()
    return text.strip('*`"“” \n') or ""


def _open(text: str, tokens: Sequence[TokenProbability]) -> Answer:
    """The probability of open text is the geometric mean over its tokens."""
    mean = math.exp(sum(_log(token) for token in tokens) / len(tokens)) if tokens else None
    if _REFUSALS.fullmatch(text.strip(_AROUND)):
        return Answer(CANNOT_TELL, mean, cannot_tell=1.0 if mean is None else mean)
    return Answer(text, mean)


def _log(token: TokenProbability) -> float:
    return math.log(max(token.probability, 1e-12))


def _closed(found: str, choices: Choices, tokens: Sequence[TokenProbability]) -> Answer:
    if not tokens:
        return Answer(found, cannot_tell=1.0 if found == CANNOT_TELL else 0.0)
    shares = choice_shares(found, choices, tokens)
    refusal = shares.pop(CANNOT_TELL, 0.0)
    ranked = tuple(sorted(shares.items(), key=lambda pair: -pair[1])[:NUM_RANKED])
    told = sum(shares.values())
    return Answer(found, ranked[0][1] / told if told > 0 else 0.0, refusal, ranked)


def choice_shares(found: str, choices: Choices, tokens: Sequence[TokenProbability]) -> dict[str, float]:
    """How the probability divides among the choices, `CANNOT_TELL` among them; adds up to 1.

    The answer has the product over its tokens. What the other first tokens have goes in equal parts to the choices that
    begin so, and what is left of the answer's own first token to the others that begin like it.
    """
    valid = (*choices.values, CANNOT_TELL)
    shares = dict.fromkeys(valid, 0.0)
    shares[found] = math.exp(sum(_log(token) for token in tokens))
    first = tokens[0]
    own = [value for value in _beginning_with(first.text, valid) if value != found]
    for value in own:
        shares[value] += max(first.probability - shares[found], 0.0) / len(own)
    for text, chance in first.alternatives:
        if text != first.text:
            begun = _beginning_with(text, valid)
            for value in begun:
                shares[value] += chance / len(begun)
    total = sum(shares.values())
    return {value: share / total for value, share in shares.items()}


def _beginning_with(token: str, values: Sequence[str]) -> list[str]:
    start = token.strip().casefold()
    return [value for value in values if start and value.casefold().startswith(start)]
