"""What a model trained on a shop's own products is worth, measured on products that it wasn't trained on.

As every product of a small shop is needed for training, models are trained beside it, each on all but one fold of the
products, and asked about that fold. Their answers tell how right the model is, what its confidences mean, and from which
confidence on a field may be filled. Then the model gets a memory of all products, as `pumgpt remember` makes it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, Field

from pumgpt.backends.calibration import DEFAULT, NEVER_FILLED, Calibration, FieldCalibration
from pumgpt.backends.pumgpt.backend import PumGPTBackend
from pumgpt.backends.pumgpt.memory import Memory
from pumgpt.backends.pumgpt.weighing import FieldSamples
from pumgpt.catalog.duplicates import opened_photos
from pumgpt.catalog.product import Product
from pumgpt.errors import PhotoError
from pumgpt.model.card import read_card
from pumgpt.tasks.truth import is_foreign
from pumgpt.training.data.groups import ProductGroups, assign_folds
from pumgpt.training.field_fit import FieldReport, ask_some, fit_fields, quality_of
from pumgpt.training.labelled import LabelledProducts
from pumgpt.training.remember import HELD_OUT_FOLDER, add_to, card_of_shop, vocabulary_of
from pumgpt.understand.intake import Intake, open_product

logger = logging.getLogger(__name__)

TrainWithout = Callable[[int, Path], Path]
"""Trains a model on all products but those of a fold, in a folder, and returns the folder with the result."""


class HeldOutRecipe(BaseModel):
    """How many products are held out, and of which a run of training is to know nothing."""

    model_config = ConfigDict(extra="forbid")

    folds: int = Field(default=3, ge=2)
    """In so many parts the products are held out, one after the other, each from a model of its own."""
    asked: int = Field(default=500, ge=1)
    """After so many products no further fold is held out: they tell enough."""
    without: int | None = Field(default=None, ge=0)
    """The fold that this run is trained without; set for the models beside the one that is made."""

    def training_products(self, products: Sequence[Product]) -> list[Product]:
        """Those that aren't of the fold that is held out."""
        if self.without is None:
            return list(products)
        fold_of = folds_of(products, self.folds)
        return [product for product in products if fold_of.get(_key(product)) != self.without]


def folds_of(products: Sequence[Product], folds: int) -> dict[str, int]:
    """The fold of each product, by its source and id. Listings of one product are in one fold; what shows none is in none."""
    shop = {_key(product): product for product in products if not is_foreign(product)}
    finder = ProductGroups()
    for number, product in enumerate(shop.values()):
        finder.add(replace(product, id=str(number)), opened_photos(product))
    group_of = finder.close()
    groups = [group_of.get(str(number), str(number)) for number in range(len(shop))]
    return dict(zip(shop, assign_folds(groups, folds), strict=True))


def measure_and_remember(
    folder: Path, products: Sequence[Product], held_out: HeldOutRecipe, train_without: TrainWithout
) -> list[FieldReport]:
    """Give the model in `folder` a calibration, a memory of `products` and a card that says what it is worth.

    The confidences are those of models that were trained without the products asked about, so they hold for new products.
    Raises `CatalogError` where no product has a photo and a label.
    """
    backend = PumGPTBackend.load(folder)
    shop = LabelledProducts.look_at(backend, _intakes(products))
    values, fold_of = vocabulary_of(shop.labels, None), folds_of(products, held_out.folds)
    evidence, asked = dict[str, FieldSamples](), 0
    for fold in range(held_out.folds):
        places = [place for place, product in enumerate(shop.products) if fold_of[_key(product)] == fold]
        if asked >= held_out.asked or not places:
            break
        logger.info("trained on all but %d of %d products, to be asked about these", len(places), len(shop.products))
        beside = PumGPTBackend.load(train_without(fold, folder / HELD_OUT_FOLDER / str(fold)))
        seen = shop if _same_tower(backend, beside) else LabelledProducts.look_at(beside, _intakes(products))
        memory = Memory.of(seen.features_NV, seen.labels, {})
        found = ask_some(beside, memory, seen, values, places, lambda product: open_product(product).photos)
        for name, samples in found.items():
            evidence.setdefault(name, FieldSamples()).extend(samples)
        asked += len(places)
    weighings, fields, reports = fit_fields(values, evidence)
    # Of what was never asked about nothing is known, and captions are shown with their own probability.
    unknown = {DEFAULT: FieldCalibration(proven=NEVER_FILLED), "caption": FieldCalibration()}
    memory = Memory.of(shop.features_NV, shop.labels, weighings)
    card = card_of_shop(read_card(folder), folder.name, values, quality_of(reports))
    add_to(folder, memory, Calibration(fields={**unknown, **fields}), card)
    return reports


def _key(product: Product) -> str:
    return f"{product.source}/{product.id}"


def _intakes(products: Sequence[Product]) -> Iterator[Intake]:
    for product in {_key(product): product for product in products if not is_foreign(product)}.values():
        try:
            yield open_product(product)
        except PhotoError as error:
            logger.warning("product '%s' is not remembered: %s", product.id, error)


def _same_tower(backend: PumGPTBackend, other: PumGPTBackend) -> bool:
    """Whether both see photos alike, so that one's features serve the other."""
    towers = (one.model.vision_tower.state_dict() for one in (backend, other))
    return all(torch.equal(*pair) for pair in zip(*(tower.values() for tower in towers), strict=True))
