"""A shop's attributes: which ones its records have, and which values they may take.

A schema is YAML (or the same as JSON), checked: an unknown key is refused. `docs/examples/schema.yaml` is a whole one.

    attributes:
      - name: colour
        values: [Black, White, Navy]      # closed: only these are ever filled in
      - name: fabric                      # open: any text
        question: What is it made of?     # how the model is asked, where the usual way won't do
        description: The main material.   # for people

Shopify's `attributes.json` is read as it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pumgpt.errors import SchemaError, UsageError


@dataclass(frozen=True, slots=True)
class AttributeSpec:
    """One attribute. `values` are its only valid ones; None where it is open."""

    name: str
    values: tuple[str, ...] | None = None
    question: str | None = None
    description: str | None = None


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
        twice = _first_twice(self.names)
        if twice is not None:
            raise SchemaError(f"attribute '{twice}' stands there twice; keep one of them")

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
        form = _ShopifyRelease if isinstance(document, dict) and "version" in document else _SchemaFile
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


class _Attribute(_Checked):
    name: str
    values: list[str] | None = None
    question: str | None = None
    description: str | None = None

    def spec(self) -> AttributeSpec:
        values = None if self.values is None else tuple(self.values)
        return AttributeSpec(self.name, values, self.question or None, self.description or None)


class _SchemaFile(_Checked):
    attributes: list[_Attribute]

    def specs(self) -> tuple[AttributeSpec, ...]:
        return tuple(attribute.spec() for attribute in self.attributes)


class _ShopifyName(BaseModel):
    """A value or an extended attribute of a release; the fields that we don't use are let pass."""

    name: str


class _ShopifyAttribute(_ShopifyName):
    description: str | None = None
    values: list[_ShopifyName] = []


class _ShopifyRelease(BaseModel):
    attributes: list[_ShopifyAttribute]

    def specs(self) -> tuple[AttributeSpec, ...]:
        return tuple(
            AttributeSpec(
                attribute.name,
                tuple(value.name for value in attribute.values) or None,
                description=attribute.description or None,
            )
            for attribute in self.attributes
        )


def _parse(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json":
            return json.loads(text)
        # BaseLoader leaves scalars as they are written: `[No, 007, 1.10]` are three texts, as the shop means it.
        return yaml.load(text, Loader=yaml.BaseLoader)
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path}: is not UTF-8; save it as UTF-8") from error
    except (yaml.YAMLError, RecursionError, json.JSONDecodeError) as error:
        raise SchemaError(f"{path}: can't be read as YAML or JSON: {' '.join(str(error).split())}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SchemaError(f"{path}: can't be read ({reason}); mend the path") from error


def _check_values(name: str, values: tuple[str, ...]) -> None:
    if not values:
        raise SchemaError(f"attribute '{name}' has an empty list of values; list them, or leave 'values' out")
    if not all(value.strip() for value in values):
        raise SchemaError(f"attribute '{name}' has an empty value; take it out (absent values are told as such anyway)")
    twice = _first_twice(values)
    if twice is not None:
        raise SchemaError(f"attribute '{name}' lists '{twice}' twice; keep one of them")


def _first_twice(names: Iterable[str]) -> str | None:
    return next((name for name, count in Counter(name.casefold() for name in names).items() if count > 1), None)


def _some(names: tuple[str, ...], at_most: int = 12) -> str:
    shown = ", ".join(names[:at_most])
    return shown if len(names) <= at_most else f"{shown} and {len(names) - at_most} more"
