"""A shop's attributes, families and categories as Akeneo has them: codes with labels, and the way from one to the other.

Models know words and Akeneo wants codes. Names are labels in the configured locale, made unique by the code where two would
be the same, and derived alike whenever they are read: what was pulled is found again when it is pushed.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import yaml

from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath
from pumgpt.catalog.vocabulary.tree import Tree
from pumgpt.connectors.akeneo.client import AkeneoClient, Item
from pumgpt.connectors.akeneo.config import AkeneoConfig
from pumgpt.errors import UsageError

SELECTS = ("pim_catalog_simpleselect", "pim_catalog_multiselect")
TEXTS = ("pim_catalog_text", "pim_catalog_textarea")
IMAGE = "pim_catalog_image"
BOOLEAN = "pim_catalog_boolean"
YES_NO = {"Yes": True, "No": False}
"""How a boolean is shown to the model."""
_FILLABLE = (*SELECTS, *TEXTS, BOOLEAN)


@dataclass(frozen=True)
class AkeneoAttribute:
    """One attribute. `options` are the codes of a select by their names."""

    code: str
    type: str
    name: str
    localizable: bool
    scopable: bool
    options: Mapping[str, str]

    @cached_property
    def labels(self) -> dict[str, str]:
        """The options' names by their codes."""
        return {code: name for name, code in self.options.items()}

    @property
    def values(self) -> tuple[str, ...] | None:
        """The only values that may be filled in; None where it is open."""
        if self.type == BOOLEAN:
            return tuple(YES_NO)
        return tuple(self.options) if self.type in SELECTS else None

    def data_of(self, value: str | list[str]) -> Any:
        """A filled value as Akeneo stores it. Raises `KeyError` for one that isn't an option."""
        several = [value] if isinstance(value, str) else value
        if self.type == "pim_catalog_multiselect":
            return [self.options[name] for name in several]
        if self.type == BOOLEAN:
            return YES_NO[several[0]]
        return self.options[several[0]] if self.type in SELECTS else ", ".join(several)


