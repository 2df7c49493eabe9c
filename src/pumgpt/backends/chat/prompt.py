"""The prompt for a chat model that isn't ours: the instruction, the listing, the question, and the valid answers."""

from __future__ import annotations

from pumgpt.backends.protocol import CANNOT_TELL, Question

SYSTEM = (
    "You look at the photos and the listing of one product in a shop and answer a question about it. "
    f"Answer with the answer alone. Where neither photos nor listing show it, answer: {CANNOT_TELL}"
)
MAX_CHOICES = 600
"""A question with more choices is refused: they would take thousands of tokens, and models lose track of them."""
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
