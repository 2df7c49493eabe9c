"""Photos shown otherwise: what is done to them, of which products, and that every change is the same each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_suites import load, write_shop

from pumgpt.bench.asking.product_fields import sample_products
from pumgpt.bench.suites.items import Item
from pumgpt.bench.suites.photo_conditions import PHOTO_CONDITIONS
from pumgpt.bench.suites.suite import load_suite, parse_suite, suite_names
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.errors import SchemaError
from pumgpt.samples import draw_product


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    drawn, _ = draw_product(7, size_px=160)
    return drawn.convert("RGB")


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("half the size", (60, 80)),
        ("60 px", (60, 80)),
        ("JPEG quality 30", (120, 160)),
        ("blurred", (120, 160)),
        ("white margin", (180, 240)),
        ("cropped to 70 %", (84, 112)),
        ("in grey", (120, 160)),
        ("turned by 90 degrees", (160, 120)),
    ],
)
def test_each_condition_changes_the_photo_the_same_way_each_time(
    photo: Image.Image, name: str, size: tuple[int, int]
) -> None:
    upright = photo.resize((120, 160))
    before = upright.tobytes()
    altered = PHOTO_CONDITIONS[name](upright)
    assert (altered.mode, altered.size) == ("RGB", size)
    assert altered.tobytes() == PHOTO_CONDITIONS[name](upright).tobytes() != before
    assert upright.tobytes() == before, "other conditions start from the same photo"


def test_all_conditions_are_tested_above() -> None:
    assert len(PHOTO_CONDITIONS) == 8


def test_a_photo_is_never_enlarged_and_one_pixel_is_enough() -> None:
    small = Image.new("RGB", (40, 50), "red")
    assert PHOTO_CONDITIONS["60 px"](small).size == (40, 50)
    assert PHOTO_CONDITIONS["60 px"](Image.new("RGB", (600, 900))).size == (60, 90)
    for alter in PHOTO_CONDITIONS.values():
        assert min(alter(Image.new("RGB", (1, 1), "red")).size) >= 1


def test_margin_grey_crop_and_turn_do_what_they_say() -> None:
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    pixels[..., 0] = np.arange(0, 256, 32)
    ramp = Image.fromarray(pixels)
    framed = np.asarray(PHOTO_CONDITIONS["white margin"](ramp))
    assert (framed[:2] == 255).all() and (framed[2:10, 2:10] == pixels).all()
    grey = np.asarray(PHOTO_CONDITIONS["in grey"](ramp))
    assert (grey[..., 0] == grey[..., 2]).all() and grey[0, 7, 0] > grey[0, 0, 0]
    assert (np.asarray(PHOTO_CONDITIONS["cropped to 70 %"](ramp)) == pixels[1:7, 1:7]).all()
    turned = np.asarray(PHOTO_CONDITIONS["turned by 90 degrees"](ramp))
    assert (turned == np.rot90(pixels)).all()


def test_the_sample_is_of_products_and_does_not_depend_on_the_others(tmp_path: Path) -> None:
    path = write_shop(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") + "photo_sample: 5\n", encoding="utf-8")
    suite, data, _ = load(path)
    sample = sample_products(suite, data.items)
    assert len(sample) == 5 and {item.origin for item in sample} == {"product"}
    assert sample == sample_products(suite, data.items[::-1])[::-1]
    fewer = [item for item in data.items if item.product.id != sample[0].product.id]
    assert set(ids(sample)) - set(ids(sample_products(suite, fewer))) == {sample[0].product.id}
    other_seed = suite.model_copy(update={"seed": 8})
    assert ids(sample_products(other_seed, data.items)) != ids(sample)


def test_a_product_without_a_photo_is_no_part_of_a_sample(tmp_path: Path) -> None:
    suite = load_suite(str(write_shop(tmp_path))).model_copy(update={"photo_sample": 2})
    seen = Item(Product("seen", images=(ImageRef(path="1.png"),)))
    assert sample_products(suite, [Item(Product("unseen")), seen]) == [seen]


def ids(items: list[Item]) -> list[str]:
    return [item.product.id for item in items]


def test_an_unknown_condition_is_refused_by_name() -> None:
    text = "name: a\nversion: 1\nproducts: a.csv\nphoto_conditions: [upside down]\n"
    with pytest.raises(SchemaError, match=r"photo_conditions: .*'upside down'; known are half the size, 60 px"):
        parse_suite(text, "a.yaml")


def test_every_shipped_suite_with_photos_alters_some_of_them() -> None:
    samples = {name: load_suite(name).photo_sample for name in suite_names()}
    assert {name for name, number in samples.items() if not number} == {"ae-110k", "oa-mine"}
