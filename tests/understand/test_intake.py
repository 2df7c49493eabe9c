"""Photos on their way to the model: broken ones, and the same one several times."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

import pumgpt
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.errors import PhotoError, UsageError
from pumgpt.understand.intake import open_product


def drawn(colour: str = "navy") -> Image.Image:
    photo = Image.new("RGB", (96, 96), "white")
    ImageDraw.Draw(photo).rectangle((24, 16, 72, 88), fill=colour)
    return photo


def encoded(photo: Image.Image, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    photo.save(buffer, form)
    return buffer.getvalue()


def product(*photos: ImageRef) -> Product:
    return Product("1", images=photos, title="Navy shirt")


GOOD = ImageRef(data=encoded(drawn()))
UNUSABLE = {
    "missing": ImageRef(path="gone.jpg"),
    "broken": ImageRef(data=encoded(drawn(), "JPEG")[:300]),
    "no photo": ImageRef(data=b"<html>"),
    "unreachable": ImageRef(url="https://shop.example/a.jpg"),
}


def unreachable(url: str) -> bytes:
    raise PhotoError(f"{url}: can't be reached; try again later")


@pytest.mark.parametrize("kind", UNUSABLE)
def test_missing_broken_and_unreachable_photos_are_treated_alike(kind: str) -> None:
    with pytest.raises(PhotoError):
        open_product(product(UNUSABLE[kind]), unreachable)
    intake = open_product(product(GOOD, UNUSABLE[kind]), unreachable)
    assert intake.numbers == (0,)
    assert len(intake.warnings) == 1 and intake.warnings[0].startswith("photo 2: ")


def test_a_photo_that_comes_again_is_looked_at_once() -> None:
    jpeg, other = ImageRef(data=encoded(drawn(), "TIFF")), ImageRef(data=encoded(drawn("red")))
    intake = open_product(product(GOOD, GOOD, jpeg, other, GOOD))
    assert (intake.numbers, intake.warnings) == ((0, 3), ())


def test_six_copies_of_a_photo_make_nano_no_surer() -> None:
    model, photo = pumgpt.load("nano", device="cpu"), encoded(drawn())
    assert model.understand(*[photo] * 6, precision=0) == model.understand(photo, precision=0)


def test_a_product_is_understood_from_pictures_bytes_and_paths(tmp_path: Path) -> None:
    drawn().save(tmp_path / "photo.png")
    model = pumgpt.load("fake")
    ways = [tmp_path / "photo.png", str(tmp_path / "photo.png"), encoded(drawn()), drawn()]
    records = [model.understand(way, tasks=["caption"]) for way in ways]
    assert all(record == records[0] for record in records)
    several = model.understand(drawn("red"), encoded(drawn()), tmp_path / "photo.png", tasks=["caption"])
    assert several.caption is not None


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_a_picture_may_have_any_mode(mode: str) -> None:
    picture = Image.new(mode, (8, 8)) if mode in ("I;16", "I", "F") else drawn().convert(mode)
    assert pumgpt.load("fake").understand(picture, tasks=["caption"]).warnings == []


def test_what_is_no_photo_is_refused_by_its_type() -> None:
    with pytest.raises(UsageError, match="not list"):
        pumgpt.load("fake").understand([drawn()])  # type: ignore[arg-type]