@dataclass(frozen=True)
class Structure:
    """What products are described by. `fillable` are the codes of the attributes that a model is asked for."""

    attributes: Mapping[str, AkeneoAttribute]
    fillable: tuple[str, ...]
    families: Mapping[str, Item]
    categories: Mapping[str, CategoryPath]
    """Below the channel's root, whose label says nothing of a product."""
    unit_symbols: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    @classmethod
    def fetch(cls, client: AkeneoClient, config: AkeneoConfig) -> Self:
        """Read it. Raises `UsageError` where the configuration names a channel, locale or attribute that isn't there."""
        channel = _channel(client, config.channel)
        if config.locale not in channel.get("locales", ()):
            raise UsageError(
                f"channel '{config.channel}' has no locale '{config.locale}'; it has {', '.join(channel['locales'])}"
            )
        found = {item["code"]: item for item in client.items("/attributes")}
        named = (config.title, config.description, *(config.photos or ()), *(config.attributes or ()))
        for code in filter(None, named):
            if code not in found:
                raise UsageError(f"{client.url} has no attribute '{code}'; it has {_some(found)}")
        names = _names(found.values(), config.locale, fold_attribute)
        attributes = {code: _attribute(client, item, names[code], config.locale) for code, item in found.items()}
        tree = _category_tree(client, channel["category_tree"], config.locale)
        return cls(
            attributes,
            _fillable(attributes, found, config),
            {family["code"]: family for family in client.items("/families")},
            {code: path[1:] for code, path in tree.paths() if len(path) > 1},
            _unit_symbols(client),
            tuple(tree.troubles),
        )

    def write_schema(self, path: Path) -> bool:
        """Write the attributes to fill in the form of `--schema`. False, and no file, where there are none."""
        entries: list[dict[str, Any]] = []
        for code in self.fillable:
            attribute = self.attributes[code]
            entry: dict[str, Any] = {"name": attribute.name}
            if attribute.values is not None:
                entry["values"] = list(attribute.values)
            entries.append(entry)
        if entries:
            text = yaml.safe_dump({"attributes": entries}, allow_unicode=True, sort_keys=False)
            path.write_text(text, encoding="utf-8")
        return bool(entries)

    def write_taxonomy(self, path: Path) -> bool:
        """Write the categories with their codes in the form of `--taxonomy`. False, and no file, where there are none."""
        if self.categories:
            with path.open("w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file)
                rows.writerow(("id", "path"))
                rows.writerows((code, " > ".join(levels)) for code, levels in self.categories.items())
        return bool(self.categories)

    def by_name(self, name: str) -> AkeneoAttribute | None:
        """The attribute to fill that is called so."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, AkeneoAttribute]:
        return {self.attributes[code].name: self.attributes[code] for code in self.fillable}

    def deepest(self, codes: Iterable[str]) -> CategoryPath | None:
        """Of a product's categories in the channel's tree the one that says most."""
        return max((self.categories[code] for code in codes if code in self.categories), key=len, default=None)


def _attribute(client: AkeneoClient, item: Item, name: str, locale: str) -> AkeneoAttribute:
    options: dict[str, str] = {}
    if item["type"] in SELECTS:
        found = list(client.items(f"/attributes/{quote(item['code'], safe='')}/options"))
        options = {name: code for code, name in _names(found, locale, str.casefold).items()}
    return AkeneoAttribute(
        item["code"], item["type"], name, bool(item.get("localizable")), bool(item.get("scopable")), options
    )


def _fillable(
    attributes: Mapping[str, AkeneoAttribute], found: Mapping[str, Item], config: AkeneoConfig
) -> tuple[str, ...]:
    """The attributes to fill. One that doesn't exist in the locale has no place for a value."""
    for code in config.attributes or ():
        if attributes[code].type not in _FILLABLE:
            raise UsageError(
                f"attribute '{code}' is of type {attributes[code].type}, which isn't filled; take it out of 'attributes'"
            )
    asked = config.attributes or [code for code, attribute in attributes.items() if attribute.type in SELECTS]
    return tuple(
        code
        for code in dict.fromkeys(asked)
        if (attributes[code].values is None or attributes[code].values)
        and config.locale in (found[code].get("available_locales") or (config.locale,))
    )


def _category_tree(client: AkeneoClient, root: str, locale: str) -> Tree:
    """The categories below, and with, the root of a channel."""
    found = {item["code"]: item for item in client.items("/categories")}
    parents = {code: item["parent"] for code, item in found.items() if item.get("parent")}
    siblings: dict[str | None, list[Item]] = {}
    for code, item in found.items():
        siblings.setdefault(parents.get(code), []).append(item)
    names: dict[str, str] = {}
    for children in siblings.values():
        # '>' separates levels, and a level's own would tear it apart.
        names |= {code: name.replace(">", "›") for code, name in _names(children, locale, str.casefold).items()}
    other_roots = {code for code in found if code not in parents and code != root}
    inside = {code for code in found if _root_of(code, parents) not in other_roots}
    return Tree(
        {code: names[code] for code in found if code in inside}, {c: p for c, p in parents.items() if c in inside}
    )


def _root_of(code: str, parents: Mapping[str, str]) -> str | None:
    """None for a category that is its own ancestor."""
    seen = set()
    while code in parents:
        if code in seen:
            return None
        seen.add(code)
        code = parents[code]
    return code


def _names(items: Iterable[Item], locale: str, fold: Callable[[str], str]) -> dict[str, str]:
    """Code -> label; followed by the code where labels are alike."""
    labels = {item["code"]: _label(item, locale) for item in items}
    counts = Counter(fold(label) for label in labels.values())
    return {code: label if counts[fold(label)] == 1 else f"{label} ({code})" for code, label in labels.items()}


def _label(item: Item, locale: str) -> str:
    """The label in a locale, else in its language, else any, else the code."""
    labels = {key: " ".join(text.split()) for key, text in (item.get("labels") or {}).items() if text and text.strip()}
    language = locale.partition("_")[0]
    near = next((text for key, text in labels.items() if key.partition("_")[0] == language), None)
    return labels.get(locale) or near or next(iter(labels.values()), None) or item["code"]


def _unit_symbols(client: AkeneoClient) -> dict[str, str]:
    """'CENTIMETER' -> 'cm'. Empty where the server is too old to have them, or doesn't allow them: codes are words too."""
    families = client.find("/measurement-families", absent=(403, 404))
    if not isinstance(families, list):
        return {}
    return {code: unit["symbol"] for family in families for code, unit in family["units"].items() if unit.get("symbol")}


def _channel(client: AkeneoClient, code: str) -> Item:
    channels = {item["code"]: item for item in client.items("/channels")}
    if code not in channels:
        raise UsageError(f"{client.url} has no channel '{code}'; it has {_some(channels)}")
    return channels[code]


def _some(codes: Iterable[str], at_most: int = 12) -> str:
    listed = list(codes)
    shown = ", ".join(listed[:at_most]) or "none"
    return shown if len(listed) <= at_most else f"{shown} and {len(listed) - at_most} more"
