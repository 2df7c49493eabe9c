"""What a system's form of a product in JSON is: a shape reads a record into our names, and gives back a changed copy of it in
its own form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from pumgpt.catalog.formats.filled import FilledColumns
from pumgpt.catalog.photo_list import link_of
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.attribute_names import find_attribute

Fields = dict[str, Any]
Values = Mapping[str, list[str]]
"""Values by the attribute's name as it is written."""


class RecordShape(ABC):
    """One system's form of a product."""

    name: ClassVar[str]
    id_field: ClassVar[str] = "id"
    category_field: ClassVar[str]
    attributes_field: ClassVar[str]
    """Where categories and attributes are filled, in words for people."""
    read_fields: ClassVar[frozenset[str]]
    """What is read of a record; all else is carried through as the shop's own."""

    @abstractmethod
    def matches(self, record: Mapping[str, Any]) -> bool:
        """Whether a record has the fields that only this system writes."""

    @abstractmethod
    def read(self, record: Mapping[str, Any]) -> Fields:
        """The fields of `Product.from_record`."""

    @abstractmethod
    def with_attributes(self, record: Mapping[str, Any], values: Values) -> Fields:
        """The record with attributes that it doesn't state yet."""

    @abstractmethod
    def with_category(self, record: Mapping[str, Any], path: list[str], id_: str | None) -> Fields:
        """The record in this category; as it is where the system only takes ids of its own and this is none."""

    @abstractmethod
    def without(self, record: Mapping[str, Any], failed: Mapping[str, Collection[str]]) -> Fields:
        """The record without these values of its attributes (by folded names)."""


def filled_attributes(columns: FilledColumns, product: Product, understanding: Understanding) -> dict[str, list[str]]:
    """The attributes to be written: filled ones that the shop doesn't state, or any with `overwrite_values`."""
    return {
        field.name: [field.value] if isinstance(field.value, str) else field.value
        for field in understanding.attributes or ()
        if field.status == "filled"
        and field.value
        and (columns.overwrite_values or not find_attribute(product.attributes, field.name))
    }


def elements(value: Any) -> list[Any]:
    """A list; an empty one in the place of anything else."""
    return value if isinstance(value, list) else []


def distinct_links(photos: Iterable[Any]) -> list[str]:
    """The addresses of photos, each an address or an object with one."""
    links = (link_of(photo) if isinstance(photo, Mapping) else photo for photo in photos)
    return list(dict.fromkeys(link for link in links if isinstance(link, str) and link))


def merged_values(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """All values of each attribute, without blanks and repetitions."""
    found: dict[str, dict[str, None]] = {}
    for name, value in pairs:
        if name and value.strip():
            found.setdefault(name, {})[value.strip()] = None
    return {name: list(values) for name, values in found.items()}


def name_of(value: Any) -> str:
    """What an object is called; '' where it isn't one."""
    return str(value.get("name") or "") if isinstance(value, Mapping) else ""
