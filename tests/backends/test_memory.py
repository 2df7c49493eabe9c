"""Remembered products have a say where they look alike, and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.backends.test_pumgpt import ARCHITECTURE, TEXTS

from pumgpt.backends.protocol import Choices, Question, Request
from pumgpt.backends.pumgpt.backend import PumGPTBackend
from pumgpt.backends.pumgpt.memory import Memory
from pumgpt.backends.pumgpt.weighing import FieldSamples, Weighing
from pumgpt.catalog.product import Product
from pumgpt.errors import CatalogError, ModelError
from pumgpt.model.card import MEMORY_FILE, read_card, resolve_checkpoint, revision_of
from pumgpt.samples import draw_product, seeds
from pumgpt.training.labelled import labels_of
from pumgpt.training.remember import remember
from pumgpt.understand.intake import Intake

COLOURS = Choices(("Blue", "Navy Blue", "Red"))
COLOUR = Question("attribute_qa", "What is the colour?", "Color", COLOURS)
SURE = Weighing(temperature=0.05, strength=1e-4)
PHOTOS = [draw_product(seed, size_px=64)[0] for seed in range(4)]
NANO = resolve_checkpoint("nano")


def shares(backend: PumGPTBackend, *photos: Image.Image, listing: str | None = None) -> dict[str, float]:
    answer = backend.answer([Request(photos, (COLOUR,), listing)])[0][0]
    return {**dict(answer.ranked), "refused": answer.cannot_tell}


@pytest.fixture
def backend(tiny: PumGPTBackend) -> Iterator[PumGPTBackend]:
    yield tiny
    tiny.memory = None


@pytest.fixture(scope="module")
def tiny() -> PumGPTBackend:
    from pumgpt.training.scratch import build_from_scratch

    torch.manual_seed(0)
    model, processor = build_from_scratch(ARCHITECTURE, TEXTS, size_px=48)
    return PumGPTBackend(model, processor, "tiny", "0")


def memory_of(backend: PumGPTBackend, labels: list[dict[str, str]], **weighings: Weighing) -> Memory:
    return Memory.of(backend.photo_features(PHOTOS[: len(labels)]), labels, weighings or {"colour": SURE})


def test_weighing_is_the_posterior_of_its_formula() -> None:
    own = torch.tensor([[0.3, 0.1, 0.2, 0.4]])
    weighed = Weighing(temperature=1, strength=2).weigh(own, torch.tensor([[0.0, 3.0, 1.0]]))
    expected = torch.tensor([(2 * 0.5 + 0) / 6, (2 / 6 + 3) / 6, (2 / 3 + 1) / 6]) * 0.6
    torch.testing.assert_close(weighed, torch.cat([expected, torch.tensor([0.4])])[None])
    joint = Weighing(temperature=1, strength=2, joint=True).weigh(own, torch.tensor([[0.0, 3.0, 1.0]]))
    torch.testing.assert_close(joint, torch.tensor([[0.6, 3.2, 1.4, 0.8]]) / 6)
    sharp = Weighing(temperature=1, strength=2, sharpness=2).weigh(own, torch.zeros(1, 3))
    torch.testing.assert_close(sharp, torch.tensor([[0.09 / 0.14 * 0.6, 0.01 / 0.14 * 0.6, 0.04 / 0.14 * 0.6, 0.4]]))


def test_a_product_counts_by_how_alike_it_looks() -> None:
    features = torch.eye(3)[[0, 0, 1]]
    labels = [{"colour": "Red"}, {"colour": "red"}, {"colour": "Blue"}]
    neighbours = Memory.of(features, labels, {}, dim=3).neighbours(features[:1])
    cosine = float(neighbours.similarity_BK[0, 2])
    counts = neighbours.counts(torch.tensor([0]), "colour", COLOURS, 0.5)
    torch.testing.assert_close(counts, torch.tensor([[math.exp((cosine - 1) / 0.5), 0.0, 2.0]]))


def test_the_same_photo_decides_and_the_refusal_stays(backend: PumGPTBackend) -> None:
    alone = shares(backend, PHOTOS[0])
    backend.memory = memory_of(backend, [{"colour": "NAVY blue"}, {"colour": "Red"}])
    remembering = shares(backend, PHOTOS[0])
    assert remembering["Navy Blue"] == pytest.approx(1 - alone["refused"], abs=1e-3)
    assert remembering["refused"] == pytest.approx(alone["refused"])
    assert sum(remembering.values()) == pytest.approx(1)


def test_each_product_of_a_batch_has_its_own_neighbours(backend: PumGPTBackend) -> None:
    values = ["Red", "Blue", "Navy Blue", "Red"]
    backend.memory = memory_of(backend, [{"color": value} for value in values])
    told = backend.answer([Request((photo,), (COLOUR,)) for photo in PHOTOS])
    assert [answers[0].ranked[0][0] for answers in told] == values
    both = shares(backend, PHOTOS[0], PHOTOS[1])
    again = shares(backend, PHOTOS[1], PHOTOS[0])
    assert both == pytest.approx(again, abs=1e-2)  # the mean of both, in whichever order


def test_without_a_photo_or_a_likeness_the_model_speaks_alone(backend: PumGPTBackend) -> None:
    text, photo = shares(backend, listing="Title: shirt"), shares(backend, PHOTOS[0])
    listed = shares(backend, PHOTOS[0], listing="Title: shirt")
    backend.memory = memory_of(backend, [{"colour": "Red"}] * 2)
    assert shares(backend, listing="Title: shirt") == pytest.approx(text)
    assert shares(backend, PHOTOS[0], listing="Title: shirt") == pytest.approx(listed)  # no weighing for it
    backend.memory = memory_of(backend, [{"colour": "Mauve"}, {"gender": "Men"}])
    assert shares(backend, PHOTOS[0]) == pytest.approx(photo)  # no label that is asked for
    far = Memory.of(torch.cat([backend.photo_features(PHOTOS[:2])] * 2), [{"colour": "Red"}] * 4, {"colour": SURE})
    backend.memory = Memory(
        far.centre_V, far.projection_VD, -far.keys_of(backend.photo_features(PHOTOS[:1])), {"colour": torch.tensor([0])},
        {"colour": ("Red",)}, {"colour": SURE},
    )  # fmt: skip
    assert shares(backend, PHOTOS[0]) == pytest.approx(photo, abs=1e-6)


def test_a_product_has_no_say_about_itself() -> None:
    features = torch.randn(5, 8)
    memory = Memory.of(features, [{"colour": "Red"}] * 5, {}, dim=4)
    near = memory.neighbours(features[:2], torch.tensor([[True, *[False] * 4], [False] * 5]))
    assert near.index_BK[1, 0] == 1
    assert near.index_BK[0, 0] != 0
    assert near.similarity_BK[0, -1] == -torch.inf


def test_it_is_saved_small_and_reads_back_the_same(tmp_path: Path) -> None:
    features = torch.randn(300, 40)
    labels = [{"colour": ("Red", "Blue")[n % 2], **({"category": "A > B"} if n % 3 else {})} for n in range(300)]
    memory = Memory.of(features, labels, {"colour": SURE}, dim=16)
    memory.save(tmp_path)
    again = Memory.load(tmp_path)
    assert again is not None
    assert again.values == memory.values and again.weighings == memory.weighings and len(again) == 300
    assert all(torch.equal(again.labels[name], memory.labels[name]) for name in memory.labels)
    seen, before = again.neighbours(features[:5]), memory.neighbours(features[:5])
    torch.testing.assert_close(seen.similarity_BK[:, :20], before.similarity_BK[:, :20], atol=0.02, rtol=0)
    assert (tmp_path / MEMORY_FILE).stat().st_size < 300 * (16 + 4) + 40 * 16 * 2 + 2_000
    assert Memory.load(tmp_path / "elsewhere") is None
    (tmp_path / MEMORY_FILE).write_bytes((tmp_path / MEMORY_FILE).read_bytes()[:500])
    with pytest.raises(ModelError, match=r"memory\.safetensors: is not a memory .*; delete it or make it again"):
        Memory.load(tmp_path)


@pytest.mark.parametrize("more", [{}, {"mirrored": True}, {"mirrored": True, "zoomed": 0.8}])
def test_features_are_those_of_the_encoded_photo(tiny: PumGPTBackend, more: dict[str, float]) -> None:
    config = tiny.model.config
    kept = config.mirrored, config.zoomed
    config.mirrored, config.zoomed = bool(more.get("mirrored", False)), more.get("zoomed", 1.0)
    pixels = tiny.processor.image_processor(PHOTOS, return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        encoded = tiny.model.encode_photos(pixels).features_BV
        assert encoded is not None
        torch.testing.assert_close(encoded, tiny.model.photo_features(pixels))
    config.mirrored, config.zoomed = kept


def samples(own: list[list[float]], counts: list[list[float]], right: list[int]) -> FieldSamples:
    found = FieldSamples()
    for shares_C, counts_C, place in zip(own, counts, right, strict=True):
        found.add(place, torch.tensor(shares_C), torch.tensor([counts_C] * 6))
    return found


def test_what_is_remembered_counts_as_much_as_it_is_right() -> None:
    unsure, right = [0.4, 0.5, 0.1], [0, 1] * 30
    good = samples([unsure] * 60, [[1.0, 0.0], [0.0, 1.0]] * 30, right)
    weighing, alone, remembering = good.fit()
    assert alone.accuracy == 0.5
    assert remembering.accuracy == 1
    assert weighing.strength < 0.1
    misled = samples([[0.9, 0.05, 0.05]] * 60, [[0.0, 1.0]] * 60, [0] * 60)
    weighing, alone, remembering = misled.fit()
    assert remembering.accuracy == alone.accuracy == 1
    assert weighing.strength > 100


def test_a_refusal_of_what_the_model_never_learned_gives_way() -> None:
    """Labelled products with neighbours, and foreign ones without: the model refuses both."""
    refusing = [0.0, 0.0, 1.0]
    found = samples([refusing] * 80, [[1.0, 0.0]] * 60 + [[0.0, 0.0]] * 20, [0] * 60 + [2] * 20)
    weighing, _, _ = found.fit(joint=None)
    assert weighing.joint
    near, far = weighing.weigh(torch.tensor([refusing] * 2), torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
    assert near.argmax() == 0
    assert far.argmax() == 2
    assert found.labelled == 60
    assert found.calibration(weighing).map(0.0) < 0.1 < 0.9 < found.calibration(weighing).map(float(near[0]))


@pytest.fixture(scope="module")
def shop() -> list[Intake]:
    """Drawn shirts and shoes under names of the shop's own, one of them without a label and one without a photo."""
    rows = []
    for seed in seeds.TESTS[:70]:
        photo, drawn = draw_product(seed, size_px=128)
        hall = f"Bazaar > {drawn.category[0][::-1]}" if drawn.category else "Bazaar"
        product = Product(
            str(seed), category=tuple(hall.split(" > ")), attributes={"shelf": hall[-1], "code": str(seed)}
        )
        rows.append(Intake(product, (photo,)))
    return [*rows, Intake(Product("unlabelled"), (PHOTOS[0],)), Intake(Product("unseen", category=("Bazaar", "x")))]


