"""From a chat model's reply to an `Answer`: the choice that it names, with the probability of its tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from pumgpt.backends.chat.reply import ChatReply, TokenProbability
from pumgpt.backends.protocol import CANNOT_TELL, Answer, Choices, Question
from pumgpt.tasks.answers import bare, find_choice, is_refusal, match_choice

NUM_RANKED = 5


def read_answer(reply: ChatReply, question: Question) -> Answer:
    """Sets `error` where the reply is empty, or none of the choices, or several of them."""
    return replace(_answer(bare(reply.text), reply, question), written=reply.text, num_tokens=reply.num_tokens)


def _answer(text: str, reply: ChatReply, question: Question) -> Answer:
    if not text:
        return Answer("", error="the model answered nothing")
    if question.choices is None:
        return _open(text, reply.tokens)
    found = match_choice(text, question.choices) or find_choice(text, question.choices)
    if found is None:
        shown = text if len(text) <= 60 else text[:57] + "..."
        return Answer(
            "", error=f"the model answered '{' '.join(shown.split())}', which is not (only) one of the choices"
        )
    return _closed(found, question.choices, reply.tokens)


def _open(text: str, tokens: Sequence[TokenProbability]) -> Answer:
    """The probability of open text is the geometric mean over its tokens."""
    mean = math.exp(sum(_log(token) for token in tokens) / len(tokens)) if tokens else None
    if is_refusal(text):
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
    valued = sum(shares.values())
    return Answer(found, ranked[0][1] / valued if valued > 0 else 0.0, refusal, ranked)


def choice_shares(found: str, choices: Choices, tokens: Sequence[TokenProbability]) -> dict[str, float]:
    """How the probability divides among the choices, `CANNOT_TELL` among them; adds up to 1.

    The answer has the product over its tokens. What the other first tokens have goes in equal parts to the choices that
    begin so, and what is left of the answer's own first token to the others that begin like it.
    """
    valid = (*choices.values, CANNOT_TELL)
    shares = dict.fromkeys(valid, 0.0)
    shares[found] = math.exp(sum(_log(token) for token in tokens))
    first = tokens[0]
    # The first token may begin several choices; what the answer doesn't use of it is theirs.
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
