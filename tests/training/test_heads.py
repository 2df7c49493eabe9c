"""Labels and words of titles as targets."""

from __future__ import annotations

import math

import pytest
import torch
from PIL import Image

from pumgpt.catalog.product import ImageRef, Product
from pumgpt.training.data import PhotoCache
from pumgpt.training.heads import IGNORED, WORDS, HeadsCollator, LabelHeads, collect_words


def product(number: int, title: str | None, tmp_path) -> Product:
    photo = tmp_path / f"{number}.png"
    Image.new("RGB", (8, 8), (number, 0, 0)).save(photo)
    return Product(id=str(number), images=(ImageRef(path=str(photo)),), title=title, category=("A", "B"))


@pytest.fixture
def products(tmp_path) -> list[Product]:
    titles = ["Red Shirt for men", "red SHIRT 42", None, "Blue cap"]
    return [product(number, title, tmp_path) for number, title in enumerate(titles)]


def test_words_are_those_of_several_titles_and_no_numbers(products: list[Product]) -> None:
    assert collect_words(products, 2) == ["red", "shirt"]
    assert "42" not in collect_words(products, 1)


def test_the_words_of_a_title_share_the_target(products: list[Product]) -> None:
    values = {"category": ["A > B"], WORDS: ["red", "shirt", "cap"]}
    labels = HeadsCollator(PhotoCache(8), values, 8, None)(products)["labels"]
    expected = torch.tensor([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 0], [0, 0, 1]])
    torch.testing.assert_close(labels[WORDS], expected)
    assert labels["category"].tolist() == [0, 0, 0, 0]


def test_photos_without_a_title_teach_no_words() -> None:
    """By hand: one of two photos has a title, of two words, and the head says the same of all four words it knows."""
    heads = LabelHeads(4, {WORDS: ["a", "b", "c", "d"]})
    target = torch.tensor([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    loss = heads.loss({WORDS: torch.zeros(2, 4)}, {WORDS: target}, smoothing=0.0)
    assert loss.item() == pytest.approx(math.log(4) / 2 * 0.3)


def test_labels_that_nobody_states_weigh_nothing() -> None:
    heads = LabelHeads(4, {"category": ["x", "y"], "colour": ["red"]})
    logits = {"category": torch.zeros(2, 2), "colour": torch.zeros(2, 1)}
    labels = {"category": torch.tensor([0, IGNORED]), "colour": torch.tensor([IGNORED, IGNORED])}
    assert heads.loss(logits, labels, smoothing=0.0).item() == pytest.approx(math.log(2) / 2)
