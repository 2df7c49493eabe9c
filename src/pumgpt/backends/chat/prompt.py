"""How a chat model that isn't ours is asked: what it should do, the listing, the question, and the valid answers."""

from __future__ import annotations

from pumgpt.backends.protocol import CANNOT_TELL, Question

SYSTEM = (
    "You look at the photos and the listing of one product in a shop and answer a question about it. "
    f"Answer with the answer alone. Where neither photos nor listing show it, answer: {CANNOT_TELL}"
)
MAX_CHOICES = 600
"""More choices than this are not written into a prompt; the question is then refused with a reason."""
ROOM_TOKENS = 32
"""Written beyond what the answer needs, for a model that says a word more than it was asked for."""


def prompt_text(listing: str | None, question: Question) -> str:
    """The listing, the question, and the valid answers."""
    lines = [listing] if listing else []
    lines.append(question.text)
    if question.choices is not None:
        lines.append("Answer with exactly one of these lines, as it is written:")
        lines += [*question.choices.values, CANNOT_TELL]
    return "\n".join(lines)


def too_many_choices(question: Question) -> str | None:
    """Why a question can't be asked so."""
    if question.choices is None or len(question.choices.values) <= MAX_CHOICES:
        return None
    return f"{len(question.choices.values)} choices are more than the {MAX_CHOICES} that a prompt holds; give fewer"
