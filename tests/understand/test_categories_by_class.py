"""Categories that a model can tell by ImageNet's classes: what is asked, where it leads, and at which level it is filled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from pumgpt.backends.calibration import Calibration, FieldCalibration
from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import Answer, Capabilities, Question
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import CategoryField, ModelInfo
from pumgpt.catalog.vocabulary.applicability import Applicability
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk
from pumgpt.catalog.vocabulary.imagenet import NUM_CLASSES, imagenet_classes
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy, split_path
from pumgpt.understand.assemble import assemble
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.fields.category import is_refused
from pumgpt.understand.plan import Plan, fingerprint, make_plan

PHOTO = Image.new("RGB", (8, 8))
INSTRUMENTS = "Arts & Entertainment > Hobbies & Creative Arts > Musical Instruments"
STRINGS = f"{INSTRUMENTS} > String Instruments"
ACOUSTIC, ELECTRIC = f"{STRINGS} > Guitars > Acoustic Guitars", f"{STRINGS} > Guitars > Electric Guitars"
PIANO = f"{INSTRUMENTS} > Pianos > Grand Pianos"
SHOPS = "Sortiment > Musikinstrumente"
OWN = ("Apparel > Topwear > Tshirts", "Accessories > Bags > Backpacks", "Footwear > Shoes > Sports Shoes")
INDEX = {known.name: number for number, known in enumerate(imagenet_classes())}


class Knowing(FakeBackend):
    """A model of three categories, with a map to Shopify's, whose backbone knows ImageNet."""

    def __init__(self, folder: Path, knows_imagenet: bool = True, rows: str = "") -> None:
        folder.mkdir(exist_ok=True)
        to = {
            OWN[0]: "Apparel & Accessories > Clothing > Clothing Tops > T-Shirts",
            OWN[1]: "Luggage & Bags > Backpacks",
        }
        lines = [f"{path},,{to.get(path, '')}," for path in OWN]
        (folder / "map.csv").write_text("from,when,to,id\n" + (rows or "\n".join(lines)) + "\n", encoding="utf-8")
        # What its own answers are worth must not be taken for what the classes' are.
        calibration = Calibration(fields={"category": FieldCalibration(confidence=[(0.0, 0.0), (1.0, 0.6)])})
        self.capabilities = Capabilities(
            taxonomy=Taxonomy.of(map(split_path, OWN)),
            category_maps=(folder / "map.csv",),
            calibration=calibration,
            knows_imagenet=knows_imagenet,
        )


@pytest.fixture
def backend(tmp_path: Path) -> Knowing:
    return Knowing(tmp_path / "maps")


def plan(backend: Knowing, *categories: str, **changes: object) -> Plan:
    taxonomy = Taxonomy.of(map(split_path, categories)) if categories else None
    return make_plan(backend, tasks=["category"], taxonomy=taxonomy, **changes)  # type: ignore[arg-type]


def category(asked: Plan, shares: Mapping[str, float], by_class: bool = True, own: str | None = None) -> CategoryField:
    """The field where the model gives these shares; what they leave of 1 can't be inferred."""
    product = Product("1", category=split_path(own) if own else None)
    ranked = tuple(sorted(shares.items(), key=lambda pair: -pair[1]))
    answer = Answer(ranked[0][0], cannot_tell=1 - sum(shares.values()), ranked=ranked, by_class=by_class)
    (question,) = (question for request in asked.requests(product, [PHOTO]) for question in request.questions)
    found = assemble(asked, product, [Reply(question, answer)], ModelInfo(name="knowing", revision="0")).category
    assert found is not None
    return found


def joined(field: CategoryField) -> str | None:
    return None if field.path is None else " > ".join(field.path)


def test_the_classes_add_to_a_models_categories(backend: Knowing) -> None:
    choices = plan(backend).context.taxonomy_choices
    assert choices is not None
    assert choices.learned == OWN
    assert {ACOUSTIC, STRINGS, INSTRUMENTS, "Furniture > Sofas", "Furniture"} <= set(choices.values)
    assert len(choices.class_places) == NUM_CLASSES
    assert choices.values[choices.class_places[INDEX["acoustic guitar"]]] == ACOUSTIC
    assert choices.class_places[INDEX["golden retriever"]] == len(choices.values)
    # What the model has a category of its own for goes by that name alone.
    assert choices.values[choices.class_places[INDEX["backpack"]]] == OWN[1]
    assert choices.values[choices.class_places[INDEX["running shoe"]]] == OWN[2]


def test_a_model_of_a_shops_own_categories_answers_with_these_alone(tmp_path: Path) -> None:
    """Its map, of the model that it began as, is none of its own categories'."""
    choices = plan(Knowing(tmp_path / "maps", rows="Sofas,,Furniture > Sofas,")).context.taxonomy_choices
    assert choices is not None
    assert choices.values == choices.learned == OWN
    assert choices.values[choices.class_places[INDEX["backpack"]]] == OWN[1]
    assert choices.class_places[INDEX["couch"]] == len(OWN)


def test_without_the_classes_nothing_changes(tmp_path: Path) -> None:
    asked = plan(Knowing(tmp_path / "maps", knows_imagenet=False))
    choices = asked.context.taxonomy_choices
    assert choices is not None
    assert (choices.values, choices.num_learned, choices.class_places) == (OWN, None, ())


