"""Whether a photo has any colour at all."""

from __future__ import annotations

from PIL import ImageChops
from PIL.Image import Image, Resampling

_SAMPLE_PX = 16


def is_greyscale(photo: Image) -> bool:
    """Whether red, green and blue are equal in every single pixel, as in a black and white photo.

    A colour photo of a black shoe is none: its pixels differ by one or two.
    """
    # Nearly every photo shows its colour in a few pixels, and a large one takes milliseconds to look at.
    sample = photo.resize((_SAMPLE_PX, _SAMPLE_PX), Resampling.NEAREST)
    return _channels_are_equal(sample) and _channels_are_equal(photo)


def _channels_are_equal(photo: Image) -> bool:
    red, green, blue = photo.convert("RGB").split()
    return all(ImageChops.difference(red, other).getbbox() is None for other in (green, blue))
