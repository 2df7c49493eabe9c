"""From where a photo is to its pixels: 8-bit RGB, upright, whatever the file was.

Every photo that can't be used raises `PhotoError` with one line that names it; none of PIL's own errors gets out. Where
PIL remarks on damage that it can live with (`UserWarning`: corrupt EXIF), the remark stays a warning.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from pumgpt.catalog.product import ImageRef
from pumgpt.errors import PhotoError

MAX_PIXELS = 64_000_000
MAX_BYTES = 200_000_000

_FORMATS = tuple(
    plugin.format
    for plugin in (
        JpegImagePlugin.JpegImageFile,
        PngImagePlugin.PngImageFile,
        WebPImagePlugin.WebPImageFile,
        GifImagePlugin.GifImageFile,
        TiffImagePlugin.TiffImageFile,
        BmpImagePlugin.BmpImageFile,
        PpmImagePlugin.PpmImageFile,
        AvifImagePlugin.AvifImageFile,
    )
)
"""What we read. The rest of PIL's formats (EPS runs a program) is not offered to a stranger's file."""

_SAVE_AGAIN = "save it again as JPEG or PNG"

Fetch = Callable[[str], bytes]
"""Gives the bytes behind a URL, or raises `PhotoError`: a `download.PhotoDownloads`."""


def open_photo(
    ref: ImageRef,
    *,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    at_least_px: int | None = None,
    fetch: Fetch | None = None,
) -> Image.Image:
    """Read and decode one photo to RGB.

    Upright by its EXIF orientation; 16-bit and float grey scaled to 8 bit; transparency laid on white; the first frame
    of an animation. Where the caller needs no more than `at_least_px` on the shorter side, a large JPEG is decoded at a
    half, a quarter or an eighth of its size, which is several times faster. A photo that is only a URL needs `fetch`.

    Raises `PhotoError`; a photo of more than `max_pixels` is refused by its header, before anything is decoded.
    """
    data = read_photo(ref, max_bytes, fetch)
    # Decoders meet hostile bytes here, and PIL answers them with nearly any built-in exception (OSError, SyntaxError,
    # struct.error, IndexError, KeyError, ...), so this is the one place that catches them all.
    try:
        image = _identify(data, ref.label)
        _check_size(image, ref.label, max_pixels)
        if at_least_px is not None:
            image.draft(None, (at_least_px, at_least_px))  # type: ignore[arg-type]  # PIL takes None for "mode as it is"
        image.load()
        # Broken EXIF costs the orientation, not the photo. In place, as turning comes before the EXIF is written anew.
        with suppress(Exception):
            ImageOps.exif_transpose(image, in_place=True)
        return _to_rgb(image)
    except PhotoError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PhotoError(f"{ref.label}: is broken or cut off ({reason}); get it again from its source") from error


def encode_losslessly(picture: Image.Image) -> bytes:
    """A picture that is decoded already as the bytes of a file that `open_photo` reads. Raises `PhotoError`."""
    buffer = io.BytesIO()
    try:
        # Upright here, since not every writer passes EXIF on. It also loads a picture that was opened lazily.
        upright = ImageOps.exif_transpose(picture)
        # PNG keeps the transparency of palettes and TIFF doesn't; TIFF has CMYK and deep grey, and PNG hasn't.
        form = "TIFF" if upright.mode in ("CMYK", "F", "I", "LAB", "YCbCr") else "PNG"
        upright.save(buffer, form, **({"compress_level": 1} if form == "PNG" else {}))
    except Exception as error:  # as in `open_photo`: PIL raises nearly anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PhotoError(f"the picture can't be used ({reason}); give it in mode RGB") from error
    return buffer.getvalue()


def read_photo(ref: ImageRef, max_bytes: int = MAX_BYTES, fetch: Fetch | None = None) -> bytes:
    """The bytes of a photo, wherever it is, as they are. Raises `PhotoError`."""
    if ref.data is not None:
        data = ref.data
    elif ref.path is not None:
        data = _read_file(Path(ref.path), max_bytes)
    elif ref.url is not None:
        if fetch is None:
            raise PhotoError(f"{ref.url}: photos by URL are not fetched here; download it and give its path")
        data = fetch(ref.url)
    else:
        raise PhotoError("the photo has neither bytes nor path; give one of them or leave the field empty")
    if not data:
        raise PhotoError(f"{ref.label}: is empty (0 bytes); get it again from its source")
    if len(data) > max_bytes:
        raise PhotoError(_too_many_bytes(ref.label, len(data), max_bytes))
    return data


def _read_file(path: Path, max_bytes: int) -> bytes:
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise PhotoError(f"{path}: is a folder, not a photo; name the files in it")
        if not path.is_file():  # a pipe or a device might never end
            raise PhotoError(f"{path}: is not a regular file; copy the photo to one")
        if size > max_bytes:
            raise PhotoError(_too_many_bytes(str(path), size, max_bytes))
        return path.read_bytes()
    except FileNotFoundError as error:
        raise PhotoError(f"{path}: there is no such file; mend the path (relative to the catalogue)") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise PhotoError(f"{str(path)!r}: can't be read ({reason}); mend the path or its permissions") from error


def _too_many_bytes(label: str, size: int, max_bytes: int) -> str:
    return f"{label}: has {size / 1e6:.0f} MB, more than {max_bytes / 1e6:g} MB; {_SAVE_AGAIN}, smaller"


def format_of(data: bytes) -> str | None:
    """PIL's name for the format of a photo, by its first bytes; None for what is none that we read."""
    for name in _FORMATS:
        _, accept = Image.OPEN[name]
        if accept is None or accept(data[:16]) is True:
            return name
    return None


def _identify(data: bytes, label: str) -> Image.Image:
    """Open by content, reading the header only.

    Not `Image.open`: its check against decompression bombs answers with a warning or an error of its own before the
    size can be told, and silencing it means to change state that other threads share.
    """
    name = format_of(data)
    if name is not None:
        return Image.OPEN[name][0](io.BytesIO(data), "")
    if data[4:8] == b"ftyp":
        raise PhotoError(f"{label}: is HEIC or a video, which is not read; save it as JPEG or PNG")
    known = "JPEG, PNG, WebP, GIF, TIFF, BMP, PPM or AVIF"
    raise PhotoError(f"{label}: is no photo, whatever its name says; give a {known} file")


def _check_size(image: Image.Image, label: str, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        limit = f"{max_pixels / 1e6:g} million"
        raise PhotoError(f"{label}: has {width} x {height} pixels, more than {limit}; {_SAVE_AGAIN}, smaller")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _deep_grey(image).convert("RGB")
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return image.convert("RGB")


def _deep_grey(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits, scaled to 8. PIL's own conversion clips: nearly all of it becomes white."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    brightest = float(values.max(initial=0))
    white = 1.0 if image.mode == "F" and brightest <= 1 else 65535.0 if image.mode != "F" else 255.0
    scaled = values * (255.0 / max(white, brightest))
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))
