"""How often does a beam miss the answer that exact scoring finds? Recall, lost probability and time by width.

python benchmarks/beam.py --photos ../shared/data/fashion/test-00000-of-00001.parquet \\
    --taxonomy ../shared/data/taxonomy/google/taxonomy.en-US.txt --limit 100
"""

from __future__ import annotations

import argparse
import time
from itertools import islice
from pathlib import Path

from pumgpt.backends.protocol import Answer, Choices, Question, Request
from pumgpt.backends.pumgpt.backend import PumGPTBackend
from pumgpt.bench.stats.intervals import wilson
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR
from pumgpt.model.card import resolve_checkpoint

WIDTHS = (4, 16, 64, 256)


def ask(backend: PumGPTBackend, requests: list[Request]) -> tuple[list[Answer], float]:
    """The answers, and the seconds that one took."""
    backend.answer(requests[:1])  # the tree is built once
    began = time.perf_counter()
    answers = [backend.answer([request])[0][0] for request in requests]
    return answers, (time.perf_counter() - began) / len(requests)


def best(answer: Answer) -> str:
    """The likeliest choice, whether or not it cannot be told at all."""
    return answer.ranked[0][0]


def main() -> None:
    parser = argparse.ArgumentParser(description="Hold the beam against exact scoring.")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--taxonomy", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=100)
    options = parser.parse_args()
    paths = tuple(SEPARATOR.join(path) for path in load_taxonomy(options.taxonomy).paths)
    question = Question("category", "Which category?", "category", Choices(paths))
    products = (row for row in read_catalog(options.photos) if isinstance(row, Product))
    requests = [Request((open_photo(row.images[0]),), (question,)) for row in islice(products, options.limit)]
    backend = PumGPTBackend.load(resolve_checkpoint(options.model))
    backend.max_exact_choices = len(paths)
    exact, seconds = ask(backend, requests)
    print(f"{len(paths)} paths, {len(requests)} photos; exact: {1000 * seconds:.0f} ms a photo", flush=True)
    backend.max_exact_choices = 0
    for width in WIDTHS:
        backend.beam_width = width
        found, seconds = ask(backend, requests)
        same = sum(best(a) == best(b) for a, b in zip(found, exact, strict=True))
        print(
            f"width {width}: the same best path {wilson(same, len(requests))}, {1000 * seconds:.0f} ms a photo",
            flush=True,
        )


if __name__ == "__main__":
    main()
