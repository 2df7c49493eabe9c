"""A shop's attributes: which ones its records have, and which values they may take.

A schema is YAML (or the same as JSON), checked: an unknown key is refused. `docs/examples/schema.yaml` is a whole one.

    attributes:
      - name: colour
        values: [Black, White, Navy]      # closed: only these are ever filled in
      - name: fabric                      # open: any text
        question: What is it made of?     # how the model is asked, where the usual way won't do
        description: The main material.   # for people
      - name: shade
        synonyms: {Navy: [navy blue, dark blue]}                  # other words for a value
        names: {de: Farbe}                                        # what the attribute is called in other languages,
        translations: {de: {Black: Schwarz, White: Weiß}}         # and its values
      - name: length
        unit: cm                          # what a bare number means
        units: [mm, in]                   # what else shops write it in

Shopify's `attributes.json` (`attributes.en.json.gz`) is read as it is; a measurement is open and has its units.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pumgpt.catalog.vocabulary.text_files import ending_of, read_text
from pumgpt.catalog.vocabulary.units import is_unit
from pumgpt.errors import SchemaError, UsageError


@dataclass(frozen=True, slots=True)
class AttributeSpec:
    """One attribute. `values` are its only valid ones; None where it is open. `values.py` compares them."""

    name: str
    values: tuple[str, ...] | None = None
    question: str | None = None
    description: str | None = None
    unit: str | None = None
    """What a bare number is meant in."""
    units: tuple[str, ...] = ()
    """What else it is written in."""
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    """Other words for a value, in the schema's own language."""
    names: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The attribute's name by language."""
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    """The values by language: `{"de": {"Black": "Schwarz"}}`."""


class CategorySchemas(Protocol):
    """Where every category brings attributes of its own, as in Shopify's releases."""

    def schema_of(self, category: tuple[str, ...]) -> AttributeSchema | None:
        """The attributes of a category; None where none are known."""


@dataclass(frozen=True)
class AttributeSchema:
    """Attributes in the order of the file. Names are distinct, whatever their case."""

    attributes: tuple[AttributeSpec, ...]

    def __post_init__(self) -> None:
        if not self.attributes:
            raise SchemaError("a schema needs at least one attribute")
        for spec in self.attributes:
            if not spec.name.strip():
                raise SchemaError("an attribute has an empty name; name it")
            if spec.values is not None:
                _check_values(spec.name, spec.values)
            _check_wording(spec)
        repeated = _first_repeated(self.names)
        if repeated is not None:
            raise SchemaError(f"attribute '{repeated}' stands there twice; keep one of them")

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes' names, in order."""
        return tuple(spec.name for spec in self.attributes)

    def get(self, name: str) -> AttributeSpec | None:
        """The attribute of this name, whatever its case."""
        return self._by_name.get(name.casefold())

    def select(self, names: Iterable[str]) -> AttributeSchema:
        """The schema of these attributes alone, in this order. Raises `UsageError` for one that isn't there."""
        found = []
        for name in names:
            spec = self.get(name)
            if spec is None:
                raise UsageError(f"the schema has no attribute '{name}'; it has {_some(self.names)}")
            found.append(spec)
        return AttributeSchema(tuple(found))

    @cached_property
    def _by_name(self) -> dict[str, AttributeSpec]:
        return {spec.name.casefold(): spec for spec in self.attributes}

    @classmethod
    def load(cls, path: Path) -> AttributeSchema:
        """Read a schema. Raises `SchemaError` that names the file and the place in it."""
        document = _parse(path)
        form = _ReleaseSchema if isinstance(document, dict) and "version" in document else _SchemaFile
        try:
            return cls(form.model_validate(document).specs())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the file"
            raise SchemaError(f"{path}: {where}: {first['msg']}; see docs/examples/schema.yaml") from error
        except SchemaError as error:
            raise SchemaError(f"{path}: {error}") from error


class _Checked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _AttributeEntry(_Checked):
    name: str
    values: list[str] | None = None
    question: str | None = None
    description: str | None = None
    unit: str | None = None
    units: list[str] = []
    synonyms: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    translations: dict[str, dict[str, str]] = {}

    def spec(self) -> AttributeSpec:
        return AttributeSpec(
            self.name,
            None if self.values is None else tuple(self.values),
            self.question or None,
            self.description or None,
            self.unit or None,
            tuple(self.units),
            {value: tuple(words) for value, words in self.synonyms.items()},
            self.names,
            self.translations,
        )


