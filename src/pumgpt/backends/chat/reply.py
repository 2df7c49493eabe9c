"""The reply of a chat model: its text, and the probabilities of its tokens where they are known."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from pumgpt.errors import BackendError

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion, ChatCompletionTokenLogprob


@dataclass(frozen=True, slots=True)
class TokenProbability:
    """One token of a reply with its probability, and the best alternatives in its place (itself among them)."""

    text: str
    probability: float
    alternatives: tuple[tuple[str, float], ...] = ()

    @classmethod
    def from_logprob(cls, entry: ChatCompletionTokenLogprob) -> Self:
        # Some servers leave `top_logprobs` out where none were asked for.
        others = tuple((str(other.token), _probability(other.logprob)) for other in entry.top_logprobs or ())
        return cls(str(entry.token), _probability(entry.logprob), others)


@dataclass(frozen=True, slots=True)
class ChatReply:
    """`tokens` is empty where the server gives no log-probabilities.

    `num_tokens` counts prompt and reply; None where the server doesn't report usage.
    """

    text: str
    tokens: tuple[TokenProbability, ...] = ()
    num_tokens: int | None = field(default=None, compare=False)

    @classmethod
    def from_completion(cls, completion: ChatCompletion) -> Self:
        """The first choice of a chat completion. Raises `BackendError` where it has no text.

        `openai` builds a completion from any JSON without validating it, so the types that it declares may not hold:
        `ValueError`, `TypeError`, `AttributeError` or `LookupError` mean that this is no chat completion.
        """
        choice = completion.choices[0]
        content: object = choice.message.content
        if isinstance(content, list):  # some servers answer in parts
            content = "".join(part.get("text", "") for part in content)
        if content is None:
            raise BackendError("the reply has no text (refused, or cut off while it was thinking)")
        logprobs = choice.logprobs.content if choice.logprobs else None
        total = completion.usage.total_tokens if completion.usage else None
        return cls(
            str(content),
            tuple(TokenProbability.from_logprob(entry) for entry in logprobs or ()),
            total if isinstance(total, int) else None,
        )


def _probability(logprob: float) -> float:
    # Rounding on the server's side gives log-probabilities a little above 0.
    return math.exp(min(float(logprob), 0.0))
