"""What benchmark, curation and enrichment see of a model: photos and questions in, answers with probabilities out.

PumGPT's own model, any `transformers` model, an OpenAI-compatible endpoint and the fake are all a `Backend`. One from
outside the package is registered with `pumgpt.backends.register`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from pumgpt.backends.calibration import Calibration
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.catalog.vocabulary.applicability import Applicability
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy

__all__ = ["CANNOT_TELL", "Answer", "Backend", "Capabilities", "Choices", "Question", "Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """One product and all that is asked about it. `listing` is the text that all questions share (title, description)."""

    photos: tuple[Image, ...]
    questions: tuple[Question, ...]
    listing: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a backend to one question.

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
    """One (rows, columns) map for each photo: from a backend its attention, adding up to 1."""
    error: str | None = None
    """Why there is no answer, in one line; `text` is then empty."""
    known: float = 1.0
    """How likely the photos show a product of a kind that the model has learnt: what it says of others is worth nothing. 1 from
    a backend that doesn't tell."""
    written: str | None = field(default=None, compare=False)
    """The model's reply word for word, where `text` was read out of it, or could not be."""
    num_tokens: int | None = field(default=None, compare=False)
    """Tokens read and written for this answer, where the backend counts them."""
    by_class: bool = False
    """Whether the best choice rests more on a class of ImageNet than on what the model was trained on."""


@dataclass(frozen=True)
class Capabilities:
    """What a backend brings beyond its answers. The defaults are those of a model that brings nothing."""

    taxonomy: Taxonomy | None = None
    """The categories that the model was trained on. They are asked for where the user names none."""
    category_maps: tuple[Path, ...] = ()
    """Maps from the categories of `taxonomy` to those of public taxonomies; see `catalog/vocabulary/crosswalk.py`."""
    schema: AttributeSchema | None = None
    """The attributes that the model was trained on, likewise."""
    applicability: Applicability | None = None
    """Which of these attributes the categories of `taxonomy` have."""
    calibration: Calibration | None = None
    """Maps the backend's probabilities to confidences."""
    training_data: tuple[str, ...] = ()
    """The files that the model was trained on, as its card names them; empty where it names none."""
    knows_imagenet: bool = False
    """Whether photos of kinds that the model was not trained on are told by the classes of ImageNet."""
    gives_evidence: bool = False
    """Whether `answer(..., evidence=True)` returns attention maps, and asking dozens of times with parts of a photo covered
    (`understand/occlusion.py`) costs nothing but time."""
    gives_probabilities: bool = True
    """Whether `Answer.probability` can be set. Without it an answer can't be held to a precision, and counts as sure."""


class Backend(ABC):
    """A model that answers questions about products.

    A subclass sets `name` and `revision`, which together identify the model in results, and implements `answer`.
    """

    name: str
    revision: str
    capabilities: Capabilities = Capabilities()

    @abstractmethod
    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        """One list of answers for each request, one answer for each of its questions, in order. Never raises for one
        question's sake: it sets `Answer.error`.
        """

    def session(self) -> AbstractContextManager[None]:
        """A context in which `answer` is called several times about the same photos. A backend that encodes photos may
        keep the encoded ones until it ends.
        """
        return nullcontext()
