"""One product of the report: the values of its card's template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PIL.Image import Image

from pumgpt.catalog.photos.heat import overlay
from pumgpt.catalog.photos.thumbnails import data_uri, thumbnail
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import CaptionField, Evidence, Understanding
from pumgpt.enrich.summary import StatedField

PHOTO_PX = 300
"""Longer side of the main photo and of its heatmap: sharp on a dense screen, small in the file."""
SMALL_PX = 72
MAX_OTHERS = 6

Photos = Sequence[Image | None]
"""One for each photo of the product, in order; None where it could not be opened."""


def card_context(product: Product, photos: Photos, understanding: Understanding) -> dict[str, Any]:
    """The variables of `card.html.jinja`."""
    shown = [photo for photo in photos if photo is not None]
    category, attributes = understanding.category, understanding.attributes or []
    fields: list[tuple[str, StatedField]] = [("category", category)] if category else []
    fields += [(attribute.name, attribute) for attribute in attributes]
    maps = [field.evidence for _, field in fields if field.evidence and field.evidence.grid]
    # A model without maps for single fields gives every field the same one: shown once, over the main photo.
    differ = len({str(evidence.grid) for evidence in maps}) > 1
    answered = [_row(name, field, photos if differ else ()) for name, field in fields if field.status != "abstained"]
    rows = [row for row in answered if row["name"] != "category"]
    stated: list[tuple[str, StatedField]] = [
        *fields,
        *((answer.question, answer) for answer in understanding.answers or []),
    ]
    return {
        "id": understanding.id,
        "heading": product.title or f"Product {understanding.id}",
        "photo": data_uri(thumbnail(shown[0], PHOTO_PX)) if shown else None,
        "others": [data_uri(thumbnail(photo, SMALL_PX), 70) for photo in shown[1 : 1 + MAX_OTHERS]],
        "heatmap": _mean_heatmap(maps, photos),
        "caption": _text(understanding.caption),
        "completion": _text(understanding.completion),
        "category": next((row for row in answered if row["name"] == "category"), None),
        "rows": rows,
        "has_heatmaps": any(row["heatmap"] for row in rows),
        "abstained": [
            {"name": name, "percent": _percent(field.confidence)}
            for name, field in (*stated, *_captioned(understanding))
            if field.status == "abstained"
        ],
        "answers": [
            _row(answer.question, answer, ()) for answer in understanding.answers or [] if answer.answer is not None
        ],
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
    return {"text": field.text, "percent": _percent(field.confidence)} if field and field.text else None


def _percent(confidence: float | None) -> int | None:
    # Rounded down: only a certain answer may show 100 %. The small term undoes 0.29 * 100 = 28.999...
    return None if confidence is None else int(100 * confidence + 1e-9)


def _row(name: str, field: StatedField, photos: Photos) -> dict[str, Any]:
    parts, separator = _parts(field)
    return {
        "name": name,
        "parts": parts,
        "separator": separator,
        "status": field.status,
        "percent": _percent(field.confidence),
        "suggestion": _suggestion(field),
        "heatmap": _small_heatmap(field.evidence, photos),
    }


def _parts(field: StatedField) -> tuple[list[str], str]:
    for name, separator in (("path", "›"), ("value", ","), ("answer", "")):
        value = getattr(field, name, None)
        if value is not None:
            return ([value] if isinstance(value, str) else list(value)), separator
    return [], ""


def _suggestion(field: StatedField) -> str | None:
    suggestion = getattr(field, "suggestion", None)
    return " › ".join(suggestion) if isinstance(suggestion, list) else suggestion


def _mean_heatmap(maps: Iterable[Evidence], photos: Photos) -> str | None:
    """The mean of the fields' maps over the first photo that could be opened."""
    number, photo = next(((i, photo) for i, photo in enumerate(photos) if photo is not None), (0, None))
    grids = [evidence.grid for evidence in maps if evidence.image == number and evidence.grid]
    grids = [grid for grid in grids if np.shape(grid) == np.shape(grids[0])]
    if photo is None or not grids:
        return None
    return data_uri(overlay(photo, np.mean(grids, axis=0).tolist(), PHOTO_PX))


def _small_heatmap(evidence: Evidence | None, photos: Photos) -> str | None:
    photo = photos[evidence.image] if evidence and evidence.image < len(photos) else None
    if evidence is None or not evidence.grid or photo is None:
        return None
    return data_uri(overlay(photo, evidence.grid, SMALL_PX), 70)
