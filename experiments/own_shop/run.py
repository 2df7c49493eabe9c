"""What a shop's own labels bring: `pumgpt remember` and `pumgpt train` with 100, 300 and 1,000 labelled products.

    python experiments/own_shop/run.py --data ../shared/data --out own_shop.jsonl

The shop is drawn from products that nano was not trained on, and asked for the categories of others, by the photo alone.
Nano knows the categories of `clothing` and `grocery` from their training splits; it never saw those of `implicitave`, which
is for evaluation only: every model that this makes is thrown away. A result that OUT holds already isn't measured again.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pumgpt.backends.load import load_backend
from pumgpt.backends.protocol import Answer, Backend
from pumgpt.backends.pumgpt.backend import PumGPTBackend
from pumgpt.bench.stats.intervals import wilson
from pumgpt.catalog.duplicates import opened_photos
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Question
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.model.card import resolve_checkpoint
from pumgpt.training.data.groups import ProductGroups
from pumgpt.training.data.products import read_file
from pumgpt.training.labelled import PRODUCTS_AT_ONCE
from pumgpt.training.recipe import resolve_recipe
from pumgpt.training.remember import remember
from pumgpt.training.run import train
from pumgpt.understand.intake import open_product
from pumgpt.understand.judge import Judge
from pumgpt.understand.plan import Plan, make_plan

ROOT = Path(__file__).resolve().parents[2]
SETS = {
    "clothing": "clothing/test.parquet",
    "grocery": "grocery/test.parquet",
    "implicitave": "implicitave/dev.parquet",
}
METHODS = ("nano", "remember", "train")
MARK = "<!-- own shop -->"
WITHOUT_MEMORY = "train, without its memory"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a shop's own labelled products bring.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="JSON lines: one result a line, added to")
    parser.add_argument("--page", type=Path, help="page to put the table into, between its marks")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 300, 1000], help="labelled products, at most")
    parser.add_argument("--asked", type=int, default=250, help="products that are asked about")
    parser.add_argument(
        "--set", dest="overrides", action="append", default=[], help="of the recipe, as in pumgpt train"
    )
    options = parser.parse_args()
    done = _read(options.out)
    for size in options.sizes:
        for name in options.sets:
            labelled, asked = draw_shop(options.data / SETS[name], size, options.asked)
            for method in options.methods:
                if not any((row["set"], row["size"], row["method"]) == (name, size, method) for row in done):
                    for row in measure(method, labelled, asked, options.overrides):
                        _append(options.out, {"set": name, "size": size, "labelled": len(labelled), **row})
    shown = table(_read(options.out))
    print(shown)
    if options.page is not None:
        text = options.page.read_text(encoding="utf-8")
        before, _, rest = text.partition(MARK)
        _, _, after = rest.partition(MARK)
        options.page.write_text(f"{before}{MARK}\n{shown}\n{MARK}{after}", encoding="utf-8")


def draw_shop(file: Path, size: int, num_asked: int) -> tuple[list[Product], list[Product]]:
    """Labelled products, and others to ask about: no two listings of one product are on both sides.

    Of each product the photo and the category are left: ids and descriptions of `grocery` hold the answer.
    """
    products = [product for product in read_file(file) if product.category and product.images]
    random.Random(1).shuffle(products)
    products = [
        Product(str(number), product.images[:1], category=product.category) for number, product in enumerate(products)
    ]
    finder = ProductGroups()
    for product in products:
        finder.add(product, opened_photos(product))
    group_of = finder.close()
    asked = products[:num_asked]
    taken = {group_of.get(product.id, product.id) for product in asked}
    rest = [product for product in products[num_asked:] if group_of.get(product.id, product.id) not in taken]
    return rest[:size], asked


def measure(
    method: str, labelled: Sequence[Product], asked: Sequence[Product], overrides: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """What a method gives, with the seconds that it took; of training also what it gives without its memory."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        if method == "nano":
            taxonomy = Taxonomy.of(sorted({product.category for product in labelled if product.category}))
            yield score(method, load_backend("nano"), asked, 0.0, taxonomy)
            return
        made = _remember(labelled, Path(folder)) if method == "remember" else _train(labelled, Path(folder), overrides)
        seconds = round(time.monotonic() - began)
        backend = load_backend(str(made))
        yield score(method, backend, asked, seconds)
        if method == "train" and isinstance(backend, PumGPTBackend):
            backend.memory = None
            backend.capabilities = replace(backend.capabilities, calibration=None)
            yield score(WITHOUT_MEMORY, backend, asked, seconds)


