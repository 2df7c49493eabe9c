"""One shape for what any model said of a product: `enrich`'s JSONL, specialists' JSONL and baselines become this."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pumgpt.bench.suites.truth import CATEGORY, write_alike
from pumgpt.catalog.understanding import AttributeField, CategoryField, Understanding
from pumgpt.errors import CatalogError


@dataclass(frozen=True, slots=True)
class Guess:
    """A field's value (a category's path, or an attribute's one or more values), None where the model abstained."""

    value: tuple[str, ...] | None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said of one product. A field that is not in `fields` was not asked."""

    fields: Mapping[str, Guess] = field(default_factory=dict)
    caption: str | None = None
    caption_asked: bool = False


def read_understandings(path: Path) -> dict[str, Prediction]:
    """Predictions by product id from what `pumgpt enrich` writes. Raises `CatalogError` with file and line."""
    predictions = {}
    for where, document in read_jsonl(path):
        try:
            understanding = Understanding.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise CatalogError(f"{where}: {place}: {first['msg']}; is this what `pumgpt enrich` wrote?") from error
        predictions[understanding.id] = _from_understanding(understanding, where)
    return predictions


def read_plain(path: Path) -> dict[str, Prediction]:
    """Predictions by product id from lines of `{"id", "category", "<attribute>", ...}`, as specialists write them.

    A category is a list or 'A > B > C', an attribute a text or a list, null an abstention.
    """
    predictions = {}
    for where, document in read_jsonl(path):
        if "id" not in document:
            raise CatalogError(f"{where}: field 'id' is missing; give every line the product's id")
        fields = {name: Guess(_as_value(name, given)) for name, given in document.items() if name != "id"}
        predictions[str(document["id"])] = Prediction(fields)
    return predictions


def read_jsonl(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each object of a JSONL file, with the words by which a message says where it stands."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"{path}: can't be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            document = json.loads(line)
        except json.JSONDecodeError as error:
            raise CatalogError(f"{where}: not JSON: {error.msg}; write one object on each line") from error
        if not isinstance(document, dict):
            raise CatalogError(f"{where}: {type(document).__name__}, not an object; write one object on each line")
        yield where, document


def _from_understanding(understanding: Understanding, where: str) -> Prediction:
    fields = {}
    if understanding.category is not None:
        _refuse_given(understanding.category, CATEGORY, where)
        path = understanding.category.path
        fields[CATEGORY] = Guess(tuple(path) if path else None, understanding.category.confidence)
    for attribute in understanding.attributes or []:
        _refuse_given(attribute, attribute.name, where)
        fields[attribute.name] = Guess(_as_value(attribute.name, attribute.value), attribute.confidence)
    caption = understanding.caption
    return Prediction(fields, caption.text if caption else None, caption is not None)


def _refuse_given(given: CategoryField | AttributeField, name: str, where: str) -> None:
    """A measurement on values that the model was handed would be worth nothing."""
    if given.status in ("kept", "conflict"):
        raise CatalogError(f"{where}: '{name}' is {given.status}: the model had the value; strike it from the input")


def _as_value(name: str, given: Any) -> tuple[str, ...] | None:
    if given is None or given == []:
        return None
    if isinstance(given, list | tuple):
        parts = [str(part) for part in given]
    else:
        parts = str(given).split(">") if name == CATEGORY else [str(given)]
    return tuple(write_alike(name, part.strip()) for part in parts)
