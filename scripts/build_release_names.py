"""Write what the categories of public taxonomies are called: `catalog/vocabulary/matching/release_names.csv`.

    python scripts/build_release_names.py --data ../shared/data

For the categories of Shopify's taxonomy (MIT) that a shipped model's map or a class of ImageNet leads to, those above them,
and the two upper levels of the whole taxonomy: the path in English, and the name in the languages of the release, empty where
that leaves the English one.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

from pumgpt.catalog.vocabulary.crosswalk import Crosswalk, codes_in_all_releases
from pumgpt.catalog.vocabulary.imagenet import imagenet_classes
from pumgpt.catalog.vocabulary.shopify_release import ShopifyRelease
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, CategoryPath, code_of
from pumgpt.model.card import category_maps, resolve_checkpoint

VOCABULARY = Path(__file__).resolve().parents[1] / "src" / "pumgpt" / "catalog" / "vocabulary"
OUT = VOCABULARY / "matching" / "release_names.csv"
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
    print(f"{len(codes)} categories in {OUT}")


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
