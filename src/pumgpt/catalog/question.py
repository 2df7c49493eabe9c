"""What is asked about a product: the words shared by tasks, which write questions, and backends, which answer them."""

from __future__ import annotations

from dataclasses import dataclass, field

CANNOT_TELL = "cannot be inferred"
"""The answer that a model gives when photo and listing don't show it."""


@dataclass(frozen=True, eq=False)
class Choices:
    """The valid answers of a closed question. One object is shared by all questions that have these answers, so that a
    backend can keep what it computed for it (compared by identity).

    `CANNOT_TELL` is always a further valid answer and is not listed in `values`.
    """

    values: tuple[str, ...]
    num_learned: int | None = None
    """So many of the values, the first ones, are the model's own; the others it tells by the classes of ImageNet alone. None: all
    are its own."""
    class_places: tuple[int, ...] = field(default=(), repr=False)
    """For each class of ImageNet the index of its value, or the number of values where it has none. Empty: they don't count."""

    @property
    def learned(self) -> tuple[str, ...]:
        """The values that the model may have been trained on."""
        return self.values[: self.num_learned]


@dataclass(frozen=True, slots=True)
class Question:
    """One question about a product, rendered to text by its task."""

    task: str
    text: str
    field: str | None = None
    """The attribute asked about, where there is one; 'category' for the category; '; ' between the names where several
    attributes are asked at once."""
    choices: Choices | None = None
    """Valid answers; None where the answer is open text."""
    max_new_tokens: int = 48
    recorded: bool = True
    """Whether the answer is a field of the record; False where only a user's own question needs it."""
    photo_only: bool = False
    """Whether it is asked without the listing, to be held against the answer that is given with it."""
    unshown: str | None = None
    """Why no photo of this product shows what is asked, in a few words; what the model says of it is then a guess."""
