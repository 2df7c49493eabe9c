"""Duplicates of listings: exact, by photo, by title; and what only looks like one."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from pumgpt.catalog.duplicates import DuplicateFinder, DuplicateGroup, find_duplicates
from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import ImageRef, Product

pytest.importorskip("imagehash")


def _photo(kind: int, size: int = 160, quality: int = 95) -> bytes:
    """A drawing; the same `kind` is the same picture, whatever its size and quality."""
    picture = Image.new("RGB", (size, size), "white")
    draw = ImageDraw.Draw(picture)
    for part in range(4):
        x, y = ((kind * 37 + part * 53) % 100) / 130 * size, ((kind * 61 + part * 29) % 100) / 130 * size
        draw.rectangle((x, y, x + size / 4, y + size / 5), fill=(40 * part, 90 * kind % 200, 120))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _product(id_: str, title: str = "", photo: bytes | None = None, **more: str) -> Product:
    return Product(id_, () if photo is None else (ImageRef(data=photo),), title or None, **more)  # type: ignore[arg-type]


def _groups(*products: object) -> list[tuple[str, tuple[str, ...]]]:
    return [(group.kind, group.ids) for group in find_duplicates(products)]


def test_the_same_to_the_byte() -> None:
    tee, again = _product("1", "Red tee", _photo(1)), _product("2", "Red tee", _photo(1))
    other = _product("3", "Red tee", _photo(2))
    assert _groups(tee, other, again, RejectedRow(4, None, "broken")) == [("exact", ("1", "2"))]
    assert _groups(Product("1"), Product("2")) == [], "two empty rows say nothing"


def test_nearly_the_same_photo() -> None:
    different = [_product(str(kind), f"Thing {kind}", _photo(kind)) for kind in range(12)]
    smaller = _product("small", "Another name", _photo(5, size=120, quality=60))
    assert _groups(*different) == []
    assert _groups(*different, smaller) == [("photo", ("5", "small"))]


@pytest.mark.parametrize(
    ("a", "b", "is_one"),
    [
        ("Nike Men Blue Running Shoes", "NIKE mens blue running shoe", True),
        ("Nike Men Blue Running Shoes", "Blue Running Shoes Nike Men", True),
        ("Nike Men Blue Running Shoes Air", "Nike Men Blue Running Shoes", True),
        ("Nike Men Blue Running Shoes", "Nike Men Red Leather Belt", False),
        ("Phone Case 12 Pro Black Leather", "Phone Case 13 Pro Black Leather", False),
        ("Cotton Towel 50 x 100 cm White", "Cotton Towel 70 x 140 cm White", False),
        ("Red tee", "Red tea", False),
    ],
)
def test_nearly_the_same_title(a: str, b: str, is_one: bool) -> None:
    filler = [_product(str(number), f"Some other listing number {number} of many") for number in range(5)]
    assert _groups(_product("a", a), *filler, _product("b", b)) == ([("title", ("a", "b"))] if is_one else [])


def test_groups_hang_together_and_come_in_order() -> None:
    titles = ["Big red cotton tee shirt", "x y z", "Big red cotton tee shirts", "Red big cotton tee shirt"]
    assert _groups(*(_product(str(n), title) for n, title in enumerate(titles))) == [("title", ("0", "2", "3"))]


def test_thousands_of_one_kind_are_one_group() -> None:
    finder = DuplicateFinder()
    for number in range(2000):
        finder.add(_product(str(number), "Gift card for our shop"))
    assert [(group.kind, len(group.ids)) for group in finder.groups()] == [("exact", 2000)]


def test_a_broken_photo_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,title,image\n1,A,none.jpg\n2,B,none.jpg\n")
    assert list(find_duplicates(read_catalog(tmp_path / "in.csv"))) == []


@pytest.mark.shared
@pytest.mark.slow
def test_no_distinct_photo_of_a_shop_is_taken_for_another(shared_data: Path) -> None:
    """81 photos of 81 groceries; juices of one brand in like cartons are the nearest."""
    groups: list[DuplicateGroup] = list(find_duplicates(read_catalog(shared_data / "grocery" / "iconic.parquet")))
    assert sum(len(group.ids) for group in groups if group.kind == "photo") <= 4
