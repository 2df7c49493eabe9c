"""Predictions of a product's fields, whoever makes them: an enriched record, a baseline, or another program's file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pumgpt.bench.suites.labels import ValueMap, read_json_lines, write_alike
from pumgpt.catalog.understanding import AttributeField, CategoryField, Understanding
from pumgpt.errors import CatalogError
from pumgpt.tasks.evaluation import CATEGORY, Values


@dataclass(frozen=True, slots=True)
class Guess:
    """A field's value (a category's path, or an attribute's one or more values), None where the model abstained."""

    value: Values | None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model predicts of one product. A field that is not in `fields` was not asked."""

    fields: Mapping[str, Guess] = field(default_factory=dict)
    caption: str | None = None
    caption_asked: bool = False


def prediction_of(understanding: Understanding, values: ValueMap) -> Prediction:
    """The fields of a record. Raises `CatalogError` where the product brought some itself."""
    fields = {}
    if understanding.category is not None:
        fields[CATEGORY] = _filled(understanding, CATEGORY, understanding.category, understanding.category.path, values)
    for one in understanding.attributes or []:
        fields[one.name] = _filled(understanding, one.name, one, one.value, values)
    caption = understanding.caption
    return Prediction(fields, caption.text if caption else None, caption is not None)


def _filled(
    record: Understanding, name: str, one: CategoryField | AttributeField, given: Any, values: ValueMap
) -> Guess:
    # The model was given the answer, so that measuring it would mean nothing.
    if one.status in ("kept", "conflict"):
        raise CatalogError(
            f"product {record.id}: '{name}' is {one.status}: the model had the value; strike it from the input"
        )
    return Guess(_as_value(name, given, values), one.confidence)


def read_plain(path: Path, values: ValueMap) -> dict[str, Prediction]:
    """Predictions by product id from lines of `{"id", "category", "<attribute>", ...}`, as other programs write them.

    A category is a list or 'A > B > C', an attribute a text or a list, null an abstention.
    """
    predictions = {}
    for where, document in read_json_lines(path):
        if "id" not in document:
            raise CatalogError(f"{where}: field 'id' is missing; give every line the product's id")
        fields = {name: Guess(_as_value(name, given, values)) for name, given in document.items() if name != "id"}
        predictions[str(document["id"])] = Prediction(fields)
    return predictions


def _as_value(name: str, given: Any, values: ValueMap) -> Values | None:
    # Other programs write an empty list where they abstain.
    if given is None or given == []:
        return None
    if isinstance(given, list | tuple):
        parts = [str(part) for part in given]
    else:
        parts = str(given).split(">") if name == CATEGORY else [str(given)]
    return write_alike(name, [part.strip() for part in parts], values)
