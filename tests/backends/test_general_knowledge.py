"""Classes of ImageNet answer for kinds that a model never learned, and for these alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.backends.test_pumgpt import ARCHITECTURE, TEXTS
from torch import Tensor

from pumgpt.backends.calibration import Calibration, FieldCalibration, by_class_key, listed_key
from pumgpt.backends.protocol import CANNOT_TELL, Answer, Choices, Question, Request
from pumgpt.backends.pumgpt.backend import PumGPTBackend, load_pumgpt
from pumgpt.backends.pumgpt.general_knowledge import GeneralKnowledge, mix_shares
from pumgpt.backends.registry import LoadOptions
from pumgpt.catalog.vocabulary.imagenet import NUM_CLASSES
from pumgpt.errors import ModelError
from pumgpt.model.card import CALIBRATION_FILE
from pumgpt.model.encoded_photos import EncodedPhotos
from pumgpt.samples import draw_product

CONVOLUTIONAL = {"model_type": "resnet", "layer_type": "basic", "embedding_size": 8, "hidden_sizes": [8, 16]}
TRANSFER = {**CONVOLUTIONAL, "depths": [1, 1], "out_indices": [1, 2]}
DOG, GUITAR, BANJO, DESK = 207, 402, 420, 526
VALUES = ("Clothes > Shirts", "Shoes", "Furniture > Desks", "Music > Strings")


def choices(num_learned: int | None = 2) -> Choices:
    places = [len(VALUES)] * NUM_CLASSES
    places[GUITAR] = places[BANJO] = 3
    places[DESK] = 2
    return Choices(VALUES, num_learned, tuple(places))


def classes(**shares: float) -> Tensor:
    probabilities = torch.zeros(1, NUM_CLASSES)
    for name, share in shares.items():
        probabilities[0, globals()[name]] = share
    return probabilities


def test_a_family_of_classes_is_summed_and_what_has_no_place_is_refused() -> None:
    found = GeneralKnowledge().shares(classes(GUITAR=0.3, BANJO=0.4, DESK=0.1, DOG=0.2), choices())
    torch.testing.assert_close(found, torch.tensor([[0.0, 0.0, 0.1, 0.7, 0.2]]))


def test_a_temperature_takes_certainty_away_and_keeps_the_order() -> None:
    logits = torch.randn(4, NUM_CLASSES, generator=torch.manual_seed(0)) * 5
    plain, warm = (GeneralKnowledge(temperature).probabilities(logits) for temperature in (1, 2))
    assert torch.equal(plain.argsort(1), warm.argsort(1))
    assert (warm.max(1).values < plain.max(1).values).all()
    torch.testing.assert_close(warm.sum(1), torch.ones(4))


def test_each_answers_as_far_as_the_photo_is_of_its_kind() -> None:
    own = torch.tensor([[0.5, 0.1, 0.4]]).expand(3, -1)
    general = torch.tensor([[0.0, 0.0, 0.1, 0.7, 0.2]]).expand(3, -1)
    mixed = mix_shares(own, general, torch.tensor([1.0, 0.0, 0.25]))
    assert torch.equal(mixed[0], torch.tensor([0.5, 0.1, 0.0, 0.0, 0.4]))
    assert torch.equal(mixed[1], general[1])
    torch.testing.assert_close(mixed[2], torch.tensor([0.125, 0.025, 0.075, 0.525, 0.25]))


class SeesClasses(PumGPTBackend):
    """The photo's red channel says which class its backbone sees."""

    def _encode(
        self, requests: Sequence[Request], evidence: bool
    ) -> tuple[EncodedPhotos | None, list[tuple[int, ...]]]:
        photos, shown = super()._encode(requests, evidence)
        if photos is None:
            return photos, shown
        # In the order in which photos are encoded.
        seen = {id(photo): photo for request in requests for photo in request.photos}
        logits = torch.zeros(len(seen), NUM_CLASSES)
        for row, photo in enumerate(seen.values()):
            logits[row, CLASS_OF_RED[photo.getpixel((0, 0))[0]]] = 12.0  # type: ignore[index]
        return replace(photos, class_logits_BK=logits), shown


class Kinds:
    """Says the same of all photos."""

    def __init__(self, known: float) -> None:
        self._known = known

    def known(self, features_RV: Tensor) -> Tensor:
        return torch.full((len(features_RV),), self._known)


CLASS_OF_RED = {10: GUITAR, 20: DOG, 30: DESK}


def photo_of(red: int) -> Image.Image:
    photo = draw_product(red, size_px=64)[0].convert("RGB")
    photo.putpixel((0, 0), (red, 0, 0))
    return photo


@pytest.fixture(scope="module")
def backend() -> SeesClasses:
    from pumgpt.training.scratch import build_from_scratch

    torch.manual_seed(0)
    transfer = {"transfer_config": TRANSFER, "transfer_classes": NUM_CLASSES}
    model, processor = build_from_scratch({**ARCHITECTURE, **transfer}, TEXTS, size_px=48)
    return SeesClasses(model, processor, "tiny", "0", general=GeneralKnowledge())


