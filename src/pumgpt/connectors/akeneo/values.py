"""A product's values: the one of a channel and locale among all, as text that a model reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pumgpt.catalog.html_text import plain_text
from pumgpt.catalog.product import AttributeValue
from pumgpt.connectors.akeneo.client import AkeneoClient, Item
from pumgpt.connectors.akeneo.config import AkeneoConfig
from pumgpt.connectors.akeneo.structure import BOOLEAN, SELECTS, TEXTS, YES_NO, AkeneoAttribute, Structure

_MODELS_KEPT = 1000
_DATES = "pim_catalog_date"
_WORDLESS = ("pim_catalog_image", "pim_catalog_file", "pim_catalog_identifier", "pim_catalog_table")
"""What says nothing of a product in words."""


@dataclass(frozen=True)
class ValueReader:
    """Picks and words the values of one channel and locale."""

    config: AkeneoConfig
    structure: Structure

    def place_of(self, attribute: AkeneoAttribute) -> dict[str, str | None]:
        """Where this attribute's value of ours stands: null for what it isn't split by."""
        return {
            "locale": self.config.locale if attribute.localizable else None,
            "scope": self.config.channel if attribute.scopable else None,
        }

    def data(self, values: Mapping[str, list[Item]], attribute: AkeneoAttribute) -> Any:
        """The value as Akeneo has it; None where it is empty."""
        place = self.place_of(attribute)
        for entry in values.get(attribute.code, ()):
            if entry.get("locale") == place["locale"] and entry.get("scope") == place["scope"]:
                data = entry.get("data")
                return None if data in ("", [], {}) else data
        return None

    def text(self, values: Mapping[str, list[Item]], attribute: AkeneoAttribute) -> AttributeValue | None:
        """The value in words: labels of options, '30 cm', '9.90 EUR', 'Yes', '2026-11-28'."""
        data = self.data(values, attribute)
        if data is None or attribute.type in _WORDLESS:
            return None
        if attribute.type in SELECTS:
            if isinstance(data, list):
                return [attribute.labels.get(code, str(code)) for code in data]
            return attribute.labels.get(data, str(data))
        if attribute.type == BOOLEAN:
            return next(text for text, value in YES_NO.items() if value == bool(data))
        if attribute.type in TEXTS:
            return plain_text(str(data)) or None
        if attribute.type == _DATES:
            return str(data).partition("T")[0]
        if isinstance(data, list):  # prices in several currencies, or codes of records and assets
            return [self._worded(item) for item in data]
        return self._worded(data)

    def _worded(self, data: Any) -> str:
        if not isinstance(data, dict):
            return str(data)
        amount, unit = str(data.get("amount")), data.get("currency") or data.get("unit") or ""
        # Akeneo stores '30.0000'; zeros behind the point are its, not the shop's.
        if "." in amount and "unit" in data:
            amount = amount.rstrip("0").rstrip(".")
        return f"{amount} {self.structure.unit_symbols.get(unit, unit)}".strip()


class ProductModels:
    """The product models that variants inherit from. Keeps the last thousand."""

    def __init__(self, client: AkeneoClient) -> None:
        self._client = client
        self._kept: dict[str, Item] = {}

    def inherited(self, product: Item) -> Item:
        """The product with the values and categories of its ancestors; its own win.

        Akeneo gives a variant inherited values already, but not in every version and for every kind of item.
        """
        parent = self.get(product.get("parent"))
        if parent is None:
            return product
        categories = dict.fromkeys([*(product.get("categories") or ()), *(parent.get("categories") or ())])
        values = {**(parent.get("values") or {}), **(product.get("values") or {})}
        return {**product, "values": values, "categories": list(categories)}

    def get(self, code: str | None) -> Item | None:
        """A product model with what it inherits itself; None where there is none."""
        if not code:
            return None
        if code not in self._kept:
            model = self._client.find(f"/product-models/{quote(code, safe='')}")
            if model is None:
                return None
            if len(self._kept) >= _MODELS_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[code] = self.inherited(model)
        return self._kept[code]
