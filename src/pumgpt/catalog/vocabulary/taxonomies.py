"""Any taxonomy in, whatever it comes in."""

from __future__ import annotations

from pathlib import Path

from pumgpt.catalog.vocabulary.shopify_release import ShopifyRelease
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.catalog.vocabulary.taxonomy_files import read_taxonomy_file
from pumgpt.catalog.vocabulary.text_files import ending_of


def load_taxonomy(path: Path) -> Taxonomy:
    """Read a taxonomy: a file by its ending, or the folder of a release.

    Raises `SchemaError` naming file and line: no path, an empty level, a path or an id that stands there twice.
    """
    return load_release(path).taxonomy


def load_release(path: Path) -> ShopifyRelease:
    """The same with the attributes that each category brings, where there are some."""
    if path.is_dir() or ending_of(path) == ".json":
        return ShopifyRelease.load(path)
    return ShopifyRelease(read_taxonomy_file(path))
