"""Photos of every kind, whole and broken: pixels, or one line that names the photo."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import ImageRef
from pumgpt.errors import PhotoError

pytestmark = pytest.mark.filterwarnings("error")
"""PIL's warning against decompression bombs must not get out."""


def _gradient(size: tuple[int, int] = (64, 48)) -> Image.Image:
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    return Image.fromarray(np.stack([rows * 4, columns * 3, 255 - rows * 4], -1).astype(np.uint8))


def _save(image: Image.Image, path: Path, **options: object) -> ImageRef:
    image.save(path, **options)
    return ImageRef(path=str(path))


def _bytes(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def _huge_png(width: int, height: int) -> bytes:
    """A PNG whose header promises more pixels than anybody wants to decode."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def _refusal(ref: ImageRef, **options: int) -> str:
    with pytest.raises(PhotoError) as caught:
        open_photo(ref, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith((ref.label, repr(ref.label)))
    assert "; " in message, "says how to mend it"
    return message


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "bmp", "tif", "gif", "ppm", "avif"])
def test_plain_formats_are_rgb(tmp_path: Path, suffix: str) -> None:
    photo = open_photo(_save(_gradient(), tmp_path / f"a.{suffix}"))
    assert (photo.mode, photo.size) == ("RGB", (64, 48))
    assert np.abs(np.asarray(photo, float) - np.asarray(_gradient(), float)).mean() < 12


def test_bytes_win_over_the_path() -> None:
    photo = open_photo(ImageRef(data=_bytes(_gradient(), format="PNG"), path="nowhere.png"))
    assert photo.tobytes() == _gradient().tobytes()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int, suffix: str) -> None:
    upright = Image.new("RGB", (64, 32), "blue")
    upright.paste("red", (0, 0, 32, 16))
    undo = {
        2: 0,
        3: 3,
        4: 1,
        5: 5,
        6: 2,
        7: 6,
        8: 4,
    }  # the `Image.Transpose` that a camera's turn is
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = open_photo(_save(stored, tmp_path / f"turned.{suffix}", exif=exif))
    assert photo.size == (64, 32)
    assert photo.getpixel((4, 4))[0] > 200 > 60 > photo.getpixel((60, 28))[0]


def test_broken_exif_does_not_cost_the_photo(tmp_path: Path) -> None:
    ref = _save(_gradient(), tmp_path / "a.jpg", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7fgarbage")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PIL remarks on it, rightly
        assert open_photo(ref).size == (64, 48)


def test_exif_that_can_not_be_written_again_still_turns_the_photo() -> None:
    # Orientation 6, and a name of the artist that is a fraction: PIL reads that, and fails where it writes EXIF.
    entries = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack("<HHII", 0x013B, 5, 1, 8)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(12)
    photo = open_photo(ImageRef(data=_bytes(_gradient(), format="JPEG", exif=exif)))
    assert photo.size == (48, 64)


def test_cmyk_jpeg_keeps_its_colours(tmp_path: Path) -> None:
    red = Image.new("RGB", (32, 32), (220, 20, 20)).convert("CMYK")
    pixel = open_photo(_save(red, tmp_path / "cmyk.jpg")).getpixel((16, 16))
    assert pixel[0] > 180
    assert max(pixel[1:]) < 60


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path: Path, suffix: str) -> None:
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (8, 1))
    photo = np.asarray(open_photo(_save(Image.fromarray(ramp), tmp_path / f"deep.{suffix}")))
    assert np.abs(photo[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_32_bit_and_float_grey(tmp_path: Path) -> None:
    whole = Image.fromarray(np.full((4, 4), 32768, np.int32))
    parts = Image.fromarray(np.full((4, 4), 0.5, np.float32))
    assert open_photo(_save(whole, tmp_path / "i.tif")).getpixel((0, 0)) == (128, 128, 128)
    assert open_photo(_save(parts, tmp_path / "f.tif")).getpixel((0, 0)) == (128, 128, 128)


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    rgba = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    rgba.paste((255, 0, 0, 255), (0, 0, 4, 8))
    grey = Image.new("LA", (8, 8), (0, 0))
    palette = rgba.convert("RGB").quantize(4)
    for name, image, options in (
        ("rgba.png", rgba, {}),
        ("grey.png", grey, {}),
        ("palette.png", palette, {"transparency": palette.getpixel((6, 4))}),
    ):
        assert open_photo(_save(image, tmp_path / name, **options)).getpixel((6, 4)) == (255, 255, 255), name
    assert open_photo(ImageRef(path=str(tmp_path / "rgba.png"))).getpixel((1, 4)) == (255, 0, 0)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_an_animation_gives_its_first_frame(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "lime", "blue")]
    ref = _save(frames[0], tmp_path / f"moves.{suffix}", save_all=True, append_images=frames[1:])
    red, green, blue = open_photo(ref).getpixel((8, 8))
    assert red > 200
    assert max(green, blue) < 60


def test_draft_decodes_a_large_jpeg_small_but_not_too_small(tmp_path: Path) -> None:
    ref = _save(_gradient((1600, 800)), tmp_path / "large.jpg")
    assert open_photo(ref, at_least_px=150).size == (400, 200)
    assert open_photo(ref, at_least_px=900).size == (1600, 800)
    assert open_photo(ref).size == (1600, 800)


def test_truncated_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    whole = _bytes(_gradient((400, 400)), format="JPEG")
    path.write_bytes(whole[: len(whole) // 2])
    assert "broken or cut off" in _refusal(ImageRef(path=str(path)))


def test_text_called_jpg(tmp_path: Path) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("not a photo")
    assert "is no photo" in _refusal(ImageRef(path=str(path)))


def test_empty_missing_folder_and_odd_paths(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    assert "is empty" in _refusal(ImageRef(path=str(tmp_path / "empty.jpg")))
    assert "no such file" in _refusal(ImageRef(path=str(tmp_path / "missing.jpg")))
    assert "folder" in _refusal(ImageRef(path=str(tmp_path)))
    assert "can't be read" in _refusal(ImageRef(path="nul\0byte.jpg"))
    assert "can't be read" in _refusal(ImageRef(path="x" * 5000))


def test_a_pipe_is_refused_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert "regular file" in _refusal(ImageRef(path=str(tmp_path / "pipe.jpg")))


@pytest.mark.parametrize("side", [9_000, 12_000, 20_000])
def test_huge_png_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(_huge_png(side, side))
    assert f"{side} x {side} pixels" in _refusal(ImageRef(path=str(path)))


def test_limits_can_be_set(tmp_path: Path) -> None:
    ref = _save(_gradient(), tmp_path / "a.png")
    assert "64 x 48 pixels" in _refusal(ref, max_pixels=1000)
    assert "MB" in _refusal(ref, max_bytes=100)


def test_url_and_nothing_at_all() -> None:
    assert "not fetched here" in _refusal(ImageRef(url="https://shop.example/a.jpg"))
    with pytest.raises(PhotoError, match="neither bytes nor path"):
        open_photo(ImageRef())


_SEEDS = [_bytes(_gradient(), format=name) for name in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF")]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(_SEEDS), st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=8), st.data())
def test_damaged_bytes_give_a_photo_or_one_line(
    seed: bytes, damage: list[tuple[int, int]], data: st.DataObject
) -> None:
    damaged = bytearray(seed[: data.draw(st.integers(1, len(seed)))])
    for place, value in damage:
        damaged[place % len(damaged)] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PIL may remark on damage that it can live with
        try:
            assert open_photo(ImageRef(data=bytes(damaged)), max_pixels=1_000_000).mode == "RGB"
        except PhotoError as error:
            assert "\n" not in str(error)
