"""A drawn product from a seed: photo and record."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image

from pumgpt.catalog.product import Product
from pumgpt.errors import UsageError
from pumgpt.samples.canvas import Canvas
from pumgpt.samples.colour import paint_of
from pumgpt.samples.families import (
    accessories,
    bags,
    beauty,
    bottomwear,
    dresses,
    footwear,
    produce,
    topwear,
    vegetables,
)
from pumgpt.samples.kind import Kind, Look, article

_FAMILIES = (topwear, dresses, bottomwear, footwear, accessories, bags, beauty, produce, vegetables)
KINDS: Mapping[str, Kind] = {name: kind for family in _FAMILIES for name, kind in family.KINDS.items()}
"""Name -> kind. A product drawn without a kind gets each of them equally often."""

BRANDS = (
    "Nordlicht",
    "Haldane & Fitch",
    "Umbra",
    "Solvei",
    "Kestrel",
    "Marlow",
    "Ponte Rosso",
    "Tidewell",
    "Arkadi",
    "Juniper Lane",
    "Ostara",
    "Veldt",
)
"""Invented, so that no drawing claims to be somebody's product."""


def draw_product(
    seed: int, kind: str | None = None, size_px: int = 384, colour: str | None = None
) -> tuple[Image.Image, Product]:
    """The photo and the record of product `seed`; the same for the same arguments, always.

    `size_px` is the longer side of the photo. `kind` is a key of `KINDS`, `colour` one of that kind's colours; both are drawn
    by lot where they aren't given. The record tells only what the drawing shows: no season, no year. Raises `UsageError`.
    """
    # The second number keeps this stream apart from that of `draw_foreign`, whose seeds may be the same.
    rng = np.random.default_rng([seed, 1])
    name = kind if kind is not None else str(rng.choice(sorted(KINDS)))
    if name not in KINDS:
        raise UsageError(f"kind '{name}' can't be drawn; choose one of {', '.join(sorted(KINDS))}")
    if size_px < 16:
        raise UsageError(f"size_px is {size_px}; a drawing needs at least 16 pixels")
    chosen = KINDS[name]
    if colour is not None and colour not in chosen.colours:
        raise UsageError(f"a {name} is not drawn in '{colour}'; choose one of {', '.join(chosen.colours) or 'none'}")
    # Drawn even where a colour is given, so that the rest of the picture doesn't depend on whether it is.
    lot = str(rng.choice(chosen.colours)) if chosen.colours else None
    colour = colour or lot
    canvas = Canvas(rng, size_px if chosen.square else max(1, size_px * 3 // 4), size_px)
    look = chosen.draw(canvas, paint_of(colour, rng) if colour else (0.5, 0.5, 0.5))
    brand = str(rng.choice(BRANDS))
    return canvas.finish(), _record(seed, chosen, colour, look, brand)


def _record(seed: int, kind: Kind, colour: str | None, look: Look, brand: str) -> Product:
    # What the drawing doesn't show (season, year) isn't stated: it would teach to guess.
    attributes = {"gender": kind.gender, "colour": colour, "usage": kind.usage}
    style = " ".join(word[:1].upper() + word[1:] for word in look.style.split())
    title = " ".join(filter(None, [brand, kind.gender, colour, style, kind.noun]))
    what = " ".join(filter(None, [colour.lower() if colour else "", look.style, kind.said]))
    lead = what if kind.plural else f"{article(what)} {what}"
    sentence = f"{lead} {look.details}".strip()
    return Product(
        id=f"drawn-{seed:06d}",
        title=title,
        description=sentence[:1].upper() + sentence[1:] + ".",
        category=kind.category,
        attributes={name: value for name, value in attributes.items() if value} or None,
        source="drawn",
    )
