"""Where in a photo an answer comes from: its cells are covered one after another, and the question is asked again.

A cell matters as far as the share of the model's answer falls while it is covered. Unlike attention, which says where a
model looked, this is measured on the answer itself: a cell that could be missing gets nothing. Nearly all of the time goes
into encoding covered photos. So blocks of cells are covered first, and only those are searched that the answer needs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pumgpt.backends.protocol import Answer, Backend, Request
from pumgpt.catalog.question import Choices, Question

CELLS = 6
"""Cells along each side of a photo; a small photo has fewer."""
LEAST_CELL_PX = 12
BLOCK = 2
"""Cells along each side of a block."""
SIDE_PX = 384
"""Larger photos are scaled down first: each is asked about dozens of times, and a cell is coarse."""
NOISE = 0.1
"""A smaller drop of the share is no evidence. Of the cells of an empty, grainy background one in 450 reaches it
(experiments/evidence)."""
FLAT = 4.0
"""The spread of a cell, in levels of 255, up to which covering it with its own mean would change nothing."""
MAX_CHOICES = 32
"""Of a longer list, the model's best answers are asked for again, instead of hundreds of categories dozens of times."""
REQUESTS_AT_ONCE = 64

DropMap = NDArray[np.float32]


def occlusion_maps(
    backend: Backend, requests: Sequence[Request], answers: Sequence[Sequence[Answer]], noise: float = NOISE
) -> list[list[tuple[DropMap, ...] | None]]:
    """For each question of each request a map (rows, columns) over each photo: by how much the share of its answer falls
    while that cell is covered, 0 below `noise`. None where no cell matters, or the question is open.

    Of several photos one is covered, that without which the answers are least sure; the maps of the others are zero.
    """
    askable = [number for number, request in enumerate(requests) if request.photos and request.questions]
    photos = _telling_photos(backend, [requests[number] for number in askable])
    probes = [
        _Probe.of(requests[number], answers[number], photo) for number, photo in zip(askable, photos, strict=True)
    ]
    # An answer that stands without the photo, from the title for example, needs no search for what it rests on.
    glimpses = _answer_in_batches(backend, chain.from_iterable(probe.glimpses() for probe in probes))
    probes = [probe.narrowed(next(glimpses), next(glimpses), noise) for probe in probes]
    views = _answer_in_batches(backend, chain.from_iterable(probe.block_requests() for probe in probes))
    probes = [probe.searched(list(islice(views, len(probe.blocks))), noise) for probe in probes]
    replies = _answer_in_batches(backend, chain.from_iterable(probe.requests() for probe in probes))
    maps: list[list[tuple[DropMap, ...] | None]] = [[None] * len(request.questions) for request in requests]
    for number, probe in zip(askable, probes, strict=True):
        found = probe.maps(list(islice(replies, probe.num_requests)), noise)
        for place, grids in zip(probe.places, found, strict=True):
            maps[number][place] = grids
    return maps


@dataclass(frozen=True)
class _Probe:
    """One request whose photo number `photo` is covered cell by cell. `values` are the answers that are followed."""

    request: Request
    values: tuple[str | None, ...]
    photo: int
    shape: tuple[int, int]
    cells: tuple[tuple[int, int], ...]
    """Row and column of those that are covered: at first all that aren't flat."""
    places: tuple[int, ...]
    """Where the questions stand among those that were to be explained."""
    shares: tuple[float, ...] = ()
    """Of `values`, with nothing covered."""

    @classmethod
    def of(cls, request: Request, answers: Sequence[Answer], photo: int) -> _Probe:
        photos = tuple(map(_scaled_down, request.photos))
        width, height = photos[photo].size
        shape = _num_cells(height), _num_cells(width)
        picture = np.asarray(photos[photo], dtype=np.float32)
        cells = tuple(
            (row, column)
            for row, column in np.ndindex(shape)
            if float(picture[_slices(picture, shape, row, column)].std((0, 1)).max()) > FLAT
        )
        questions = tuple(map(_with_few_choices, request.questions, answers))
        values = tuple(answer.ranked[0][0] if answer.ranked else None for answer in answers)
        places = tuple(range(len(questions)))
        return cls(Request(photos, questions, request.listing), values, photo, shape, cells, places)

    def glimpses(self) -> Iterator[Request]:
        """The request as it is, and with the whole photo covered."""
        yield self.request
        yield self._covered((1, 1), 0, 0)

    def narrowed(self, plain: Sequence[Answer], covered: Sequence[Answer], noise: float) -> _Probe:
        """With the questions whose answers need the photo, from the answers to `glimpses`."""
        shares = tuple(map(_share, plain, self.values))
        left = tuple(map(_share, covered, self.values))
        needed = [
            number
            for number, value in enumerate(self.values)
            if value is not None and shares[number] - left[number] >= noise
        ]
        return replace(
            self,
            request=replace(self.request, questions=tuple(self.request.questions[number] for number in needed)),
            values=tuple(self.values[number] for number in needed),
            shares=tuple(shares[number] for number in needed),
            places=tuple(needed),
        )

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """Row and column of the first cell of each block that is worth a request of its own."""
        counts = Counter(_block_of(cell) for cell in self.cells if self.places)
        return [block for block, count in counts.items() if count > 1]

    def block_requests(self) -> Iterator[Request]:
        """The request with each of the blocks covered."""
        for row, column in self.blocks:
            yield self._covered(self.shape, row, column, BLOCK)

    def searched(self, replies: Sequence[Sequence[Answer]], noise: float) -> _Probe:
        """Without the cells of blocks that no answer needs, from the answers to `block_requests`."""
        needless = {
            block
            for block, reply in zip(self.blocks, replies, strict=True)
            if all(
                share - _share(answer, value) < noise
                for value, share, answer in zip(self.values, self.shares, reply, strict=True)
            )
        }
        return replace(self, cells=tuple(cell for cell in self.cells if _block_of(cell) not in needless))

    @property
    def num_requests(self) -> int:
        return len(self.cells) if self.places else 0

    def requests(self) -> Iterator[Request]:
        """The request with each of the cells covered."""
        for row, column in self.cells if self.places else ():
            yield self._covered(self.shape, row, column)

    def maps(self, replies: Sequence[Sequence[Answer]], noise: float) -> list[tuple[DropMap, ...] | None]:
        """From the answers to `requests`, for each of `places`."""
        found: list[tuple[DropMap, ...] | None] = []
        empty = np.zeros((1, 1), dtype=np.float32)
        for number, (value, share) in enumerate(zip(self.values, self.shares, strict=True)):
            drops = np.zeros(self.shape, dtype=np.float32)
            for cell, reply in zip(self.cells, replies, strict=True):
                drop = share - _share(reply[number], value)
                drops[cell] = drop if drop >= noise else 0.0
            photos = range(len(self.request.photos))
            found.append(tuple(drops if n == self.photo else empty for n in photos) if drops.any() else None)
        return found

    def _covered(self, shape: tuple[int, int], row: int, column: int, span: int = 1) -> Request:
        photos = self.request.photos
        covered = _cover(photos[self.photo], shape, row, column, span)
        return replace(self.request, photos=(*photos[: self.photo], covered, *photos[self.photo + 1 :]))