def _remember(labelled: Sequence[Product], folder: Path) -> Path:
    intakes, out = map(open_product, labelled), folder / "shop"
    remember(resolve_checkpoint("nano"), intakes, out, open_again=lambda product: open_product(product).photos)
    return out


def _train(labelled: Sequence[Product], folder: Path, overrides: Sequence[str]) -> Path:
    """As a shop does it: from a catalogue and a folder of photos."""
    with (folder / "labelled.jsonl").open("w", encoding="utf-8") as file:
        for product in labelled:
            open_photo(product.images[0]).save(folder / f"{product.id}.png")
            row = {"id": product.id, "images": [f"{product.id}.png"], "category": product.category}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    own = [
        f"data_dir={folder}",
        f"output_dir={folder / 'run'}",
        f"instruct.encoded.file={folder / 'views.safetensors'}",
        "data.train=[{files: labelled.jsonl}]",
        "trainer.disable_tqdm=true",
    ]
    return train(resolve_recipe("adapt"), [*own, *overrides])


def score(
    method: str, backend: Backend, asked: Sequence[Product], seconds: float, taxonomy: Taxonomy | None = None
) -> dict[str, Any]:
    """How many answers are right, were every field filled, and of those that are filled at the default precision."""
    plan = make_plan(backend, tasks=["category"], taxonomy=taxonomy)
    every, sure = (Judge(plan.calibration, precision) for precision in (0.0, plan.precision))
    right, filled = 0, list[bool]()
    for question, answer, product in _ask(backend, plan, asked):
        right += every.judge("category", question, answer).value == product.category
        prediction = sure.judge("category", question, answer)
        if prediction.sure and prediction.value is not None:
            filled.append(prediction.value == product.category)
    counts = {"asked": len(asked), "right": right, "filled": len(filled), "filled_right": sum(filled)}
    return {"method": method, **counts, "seconds": seconds}


def _ask(backend: Backend, plan: Plan, products: Sequence[Product]) -> Iterator[tuple[Question, Answer, Product]]:
    """By the photo alone."""
    for start in range(0, len(products), PRODUCTS_AT_ONCE):
        batch = products[start : start + PRODUCTS_AT_ONCE]
        requests = [plan.requests(Product(product.id), open_product(product).photos)[0] for product in batch]
        for product, request, answers in zip(batch, requests, backend.answer(requests), strict=True):
            yield request.questions[0], answers[0], product


def table(rows: Sequence[dict[str, Any]]) -> str:
    """As Markdown; shares with 95 % intervals."""
    lines = [
        "| products | labelled | | every field filled: right | filled at the default precision | of these right | minutes |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=_place):
        asked, filled, kept = int(row["asked"]), int(row["filled"]), int(row["filled_right"])
        right, of_filled = wilson(int(row["right"]), asked), wilson(kept, filled)
        share = f"{right.value:.3f} [{right.low:.3f}, {right.high:.3f}]"
        certain, worth = f"{filled / asked:.0%}", f"{kept} of {filled}"
        if filled:
            worth += f": {of_filled.value:.2f} [{of_filled.low:.2f}, {of_filled.high:.2f}]"
        if row["method"] == WITHOUT_MEMORY:
            certain, worth = "", "not calibrated"
        minutes = f"{row['seconds'] / 60:.1f}"
        lines.append(
            f"| {row['set']} | {row['labelled']} | {row['method']} | {share} | {certain} | {worth} | {minutes} |"
        )
    return "\n".join(lines)


def _place(row: dict[str, Any]) -> tuple[str, int, int]:
    return row["set"], row["size"], METHODS.index(row["method"].split(",")[0])


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def _append(path: Path, row: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    print(row, flush=True)


if __name__ == "__main__":
    main()
