"""How often names are matched rightly: nano's categories with those of other vocabularies, where the right answer is known.

    python experiments/name_matching/run.py --data ../shared/data
    python experiments/name_matching/run.py --data ../shared/data --encoder path/to/all-MiniLM-L6-v2

What is right was reviewed by hand before: the maps that lead from nano to Shopify's taxonomy and on to Google's, and for the
labels of `clothing` the table in this file. No ids are given, which would tell the answer. With `--encoder`, a checkpoint of
sentence-transformers chooses the nearest name instead, at several thresholds.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from pumgpt.catalog.vocabulary.crosswalk import Crosswalk
from pumgpt.catalog.vocabulary.matching.categories import load_maps, match_categories
from pumgpt.catalog.vocabulary.shopify_release import ShopifyRelease
from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath, Taxonomy
from pumgpt.model.card import category_maps, read_card, resolve_checkpoint

Truth = Mapping[CategoryPath, CategoryPath | None]
"""A category of nano's -> the right one, None where there is none."""
LANGUAGES = ("de", "es", "fr", "ja", "zh-CN")
THRESHOLDS = (0.6, 0.7, 0.8, 0.9)
GARMENTS = {
    **{"Tshirts": "T-Shirt", "Lounge Tshirts": "T-Shirt", "Shirts": "Shirt", "Dresses": "Dress", "Skirts": "Skirt"},
    **{"Shorts": "Shorts", "Lounge Shorts": "Shorts", "Blazers": "Blazer", "Tops": "Top", "Jeans": "Pants"},
    **{"Trousers": "Pants", "Track Pants": "Pants", "Capris": "Pants", "Leggings": "Pants", "Jeggings": "Pants"},
    **{
        "Lounge Pants": "Pants",
        "Churidar": "Pants",
        "Salwar": "Pants",
        "Patiala": "Pants",
        "Hat": "Hat",
        "Caps": "Hat",
    },
    **{"Casual Shoes": "Shoes", "Sports Shoes": "Shoes", "Formal Shoes": "Shoes", "Heels": "Shoes", "Flats": "Shoes"},
    **{
        "Sandals": "Shoes",
        "Sports Sandals": "Shoes",
        "Flip Flops": "Shoes",
        "Jackets": "Outwear",
        "Rain Jacket": "Outwear",
    },
    **{"Tunics": "Top", "Kurtas": "Top", "Kurtis": "Top", "Sweaters": "Top", "Sweatshirts": "Top", "Shrug": "Top"},
    **{"Innerwear Vests": "Undershirt", "Nehru Jackets": "Outwear", "Waistcoat": "Outwear", "Rompers": "Body"},
}
"""A last level of `fashion` -> the label of `clothing` that is right for it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, help="a folder of sentence-transformers")
    options = parser.parse_args()
    own = Taxonomy.of(read_card(resolve_checkpoint("nano")).category_paths)
    maps = load_maps(category_maps(resolve_checkpoint("nano")))
    print("| nano's categories into | right | broader | wrong | missed | precision | recall | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for name, source, shop, truth, used in cases(options.data, own, maps):
        began = time.process_time()
        crosswalk = match_categories(source, shop, used).crosswalk()
        seconds = time.process_time() - began
        print(f"| {name} | {report(truth, crosswalk.find)} | {seconds:.2f} |")
    if options.encoder is not None:
        print(
            "\n| the nearest name by the encoder | at least | right | broader | wrong | missed | precision | recall |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for name, source, shop, truth, _ in cases(options.data, own, maps):
            if "names alone" in name or "clothing" in name:
                nearest = nearest_names(options.encoder, source.paths, shop.paths)
                for threshold in THRESHOLDS:
                    print(f"| {name} | {threshold} | {report(truth, at_least(nearest, threshold))} |")


def at_least(
    nearest: Mapping[CategoryPath, tuple[CategoryPath, float]], threshold: float
) -> Callable[[CategoryPath], CategoryPath | None]:
    return lambda path: nearest[path][0] if nearest[path][1] >= threshold else None


def cases(
    data: Path, own: Taxonomy, maps: Sequence[Crosswalk]
) -> Iterator[tuple[str, Taxonomy, Taxonomy, Truth, Sequence[Crosswalk]]]:
    """(name, nano's categories, the others, what is right, the maps that may be used)."""
    release = ShopifyRelease.load(data / "taxonomy" / "shopify")
    (to_shopify,) = maps
    in_release = to_shopify.into(release.taxonomy)
    shopify = {path: in_release.find(path) for path in own.paths}
    yield "Shopify's, by names alone", own, Taxonomy.of(release.taxonomy.paths), shopify, ()
    for language in LANGUAGES:
        translated = dict(zip(release.taxonomy.paths, release.localised(language).paths, strict=True))
        right = {path: translated[target] if target else None for path, target in shopify.items()}
        yield f"Shopify's in {language}", own, Taxonomy.of(translated.values()), right, maps
    google = load_taxonomy(data / "taxonomy" / "google" / "taxonomy.en-US.txt")
    onward = Path(str(files("pumgpt.catalog.vocabulary") / "maps" / "shopify_to_google.csv"))
    in_google = to_shopify.then(Crosswalk.load(onward)).into(google)
    yield "Google's", own, google, {path: in_google.find(path) for path in own.paths}, maps
    yield "Google's, by names alone", own, google, {path: in_google.find(path) for path in own.paths}, ()
    fashion = Taxonomy.of(path for path in own.paths if path[0] in ("Apparel", "Footwear", "Accessories"))
    labels = Taxonomy.of(path for path in own.paths if len(path) == 1)
    garments = {path: (GARMENTS[path[-1]],) if path[-1] in GARMENTS else None for path in fashion.paths}
    yield "the labels of clothing", fashion, labels, garments, maps


def report(truth: Truth, find: Callable[[CategoryPath], CategoryPath | None]) -> str:
    """Counts, precision and recall. A category above the right one is neither right nor wrong: its products belong there too."""
    counts: Counter[str] = Counter()
    for path, right in truth.items():
        found = find(path)
        if found is None:
            counts["missed"] += right is not None
        elif found == right:
            counts["right"] += 1
        else:
            counts["broader" if right and right[: len(found)] == found else "wrong"] += 1
    matched = counts["right"] + counts["broader"] + counts["wrong"]
    existing = sum(right is not None for right in truth.values())
    good = counts["right"] + counts["broader"]
    return " | ".join(
        [
            *(str(counts[kind]) for kind in ("right", "broader", "wrong", "missed")),
            f"{good / matched:.3f}" if matched else "none matched",
            f"{good / existing:.3f}",
        ]
    )


def nearest_names(
    encoder: Path, sources: Sequence[CategoryPath], targets: Sequence[CategoryPath]
) -> dict[CategoryPath, tuple[CategoryPath, float]]:
    """The target whose last level is the nearest, with the cosine."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(encoder), AutoModel.from_pretrained(encoder).eval()

    @torch.inference_mode()
    def encode(paths: Sequence[CategoryPath]) -> torch.Tensor:
        parts = []
        for start in range(0, len(paths), 256):
            texts = [path[-1] for path in paths[start : start + 256]]
            batch = tokenizer(texts, padding=True, truncation=True, max_length=32, return_tensors="pt")
            mask = batch["attention_mask"][..., None]
            hidden = model(**batch).last_hidden_state
            parts.append(torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1))
        return torch.cat(parts)

    cosines = encode(sources) @ encode(targets).T
    best = cosines.max(1)
    pairs = zip(sources, best.indices.tolist(), best.values.tolist(), strict=True)
    return {source: (targets[index], cosine) for source, index, cosine in pairs}


if __name__ == "__main__":
    main()