def test_a_shop_is_remembered_without_training(shop: list[Intake], tmp_path: Path) -> None:
    photos = {intake.product.id: intake.photos for intake in shop}
    made = remember(NANO, shop[6:], tmp_path / "bazaar", sample=64, open_again=lambda product: photos[product.id])
    assert (made.products, made.skipped) == (64, 2)
    report = {field.name: field for field in made.fields}
    assert report["category"].asked == 64
    score, alone = report["category"].score, report["category"].alone
    assert score is not None and alone is not None
    assert score.right / score.asked > max(0.7, alone)
    assert "code" not in report  # each product has its own
    assert "shelf" in report
    card = read_card(tmp_path / "bazaar")
    assert all(path[0] == "Bazaar" for path in card.category_paths)
    assert card.revision == revision_of(tmp_path / "bazaar") != revision_of(NANO)
    assert list(card.quality) == ["held out, every field filled", "held out, at precision 0.9"]
    bazaar = PumGPTBackend.load(tmp_path / "bazaar", "cpu")
    choices = Choices(tuple(" > ".join(path) for path in card.category_paths))
    question = Question("category", "Which category does it belong to?", "category", choices)
    told = bazaar.answer([Request(intake.photos, (question,)) for intake in shop[:6]])
    right = [
        answers[0].text == labels_of(intake.product)["category"] for answers, intake in zip(told, shop, strict=False)
    ]
    assert sum(right) >= 4


def test_a_catalogue_without_labels_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="none of 1 products has both a photo and a label"):
        remember(NANO, [Intake(Product("1"), (PHOTOS[0],))], tmp_path / "out", open_again=lambda product: ())
    assert not list(tmp_path.iterdir())
