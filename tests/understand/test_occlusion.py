"""Occlusion maps: of a backend whose reasons are known, and of nano on drawn products."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image

from pumgpt.backends.load import load_backend
from pumgpt.backends.protocol import Answer, Backend, Capabilities, Request
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices, Question
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.samples.product import draw_product
from pumgpt.understand.ask import understand, understand_one
from pumgpt.understand.intake import Intake
from pumgpt.understand.occlusion import BLOCK, CELLS, LEAST_CELL_PX, MAX_CHOICES, occlusion_maps
from pumgpt.understand.plan import make_plan

COLOURS = Choices(("red", "blue"))  # of which the backend below prefers the last in the alphabet
SIDE = CELLS * 20


class ReddestPixels(Backend):
    """Calls a photo red by the share of its four red pixels; the other questions have answers that no photo changes."""

    name, revision = "reddest", "1"
    capabilities = Capabilities(gives_evidence=True)

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        assert not evidence, "attention isn't needed"
        self.asked.extend(requests)
        return [[self._answer(request, question) for question in request.questions] for request in requests]

    def _answer(self, request: Request, question: Question) -> Answer:
        if question.choices is None:
            return Answer("a thing", 0.9)
        red = sum(int((np.asarray(photo) == (255, 0, 0)).all(-1).sum()) for photo in request.photos) / 4
        share = 0.5 + 0.5 * min(red, 1.0) if question.field == "colour" else 1.0
        first, second = sorted(question.choices.values, reverse=True)[:2]
        return Answer(first, share, 0.0, ((first, share), (second, 1 - share)))


def spotted(row: int, column: int, size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    """Grain with four red pixels in one cell."""
    picture = np.random.default_rng(7).integers(100, 200, (size[1], size[0], 3), dtype=np.uint8)
    top, left = row * 20 + 5, column * 20 + 5
    picture[top : top + 2, left : left + 2] = (255, 0, 0)
    return Image.fromarray(picture)


def colour_question(choices: Choices = COLOURS) -> Question:
    return Question("attribute_qa", "Which colour?", "colour", choices)


def maps_of(backend: Backend, *photos: Image.Image, question: Question | None = None) -> tuple[np.ndarray, ...] | None:
    request = Request(photos, (question or colour_question(),))
    ((found,),) = occlusion_maps(backend, [request], backend.answer([request]))
    return found


def test_the_map_is_where_the_answer_comes_from_and_says_how_much_of_it() -> None:
    found = maps_of(ReddestPixels(), spotted(1, 4))
    assert found is not None
    expected = np.zeros((CELLS, CELLS))
    expected[1, 4] = 0.5
    assert found[0] == pytest.approx(expected)


def test_what_no_part_of_the_photo_decides_has_no_map() -> None:
    assert maps_of(ReddestPixels(), spotted(1, 4), question=Question("attribute_qa", "?", "fit", COLOURS)) is None
    assert maps_of(ReddestPixels(), spotted(1, 4), question=Question("question", "What is it?")) is None


def test_an_answer_that_stands_without_the_photo_is_not_searched_for() -> None:
    backend = ReddestPixels()
    assert maps_of(backend, spotted(1, 4), question=Question("attribute_qa", "?", "fit", COLOURS)) is None
    assert len(backend.asked) == 3  # none with a cell covered


def test_of_several_photos_the_one_that_decides_has_the_map() -> None:
    plain = Image.new("RGB", (SIDE, SIDE), "white")
    found = maps_of(ReddestPixels(), plain, spotted(2, 2), plain)
    assert found is not None
    assert [grid.any() for grid in found] == [False, True, False]


def test_plain_cells_are_not_asked_about() -> None:
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    picture[20:60, 40:60] = np.asarray(spotted(1, 2))[20:60, 40:60]
    backend = ReddestPixels()
    maps_of(backend, Image.fromarray(picture))
    assert len(backend.asked) == 3 + 2  # the answer itself, the photo as it is and covered as a whole; then two cells


def test_only_blocks_that_the_answer_needs_are_searched() -> None:
    """All of the grain is tried in blocks of four cells, then the four of the block that holds the red pixels."""
    backend = ReddestPixels()
    found = maps_of(backend, spotted(1, 4))
    assert found is not None and np.count_nonzero(found[0]) == 1
    assert len(backend.asked) == 3 + (CELLS // BLOCK) ** 2 + BLOCK**2


def test_a_small_photo_has_fewer_cells_and_a_large_one_is_scaled_down() -> None:
    backend = ReddestPixels()
    found = maps_of(backend, spotted(0, 1, (60, 40)))
    assert found is not None
    assert found[0].shape == (40 // LEAST_CELL_PX, 60 // LEAST_CELL_PX)
    maps_of(backend, spotted(0, 1, (2000, 1000)))
    assert backend.asked[-1].photos[0].size == (384, 192)


def test_of_hundreds_of_choices_only_the_best_are_asked_for_again() -> None:
    backend = ReddestPixels()
    many = Choices(("red", "blue", *(f"a colour {number}" for number in range(MAX_CHOICES))))
    found = maps_of(backend, spotted(3, 3), question=colour_question(many))
    assert found is not None and found[0][3, 3] == pytest.approx(0.5)
    assert {
        question.choices.values for request in backend.asked[1:] for question in request.questions if question.choices
    } == {("blue", "red")}


def test_a_record_has_maps_of_filled_fields_and_of_no_others() -> None:
    backend = ReddestPixels()
    schema = AttributeSchema((AttributeSpec("colour", ("red", "blue")), AttributeSpec("fit", ("slim", "wide"))))
    plan = make_plan(backend, schema=schema, tasks=["attributes"], evidence=True)
    photo = spotted(1, 4)
    listed = Product("2", attributes={"colour": "red"})
    found, kept = understand(backend, plan, [Intake(Product("1"), (photo,)), Intake(listed, (photo,))])
    assert not isinstance(found, Exception) and not isinstance(kept, Exception)
    colour, fit = found.attributes or ()
    assert colour.evidence and (colour.evidence.kind, colour.evidence.image) == ("occlusion", 0)
    assert colour.evidence.grid and colour.evidence.grid[1][4] == 0.5
    assert fit.status == "filled" and fit.evidence is None
    assert [field.status for field in kept.attributes or ()] == ["kept", "filled"]
    assert [field.evidence for field in kept.attributes or ()] == [None, None]


def test_maps_are_the_same_alone_and_in_a_batch() -> None:
    photos = [spotted(1, 4), spotted(5, 0), spotted(2, 2, (90, 70))]
    requests = [Request((photo,), (colour_question(),)) for photo in photos]
    backend = ReddestPixels()
    together = occlusion_maps(backend, requests, backend.answer(requests))
    for photo, (found,) in zip(photos, together, strict=True):
        alone = maps_of(backend, photo)
        assert alone is not None and found is not None
        np.testing.assert_array_equal(alone[0], found[0])


@pytest.mark.slow
def test_nano_s_evidence_lies_on_the_product_and_not_in_the_corners() -> None:
    backend = load_backend("nano")
    plan = make_plan(backend, tasks=["category"], precision=0, evidence=True)
    shares = []
    for seed, kind in enumerate(("tshirt", "handbag", "banana", "sports shoe")):
        photo, _ = draw_product(seed, kind, size_px=72)
        canvas = np.random.default_rng(seed).normal(np.asarray(photo)[0].mean(0), 3, (144, 144, 3))
        canvas[72 : 72 + photo.height, 72 : 72 + photo.width] = np.asarray(photo)
        pasted = Image.fromarray(canvas.clip(0, 255).astype(np.uint8))
        category = understand_one(backend, plan, Intake(Product("1"), (pasted,))).category
        if category and category.evidence and category.evidence.grid:
            grid = np.array(category.evidence.grid)
            shares.append(grid[3:, 3:].sum() / grid.sum())
    assert len(shares) >= 3, "of these drawings nano is sure, and some part decides"
    assert np.mean(shares) > 0.75  # a quarter of the canvas
