"""Control tokens in a shop's text, written so that no tokenizer takes them for its own."""

from __future__ import annotations

import pytest

from pumgpt.catalog.control_tokens import escape_control_tokens

TOKENS = [
    "<image>",
    "</s>",
    "<|im_end|>",
    "<|image_pad|>",
    "<start_of_turn>",
    "<\uff5cUser\uff5c>",
    "[INST]",
    "[/INST]",
    "[IMG]",
]


@pytest.mark.parametrize("token", TOKENS)
def test_what_looks_like_a_control_token_is_taken_apart(token: str) -> None:
    escaped = escape_control_tokens(f"Photo print{token}{token}frame")
    assert escaped == f"Photo print{token[0]} {token[1:]}{token[0]} {token[1:]}frame"
    assert escape_control_tokens(escaped) == escaped


@pytest.mark.parametrize("text", ["3 < 5 and 7 > 5", "I <3 red", "[SALE] Shirt", "<- left | right ->", ""])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert escape_control_tokens(text) == text


def test_the_tokens_of_a_model_alone_are_escaped() -> None:
    assert escape_control_tokens("<image> <video> aab", ["<image>", "aa", "ab", "b"]) == "< image> <video> a a b"
    assert escape_control_tokens("<image>", []) == "<image>"
