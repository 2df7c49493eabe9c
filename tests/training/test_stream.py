"""Products that are read anew in each epoch."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from torch.utils.data import DataLoader

from pumgpt.errors import RecipeError
from pumgpt.training.data import stream as stream_module
from pumgpt.training.data.products import DataRecipe, SourceRecipe
from pumgpt.training.data.stream import ProductStream

SOURCES = [
    SourceRecipe(files="many-*.jsonl"),
    SourceRecipe(files="few.jsonl", repeat=3),
    SourceRecipe(files="first.jsonl", limit=2),
]
ONCE = Counter({f"many-{n}": 1 for n in range(40)} | {f"few-{n}": 3 for n in range(5)} | {"first-0": 1, "first-1": 1})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    def write(name: str, ids: list[str]) -> None:
        lines = [json.dumps({"id": i, "image": f"{i}.jpg", "category": ["Sport", i]}) for i in ids]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")

    write("many-0.jsonl", [f"many-{n}" for n in range(25)])
    write("many-1.jsonl", [f"many-{n}" for n in range(25, 40)])
    write("few.jsonl", [f"few-{n}" for n in range(5)])
    write("first.jsonl", [f"first-{n}" for n in range(9)])
    return tmp_path


def ids(stream: ProductStream, epoch: int) -> list[str]:
    stream.set_epoch(epoch)
    return [product.id for product in stream]


def test_an_epoch_has_every_product_as_often_as_asked_in_an_order_of_its_own(folder: Path) -> None:
    stream = ProductStream(SOURCES, folder, DataRecipe(train=SOURCES), seed=0, buffer=8)
    first, second = ids(stream, 0), ids(stream, 1)
    assert Counter(first) == Counter(second) == ONCE
    assert len(stream) == sum(ONCE.values())
    assert first != second and first == ids(stream, 0)
    assert first != ids(ProductStream(SOURCES, folder, DataRecipe(train=SOURCES), seed=1, buffer=8), 0)
    few = [place for place, name in enumerate(first) if name.startswith("few")]
    assert few[0] < 15 and few[-1] > len(first) - 15, "sources stand side by side"


def test_workers_share_the_products_among_them(folder: Path) -> None:
    stream = ProductStream(SOURCES, folder, DataRecipe(train=SOURCES), seed=0, buffer=8)
    loaded = DataLoader(stream, batch_size=None, num_workers=2)
    assert Counter(product.id for product in loaded) == ONCE


def test_held_out_categories_are_foreign_in_a_stream_too(folder: Path) -> None:
    recipe = DataRecipe(train=SOURCES, foreign_categories=["Sport > few-1"])
    products = list(ProductStream(SOURCES, folder, recipe, seed=0))
    assert [p.id for p in products if p.source == "foreign"] == ["few-1"] * 3


def test_what_is_in_memory_is_the_buffer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than buffer and one further product are read ahead of what was given out."""
    read = []
    original = stream_module.read_file

    def counting(file: Path):  # type: ignore[no-untyped-def]
        for product in original(file):
            read.append(product.id)
            yield product

    monkeypatch.setattr(stream_module, "read_file", counting)
    products = iter(ProductStream(SOURCES[:1], folder, DataRecipe(train=SOURCES), seed=0, buffer=8))
    for given in range(1, 20):
        next(products)
        assert len(read) == given + 8


def test_no_file_is_one_clear_line(folder: Path) -> None:
    with pytest.raises(RecipeError, match="no file matches nothing"):
        ProductStream([SourceRecipe(files="nothing-*.csv")], folder, DataRecipe(train=SOURCES), seed=0)
