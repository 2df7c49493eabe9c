"""A black and white photo is told from a colour photo of something black."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pumgpt.catalog.photos.greyscale import is_greyscale
from pumgpt.samples import draw_product

PHOTO = draw_product(3, size_px=96)[0]


def test_a_black_and_white_photo_has_no_colour() -> None:
    assert is_greyscale(PHOTO.convert("L").convert("RGB"))
    assert not is_greyscale(PHOTO)


@pytest.mark.parametrize("place", [(0, 0), (47, 31), (95, 95)])
def test_one_pixel_that_is_off_by_one_is_colour(place: tuple[int, int]) -> None:
    pixels = np.full((96, 96, 3), 12, dtype=np.uint8)
    assert is_greyscale(Image.fromarray(pixels))
    pixels[(*place, 2)] = 13  # a colour photo of a black shoe
    assert not is_greyscale(Image.fromarray(pixels))
