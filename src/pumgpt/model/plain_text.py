"""Text of a shop as tokens that are text and nothing else: `<image>` or `</s>` in a title are words, not commands."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from transformers import BatchEncoding

from pumgpt.catalog.control_tokens import token_starts

_ANCHOR = "\n"


def control_tokens(tokenizer: Any) -> dict[str, int]:
    """The tokens that mean more than their letters, with their ids: the special ones, and what the chat template writes
    (`<think>` of Qwen isn't marked as special).
    """
    template = str(tokenizer.chat_template or "")
    return {
        token.content: number
        for number, token in tokenizer.added_tokens_decoder.items()
        # Gemma's line breaks are added tokens as well, and every template has some.
        if token.special or (token.content in template and not token.content.isspace())
    }


def has_control_tokens(tokenizer: Any, text: str) -> bool:
    """Whether the tokenizer would take a part of `text` for a control token."""
    return any(token in text for token in control_tokens(tokenizer))


def encode_plain(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """The token ids of each text, none of them a control token's; those of a text that holds none are as always."""
    token_ids: list[list[int]] = tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    tokens = control_tokens(tokenizer)
    forbidden = set(tokens.values()) - {tokenizer.unk_token_id}
    for row, text in enumerate(texts):
        if not any(token in text for token in tokens):
            continue
        token_ids[row] = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        # Some vocabularies have control tokens among their words, and added tokens that aren't special are still matched.
        # In pieces no tokenizer recognises them.
        if not forbidden.isdisjoint(token_ids[row]):
            cuts = [0, *(start.end() for start in token_starts(tuple(tokens)).finditer(text)), len(text)]
            pieces = [text[start:end] for start, end in pairwise(cuts)]
            encoded = tokenizer(pieces, add_special_tokens=False, split_special_tokens=True)["input_ids"]
            token_ids[row] = [token for piece in encoded for token in piece]
    return token_ids


def encode_continuation(tokenizer: Any, text: str, *, plain: bool) -> list[int]:
    """The token ids of `text` as it goes on behind other text: SentencePiece puts a space before what it takes for a beginning.

    `plain`: as `encode_plain`; else control tokens are control tokens.
    """

    def encode(text: str) -> list[int]:
        if plain:
            return encode_plain(tokenizer, [text])[0]
        token_ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        return token_ids

    anchor, anchored = encode(_ANCHOR), encode(_ANCHOR + text)
    # A text that begins with a line break may have merged with the anchor's.
    return anchored[len(anchor) :] if anchored[: len(anchor)] == anchor else encode(text)


def encode_padded(tokenizer: Any, texts: Sequence[str], max_length: int | None = None) -> BatchEncoding:
    """`input_ids` and `attention_mask` (R, S) of plain texts for the contrastive head, whose positions count from the left."""
    return tokenizer(  # type: ignore[no-any-return]
        list(texts),
        padding=True,
        padding_side="right",
        truncation=True,
        max_length=max_length,
        split_special_tokens=any(has_control_tokens(tokenizer, text) for text in texts),
        return_tensors="pt",
    )