def ask(backend: PumGPTBackend, among: Choices, *requests: tuple[Image.Image, ...]) -> list[Answer]:
    question = Question("category", "Which category?", "category", among)
    return [found for (found,) in backend.answer([Request(photos, (question,), "Shirt") for photos in requests])]


def test_an_unknown_kind_is_answered_by_its_class(backend: SeesClasses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "kinds", Kinds(0.1))
    guitar, dog = ask(backend, choices(), (photo_of(10),), (photo_of(20),))
    assert (guitar.text, guitar.by_class) == ("Music > Strings", True)
    assert 0.88 < guitar.ranked[0][1] <= 1, "as sure as its kind is unknown"
    assert guitar.known == dog.known == 1, "that the kind was not learnt is in the share already"
    assert dog.text == CANNOT_TELL
    assert dog.cannot_tell > 0.8


def test_a_known_kind_is_the_models_own_to_answer(backend: SeesClasses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "kinds", Kinds(0.9))
    (mixed,) = ask(backend, choices(), (photo_of(10),))
    monkeypatch.setattr(backend, "general", None)
    (own,) = ask(backend, Choices(VALUES[:2]), (photo_of(10),))
    assert mixed.ranked == own.ranked
    assert mixed.known == own.known == pytest.approx(0.9)
    assert (mixed.text, mixed.cannot_tell, mixed.by_class) == (own.text, own.cannot_tell, False)


def test_without_the_classes_or_a_photo_the_model_is_asked_for_its_own(
    backend: SeesClasses, monkeypatch: pytest.MonkeyPatch
) -> None:
    (unseen,) = ask(backend, choices(), ())
    assert {text for text, share in unseen.ranked if share > 0} == set(VALUES[:2])
    monkeypatch.setattr(backend, "general", None)
    (alone,) = ask(backend, choices(), (photo_of(10),))
    assert [text for text, _ in alone.ranked] == [
        text for text, _ in ask(backend, Choices(VALUES[:2]), (photo_of(10),))[0].ranked
    ]


def test_a_product_is_answered_alike_alone_and_among_others(backend: SeesClasses) -> None:
    among = choices()
    products = [(photo_of(10),), (photo_of(20), photo_of(30)), (), (photo_of(30),)]
    together = ask(backend, among, *products)
    for product, found in zip(products, together, strict=True):
        (alone,) = ask(backend, among, product)
        assert alone.text == found.text
        shares, other = dict(alone.ranked), dict(found.ranked)
        # What has next to no share isn't ranked.
        for text in VALUES:
            assert shares.get(text, 0.0) == pytest.approx(other.get(text, 0.0), abs=2e-4)
        assert alone.cannot_tell == pytest.approx(found.cannot_tell, abs=1e-5)


def test_a_checkpoint_brings_its_classes_unless_nothing_is_to_be_remembered(
    backend: SeesClasses, tmp_path: Path
) -> None:
    backend.model.save_pretrained(tmp_path)
    backend.processor.save_pretrained(tmp_path)
    Calibration(class_temperature=2.0).save(tmp_path / CALIBRATION_FILE)
    loaded = PumGPTBackend.load(tmp_path, device="cpu")
    assert loaded.capabilities.knows_imagenet
    assert loaded.general == GeneralKnowledge(2.0)
    photos = [photo_of(10), photo_of(20)]
    seen, _ = PumGPTBackend._encode(loaded, [Request((photo,), ()) for photo in photos], evidence=False)
    assert seen is not None and seen.class_logits_BK is not None
    torch.testing.assert_close(loaded.class_logits(photos), seen.class_logits_BK, atol=1e-4, rtol=1e-4)
    (answer,) = ask(loaded, choices(), (photos[0],))
    assert sum(share for _, share in answer.ranked) + answer.cannot_tell == pytest.approx(1, abs=1e-4)
    without = load_pumgpt(str(tmp_path), LoadOptions(device="cpu", memory="none"))
    assert not without.capabilities.knows_imagenet
    assert without.general is None
    assert without.revision != loaded.revision, "its answers are neither resumed nor cached as the other's"


def test_a_checkpoint_without_classes_says_so() -> None:
    from pumgpt.training.scratch import build_from_scratch

    model, processor = build_from_scratch(ARCHITECTURE, TEXTS, size_px=48)
    with pytest.raises(ModelError, match="tiny: has no transfer tower"):
        PumGPTBackend(model, processor, "tiny", "0").class_logits([photo_of(10)])


def test_answers_by_class_have_a_calibration_of_their_own() -> None:
    other = FieldCalibration(confidence=[(0.0, 0.2), (1.0, 0.4)])
    calibration = Calibration(fields={"category": other, "default": other})
    key = by_class_key("category")
    assert calibration.confidence(key, 0.9) == 0.9, "a probability, until it is measured what it is worth"
    assert calibration.threshold(listed_key(key), 0.95) == 0.95
    fitted = Calibration(fields={key: FieldCalibration(confidence=[(0.0, 0.0), (1.0, 0.5)])})
    assert fitted.confidence(listed_key(key), 1.0) == 0.5
