"""Small pictures that a page can carry inside itself."""

from __future__ import annotations

import base64
import io

from PIL import Image


def thumbnail(photo: Image.Image, side_px: int) -> Image.Image:
    """A copy of the photo whose longer side is `side_px`; a smaller photo is enlarged, so that a page lines up."""
    scale = side_px / max(photo.size)
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    return photo.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def data_uri(picture: Image.Image, quality: int = 80) -> str:
    """The picture as JPEG inside a URI."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def inline_picture(photo: Image.Image, side_px: int) -> dict[str, str]:
    """The photo at most that large as a URI, and its form, which browsers know of an image but not of a background."""
    small = thumbnail(photo, min(side_px, max(photo.size)))
    return {"picture": data_uri(small), "ratio": f"{small.width}/{small.height}"}
