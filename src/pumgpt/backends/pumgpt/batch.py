"""What a batch of requests holds while it is answered: its questions, its photos, and what is known of them besides.

Shapes: R requests or answers, K classes, C choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL.Image import Image
from torch import Tensor

from pumgpt.backends.pumgpt.memory import Neighbours
from pumgpt.catalog.question import Choices, Question
from pumgpt.model.encoded_photos import EncodedPhotos


@dataclass(frozen=True, slots=True)
class PendingQuestion:
    """A question whose prefix is prefilled: where its answer goes, and what is left of its prompt."""

    request: int
    position: int
    """Among the questions of its request."""
    question: Question
    suffix: tuple[int, ...]
    """The tokens of its prompt behind the prefix that its request shares."""
    prompt_length: int
    placeholders: tuple[int, ...]
    """Slots of the prefix that hold the photos' visual tokens."""
    listed: bool
    """Whether the prompt holds a listing."""


@dataclass(frozen=True, slots=True)
class SessionPhotos:
    """Photos that were encoded in a session, by the id of each, which stays its own while the photo is held here."""

    photos: tuple[Image, ...]
    encoded: EncodedPhotos
    index: dict[int, int]
    evidence: bool


@dataclass(frozen=True, slots=True)
class PhotoSigns:
    """What is known of the photos of R requests besides the model's own answers."""

    known_R: Tensor
    """How likely they are of a kind that was learnt."""
    neighbours: Neighbours | None = None
    classes_RK: Tensor | None = None
    """How likely each class of ImageNet is, the mean over a request's photos; zeros for one without photos."""


def weigh_neighbours(
    shares_RC: Tensor, rows: Sequence[PendingQuestion], choices: Choices, neighbours: Neighbours
) -> Tensor:
    """The shares combined with those of the neighbours' labels; for all rows of one field at once."""
    groups: dict[tuple[str, bool], list[int]] = {}
    for index, row in enumerate(rows):
        if row.question.field is not None:
            groups.setdefault((row.question.field, row.listed), []).append(index)
    shares_RC = shares_RC.clone()
    for (name, listed), indices in groups.items():
        requests = torch.tensor([rows[index].request for index in indices], device=shares_RC.device)
        shares_RC[indices] = neighbours.weigh(shares_RC[indices], requests, name, choices, listed)
    return shares_RC
