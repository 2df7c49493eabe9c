"""How a question about a product becomes a prompt: photos first, then the listing, then the question.

Photos and listing are what all questions about a product share, so that they stand first: their keys and values are
computed once.
"""

from __future__ import annotations

from typing import Any


def user_text(listing: str | None, question: str) -> str:
    """What is written below the photos."""
    return f"{listing}\n{question}" if listing else question


def prompt_messages(num_photos: int, listing: str | None, question: str) -> list[dict[str, Any]]:
    """The chat that asks `question`, for any processor with a chat template."""
    content = [{"type": "image"}] * num_photos + [{"type": "text", "text": user_text(listing, question)}]
    return [{"role": "user", "content": content}]


def render_prompt(processor: Any, num_photos: int, listing: str | None, question: str) -> str:
    """The prompt as text, up to where the answer begins, with one `<image>` for each photo."""
    messages = prompt_messages(num_photos, listing, question)
    rendered: str = processor.tokenizer.apply_chat_template(
        messages, chat_template=processor.chat_template, add_generation_prompt=True, tokenize=False
    )
    return rendered
