"""A release of Shopify's product taxonomy: its categories, the attributes that each brings, and their names in other
languages.

Either the JSON of a release (`categories.json`, `taxonomy.json`), or a folder that holds what there is of these; in a clone
of the taxonomy's repository the folders are found where they are:

    categories.txt, categories.json, or categories/*.yml       at least one of them
    attributes.json                                            the values of attributes, the units of measurements
    localizations/categories/de.yml, .../attributes/de.yml     names in other languages

or the assets of a release as they were downloaded, packed or not:

    taxonomy.en.json.gz, categories.en.json.gz, categories.en.txt.gz    at least one of them
    attributes.en.json.gz                                               where there is no taxonomy.en.json.gz
    categories.de.txt.gz, attributes.de.json.gz                         names in other languages
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec, distinctly_named, known_units
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath, Taxonomy, code_of, split_path
from pumgpt.catalog.vocabulary.taxonomy_files import read_taxonomy_file
from pumgpt.catalog.vocabulary.text_files import ending_of, read_text
from pumgpt.catalog.vocabulary.tree import Tree
from pumgpt.errors import SchemaError

_PLACES = ("", "dist/en", "data")
"""Where the parts of a release are: in one folder, or as the repository has them."""
_ENGLISH = "en"
_Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_T = TypeVar("_T")


class _Named(BaseModel):
    name: str
    handle: str = ""


class _ReleasedCategory(_Named):
    """A category of the JSON (`full_name`) or of the YAML (`children`)."""

    id: str
    full_name: str = ""
    children: list[Any] = []
    attributes: list[_Named | str] = []

    @property
    def code(self) -> str:
        return code_of(self.id)

    @property
    def keys(self) -> tuple[str, ...]:
        """Its attributes as `ShopifyRelease.attributes` has them."""
        named = (attribute if isinstance(attribute, str) else attribute.handle for attribute in self.attributes)
        return tuple(key_of(name) for name in named)


class _Vertical(BaseModel):
    categories: list[_ReleasedCategory]


class _ReleasedAttribute(_Named):
    description: str | None = None
    values: list[_Named] | None = None
    extended_attributes: list[_Named] | None = None
    supported_units: list[str] | None = None
    """Of a measurement, which has no values."""


class _ReleaseDocument(BaseModel):
    version: str | None = None
    verticals: list[_Vertical] = []
    attributes: list[_ReleasedAttribute] = []


@dataclass(frozen=True)
class ShopifyRelease:
    """`keys` has the attributes of each category by its code ('aa-1-13'), `attributes` what is known of them by key."""

    taxonomy: Taxonomy
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: Mapping[str, AttributeSpec] = field(default_factory=dict)
    folder: Path | None = None

    @classmethod
    def load(cls, path: Path) -> ShopifyRelease:
        """Read a release. Raises `SchemaError` that names the file and what is wrong with it."""
        if not path.is_dir():
            return cls._of_json(path, _checked(path, _ReleaseDocument))
        language = _main_language(path)
        whole = _find_asset(path, "taxonomy", ".json", language)
        json_file = _find_asset(path, "categories", ".json", language) or whole
        text, sources = _find_asset(path, "categories", ".txt", language), _find(path, "categories")
        if json_file:
            release = cls._of_json(json_file, _checked(json_file, _ReleaseDocument))
        elif sources:
            release = cls._of_yaml(sources, text)
        elif text:
            release = cls(read_taxonomy_file(text))
        else:
            raise SchemaError(
                f"{path}: holds no categories.txt, categories.json, taxonomy.json or categories/*.yml of a release"
            )
        file = _find_asset(path, "attributes", ".json", language) or whole
        specs = dict(_specs(_checked(file, _ReleaseDocument).attributes)) if file else release.attributes
        return cls(release.taxonomy, release.keys, specs, path)

    @classmethod
    def _of_json(cls, path: Path, document: _ReleaseDocument) -> ShopifyRelease:
        categories = [category for vertical in document.verticals for category in vertical.categories]
        if not categories:
            raise SchemaError(f"{path}: has no categories; give the categories.json of a Shopify release")
        paths = tuple(split_path(category.full_name) for category in categories)
        taxonomy = Taxonomy(paths, tuple(c.id for c in categories), version=document.version)
        keys = {category.code: category.keys for category in categories}
        return cls(taxonomy, keys, dict(_specs(document.attributes)), path.parent)

    @classmethod
    def _of_yaml(cls, folder: Path, text: Path | None) -> ShopifyRelease:
        """The source files: a category names its children. Ids are those of `text` where there is one."""
        categories = [c for file in sorted(folder.glob("*.yml")) for c in _checked(file, list[_ReleasedCategory])]
        parents = {str(child): category.id for category in categories for child in category.children}
        names = {category.id: category.name for category in categories}
        tree = Tree(names, {child: parent for child, parent in parents.items() if child in names})
        paths = list(tree.paths())
        if not paths:
            raise SchemaError(f"{folder}: no category hangs from a root; {'; '.join(tree.troubles) or 'it is empty'}")
        if text is not None:
            taxonomy = read_taxonomy_file(text)
        else:
            taxonomy = Taxonomy(tuple(path for _, path in paths), tuple(id_ for id_, _ in paths))
        warnings = tuple(f"{folder}: {trouble}" for trouble in tree.troubles)
        return cls(
            replace(taxonomy, warnings=(*taxonomy.warnings, *warnings)),
            {category.code: category.keys for category in categories},
        )

    def schema_of(self, category: CategoryPath) -> AttributeSchema | None:
        """The attributes that a category brings, with their values; None where none are known."""
        keys = self.keys.get(code_of(self.taxonomy.id_of(category) or ""), ())
        specs = distinctly_named(
            (self._named(key, self.attributes[key]), key) for key in keys if key in self.attributes
        )
        return AttributeSchema(specs) if specs else None

    def attributes_of(self, category: CategoryPath) -> dict[str, str]:
        """The names of the attributes that a category brings, by their keys; those of which nothing else is known too."""
        keys = self.keys.get(code_of(self.taxonomy.id_of(category) or ""), ())
        return {key: self.attributes[key].name if key in self.attributes else key.replace("_", " ") for key in keys}

    def localised(self, language: str) -> Taxonomy:
        """The paths in another language, with the same ids; what is not translated keeps its English name."""
        names = self._names("categories", language)
        codes = {path: code_of(id_ or "") for path, id_ in zip(self.taxonomy.paths, self.taxonomy.ids, strict=True)}
        paths = [
            tuple(names.get(codes.get(path[: depth + 1], ""), level) for depth, level in enumerate(path))
            for path in self.taxonomy.paths
        ]
        return Taxonomy(tuple(paths), self.taxonomy.ids)

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """The languages that categories have names in, English apart."""
        if self.folder is None:
            return ()
        sources = _find(self.folder, "localizations/categories")
        found = {file.stem for file in sources.glob("*.yml")} if sources else set()
        return tuple(sorted((found | _asset_languages(self.folder)) - {_ENGLISH}))

    def _named(self, key: str, spec: AttributeSpec) -> AttributeSpec:
        names = {language: self._names("attributes", language).get(key, "") for language in self.languages}
        return replace(spec, names={language: name for language, name in names.items() if name})

    def _names(self, kind: str, language: str) -> Mapping[str, str]:
        """What categories (by code) or attributes (by key) are called in a language."""
        if (kind, language) not in self._read_names:
            if language not in self.languages:
                raise SchemaError(
                    f"{self.folder}: has no names of {kind} in '{language}'; it has: {', '.join(self.languages) or 'none'}"
                )
            assert self.folder is not None
            file = _find(self.folder, f"localizations/{kind}/{language}.yml")
            self._read_names[kind, language] = (
                _localisation(file, kind) if file else _translated_asset(self.folder, kind, language)
            )
        return self._read_names[kind, language]

    @cached_property
    def _read_names(self) -> dict[tuple[str, str], Mapping[str, str]]:
        return {}


def key_of(handle: str) -> str:
    """An attribute's handle in a form that all files share: 'line-rope-type' and 'line/rope_type' are one."""
    return re.sub(r"[\W_]+", "_", handle)


