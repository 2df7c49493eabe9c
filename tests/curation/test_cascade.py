from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from small_experts import BrokenExpert, LastWord, PaintExpert, WordExpert

from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.curation.cascade import Cascade
from pumgpt.curation.experts.base import Case, claims_of
from pumgpt.curation.verdict import Claim, Verdict


def product(title: str | None, colour: str, paint: str | None = None) -> Product:
    buffer = io.BytesIO()
    if paint is not None:
        Image.new("RGB", (8, 8), paint).save(buffer, "PNG")
    images = (ImageRef(data=buffer.getvalue()),) if paint else ()
    return Product("1", images, title, attributes={"colour": colour, "year": "2012"})


class Opening:
    """Opens photos and counts how often."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, product: Product) -> tuple[Image.Image, ...]:
        self.count += 1
        return tuple(open_photo(ref) for ref in product.images)


def case(product: Product) -> Case:
    return Case(product, claims_of(product), Opening())


def test_a_dear_expert_is_asked_only_what_the_cheap_ones_left_open() -> None:
    paint = PaintExpert()
    cascade = Cascade([paint, WordExpert()], LastWord(), for_photos={"similarity"})
    (rulings,), calls = cascade.judge([case(product("Red shirt", "Red", "red"))])
    assert paint.asked == [Claim("year", "2012")]
    assert (calls.asked, calls.spared) == ({"text": 2, "similarity": 1}, {"text": 0, "similarity": 1})
    assert [ruling.expert for ruling in rulings] == ["text", "text"]


def test_text_that_does_not_say_a_value_leaves_it_to_the_photo() -> None:
    cascade = Cascade([PaintExpert(), WordExpert()], LastWord(), for_photos={"similarity"})
    (rulings,), _ = cascade.judge([case(product("Shirt", "Red", "blue"))])
    assert (rulings[0].verdict, rulings[0].expert) == (Verdict.CONTRADICTED, "similarity")
    assert [vote.expert for vote in rulings[0].votes] == ["text", "similarity"]


def test_without_a_photo_the_photo_experts_are_not_asked() -> None:
    paint = PaintExpert()
    cascade = Cascade([paint, WordExpert()], LastWord(), for_photos={"similarity"})
    (rulings,), calls = cascade.judge([case(product("Shirt", "Red"))])
    assert paint.asked == []
    assert calls.asked["similarity"] == calls.spared["similarity"] == 0
    assert all(ruling.verdict is Verdict.NOT_INFERABLE for ruling in rulings)


def test_photos_are_opened_once_whoever_looks_and_not_at_all_where_nobody_does() -> None:
    second = PaintExpert()
    second.name, second.cost = "vlm", 0.2
    for title, times in (("Shirt", 1), ("Red 2012", 0)):
        opening, shirt = Opening(), product(title, "Red", "red")
        cascade = Cascade([PaintExpert(), second, WordExpert()], LastWord(), for_photos={"similarity", "vlm"})
        cascade.judge([Case(shirt, claims_of(shirt), opening)])
        assert opening.count == times


def test_where_nobody_can_say_anything_there_is_a_ruling_all_the_same() -> None:
    (rulings,), _ = Cascade([WordExpert()], LastWord()).judge([case(product(None, "Red"))])
    assert [(ruling.verdict, ruling.expert, ruling.votes) for ruling in rulings] == [
        (Verdict.NOT_INFERABLE, "none", ())
    ] * 2


def test_an_expert_that_fails_is_counted_and_the_others_decide() -> None:
    shirts = [case(product("Red shirt", "Red"))]
    (alone,), _ = Cascade([WordExpert()], LastWord()).judge(shirts)
    (rulings,), calls = Cascade([BrokenExpert(), WordExpert()], LastWord()).judge(shirts)
    assert rulings == alone
    assert calls.failed == {"judge": 1}
    assert "refuses" in calls.errors["judge"]


@given(st.lists(st.tuples(st.sampled_from(["Red", "Blue shirt", "shirt"]), st.sampled_from(["Red", "Blue"]))))
def test_one_ruling_a_claim_in_order_however_rows_are_batched(rows: list[tuple[str, str]]) -> None:
    cases = [case(product(title, colour)) for title, colour in rows]
    cascade = Cascade([WordExpert()], LastWord())
    together, _ = cascade.judge(cases)
    assert together == [cascade.judge([one])[0][0] for one in cases]
    assert [[ruling.claim for ruling in row] for row in together] == [list(one.claims) for one in cases]


@pytest.mark.parametrize(("margin", "asked"), [(0.0, 0), (0.44, 0), (0.46, 1)])
def test_the_margin_says_what_is_settled(margin: float, asked: int) -> None:
    paint = PaintExpert()
    shirt = Product("1", product("", "Red", "red").images, "Red shirt", attributes={"colour": "Red"})
    Cascade([paint, WordExpert()], LastWord(), margin=margin).judge([case(shirt)])
    assert len(paint.asked) == asked