def test_a_guitar_is_filled_as_deep_as_it_is_sure(backend: Knowing) -> None:
    asked = plan(backend)
    sure = category(asked, {ACOUSTIC: 0.95, ELECTRIC: 0.02})
    assert (joined(sure), sure.status, sure.confidence) == (ACOUSTIC, "filled", 0.95)
    unsure = category(asked, {ACOUSTIC: 0.55, ELECTRIC: 0.38, OWN[0]: 0.02})
    assert (joined(unsure), unsure.status) == (f"{STRINGS} > Guitars", "filled")
    assert unsure.confidence == pytest.approx(0.93)
    assert [" > ".join(other.path) for other in unsure.alternatives] == [ACOUSTIC, ELECTRIC, OWN[0]]
    strings = category(asked, {ACOUSTIC: 0.5, f"{INSTRUMENTS} > Percussion": 0.42})
    assert (joined(strings), strings.confidence) == (INSTRUMENTS, pytest.approx(0.92))
    lost = category(asked, {ACOUSTIC: 0.4, OWN[0]: 0.3})
    assert (lost.path, lost.status) == (None, "abstained")


def test_what_is_mostly_no_product_gets_no_category(backend: Knowing) -> None:
    for share in (0.3, 0.1):
        dog = category(plan(backend), {"Animals & Pet Supplies > Pet Supplies > Pet Muzzles": share})
        assert (dog.path, dog.status) == (None, "abstained")


def test_every_field_is_filled_with_the_likeliest_at_precision_0(backend: Knowing) -> None:
    assert joined(category(plan(backend, precision=0.0), {ACOUSTIC: 0.3, ELECTRIC: 0.25})) == ACOUSTIC


def test_a_models_own_categories_have_no_level_above_that_is_one(backend: Knowing) -> None:
    """'Apparel > Topwear' is no category of the model's, so that two kinds of tops are none."""
    field = category(plan(backend), {"Apparel > Topwear > Tshirts": 0.5, "Apparel > Topwear > Shirts": 0.45}, False)
    assert (field.path, field.status) == (None, "abstained")


def test_a_kind_that_was_never_learned_is_none_to_write_a_caption_of(backend: Knowing) -> None:
    question = Question("category", "Which category?", "category", plan(backend).context.taxonomy_choices)
    answer = Answer(ACOUSTIC, ranked=((ACOUSTIC, 0.95),))
    assert is_refused(Reply(question, replace(answer, by_class=True)))
    assert not is_refused(Reply(question, answer))


def test_a_kind_that_was_never_learned_has_the_attributes_of_its_category(tmp_path: Path) -> None:
    backend = Knowing(tmp_path / "maps")
    backend.capabilities = replace(
        backend.capabilities,
        schema=AttributeSchema((AttributeSpec("gender", ("Men", "Women")),)),
        applicability=Applicability.of({OWN[0]: ["gender"]}),
    )
    asked = make_plan(backend, tasks=["category", "attributes"])
    for path, names in ((ACOUSTIC, []), ("Furniture > Sofas", []), ("Apparel & Accessories > Shoes", ["gender"])):
        replies = [
            Reply(question, Answer(path, ranked=((path, 0.95),), by_class=True))
            if question.task == "category"
            else Reply(question, Answer("Men", ranked=(("Men", 0.9),)))
            for request in asked.requests(Product("1"), [PHOTO])
            for question in request.questions
        ]
        record = assemble(asked, Product("1"), replies, ModelInfo(name="knowing", revision="0"))
        assert [field.name for field in record.attributes or ()] == names, path


def test_a_shops_own_taxonomy_has_the_classes_in_its_words(backend: Knowing) -> None:
    asked = plan(backend, "Sortiment", SHOPS, f"{SHOPS} > Gitarren", f"{SHOPS} > Klaviere", "Rucksäcke")
    assert asked.crosswalk is not None
    assert asked.crosswalk.find(split_path(OWN[1])) == ("Rucksäcke",)
    both = category(asked, {ACOUSTIC: 0.5, ELECTRIC: 0.45})
    assert (joined(both), both.confidence) == (f"{SHOPS} > Gitarren", pytest.approx(0.95))
    assert joined(category(asked, {ACOUSTIC: 0.5, PIANO: 0.45})) == SHOPS
    assert joined(category(asked, {"Furniture > Sofas": 0.97})) is None


def test_a_level_that_the_shop_has_not_is_not_filled(backend: Knowing) -> None:
    asked = plan(backend, f"{SHOPS} > Gitarren", f"{SHOPS} > Klaviere")
    assert joined(category(asked, {ACOUSTIC: 0.5, PIANO: 0.45})) is None


def test_a_department_alone_is_not_filled(backend: Knowing) -> None:
    assert joined(category(plan(backend), {"Furniture > Sofas": 0.5, "Furniture > Shelving": 0.45})) is None
    assert joined(category(plan(backend), {"Home & Garden": 0.95})) == "Home & Garden", "unless it is a class's own"


def test_a_shops_map_comes_before_the_classes(backend: Knowing) -> None:
    rows = Crosswalk.parse(Path("own.csv"), f"from,to\n{ACOUSTIC},Bestseller\n{OWN[0]},Musikinstrumente\n")
    asked = plan(backend, "Musikinstrumente", "Musikinstrumente > Gitarren", "Bestseller", crosswalk=rows)
    assert joined(category(asked, {ACOUSTIC: 0.96})) == "Bestseller"
    assert joined(category(asked, {ELECTRIC: 0.96})) == "Musikinstrumente > Gitarren"


def test_a_value_of_the_shops_is_kept_by_a_broader_one(backend: Knowing) -> None:
    field = category(plan(backend), {ACOUSTIC: 0.5, ELECTRIC: 0.45}, own=ELECTRIC)
    assert (joined(field), field.status) == (ELECTRIC, "kept")


def test_a_run_without_the_classes_is_another_one(tmp_path: Path) -> None:
    backends = [Knowing(tmp_path / "maps", knows_imagenet=knows) for knows in (True, False)]
    with_taxonomy = [fingerprint(backend, plan(backend, "Musikinstrumente > Gitarren")) for backend in backends]
    assert with_taxonomy[0] != with_taxonomy[1]
