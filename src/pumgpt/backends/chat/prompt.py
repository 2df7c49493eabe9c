"""The prompt for a chat model that isn't ours: the instruction, the listing, the question, and the valid answers."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

from PIL.Image import Image, Resampling

from pumgpt.backends.protocol import CANNOT_TELL, Question
from pumgpt.catalog.control_tokens import escape_control_tokens

SYSTEM = (
    "You look at the photos and the listing of one product in a shop and answer a question about it. "
    f"Answer with the answer alone. Where neither photos nor listing show it, answer: {CANNOT_TELL}"
)
MAX_CHOICES = 600
"""A question with more choices is refused: they would take thousands of tokens, and models lose track of them."""
MAX_SIDE_PX = 1024
"""Photos are sent no larger: servers scale them down themselves, and the calls stay small."""
SPARE_TOKENS = 32
"""Generated beyond the length of an answer, for a model that wraps it into a sentence."""


def prompt_text(listing: str | None, question: Question) -> str:
    """The user's message of a chat; without a listing it begins with the question."""
    lines = [listing] if listing else []
    lines.append(question.text)
    if question.choices is not None:
        lines.append("Answer with exactly one of these lines, as it is written:")
        lines += [*question.choices.values, CANNOT_TELL]
    return "\n".join(lines)


def too_many_choices(question: Question) -> str | None:
    """Why the question doesn't fit into a prompt; None where it does."""
    if question.choices is None or len(question.choices.values) <= MAX_CHOICES:
        return None
    return f"{len(question.choices.values)} choices are more than the {MAX_CHOICES} that a prompt holds; give fewer"


def chat_messages(system: str, text: str, photo_urls: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Photos first, then the text: servers cache a common prefix, and a product's questions share its photos.

    What looks like a control token in `text` is escaped: which ones the server's model has isn't known here.
    """
    text = escape_control_tokens(text)
    photos = [{"type": "image_url", "image_url": {"url": url}} for url in photo_urls]
    content: Any = [*photos, {"type": "text", "text": text}] if photos else text
    return [{"role": "system", "content": system}, {"role": "user", "content": content}]


def photo_url(photo: Image) -> str:
    """The photo as a data URL: JPEG, at most `MAX_SIDE_PX` on its longer side."""
    small = photo.convert("RGB")
    small.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
