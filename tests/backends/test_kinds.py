"""Whether photos are of a kind that was learnt, on made-up features, and what a backend makes of it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.backends.test_pumgpt import ARCHITECTURE, TEXTS
from torch import Tensor

from pumgpt.backends.protocol import Choices, Question, Request
from pumgpt.backends.pumgpt.backend import PumGPTBackend
from pumgpt.backends.pumgpt.kinds import MAX_JOINED, FeatureSpace, KnownKinds, condense, mean_features
from pumgpt.catalog.product import Product
from pumgpt.errors import ModelError
from pumgpt.model.card import KINDS_FILE, read_card, resolve_checkpoint, revision_of
from pumgpt.samples import draw_product
from pumgpt.training.remember import remember
from pumgpt.understand.intake import Intake

WIDTH, PER_KIND = 24, 40


def photos_of(kinds: list[int], seed: int, per_kind: int = PER_KIND) -> tuple[Tensor, Tensor]:
    """Features and kinds. Kinds differ in some directions; a strong one, such as the light, says nothing of the kind."""
    centres = torch.randn(max(kinds) + 1, WIDTH, generator=torch.Generator().manual_seed(1)) * 3
    generator = torch.Generator().manual_seed(seed)
    index = torch.tensor(kinds).repeat_interleave(per_kind)
    features = centres[index] + torch.randn(len(index), WIDTH, generator=generator)
    features[:, 0] = torch.randn(len(index), generator=generator) * 60
    return features, index


def fitted(kinds: list[int]) -> KnownKinds:
    features, index = photos_of(kinds, seed=2)
    space = FeatureSpace.within_categories(features, index, shrinkage=0.0)
    return KnownKinds(space, condense(space(features), index, 4), radius=8.0, width=0.3)


def test_photos_of_learnt_kinds_are_known_and_others_are_not() -> None:
    kinds = fitted([0, 1, 2, 3, 4])
    known, unknown = photos_of([0, 1, 2, 3, 4], seed=3)[0], photos_of([5, 6, 7], seed=3)[0]
    assert (kinds.known(known) > 0.5).float().mean() > 0.97
    assert (kinds.known(unknown) < 0.5).float().mean() > 0.97


def test_what_varies_within_a_kind_does_not_count() -> None:
    features, index = photos_of([0, 1, 2], seed=2)
    bright = features[:1].clone()
    bright[:, 0] += 120
    space = FeatureSpace.within_categories(features, index, shrinkage=0.0)
    assert (space(bright) - space(features[:1])).norm() < 4  # 60 are one standard deviation
    assert (features[:1] - bright).norm() == 120


def test_a_direction_of_its_own_scale_is_as_wide_as_any_other() -> None:
    features, _ = photos_of([0, 1, 2], seed=2)
    points = FeatureSpace.principal(features, dim=6)(features)
    assert torch.allclose(points.norm(dim=1), torch.ones(len(points)))
    raw = FeatureSpace.principal(features, dim=6)
    spread = ((features - raw.centre_V) @ raw.projection_VD).std(0, correction=0)
    assert torch.allclose(spread, torch.ones(6), atol=1e-3)


def test_rare_kinds_keep_their_reference_points() -> None:
    points, index = torch.cat([torch.zeros(100, 2), torch.ones(2, 2)]), torch.tensor([0] * 100 + [1] * 2)
    centres = condense(points, index, per_category=3)
    assert len(centres) == 3 + 2
    assert (centres == 1).all(1).sum() == 2


def test_a_shops_products_extend_what_is_known() -> None:
    kinds = fitted([0, 1, 2, 3, 4])
    shop, unseen = photos_of([5, 6], seed=4)[0], photos_of([5, 6], seed=5)[0]
    assert kinds.known(unseen).mean() < 0.1
    extended = kinds.joined(shop)
    assert extended.known(unseen).mean() > 0.9
    assert extended.known(photos_of([7], seed=5)[0]).mean() < 0.1, "what the shop doesn't sell stays unknown"
    many = kinds.joined(shop.repeat(40, 1))
    assert len(many.references_ND) - len(kinds.references_ND) <= MAX_JOINED


def test_a_product_without_a_photo_is_not_of_an_unknown_kind() -> None:
    features = photos_of([0], seed=3)[0]
    rows = mean_features(features, [(0, 1), (), (2,)])
    assert torch.equal(rows[0], features[:2].mean(0))
    known = fitted([0, 1, 2]).known(rows)
    assert known[1] == 1.0
    assert not known.isnan().any()


def test_only_the_columns_of_the_transfer_tower_are_read() -> None:
    features = photos_of([0, 5], seed=3)[0]
    plain = fitted([0, 1, 2])
    behind = replace(plain, space=replace(plain.space, first_column=7))
    padded = torch.cat([torch.full((len(features), 7), 1e3), features, torch.full((len(features), 3), 1e3)], 1)
    assert torch.allclose(plain.known(features), behind.known(padded), atol=1e-4)


def test_a_file_gives_the_same_back_and_is_small(tmp_path: Path) -> None:
    assert KnownKinds.load(tmp_path) is None
    kinds, before = fitted([0, 1, 2, 3, 4]), revision_of(tmp_path)
    kinds.save(tmp_path)
    loaded = KnownKinds.load(tmp_path)
    assert loaded is not None
    features = photos_of([0, 4, 5, 6], seed=6)[0]
    assert (loaded.known(features) - kinds.known(features)).abs().max() < 0.1  # 8 bits
    assert revision_of(tmp_path) != before
    (tmp_path / KINDS_FILE).write_bytes(b"damaged")
    with pytest.raises(ModelError, match="kinds that a model knows"):
        KnownKinds.load(tmp_path)


@pytest.fixture(scope="module")
def tiny() -> PumGPTBackend:
    from pumgpt.training.scratch import build_from_scratch

    torch.manual_seed(0)
    model, processor = build_from_scratch(ARCHITECTURE, TEXTS, size_px=48)
    return PumGPTBackend(model, processor, "tiny", "0")


def test_each_answer_says_whether_its_photos_are_of_a_known_kind(tiny: PumGPTBackend) -> None:
    question = Question("attribute_qa", "What is the colour?", "colour", Choices(("Blue", "Red")))
    learnt, other = draw_product(0, size_px=64)[0], Image.new("RGB", (64, 64), "yellow")
    requests = [Request((learnt,), (question,)), Request((other,), (question,)), Request((), (question,), "Title: x")]
    unmeasured = tiny.answer(requests)
    assert [answers[0].known for answers in unmeasured] == [1.0, 1.0, 1.0]
    features = tiny.photo_features([learnt, other])
    centre = features.mean(0)
    space = FeatureSpace(centre, torch.eye(len(centre)))
    distance = float((features[0] - features[1]).norm())
    tiny.kinds = KnownKinds(space, space(features[:1]), radius=distance / 2, width=distance / 20)
    found = [answers[0] for answers in tiny.answer(requests)]
    assert [round(answer.known, 3) for answer in found] == [1.0, 0.0, 1.0]
    assert [answer.ranked for answer in found] == [answers[0].ranked for answers in unmeasured], "its words stay"


def test_what_a_shop_has_remembered_is_of_a_known_kind(tmp_path: Path) -> None:
    shipped = PumGPTBackend.load(resolve_checkpoint("nano"))
    photos = [draw_product(seed, size_px=64)[0] for seed in range(4)]
    features = shipped.photo_features(photos)
    far = FeatureSpace(features.mean(0) + 100, torch.eye(features.shape[1]))
    shutil.copytree(resolve_checkpoint("nano"), tmp_path / "base")
    KnownKinds(far, torch.zeros(1, features.shape[1]), radius=1.0, width=0.1).save(tmp_path / "base")
    intakes = [Intake(Product(str(n), category=("Drawn",)), (photo,)) for n, photo in enumerate(photos)]
    remember(tmp_path / "base", intakes, tmp_path / "shop", sample=2, open_again=lambda product: photos[:1])
    before, after = KnownKinds.load(tmp_path / "base"), KnownKinds.load(tmp_path / "shop")
    assert before is not None and after is not None
    assert before.known(features).max() < 0.5 < after.known(features).min()
    assert read_card(tmp_path / "shop").applicability == {}, "its categories are the shop's"
