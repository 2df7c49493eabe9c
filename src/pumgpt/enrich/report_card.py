"""One product of the report: the values of its card's template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PIL.Image import Image

from pumgpt.catalog.photos.heat import heat_uri
from pumgpt.catalog.photos.thumbnails import data_uri, inline_picture, thumbnail
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import CaptionField, Evidence, Understanding
from pumgpt.enrich.summary import StatedField
from pumgpt.understand.judge import LEAST_CONFIDENCE

PHOTO_PX = 300
"""Longer side of the main photo: sharp on a dense screen, small in the file. A smaller photo stays as it is."""
SMALL_PX = 72
MAX_OTHERS = 6
SOURCES = {
    "photo": "from the photo",
    "photo and text": "from photo and text",
    "text": "from the text",
    "shop": "the shop's own",
}

Photos = Sequence[Image | None]
"""One for each photo of the product, in order; None where it could not be opened."""


def card_context(product: Product, photos: Photos, understanding: Understanding) -> dict[str, Any]:
    """The variables of `card.html.jinja`."""
    first = next((number for number, photo in enumerate(photos) if photo is not None), None)
    shown = [photo for photo in photos if photo is not None]
    category, attributes = understanding.category, understanding.attributes or []
    answers = [(answer.question, answer) for answer in understanding.answers or []]
    fields: list[tuple[str, StatedField]] = [("category", category)] if category else []
    fields += [(attribute.name, attribute) for attribute in attributes]
    answered = [(name, field) for name, field in fields if field.status != "abstained"]
    return {
        "id": understanding.id,
        "heading": product.title or f"Product {understanding.id}",
        "photo": inline_picture(shown[0], PHOTO_PX) if shown else None,
        "others": [data_uri(thumbnail(photo, SMALL_PX), 70) for photo in shown[1 : 1 + MAX_OTHERS]],
        "maps": _maps(answered, photos, first),
        "caption": _text(understanding.caption),
        "completion": _text(understanding.completion),
        "rows": [_row(name, field) for name, field in answered],
        "abstained": [
            {"name": name, "percent": _percent(field.confidence)}
            for name, field in (*fields, *answers, *_captioned(understanding))
            if field.status == "abstained"
        ],
        "answers": [_row(question, answer) for question, answer in answers if answer.answer is not None],
        "corrections": [row.model_dump() for row in understanding.corrections or []],
        "warnings": understanding.warnings,
        "flags": _flags(understanding),
    }


def _flags(understanding: Understanding) -> list[str]:
    """What the page can be filtered by."""
    stated: list[StatedField | None] = [
        understanding.category,
        *(understanding.attributes or []),
        *(understanding.answers or []),
    ]
    statuses = {field.status for field in stated if field}
    return [flag for flag in ("conflict", "abstained") if flag in statuses] + ["warning"] * bool(understanding.warnings)


def _captioned(understanding: Understanding) -> list[tuple[str, CaptionField]]:
    return [("caption", understanding.caption)] if understanding.caption else []


def _text(field: CaptionField | None) -> dict[str, Any] | None:
    if field is None or not field.text:
        return None
    return {"text": field.text, "percent": _percent(field.confidence), "source": _source(field)}


def _percent(confidence: float | None) -> int | None:
    # Rounded down: only a certain answer may show 100 %. The small term undoes 0.29 * 100 = 28.999...
    return None if confidence is None else int(100 * confidence + 1e-9)


def _row(name: str, field: StatedField) -> dict[str, Any]:
    parts, separator = _parts(field)
    return {
        "name": name,
        "parts": parts,
        "separator": separator,
        "status": field.status,
        "percent": _percent(_shown_confidence(field)),
        "worth": _percent(getattr(field, "precision", None)),
        "source": _source(field),
        "suggestion": _suggestion(field),
    }


def _shown_confidence(field: StatedField) -> float | None:
    """The confidence, where it says how far the value shown can be trusted."""
    # Of a value that stands since it is the shop's, a small share says that the photo doesn't tell, or that the model has
    # another guess which it isn't sure of either. Beside the value, "0 %" would read as a verdict on it.
    doubted = field.status == "kept" and (field.confidence or 0) < LEAST_CONFIDENCE
    return None if doubted else field.confidence


def _parts(field: StatedField) -> tuple[list[str], str]:
    for name, separator in (("path", "›"), ("value", ","), ("answer", "")):
        value = getattr(field, name, None)
        if value is not None:
            return ([value] if isinstance(value, str) else list(value)), separator
    return [], ""


def _source(field: StatedField | CaptionField) -> str | None:
    """Where the value was taken from, with the words of the listing where it was read there."""
    evidence = getattr(field, "evidence", None)
    words = getattr(evidence, "text", None)
    if words:
        return f"the {getattr(evidence, 'part', None) or 'listing'} says “{words}”"
    return SOURCES.get(getattr(field, "source", None) or "")


def _suggestion(field: StatedField) -> str | None:
    suggestion = getattr(field, "suggestion", None)
    return " › ".join(suggestion) if isinstance(suggestion, list) else suggestion


def _maps(
    fields: Iterable[tuple[str, StatedField]], photos: Photos, first: int | None
) -> list[dict[str, str | int | None]]:
    """The occlusion maps of fields over their photos. That of the first photo is on the card already."""
    found: list[dict[str, str | int | None]] = []
    for name, field in fields:
        evidence = field.evidence
        photo = _photo_of(evidence, photos)
        if evidence is None or photo is None or not evidence.grid:
            continue
        shown = inline_picture(photo, PHOTO_PX)
        found.append(
            {
                "name": name,
                "layer": heat_uri(evidence.grid),
                "ratio": shown["ratio"],
                "picture": None if evidence.image == first else shown["picture"],
                "points": round(100 * float(np.max(evidence.grid))),
            }
        )
    return found


def _photo_of(evidence: Evidence | None, photos: Photos) -> Image | None:
    # Attention says where a model looked, in empty corners too, and not what its answer rests on.
    if evidence is None or evidence.kind != "occlusion" or evidence.image is None:
        return None
    return photos[evidence.image] if evidence.image < len(photos) else None
