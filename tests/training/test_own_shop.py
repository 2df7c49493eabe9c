"""A shop's own labels: what a model made of them is worth is measured on products that it didn't learn from."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from tests.training.test_stages import SCRATCH, TRAINER, write_recipe

from pumgpt.backends.calibration import Calibration
from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import Capabilities
from pumgpt.backends.pumgpt.memory import Memory
from pumgpt.backends.pumgpt.weighing import TEMPERATURES, FieldSamples, HeldOutAnswers
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.cli.main import main
from pumgpt.errors import RecipeError
from pumgpt.model.card import CALIBRATION_FILE, read_card, resolve_checkpoint
from pumgpt.samples import draw_foreign_parquet, draw_parquet, draw_product, seeds
from pumgpt.training.data.groups import assign_folds
from pumgpt.training.field_fit import LEAST_COUNT, FieldReport, describe, describe_curve, fit_fields, quality_of
from pumgpt.training.held_out import HeldOutRecipe, folds_of
from pumgpt.training.recipe import load_recipe, resolve_recipe
from pumgpt.training.remember import HELD_OUT_FOLDER, remember
from pumgpt.training.run import train
from pumgpt.understand.intake import Intake
from pumgpt.understand.remarks import calibration_remarks


def drawn(seed: int, folder: Path, **more: object) -> Product:
    photo, told = draw_product(seed, size_px=64)
    path = folder / f"{seed}.png"
    photo.save(path)
    return Product(str(seed), (ImageRef(path=path),), category=("Bazaar", told.category[0]), **more)  # type: ignore[arg-type]


def test_folds_are_even_and_groups_stay_whole() -> None:
    groups = [*"aaaa", *"bb", *"cdefg"]
    folds = assign_folds(groups, 3)
    assert sorted(folds.count(fold) for fold in range(3)) == [3, 4, 4]
    assert all(len({fold for group, fold in zip(groups, folds, strict=True) if group == name}) == 1 for name in "ab")


def test_listings_of_one_product_are_held_out_together(tmp_path: Path) -> None:
    shop = [drawn(seed, tmp_path) for seed in seeds.TESTS[:9]]
    variants = [Product(f"{product.id}-red", product.images, category=product.category) for product in shop[:4]]
    stated = [drawn(seed, tmp_path, extra={"item_group_id": "7"}) for seed in seeds.TESTS[9:12]]
    products = [*shop, *variants, *stated, Product("foreign", source="foreign")]
    fold_of = folds_of(products, 3)
    assert all(fold_of[f"None/{product.id}"] == fold_of[f"None/{product.id}-red"] for product in shop[:4])
    assert len({fold_of[f"None/{product.id}"] for product in stated}) == 1
    kept = [HeldOutRecipe(without=fold).training_products(products) for fold in range(3)]
    for fold, remaining in enumerate(kept):
        assert {fold_of.get(f"None/{product.id}") for product in remaining} == {0, 1, 2, None} - {fold}
    assert HeldOutRecipe().training_products(products) == products


def test_a_twin_in_the_catalogue_does_not_make_a_label_that_is_a_coin_toss_look_known(tmp_path: Path) -> None:
    """Every product is listed twice under one label that was drawn: only its twin tells which."""
    rng, rows = random.Random(0), []
    for seed in seeds.TESTS[:40]:
        photo, side = draw_product(seed, size_px=64)[0], rng.choice(["left", "right"])
        rows += [Intake(Product(f"{seed}{copy}", category=("Shelf", side)), (photo,)) for copy in "ab"]
    photos = {intake.product.id: intake.photos for intake in rows}
    nano = resolve_checkpoint("nano")
    made = remember(nano, rows, tmp_path / "shelf", open_again=lambda product: photos[product.id])
    (report,) = made.fields
    assert report.score is not None and report.score.asked == 80
    assert report.score.right / 80 < 0.7
    assert report.score.filled <= 10
    # The same again: now the memory holds a copy of each, whose group it doesn't know.
    again = remember(tmp_path / "shelf", rows, tmp_path / "twice", open_again=lambda product: photos[product.id])
    assert again.fields[0].score is not None and again.fields[0].score.right / 80 < 0.7


def samples(count: int, right_share: float) -> FieldSamples:
    """Answers of which a share is right, each by a neighbour that is as sure of it as of the wrong ones."""
    rng, found = random.Random(1), FieldSamples()
    for _ in range(count):
        voted = rng.randrange(2)
        counts = torch.tensor([[float(voted == 0), float(voted == 1)]] * len(TEMPERATURES))
        found.add(voted if rng.random() < right_share else 1 - voted, torch.tensor([0.3, 0.3, 0.4]), counts)
    return found


def test_few_labels_fill_nothing_and_say_why() -> None:
    _, fields, (report,) = fit_fields({"colour": ["Blue", "Red"]}, {"colour": samples(LEAST_COUNT - 1, 1.0)})
    assert report.score is None
    assert Calibration(fields=fields).threshold("attribute:colour", 0.5) > 1
    assert describe(report) == (
        "colour: too few labelled products (19) to tell when it is right, so it is filled at --precision 0 alone; "
        "label 20 or more"
    )


@pytest.mark.parametrize(("right_share", "filled"), [(0.99, True), (0.8, False)])
def test_what_is_filled_is_what_products_held_out_prove(right_share: float, filled: bool) -> None:
    _, fields, (report,) = fit_fields({"category": ["A", "B"]}, {"category": samples(120, right_share)})
    assert report.score is not None
    assert bool(report.score.filled) is filled
    assert (fields["category"].threshold(0.9) < 1) is filled
    share, low, high, count = quality_of([report])["held out, every field filled"]["category"]
    assert low < share <= high and count == 120 and share == pytest.approx(right_share, abs=0.06)
    assert ("none is sure enough" in describe(report)) is not filled


def test_training_ends_with_a_score_a_calibration_and_a_memory(tmp_path: Path) -> None:
    draw_parquet(tmp_path / "products.parquet", seeds.TESTS[:27], size_px=48)
    draw_foreign_parquet(tmp_path / "foreign.parquet", range(4), size_px=48)
    recipe = write_recipe(
        tmp_path,
        tmp_path,
        "instruct",
        SCRATCH,
        instruct={"trained": ["bridge", "language_model"], "attributes": None, "examples": 2},
        held_out={"folds": 3},
        trainer={**TRAINER, "max_steps": 2},
    )
    made = train(recipe)
    card = read_card(made)
    assert "colour" in card.attributes
    assert card.quality["held out, every field filled"]["category"][3] == 27
    memory = Memory.load(made)
    assert memory is not None and len(memory) == 27
    assert Calibration.load(made / CALIBRATION_FILE).fields["category"].count >= 27
    trained_on = [json.loads((fold / "trainer_state.json").read_text()) for fold in (made / HELD_OUT_FOLDER).iterdir()]
    assert len(trained_on) == 3
    shown = CliRunner().invoke(main, ["info", str(made)])
    assert "held out" in shown.output and "n=27" in shown.output and "27 products" in shown.output
    # What is made of it carries none of the models that it was measured by.
    photos = {str(seed): (draw_product(seed, size_px=64)[0],) for seed in seeds.TESTS[:2]}
    rows_again = [Intake(Product(name, category=("Bazaar", "x")), photo) for name, photo in photos.items()]
    remember(made, rows_again, tmp_path / "more", open_again=lambda product: photos[product.id])
    assert not (tmp_path / "more" / HELD_OUT_FOLDER).exists()


def test_a_stream_is_not_held_out(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"data\.stream keeps no products to hold out .* set held_out=null"):
        load_recipe(resolve_recipe("adapt"), ["data.stream=true"])
    load_recipe(resolve_recipe("adapt"), ["data.stream=true", "held_out=null", "instruct.attributes=[]"])


def test_a_model_that_nobody_calibrated_is_told_of() -> None:
    backend = FakeBackend()
    (remark,) = calibration_remarks(backend)
    assert remark.startswith("fake is not calibrated") and "--precision 0" in remark and "\n" not in remark
    backend.capabilities = Capabilities(calibration=Calibration())
    assert calibration_remarks(backend) == []


def test_the_curve_counts_answers_by_how_many_examples_they_had() -> None:
    answers = HeldOutAnswers(
        confidence=[0.9] * 6, right=[False, True, True, False, True, True], labelled=[True] * 5 + [False],
        fold=[0] * 6, examples=[0, 1, 3, 3, 40, 40],
    )  # fmt: skip
    assert answers.curve() == [(0, 1, 0), (1, 1, 1), (2, 2, 1), (32, 1, 1)]
    line = describe_curve(FieldReport("category", 4, 6, curve=answers.curve()))
    assert line.endswith("labelled: 0: 0.00 of 1, 1: 1.00 of 1, 2-3: 0.50 of 2, 32+: 1.00 of 1")
