"""Write what the categories of public taxonomies are called, and which everyday attributes they have: `release_names.csv` and
`released_attributes.csv` in `catalog/vocabulary/matching`.

    python scripts/build_release_names.py --data ../shared/data

For the categories of Shopify's taxonomy (MIT) that a shipped model's map or a class of ImageNet leads to, those above them, and
the two upper levels of the whole taxonomy: the path in English, and the name in the languages of the release, empty where that
leaves the English one. An attribute is one of a category's where at least a tenth of it and the categories below have it: a few
of all furniture is for babies, and furniture has no age group for that. The first row, without a path, is of all categories
together.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

from pumgpt.catalog.vocabulary.crosswalk import Crosswalk, codes_in_all_releases
from pumgpt.catalog.vocabulary.imagenet import imagenet_classes
from pumgpt.catalog.vocabulary.matching.names import normal_form
from pumgpt.catalog.vocabulary.matching.thesaurus import thesaurus
from pumgpt.catalog.vocabulary.shopify_release import ShopifyRelease
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, CategoryPath, code_of
from pumgpt.model.card import category_maps, resolve_checkpoint

VOCABULARY = Path(__file__).resolve().parents[1] / "src" / "pumgpt" / "catalog" / "vocabulary"
OUT = VOCABULARY / "matching" / "release_names.csv"
ATTRIBUTES_OUT = VOCABULARY / "matching" / "released_attributes.csv"
EVERYDAY = ("age group", "colour", "gender", "season", "usage")
"""Attributes that are asked of products of any kind, unless it is known that a kind doesn't have them."""
LEAST_SHARE = 0.1
LANGUAGES = ("de", "es", "fr", "ja", "zh-CN")
UPPER_LEVELS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds taxonomy/shopify")
    release = ShopifyRelease.load(parser.parse_args().data / "taxonomy" / "shopify")
    codes = wanted_categories(release)
    translated = {language: translations(release, language) for language in LANGUAGES}
    with OUT.open("w", encoding="utf-8", newline="") as file:
        file.write(
            "# What categories of Shopify's taxonomy (MIT) are called. Written by scripts/build_release_names.py.\n"
        )
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", *LANGUAGES))
        for path, code in sorted(codes.items()):
            names = [translated[language].get(code, "") for language in LANGUAGES]
            writer.writerow((SEPARATOR.join(path), *("" if name == path[-1] else name for name in names)))
    with ATTRIBUTES_OUT.open("w", encoding="utf-8", newline="") as file:
        file.write(
            "# Attributes of categories of Shopify's taxonomy (MIT). Written by scripts/build_release_names.py.\n"
        )
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", "attributes"))
        known: dict[CategoryPath, list[str]] = {}
        for path in [(), *sorted(codes)]:
            attributes = everyday_attributes(release, codes.get(path, ""))
            # Of some leaves the release names none at all: a desk has a colour as all furniture has.
            known[path] = attributes or (known.get(path[:-1], []) if len(path) > 1 else [])
            writer.writerow((SEPARATOR.join(path), "|".join(known[path])))
    print(f"{len(codes)} categories in {OUT} and {ATTRIBUTES_OUT}")


def everyday_attributes(release: ShopifyRelease, code: str) -> list[str]:
    """The everyday attributes of a category and those below it; of all categories without a code."""
    keys = [own for other, own in release.keys.items() if not code or other == code or other.startswith(f"{code}-")]
    names = {name: thesaurus().attribute_names(name) for name in EVERYDAY}
    counts = {
        name: sum(any(normal_form(key.replace("_", " ")) in forms for key in own) for own in keys)
        for name, forms in names.items()
    }
    return [name for name, count in counts.items() if count and count >= LEAST_SHARE * len(keys)]


def wanted_categories(release: ShopifyRelease) -> dict[CategoryPath, str]:
    """Path, as the map writes it -> code in the release."""
    wanted: dict[CategoryPath, str] = {}
    in_release = {
        code_of(id_): path for path, id_ in zip(release.taxonomy.paths, release.taxonomy.ids, strict=True) if id_
    }
    for path, id_ in zip(release.taxonomy.paths, release.taxonomy.ids, strict=True):
        if len(path) <= UPPER_LEVELS and id_:
            wanted[path] = code_of(id_)
    for path, id_ in mapped_categories():
        code = next((code for code in codes_in_all_releases(code_of(id_)) if code in in_release), "")
        # The levels above have the codes above, 'aa-1-13' of 'aa-1-13-8'; where a category has moved they are others.
        for depth in range(len(path), 0, -1):
            same = in_release.get(code, ("",))[-1] == path[depth - 1]
            wanted.setdefault(path[:depth], code if same else "")
            code = code.rpartition("-")[0]
    return wanted


def mapped_categories() -> Iterator[tuple[CategoryPath, str]]:
    """Where the maps lead, with ids."""
    for file in category_maps(resolve_checkpoint("nano")):
        for rows in Crosswalk.load(file).counterparts.values():
            yield from ((row.path, row.id) for row in rows if row.path is not None and row.id is not None)
    for known in imagenet_classes():
        if known.shopify is not None and known.id is not None:
            yield known.shopify, known.id


def translations(release: ShopifyRelease, language: str) -> dict[str, str]:
    """Code -> the name in a language; without those that the release leaves in English."""
    localised = release.localised(language)
    pairs = zip(localised.paths, release.taxonomy.paths, localised.ids, strict=True)
    return {code_of(id_): path[-1] for path, english, id_ in pairs if id_ and path[-1] != english[-1]}


if __name__ == "__main__":
    main()