def _specs(attributes: Iterable[_ReleasedAttribute]) -> Iterator[tuple[str, AttributeSpec]]:
    """An extended attribute ('Shoe color') has the values, or the units, of the one that it extends."""
    for attribute in attributes:
        values = tuple(dict.fromkeys(value.name for value in attribute.values or ())) or None
        units = known_units(attribute.supported_units or ())
        for named in (attribute, *(attribute.extended_attributes or ())):
            spec = AttributeSpec(named.name, values, description=attribute.description or None, units=units)
            yield key_of(named.handle), spec


def _localisation(file: Path, kind: str) -> dict[str, str]:
    """The names in a source file of translations."""
    document = _checked(file, dict[str, dict[str, dict[str, dict[str, Any]]]])
    entries = next(iter(document.values()), {}).get(kind, {})
    named = {id_: entry["name"] for id_, entry in entries.items() if entry.get("name")}
    return {key_of(id_): name for id_, name in named.items()} if kind == "attributes" else named


def _translated_asset(folder: Path, kind: str, language: str) -> dict[str, str]:
    """The names in a release's assets of another language: `categories.de.txt.gz`, `attributes.de.json.gz`."""
    file = _find_asset(folder, kind, ".json", language) or _find_asset(folder, kind, ".txt", language)
    if file is None or (kind == "attributes" and ending_of(file) != ".json"):
        return {}
    if kind == "attributes":
        attributes = _checked(file, _ReleaseDocument).attributes
        return {key: spec.name for key, spec in _specs(attributes)}
    translated = ShopifyRelease.load(file).taxonomy if ending_of(file) == ".json" else read_taxonomy_file(file)
    return {code_of(id_ or ""): path[-1] for path, id_ in zip(translated.paths, translated.ids, strict=True)}