class _SchemaFile(_Checked):
    attributes: list[_AttributeEntry]

    def specs(self) -> tuple[AttributeSpec, ...]:
        return tuple(attribute.spec() for attribute in self.attributes)


class _ShopifyName(BaseModel):
    """A value or an extended attribute of a release; the fields that we don't use are let pass."""

    name: str


class _ShopifyAttribute(_ShopifyName):
    description: str | None = None
    handle: str = ""
    values: list[_ShopifyName] | None = None
    supported_units: list[str] | None = None


class _ReleaseSchema(BaseModel):
    attributes: list[_ShopifyAttribute]

    def specs(self) -> tuple[AttributeSpec, ...]:
        specs = (
            AttributeSpec(
                attribute.name,
                tuple(dict.fromkeys(value.name for value in attribute.values or ())) or None,
                description=attribute.description or None,
                units=known_units(attribute.supported_units or ()),
            )
            for attribute in self.attributes
        )
        return distinctly_named(zip(specs, (attribute.handle for attribute in self.attributes), strict=True))


def known_units(names: Iterable[str]) -> tuple[str, ...]:
    """The units of a release's measurement that we can convert: 'fluid_ounces' is 'fluid ounces'."""
    return tuple(filter(is_unit, (name.replace("_", " ") for name in names)))


def distinctly_named(specs: Iterable[tuple[AttributeSpec, str]]) -> tuple[AttributeSpec, ...]:
    """(attribute, handle) pairs: of two that a release calls alike ('Height' as a list and as a measurement) the second
    is called by its handle.
    """
    found: dict[str, AttributeSpec] = {}
    for spec, handle in specs:
        name = spec.name if spec.name.casefold() not in found else handle
        if name and name.casefold() not in found:
            found[name.casefold()] = spec if name == spec.name else replace(spec, name=name)
    return tuple(found.values())


def _parse(path: Path) -> Any:
    text = read_text(path)
    try:
        if ending_of(path) == ".json":
            return json.loads(text)
        # BaseLoader leaves scalars as they are written: `[No, 007, 1.10]` are three texts, as the shop means it.
        return yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, json.JSONDecodeError) as error:
        raise SchemaError(f"{path}: can't be read as YAML or JSON: {' '.join(str(error).split())}") from error


def _check_values(name: str, values: tuple[str, ...]) -> None:
    if not values:
        raise SchemaError(f"attribute '{name}' has an empty list of values; list them, or leave 'values' out")
    if not all(value.strip() for value in values):
        raise SchemaError(f"attribute '{name}' has an empty value; take it out (absent values are told as such anyway)")
    repeated = _first_repeated(values)
    if repeated is not None:
        raise SchemaError(f"attribute '{name}' lists '{repeated}' twice; keep one of them")


def _check_wording(spec: AttributeSpec) -> None:
    """Units are units, synonyms and translations are of listed values, and no synonym means two of them."""
    for unit in (spec.unit, *spec.units):
        if unit is not None and not is_unit(unit):
            raise SchemaError(
                f"attribute '{spec.name}': '{unit}' is no unit that we know; write it as in 'cm' or 'fl oz'"
            )
    worded = [("synonyms", value) for value in spec.synonyms]
    worded += [("translations", value) for values in spec.translations.values() for value in values]
    listed = {value.casefold() for value in spec.values or ()}
    stray = next(((key, value) for key, value in worded if listed and value.casefold() not in listed), None)
    if stray is not None:
        raise SchemaError(
            f"attribute '{spec.name}' has {stray[0]} of '{stray[1]}', which isn't one of its values; list it"
        )
    # A value may be listed among its own synonyms; the set lets it count once.
    meant = [word.casefold() for value, words in spec.synonyms.items() for word in {*words, value}]
    repeated = _first_repeated(meant)
    if repeated is not None:
        raise SchemaError(f"attribute '{spec.name}': '{repeated}' is said of two values; keep it with one of them")
    if not all(text.strip() for text in (*meant, *spec.names.values(), *_translated(spec))):
        raise SchemaError(
            f"attribute '{spec.name}' has an empty synonym, name or translation; write it, or take it out"
        )


def _translated(spec: AttributeSpec) -> Iterable[str]:
    return (text for values in spec.translations.values() for text in values.values())


def _first_repeated(names: Iterable[str]) -> str | None:
    return next((name for name, count in Counter(name.casefold() for name in names).items() if count > 1), None)


def _some(names: tuple[str, ...], at_most: int = 12) -> str:
    shown = ", ".join(names[:at_most])
    return shown if len(names) <= at_most else f"{shown} and {len(names) - at_most} more"
