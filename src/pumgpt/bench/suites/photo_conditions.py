"""The same photo, otherwise: smaller, worse, framed or turned differently. What is in it stays the same, and so should answers.

Every length is a share of the photo's own sides, so that a condition means the same for a thumbnail and for a large photo.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

from PIL import Image, ImageFilter, ImageOps

PLAIN = "as it is"
"""The photo without any change, beside which the others are reported."""
HALF_SIZE = "half the size"
SMALL_PX = 60
JPEG_QUALITY = 30
BLUR = 0.02
"""Standard deviation of the blur, as a share of the shorter side."""
MARGIN = 0.25
"""Width of the white margin on each side, as a share of that side."""
KEPT = 0.7
"""Share of each side that is left when a photo is cropped to its middle."""


def _resize(photo: Image.Image, scale: float) -> Image.Image:
    # A side of a photo one pixel wide would otherwise round to nothing.
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    return photo.resize(size, Image.Resampling.LANCZOS)


def _halve(photo: Image.Image) -> Image.Image:
    return _resize(photo, 0.5)


def _shrink(photo: Image.Image) -> Image.Image:
    """Bring the shorter side down to `SMALL_PX`; smaller photos are never enlarged."""
    return _resize(photo, min(1.0, SMALL_PX / min(photo.size)))


def _compress(photo: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return Image.open(buffer).convert("RGB")


def _blur(photo: Image.Image) -> Image.Image:
    return photo.filter(ImageFilter.GaussianBlur(BLUR * min(photo.size)))


def _frame(photo: Image.Image) -> Image.Image:
    left, top = round(MARGIN * photo.width), round(MARGIN * photo.height)
    return ImageOps.expand(photo, (left, top, left, top), fill="white")


def _crop(photo: Image.Image) -> Image.Image:
    width, height = max(1, round(KEPT * photo.width)), max(1, round(KEPT * photo.height))
    left, top = (photo.width - width) // 2, (photo.height - height) // 2
    return photo.crop((left, top, left + width, top + height))


def _drop_colour(photo: Image.Image) -> Image.Image:
    return photo.convert("L").convert("RGB")


def _turn(photo: Image.Image) -> Image.Image:
    return photo.transpose(Image.Transpose.ROTATE_90)


PHOTO_CONDITIONS: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    HALF_SIZE: _halve,
    f"{SMALL_PX} px": _shrink,
    f"JPEG quality {JPEG_QUALITY}": _compress,
    "blurred": _blur,
    "white margin": _frame,
    f"cropped to {100 * KEPT:.0f} %": _crop,
    "in grey": _drop_colour,
    "turned by 90 degrees": _turn,
}
"""Name -> what is done to the decoded RGB photo. Deterministic: a photo always becomes the same pixels."""
