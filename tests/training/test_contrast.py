"""Stage `contrast`: what its loss is made of, and which photos have a text."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from pumgpt.catalog.product import ImageRef, Product
from pumgpt.training.data.augmentation import AugmentRecipe
from pumgpt.training.data.products import PhotoCache
from pumgpt.training.objectives.heads import LabelHeads, TowerWithHeads
from pumgpt.training.stages.contrast import ContrastiveCollator, ContrastiveModel
from pumgpt.training.stages.heads import HeadsCollator, HeadSettings

VALUES = {"category": ["x", "y"]}


class Photos(nn.Module):
    """A tower that sees each photo as one patch of three numbers."""

    def forward(self, pixel_values: Tensor) -> Tensor:
        return pixel_values


class Tokens:
    chat_template = None
    added_tokens_decoder: ClassVar[dict[int, Any]] = {}

    def __call__(self, texts: list[str], **_: Any) -> dict[str, Tensor]:
        return {"input_ids": torch.zeros(len(texts), 2), "attention_mask": torch.ones(len(texts), 2)}


def heads(scale: float) -> LabelHeads:
    made = LabelHeads(3, VALUES, dropout=0.0)
    made.heads[0].load_state_dict({"weight": scale * torch.eye(2, 3), "bias": torch.zeros(2)})
    return made


def stage(teachers: dict[TowerWithHeads, float], label_weight: float) -> ContrastiveModel:
    model: Any = nn.Module()
    model.vision_tower, model.projection, model.qformer, model.contrast = (Photos(), *(nn.Identity() for _ in range(3)))
    return ContrastiveModel(model, heads(1.0), 0.0, 0.0, teachers=teachers, label_weight=label_weight)


@pytest.mark.parametrize("label_weight", [1.0, 0.25])
def test_the_mean_of_all_teachers_is_learned(label_weight: float) -> None:
    """By hand: each teacher says the mean over photo and mirror image, and the first counts twice."""
    pixels, labels = torch.tensor([[[2.0, -1.0, -1.0]], [[-1.0, 2.0, -1.0]]]), {"category": torch.tensor([0, 1])}
    teachers = {TowerWithHeads(Photos(), heads(scale)): weight for scale, weight in ((3.0, 2), (-0.5, 1))}
    loss = stage(teachers, label_weight)(pixels, labels)["loss"]
    seen = pixels[:, 0] / 2**0.5  # as the layer norm leaves it
    views = (seen[:, :2], seen.flip(-1)[:, :2])
    told = torch.stack([(scale * view).softmax(-1) for scale in (3.0, 3.0, -0.5) for view in views]).mean(0)
    expected = label_weight * F.cross_entropy(views[0], labels["category"]) + F.cross_entropy(views[0], told)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-4)


def test_of_what_teachers_do_not_know_the_labels_alone_are_learned() -> None:
    pixels, labels = torch.tensor([[[2.0, -1.0, -1.0]], [[-1.0, 2.0, -1.0]]]), {"category": torch.tensor([1, 1])}
    made = stage({TowerWithHeads(Photos(), heads(3.0)): 1}, label_weight=0.25)
    both, first = (
        made(pixels, labels, is_taught=torch.tensor(known))["loss"].item() for known in ([True, True], [True, False])
    )
    unknown = F.cross_entropy(pixels[1:, 0, :2] / 2**0.5, torch.tensor([1])).item()
    alone = made(pixels[:1], {"category": torch.tensor([1])})["loss"].item()
    assert first == pytest.approx((alone + unknown) / 2, abs=1e-4)
    assert both != pytest.approx(first, abs=1e-2)
    blend = {
        "partner": torch.tensor([1, 0]),
        "own_share": torch.tensor([0.9, 1.0]),
        "is_taught": torch.tensor([True, False]),
    }
    by_labels = made.heads.loss(made.heads(pixels), labels, 0.0, blend["partner"], blend["own_share"]).item()
    assert made(pixels, labels, **blend)["loss"].item() == pytest.approx(by_labels, abs=1e-4)


def test_no_text_is_true_of_a_blended_photo(tmp_path: Path) -> None:
    products = []
    for number in range(32):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / f"{number}.png")
        photo = ImageRef(path=str(tmp_path / f"{number}.png"))
        source = "drawn" if number % 2 else None
        products.append(Product(id=str(number), images=(photo,), title=f"Red shirt {number}", source=source))
    shown = HeadsCollator(PhotoCache(8), VALUES, 8, AugmentRecipe(), HeadSettings(labels=[], blend=0.5))
    batch = ContrastiveCollator(shown, Tokens(), 8, untaught=["drawn"])(products)
    whole = (batch["own_share"] == 1).nonzero().flatten().tolist()
    assert batch["text_photo"].tolist() == whole and 0 < len(whole) < 32
    assert len(batch["input_ids"]) == len(whole)
    assert batch["is_taught"].tolist() == [number % 2 == 0 for number in range(32)]
