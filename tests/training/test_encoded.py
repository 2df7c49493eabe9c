"""Views of the training photos that are encoded once, before stage `instruct`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.testing import assert_close

from pumgpt.catalog.product import Product
from pumgpt.errors import RecipeError
from pumgpt.model.card import resolve_checkpoint
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.samples import draw_parquet
from pumgpt.tasks.mixture import MixtureWeights
from pumgpt.training.data.augmentation import AugmentRecipe
from pumgpt.training.data.encoded import EncodedRecipe, EncodedViews, Encoding, ViewBatch, open_or_encode
from pumgpt.training.data.instructions import InstructionCollator, PromptSettings
from pumgpt.training.data.labels import build_context, collect_values
from pumgpt.training.data.products import PhotoCache, read_file
from pumgpt.training.objectives.answers import AnswerTeacher
from pumgpt.training.objectives.heads import LabelHeads

SIZE_PX = 128


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> list[Product]:
    file = tmp_path_factory.mktemp("drawn") / "products.parquet"
    draw_parquet(file, range(6), size_px=64)
    return list(read_file(file))


@pytest.fixture(scope="module")
def model() -> PumGPTForConditionalGeneration:
    model = PumGPTForConditionalGeneration.from_pretrained(resolve_checkpoint("nano")).eval()
    model.config.mirrored, model.config.zoomed = True, 0.9
    return model


def encode(
    model: PumGPTForConditionalGeneration, products: list[Product], file: Path, seed: int = 0, **recipe: float
) -> EncodedViews:
    settings = EncodedRecipe.model_validate({"file": file, "random_views": 3, **recipe})
    how = Encoding(settings, AugmentRecipe(), SIZE_PX, seed, bf16=False)
    return open_or_encode(model, products, PhotoCache(SIZE_PX), how)


@pytest.fixture(scope="module")
def file(
    model: PumGPTForConditionalGeneration, products: list[Product], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    file = tmp_path_factory.mktemp("encoded") / "views.safetensors"
    encode(model, products, file)
    return file


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def pixels(products: list[Product]) -> torch.Tensor:
    photos = PhotoCache(SIZE_PX)
    return torch.stack([photos(product) for product in products]).float() / 255 * 2 - 1


@pytest.mark.parametrize(("mirrored", "zoomed", "views"), [(True, 0.9, 4), (True, 1.0, 2), (False, 1.0, 1)])
def test_plain_views_are_what_the_model_reads(
    model: PumGPTForConditionalGeneration,
    products: list[Product],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mirrored: bool,
    zoomed: float,
    views: int,
) -> None:
    monkeypatch.setattr(model.config, "mirrored", mirrored)
    monkeypatch.setattr(model.config, "zoomed", zoomed)
    shown, blended, _ = encode(model, products, tmp_path / "views.safetensors", plain=1.0).sample(
        products, 1, generator()
    )
    assert shown.queries_BWME.shape[1] == views and not blended.any()
    with torch.no_grad():
        ours, direct = shown.through(model.bridge), model.encode_photos(pixels(products), keep_patches=True)
    assert direct.queries_BME is not None and direct.patches_BPV is not None
    scale = direct.visual_KBND.abs().max()
    assert_close(ours.visual_KBND / scale, direct.visual_KBND / scale, rtol=0, atol=2e-3)
    assert_close(ours.queries_BME, direct.queries_BME, rtol=1e-2, atol=1e-2)
    if zoomed == 1:  # Patches of the model are those of the whole photo alone.
        assert ours.patches_BPV is not None
        assert_close(ours.patches_BPV[:, 0], direct.patches_BPV.mean(1), rtol=1e-2, atol=1e-2)


def test_random_views_differ_and_none_comes_twice(
    model: PumGPTForConditionalGeneration, products: list[Product], file: Path
) -> None:
    encoded = encode(model, products, file, plain=0.0, shown=2)
    shown, _, _ = encoded.sample(products, 2, generator())
    first, second = shown.queries_BWME.chunk(2)
    assert shown.queries_BWME.shape[:2] == (2 * len(products), 2)
    assert not torch.equal(first, second), "two photos of a product are two draws"
    assert all(not torch.equal(photo[0], photo[1]) for photo in shown.queries_BWME)
    again, _, _ = encoded.sample(products, 2, generator())
    assert torch.equal(shown.queries_BWME, again.queries_BWME)


def test_views_are_made_once_for_the_same_weights_and_photos(
    model: PumGPTForConditionalGeneration, products: list[Product], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = file.read_bytes()
    monkeypatch.setattr(model.vision_tower, "forward", lambda *_: pytest.fail("the tower was asked again"))
    encode(model, products, file)
    encode(model, [*products, products[0]], file)
    assert file.read_bytes() == made
    for other in (products[:3], products[::-1]):
        with pytest.raises(pytest.fail.Exception):
            encode(model, other, file)
    with pytest.raises(pytest.fail.Exception):
        encode(model, products, file, seed=1)
    weight = model.projection.weight if hasattr(model.projection, "weight") else model.qformer.query_tokens
    with torch.no_grad():
        weight.add_(0.01)
    with pytest.raises(pytest.fail.Exception):
        encode(model, products, file)
    with torch.no_grad():
        weight.sub_(0.01)
    assert file.read_bytes() == made, "a run that can't encode leaves what was there"


@pytest.mark.parametrize("content", [b"no safetensors", None])
def test_a_file_of_something_else_is_not_written_over(
    model: PumGPTForConditionalGeneration, products: list[Product], tmp_path: Path, content: bytes | None
) -> None:
    other = tmp_path / "model.safetensors"
    if content is None:
        save_file({"weight": torch.ones(2)}, other)
    else:
        other.write_bytes(content)
    before = other.read_bytes()
    with pytest.raises(RecipeError, match=r"encoded\.file: .* is something else than encoded views"):
        encode(model, products, other)
    assert other.read_bytes() == before


def test_no_more_views_are_shown_than_kept() -> None:
    with pytest.raises(ValueError, match="shown is 4, of only 3 random_views"):
        EncodedRecipe(file=Path("views.safetensors"), random_views=3, shown=4)


def test_a_blend_lies_between_two_photos() -> None:
    photos = ViewBatch(torch.eye(5)[:, None, :, None], torch.eye(5)[:, None])
    blend, chosen, _ = photos.blended(0.5, 0, generator())
    weights = blend.queries_BWME[:, 0, :, 0]
    assert torch.equal(weights, blend.pooled_BWV[:, 0]), "queries and patches are blended alike"
    assert_close(weights.sum(1), torch.ones(5))
    assert 0 < chosen.sum() < 5
    for row, mixed in enumerate(chosen.tolist()):
        assert (0.5 <= weights[row, row] < 1) if mixed else weights[row, row] == 1
        assert (weights[row] > 0).sum() == 1 + mixed


def test_partners_are_drawn_out_of_the_nearest() -> None:
    """Four groups of photos that look alike: a photo is blended with one of its own group, and in time with each of them."""
    group = torch.arange(12) % 4
    pooled = torch.eye(4)[group][:, None] + 0.01 * torch.rand(12, 1, 4, generator=generator())
    queries = torch.eye(12)[:, None, None]
    partners = [set[int]() for _ in range(12)]
    draw = generator()
    for _ in range(40):
        blend, chosen, _ = ViewBatch(queries, pooled).blended(1.0, 2, draw)
        assert chosen.all()
        other = blend.queries_BWME[:, 0, 0].clone().fill_diagonal_(0).argmax(1)
        assert torch.equal(group[other], group)
        for photo, partner in enumerate(other.tolist()):
            partners[photo].add(partner)
    assert all(len(found) == 2 for found in partners)
    alone = ViewBatch(queries[:1], pooled[:1])
    blend, chosen, _ = alone.blended(1.0, 2, draw)
    assert not chosen.any() and torch.equal(blend.queries_BWME, alone.queries_BWME)


def test_a_partner_answers_as_often_as_it_has_a_share() -> None:
    photos, draw, shares, times = ViewBatch(torch.eye(40)[:, None, None], torch.eye(40)[:, None]), generator(), 0.0, 0
    for _ in range(50):
        blend, chosen, answered_by = photos.blended(0.5, 0, draw)
        other = answered_by != torch.arange(40)
        share = blend.pooled_BWV[:, 0]
        assert not (other & ~chosen).any()
        assert (share[other, answered_by[other]] > 0).all(), "it is in the blend"
        shares += float(1 - share.diagonal().sum() / 40)
        times += int(other.sum())
    assert times / 2000 == pytest.approx(shares / 50, rel=0.15)


def test_of_blended_photos_only_what_a_teacher_can_say_is_asked(
    model: PumGPTForConditionalGeneration, products: list[Product], file: Path
) -> None:
    processor = PumGPTProcessor.from_pretrained(resolve_checkpoint("nano"))
    context = build_context(products, ["colour"], 1)
    heads = LabelHeads(model.qformer.hidden_size, collect_values(products, ["category"], 1))
    teacher = AnswerTeacher(heads, context, processor.tokenizer, 0.5)
    mixture = MixtureWeights(tasks={"category": 1.0, "caption": 1.0}, listing={"absent": 1.0})
    settings = PromptSettings(context, mixture, 2, 0.0, {1: 1.0})
    encoded = encode(model, products, file, plain=1.0, blend=1.0)
    collator = InstructionCollator(
        PhotoCache(SIZE_PX), processor, settings, SIZE_PX, AugmentRecipe(), teacher=teacher, encoded=encoded
    )
    batch = collator(products)
    assert "pixel_values" not in batch and len(batch["queries_BWME"]) == 2 * len(products)
    asked = 0
    for bucket in batch["buckets"]:
        taught, blended, photo = bucket["taught"] >= 0, bucket["blended"], bucket["first_photo"]
        assert torch.equal(photo, bucket["photo_index"])
        assert torch.equal(blended, photo >= len(products))
        assert torch.equal(blended & ~taught, torch.zeros_like(taught)), "a label is true of no blend"
        unmixed = batch["queries_BWME"][photo % len(products)]
        moved = (batch["queries_BWME"][photo] != unmixed).flatten(1).any(1)
        assert torch.equal(blended, moved)
        asked += int(blended.sum())
    assert 0 < asked < sum(len(bucket["taught"]) for bucket in batch["buckets"])
    along: set[bool] = set()
    for start in range(len(products)):
        shown = products[start:] + products[:start]
        for bucket in collator(shown)["buckets"]:
            for row in bucket["blended"].nonzero().flatten().tolist():
                told = processor.tokenizer.decode(
                    bucket["labels"][row][bucket["labels"][row] >= 0], skip_special_tokens=True
                )
                product = shown[bucket["first_photo"][row] % len(shown)]
                along.add(told == " > ".join(product.category or ()))
    assert along == {True, False}, "some are asked along their own label, some along their partner's"
    collator.settings = replace(settings, untaught=[products[0].source or ""])
    for bucket in collator(products)["buckets"]:
        assert (bucket["taught"] == -1).all() and not bucket["blended"].any(), (
            "of this source no teacher knows anything"
        )