def _telling_photos(backend: Backend, requests: Sequence[Request]) -> list[int]:
    """For each request the number of the photo without which its answers are least sure."""
    probes = [
        replace(request, photos=request.photos[:number] + request.photos[number + 1 :])
        for request in requests
        if len(request.photos) > 1
        for number in range(len(request.photos))
    ]
    replies = _answer_in_batches(backend, iter(probes))
    telling = []
    for request in requests:
        without = list(islice(replies, len(request.photos))) if len(request.photos) > 1 else [[]]
        sureness = [sum(answer.ranked[0][1] for answer in reply if answer.ranked) for reply in without]
        telling.append(sureness.index(min(sureness)))
    return telling


def _answer_in_batches(backend: Backend, requests: Iterator[Request]) -> Iterator[list[Answer]]:
    # Covered photos are made as they are needed, so that memory holds those of one batch.
    while batch := list(islice(requests, REQUESTS_AT_ONCE)):
        yield from backend.answer(batch)


def _with_few_choices(question: Question, answer: Answer) -> Question:
    if question.choices is None or len(question.choices.values) <= MAX_CHOICES or not answer.ranked:
        return question
    return replace(question, choices=_choices(tuple(sorted(text for text, _ in answer.ranked))))


@lru_cache(maxsize=4096)
def _choices(values: tuple[str, ...]) -> Choices:
    """One object for equal choices, so that products with the same best answers are asked in one batch."""
    return Choices(values)


def _share(answer: Answer, value: str | None) -> float:
    """The share of `value`; at most that of the last one ranked where it isn't among them."""
    if value is None or not answer.ranked:
        return 0.0
    return dict(answer.ranked).get(value, answer.ranked[-1][1])


def _scaled_down(photo: Image.Image) -> Image.Image:
    if max(photo.size) <= SIDE_PX:
        return photo
    smaller = photo.copy()
    smaller.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    return smaller


def _num_cells(side_px: int) -> int:
    return max(1, min(CELLS, side_px // LEAST_CELL_PX))


def _block_of(cell: tuple[int, int]) -> tuple[int, int]:
    """The first cell of the block that a cell is in."""
    row, column = cell
    return row - row % BLOCK, column - column % BLOCK


def _slices(
    picture: NDArray[np.float32], shape: tuple[int, int], row: int, column: int, span: int = 1
) -> tuple[slice, slice]:
    """Where `span` by `span` cells lie from that one on; fewer at the edge."""
    (height, width), (rows, columns) = picture.shape[:2], shape
    return (
        slice(row * height // rows, min(row + span, rows) * height // rows),
        slice(column * width // columns, min(column + span, columns) * width // columns),
    )


def _cover(photo: Image.Image, shape: tuple[int, int], row: int, column: int, span: int) -> Image.Image:
    """The photo with these cells in their mean colour, which takes away what is in them and adds no new edge to plain ones."""
    picture = np.asarray(photo, dtype=np.float32).copy()
    where = _slices(picture, shape, row, column, span)
    picture[where] = picture[where].mean((0, 1))
    return Image.fromarray(picture.round().astype(np.uint8))