def _asset_languages(folder: Path) -> set[str]:
    names = (
        re.fullmatch(r"(?:categories|taxonomy)\.([\w-]+)\.(?:txt|json)(?:\.gz)?", file.name)
        for file in folder.iterdir()
    )
    return {name[1] for name in names if name}


def _main_language(folder: Path) -> str:
    """English, or the only language that the assets of a release were downloaded in."""
    languages = _asset_languages(folder)
    return languages.pop() if len(languages) == 1 else _ENGLISH


def _find(folder: Path, name: str) -> Path | None:
    return next((folder / place / name for place in _PLACES if (folder / place / name).exists()), None)


def _find_asset(folder: Path, stem: str, ending: str, language: str = _ENGLISH) -> Path | None:
    """A file of a release: `attributes.json` as the repository has it, `attributes.en.json.gz` as it is downloaded."""
    names = (stem + ending, f"{stem}.{language}{ending}") if language == _ENGLISH else (f"{stem}.{language}{ending}",)
    return next((file for name in names for end in ("", ".gz") if (file := _find(folder, name + end))), None)


def _checked(path: Path, form: type[_T]) -> _T:
    text = read_text(path)
    try:
        document = json.loads(text) if ending_of(path) == ".json" else yaml.load(text, Loader=_Loader)
        return TypeAdapter(form).validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SchemaError(f"{path}: {where}: {first['msg']}; give a file of a Shopify release as it is") from error
    except (yaml.YAMLError, RecursionError, json.JSONDecodeError) as error:
        raise SchemaError(f"{path}: can't be read as YAML or JSON: {' '.join(str(error).split())}") from error
