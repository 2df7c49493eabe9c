"""What benchmark, curation and enrichment see of a model: photos and questions in, answers with probabilities out.

Our engine, any `transformers` model, an OpenAI-compatible endpoint and the fake all implement `Backend`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from pumgpt.catalog.question import CANNOT_TELL, Choices, Question

__all__ = ["CANNOT_TELL", "Answer", "Backend", "Choices", "Question", "Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """One product and all that is asked about it. `listing` is the text that all questions share (title, description)."""

    photos: tuple[Image, ...]
    questions: tuple[Question, ...]
    listing: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a backend says to one question.

    `probability` is the backend's own, not calibrated: of the best choice among the choices without `CANNOT_TELL`; for
    open text the geometric mean over tokens. None where the backend has none.
    `cannot_tell` is the probability that the backend gives to `CANNOT_TELL`, in 0..1.
    `ranked` are the best choices, most probable first; together with `cannot_tell` the probabilities of all choices add up to 1.
    """

    text: str
    probability: float | None = None
    cannot_tell: float = 0.0
    ranked: tuple[tuple[str, float], ...] = ()
    evidence: tuple[NDArray[np.float32], ...] | None = None
    """Where the model looked: one (rows, columns) map for each photo, adding up to 1."""
    error: str | None = None
    """Why there is no answer, in one line; `text` is then empty."""
    written: str | None = field(default=None, compare=False)
    """The model's reply word for word, where `text` was read out of it, or could not be."""
    num_tokens: int | None = field(default=None, compare=False)
    """Tokens read and written for this answer, where the backend counts them."""


@runtime_checkable
class Backend(Protocol):
    """A model that answers questions about products.

    One that encodes photos may have a context manager `photos_kept()`, within which it is asked about the same photos twice.
    """

    name: str
    revision: str

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        """One list of answers for each request, one answer for each of its questions, in order. Never raises for one
        question's sake: it sets `Answer.error`.
        """
        ...
