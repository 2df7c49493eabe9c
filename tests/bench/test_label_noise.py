"""What identical photos with other labels do to the best score that there can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumgpt.bench.judging.label_noise import LabelNoise
from pumgpt.bench.suites.items import Item
from pumgpt.bench.suites.loader import load_items
from pumgpt.bench.suites.suite import load_suite
from pumgpt.catalog.product import Product


def item(id_: str, photo: str, colour: str | None, kind: str = "Shirts") -> Item:
    attributes = None if colour is None else {"colour": colour}
    return Item(Product(id_, category=("Apparel", kind), attributes=attributes), photo_hash=photo)


ITEMS = (
    item("1", "a", "Blue"),
    item("2", "a", "Blue"),
    item("3", "a", "Navy"),
    item("4", "b", "Red"),
    item("5", "b", "red", "Tshirts"),
    item("6", "c", "Green"),
    item("7", "c", None),
    item("8", "d", "Green"),
)


FIELDS = ("category", "colour")


def test_the_ceiling_worked_by_hand() -> None:
    """Colour: of photo a 2 of 3 are alike at best. Asked: b, c and d add 2, 1 and 1 of as many, so 6 of 7; sharing a photo
    (c has one label only): 4 of 5. Category: photo b holds one of each: 7 of 8, and 6 of 7.
    """
    noise = LabelNoise(ITEMS, (), FIELDS)
    assert (len(noise.groups), len(noise.conflicts)) == (3, 2)
    category, colour = noise.ceilings()
    assert (colour.asked.value, colour.same_photo.value, colour.groups) == (6 / 7, 4 / 5, 1)
    assert (category.asked.value, category.same_photo.value, category.groups) == (7 / 8, 6 / 7, 1)


def test_products_that_are_not_asked_tell_of_noise_too() -> None:
    """The twin of photo d is labelled otherwise: one of the two at best. On the products asked nothing changes."""
    noise = LabelNoise(ITEMS, (item("9", "d", "Lime"),), FIELDS)
    _, colour = noise.ceilings()
    assert (colour.asked.value, colour.same_photo.value, colour.groups) == (6 / 7, 5 / 7, 2)
    assert noise.other_labels("8", "colour") == {("lime",)}


def test_what_others_say_of_the_same_photo() -> None:
    noise = LabelNoise(ITEMS, (), FIELDS)
    assert noise.other_labels("1", "colour") == {("navy",)}
    assert noise.other_labels("3", "colour") == {("blue",)}
    assert noise.other_labels("4", "colour") == set(), "capitals are no other label"
    assert noise.other_labels("8", "colour") == noise.other_labels("nobody", "colour") == set()


def test_drawn_pictures_and_unread_photos_are_no_groups() -> None:
    blank = Item(Product("1"), photo_hash="x", origin="blank")
    assert LabelNoise((blank, blank, Item(Product("2")), Item(Product("3")))).groups == []


@pytest.mark.shared
@pytest.mark.slow
def test_identical_photos_of_fashion_conflict(shared_data: Path) -> None:
    """Counted over train and test with a script of its own: groups by SHA-256 of the photo's bytes."""
    data = load_items(load_suite("fashion"), shared_data)
    assert data.fit is not None
    noise = LabelNoise(data.items, data.fit.items, ("category", "gender", "colour"))
    found = {ceiling.field: ceiling.groups for ceiling in noise.ceilings()}
    assert len(noise.groups) == 557
    assert found == {"category": 6, "gender": 7, "colour": 40}
