"""Words that a language model takes for control tokens: `<image>`, `</s>`, `<|im_end|>`, written so that they are plain text.

Where we tokenize ourselves, a shop's text is encoded as it stands (`pumgpt.model.plain_text`). Elsewhere, in a training file
or behind an endpoint, a template turns chats into one string and the tokenizer can't tell whose `<image>` it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_ANY_TOKEN = re.compile(
    r"<(?=[^\s<>]{1,64}>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|IMG|IMG_BREAK|IMG_END|CLS|SEP|PAD|MASK|UNK)\])"
)
"""The first character of what is a control token of some model: angle brackets around a word, or the usual square ones."""


def escape_control_tokens(text: str, tokens: Iterable[str] | None = None) -> str:
    """`text` with a space behind the first character of each control token: `< image>`, which a reader still understands.

    `tokens` are those of the model at hand; without them, all that look like one are escaped.
    """
    pattern = _ANY_TOKEN if tokens is None else token_starts(tuple(tokens))
    return pattern.sub(r"\g<0> ", text)


@lru_cache(maxsize=64)
def token_starts(tokens: tuple[str, ...]) -> re.Pattern[str]:
    """Matches the first character of each of `tokens` in a text, of overlapping ones too. A single character is no token:
    it can't be taken apart.
    """
    starts = (f"{re.escape(token[0])}(?={re.escape(token[1:])})" for token in tokens if len(token) > 1)
    # `(?!)` matches nothing: a tokenizer may have no control token at all.
    return re.compile("|".join(starts) or "(?!)")
