"""Labels and words of titles as targets."""

from __future__ import annotations

import math

import pytest
import torch
from PIL import Image

from pumgpt.catalog.product import ImageRef, Product
from pumgpt.training.data.augmentation import AugmentRecipe, blend_photos, resize
from pumgpt.training.data.labels import WORDS, collect_words
from pumgpt.training.data.products import PhotoCache
from pumgpt.training.objectives.heads import IGNORED, LabelHeads, TowerWithHeads
from pumgpt.training.stages.heads import HeadsCollator, HeadSettings


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


def test_a_teacher_sees_photos_at_the_size_that_it_learned_at() -> None:
    class Tower(torch.nn.Module):
        """Says the largest value of each colour, which is another one in a smaller photo."""

        def forward(self, pixels_BCHW: torch.Tensor) -> torch.Tensor:
            return pixels_BCHW.amax((2, 3))[:, None]

    photos = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    heads = LabelHeads(3, {"category": ["x", "y"]}).eval()
    as_it_is, smaller = (TowerWithHeads(Tower(), heads, size_px=side).probabilities for side in (None, 4))
    assert torch.equal(smaller(photos)["category"], as_it_is(resize(photos, 4))["category"])
    assert not torch.equal(smaller(photos)["category"], as_it_is(photos)["category"])


def test_the_labels_of_blended_photos_count_by_their_shares() -> None:
    """By hand: both photos are 0.7 of their own; the heads are sure of each one's own label."""
    model = TowerWithHeads(torch.nn.Identity(), LabelHeads(2, {"category": ["x", "y"]}, dropout=0.0), smoothing=0.0)
    model.heads.heads[0].load_state_dict({"weight": torch.eye(2), "bias": torch.zeros(2)})
    patches, labels = torch.tensor([[[1.0, -1.0]], [[-1.0, 1.0]]]), {"category": torch.tensor([0, 1])}
    result = model(patches, labels, partner=torch.tensor([1, 0]), own_share=torch.tensor([0.7, 0.7]))
    right, wrong = math.log(1 + math.exp(-2)), math.log(1 + math.exp(2))
    assert result["loss"].item() == pytest.approx(0.7 * right + 0.3 * wrong, abs=1e-4)


def test_blended_photos_are_what_their_shares_say() -> None:
    photos = torch.arange(64.0).view(64, 1, 1, 1).expand(64, 3, 2, 2)
    blended, partner, own = blend_photos(photos, 0.5, seed=1)
    assert sorted(partner.tolist()) == list(range(64))
    assert bool((own >= 0.5).all()) and 16 < int((own < 1).sum()) < 48
    expected = torch.arange(64) * own + partner * (1 - own)
    torch.testing.assert_close(blended[:, 0, 0, 0], expected)
    assert torch.equal(blend_photos(photos, 0.0, seed=1)[0], photos)


def test_photos_are_blended_only_where_asked(products: list[Product]) -> None:
    values, photos = {"category": ["A > B"]}, PhotoCache(8)
    plain = HeadsCollator(photos, values, 8, AugmentRecipe())(products)
    blended = HeadsCollator(photos, values, 8, AugmentRecipe(), HeadSettings(labels=[], blend=1.0))(products)
    assert "partner" not in plain and {"partner", "own_share"} <= set(blended)
