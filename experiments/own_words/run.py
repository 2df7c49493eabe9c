"""What a shop gets that brings words of its own: a taxonomy of eight lines, colours and people in English and German.

    python experiments/own_words/run.py --data ../shared/data
    python experiments/own_words/run.py --data ../shared/data --limit 300

Test products of `fashion` and `clothing` are asked twice: in the shop's words as they stand, as it was done before names were
matched, and in nano's own words, carried over. What a label means in the shop's words is said by hand in this file. `fashion`
is asked with the photo alone and with the title too, which also says how many right answers a title takes away.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pumgpt.backends.load import load_backend
from pumgpt.backends.protocol import Backend
from pumgpt.bench.stats.intervals import proportion
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import ModelInfo, Understanding
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.training.data.products import read_file
from pumgpt.understand.assemble import assemble
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.intake import open_product
from pumgpt.understand.plan import Plan, make_context, make_plan

TASKS = ("category", "attributes")
PRECISIONS = (0.9, 0.0)
PRODUCTS_AT_ONCE = 16

TAXONOMY = Taxonomy.of(
    (name,) for name in ["Jeans", "Dresses", "T-shirts", "Trainers", "Rugs", "Skirts", "Hats", "Handbags"]
)

COLOURS = ("Black", "White", "Blue", "Navy", "Grey", "Brown", "Beige", "Red", "Pink", "Green", "Yellow", "Orange")
COLOURS = (*COLOURS, "Purple", "Gold", "Silver", "Multicoloured")
SCHEMA = AttributeSchema(
    (
        AttributeSpec("Color", COLOURS),
        AttributeSpec("Zielgruppe", ("Damen", "Herren", "Mädchen", "Jungen", "Unisex")),
        AttributeSpec("pattern", ("plain", "striped", "checked")),
    )
)

UNKNOWN = frozenset({"?"})
"""The label leaves open which of the shop's words is right: such products aren't judged."""


def one_of(*names: str) -> frozenset[str]:
    return frozenset(names)


# Label -> the shop's categories that are right; labels that aren't here have none.
CATEGORIES: Mapping[str, frozenset[str]] = {
    **{"Jeans": one_of("Jeans"), "Dresses": one_of("Dresses"), "Dress": one_of("Dresses"), "Skirts": one_of("Skirts")},
    **{"Tshirts": one_of("T-shirts"), "T-Shirt": one_of("T-shirts"), "Lounge Tshirts": one_of("T-shirts")},
    **{"Sports Shoes": one_of("Trainers"), "Skirt": one_of("Skirts"), "Handbags": one_of("Handbags")},
    **{"Hat": one_of("Hats"), "Caps": one_of("Hats")},
    # Sneakers and loafers alike; jeans and other trousers; shoes of every kind; T-shirts with long sleeves, and with collars.
    **dict.fromkeys(("Casual Shoes", "Pants", "Shoes", "Longsleeve", "Polo", "Clutches"), UNKNOWN),
}
_SAME_COLOUR = {colour: one_of(colour) for colour in COLOURS}
# Between two colours both are right.
VALUES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "Color": {
        **_SAME_COLOUR,
        **{
            "Navy Blue": one_of("Navy"),
            "Multi": one_of("Multicoloured"),
            "Maroon": one_of("Red"),
            "Burgundy": one_of("Red"),
        },
        **{"Cream": one_of("Beige", "White"), "Off White": one_of("White", "Beige"), "Skin": one_of("Beige")},
        **{
            "Nude": one_of("Beige"),
            "Tan": one_of("Brown"),
            "Coffee Brown": one_of("Brown"),
            "Steel": one_of("Silver", "Grey"),
        },
        **{"Charcoal": one_of("Grey", "Black"), "Grey Melange": one_of("Grey"), "Olive": one_of("Green")},
        **{"Sea Green": one_of("Green"), "Lime Green": one_of("Green"), "Fluorescent Green": one_of("Green")},
        **{
            "Khaki": one_of("Beige", "Brown", "Green"),
            "Teal": one_of("Green", "Blue"),
            "Turquoise Blue": one_of("Blue"),
        },
        **{"Peach": one_of("Pink", "Orange"), "Rose": one_of("Pink"), "Magenta": one_of("Pink")},
        **{"Lavender": one_of("Purple"), "Mauve": one_of("Purple"), "Mustard": one_of("Yellow")},
        **{"Rust": one_of("Orange", "Brown", "Red"), "Copper": one_of("Brown"), "Bronze": one_of("Brown", "Gold")},
        **{"Taupe": one_of("Brown", "Beige", "Grey"), "Mushroom Brown": one_of("Brown", "Beige"), "Metallic": UNKNOWN},
    },
    "Zielgruppe": {
        **{"Women": one_of("Damen"), "Men": one_of("Herren"), "Girls": one_of("Mädchen"), "Boys": one_of("Jungen")},
        "Unisex": one_of("Unisex"),
    },
}
LABELS = {"Color": "colour", "Zielgruppe": "gender"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, help="so many products of each test set, evenly spread")
    options = parser.parse_args()
    nano = load_backend("nano")
    matched = make_plan(nano, tasks=TASKS, taxonomy=TAXONOMY, schema=SCHEMA)
    as_they_stand = Plan(
        TASKS, make_context(TAXONOMY, SCHEMA), TAXONOMY, calibration=matched.calibration, attribute_names=SCHEMA.names
    )
    plans = {"as they stand": as_they_stand, "matched": matched, "nano's own": make_plan(nano, tasks=TASKS)}
    for name in ("clothing", "fashion"):
        files = sorted((options.data / name).glob("test*.parquet"))
        products = [product for file in files for product in read_file(file)]
        step = max(1, len(products) // options.limit) if options.limit else 1
        measure(name, nano, plans, products[::step])


def measure(name: str, backend: Backend, plans: Mapping[str, Plan], products: Sequence[Product]) -> None:
    """Print a table of one test set, and what its titles change."""
    scores: dict[tuple[str, str, str, float], Score] = {}
    for product, listing, words, precision, record in answers(backend, plans, products):
        for what, found, right in judged(product, record, words == "nano's own"):
            key = (listing, what, words, precision)
            scores.setdefault(key, Score()).add(product.id, found, right)
    print(f"\n{name}, {len(products)} products\n")
    print(
        "| shown | field | words | precision asked | right, of how many filled | filled, though there is no word for it |"
    )
    print("|---|---|---|---|---|---|")
    for (listing, what, words, precision), score in sorted(scores.items()):
        print(f"| {listing} | {what} | {words} | {precision} | {score} | {score.invented} of {score.without} |")
    for (listing, what, words, precision), score in sorted(scores.items()):
        if listing == "photo":
            beside = scores.get(("photo and title", what, words, precision))
            if beside is not None:
                lost, won = len(score.right - beside.right), len(beside.right - score.right)
                print(
                    f"{what}, {words}, precision {precision}: the title takes {lost} right answers away and brings {won}"
                )


@dataclass
class Score:
    """`right`: ids of the products whose field is filled and right. `without`: products that no word of the shop fits."""

    right: set[str] = field(default_factory=set)
    filled: int = 0
    invented: int = 0
    without: int = 0
    count: int = 0

    def add(self, id_: str, found: str | None, right: frozenset[str]) -> None:
        self.count += 1
        self.filled += found is not None
        self.without += not right
        self.invented += found is not None and not right
        if found in right:
            self.right.add(id_)

    def __str__(self) -> str:
        verdicts = [True] * len(self.right) + [False] * (self.filled - len(self.right))
        return f"{proportion(verdicts) if verdicts else 'none'}, of {self.filled} ({self.filled / self.count:.0%})"


def answers(
    backend: Backend, plans: Mapping[str, Plan], products: Sequence[Product]
) -> Iterator[tuple[Product, str, str, float, Understanding]]:
    """Every product under every plan, with and without its title, at every precision; each question is asked once."""
    model = ModelInfo(name=backend.name, revision=backend.revision)
    for start in range(0, len(products), PRODUCTS_AT_ONCE):
        cases = []
        for product in products[start : start + PRODUCTS_AT_ONCE]:
            photos = open_product(Product(product.id, product.images)).photos
            for listing, title in (("photo", None), ("photo and title", product.title)):
                if listing == "photo" or title:
                    shown = Product(product.id, product.images, title=title)
                    cases += [
                        (product, shown, listing, words, plan, plan.requests(shown, photos))
                        for words, plan in plans.items()
                    ]
        found = iter(backend.answer([request for case in cases for request in case[-1]]))
        for product, shown, listing, words, plan, requests in cases:
            replies = [
                Reply(*pair) for request in requests for pair in zip(request.questions, next(found), strict=True)
            ]
            for precision in PRECISIONS:
                yield (
                    product,
                    listing,
                    words,
                    precision,
                    assemble(replace(plan, precision=precision), shown, replies, model),
                )


def judged(
    product: Product, record: Understanding, in_own_words: bool
) -> Iterator[tuple[str, str | None, frozenset[str]]]:
    """(field, what it was filled with, what is right) for those that can be judged."""
    label = product.category[-1] if product.category else ""
    found = record.category.path if record.category is not None else None
    if in_own_words:
        yield "category", " > ".join(found) if found else None, one_of(" > ".join(product.category or ()))
    elif (right := CATEGORIES.get(label, frozenset())) != UNKNOWN:
        yield "category", found[-1] if found else None, right
    values = {one.name: one.value for one in record.attributes or ()}
    for name, own in LABELS.items():
        value = (product.attributes or {}).get(own)
        if not isinstance(value, str):
            continue
        right = one_of(value) if in_own_words else VALUES[name].get(value, frozenset())
        told = values.get(own if in_own_words else name)
        if right != UNKNOWN:
            yield name, told if isinstance(told, str) else None, right
    if not in_own_words and values.get("pattern") is not None:
        yield "pattern, which nano never learnt", str(values["pattern"]), frozenset()


if __name__ == "__main__":
    main()
