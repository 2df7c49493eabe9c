"""What a catalogue by itself says about its attributes."""

from __future__ import annotations

import io
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.curation.experts.base import Case, claims_of
from pumgpt.curation.experts.predictor import LinearModel, SampleRow, fit_predictor, fold_of
from pumgpt.curation.experts.product_features import NUM_PHOTO_FEATURES, ProductFeatures
from pumgpt.curation.experts.statistics import INFERABLE_SKILL, StatisticsExpert, reservoir_sample
from pumgpt.curation.verdict import Verdict, Vote

COLOURS = ("Red", "Blue", "Green", "Black")


def painted(colour: str) -> ImageRef:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), colour).save(buffer, "PNG")
    return ImageRef(data=buffer.getvalue())


def catalogue(count: int = 240, wrong: float = 0.0) -> list[Product]:
    """The photo shows the colour, the title names the gender, and no one can tell the year, but by the brand."""
    chance, products = random.Random(0), []
    photos = {colour: painted(colour.lower()) for colour in COLOURS}
    for place in range(count):
        colour, gender, brand = chance.choice(COLOURS), chance.choice(("Men", "Women")), chance.choice(("Ax", "Bo"))
        listed = chance.choice([c for c in COLOURS if c != colour]) if chance.random() < wrong else colour
        year = "2012" if brand == "Ax" else "2015"
        attributes = {"colour": listed, "gender": gender, "year": year, "batch": str(place)}
        products.append(Product(f"p{place}", (photos[colour],), f"{brand} {gender}'s shirt", attributes=attributes))
    return products


def votes(expert: StatisticsExpert, product: Product) -> dict[str, Vote | None]:
    claims = claims_of(product)
    (found,) = expert.judge([Case(product, claims, lambda _: ())])
    return {claim.name: vote for claim, vote in zip(claims, found, strict=True)}


def test_what_photo_and_title_show_is_inferable_and_the_habits_of_a_brand_are_not() -> None:
    expert = StatisticsExpert()
    expert.prepare(catalogue())
    found = votes(expert, catalogue()[0])
    assert {name: vote and vote.verdict for name, vote in found.items()} == {
        "colour": Verdict.SUPPORTED,
        "gender": Verdict.SUPPORTED,
        "year": Verdict.NOT_INFERABLE,
        "batch": None,  # each value once: nothing to learn from
    }
    assert found["year"] is not None
    assert found["year"].evidence["predicted right"] <= found["year"].evidence["by the commonest value"] + 0.1


def test_wrong_values_are_found_by_the_others() -> None:
    expert, products, truth = StatisticsExpert(), catalogue(wrong=0.2), catalogue()
    expert.prepare(products)
    photos = {painted(colour.lower()).data: colour for colour in COLOURS}
    counts: Counter[tuple[bool, str]] = Counter()
    for product in products:
        assert product.attributes is not None
        is_right = photos[product.images[0].data] == product.attributes["colour"]
        vote = votes(expert, product)["colour"]
        counts[is_right, str(vote and vote.verdict)] += 1
    assert len(truth) == sum(counts.values())
    assert counts[False, "contradicted"] >= 0.95 * sum(count for (right, _), count in counts.items() if not right)
    assert counts[True, "contradicted"] <= 0.02 * sum(count for (right, _), count in counts.items() if right)


def test_without_titles_nothing_is_called_not_inferable() -> None:
    expert = StatisticsExpert()
    untitled = [Product(p.id, p.images, attributes=p.attributes) for p in catalogue()]
    expert.prepare(untitled)
    found = votes(expert, untitled[0])
    assert found["year"] is None
    assert found["colour"] is not None


def test_memory_is_bounded_and_no_votes_depend_on_the_order_of_equal_catalogues() -> None:
    drawn = reservoir_sample(iter(catalogue(500)), 50, seed=1)
    assert len(drawn) == len({product.id for product in drawn}) == 50
    assert max(int(product.id[1:]) for product in drawn) > 300
    first, second = StatisticsExpert(), StatisticsExpert()
    first.prepare(catalogue())
    second.prepare(reversed(catalogue()))
    assert votes(first, catalogue()[3]) == votes(second, catalogue()[3])


def test_a_product_is_judged_by_a_model_that_has_not_seen_it() -> None:
    """Random words: who had seen the product would know its value."""
    chance = random.Random(0)
    nothing = ProductFeatures(frozenset(), None)
    rows = [SampleRow(str(place), chance.choice(("one", "two")), nothing) for place in range(300)]
    predictor = fit_predictor(rows)
    assert predictor is not None
    assert predictor.skill < 0.15
    assert {fold_of(row.id) for row in rows} == {0, 1, 2}


@pytest.mark.parametrize("rows", [0, 1, 59])
def test_too_few_rows_or_but_one_value_say_nothing(rows: int) -> None:
    nothing = ProductFeatures(frozenset(), None)
    assert fit_predictor([SampleRow(str(place), str(place % 2), nothing) for place in range(rows)]) is None
    assert fit_predictor([SampleRow(str(place), "same", nothing) for place in range(200)]) is None


def test_probabilities_are_a_simplex_and_follow_the_feature() -> None:
    truths = np.array(["a", "b"] * 50)
    features = (truths == "a").astype(np.float32)[:, None]
    probabilities = LinearModel.fit(features, truths).probabilities(features)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == (truths == "b")).all()


def test_a_photo_that_does_not_open_leaves_the_title() -> None:
    broken = Product("1", (ImageRef(data=b"no photo"), painted("red")), "Red shirt")
    features = ProductFeatures.of(broken)
    assert features.forms == {"red", "shirt"}
    assert features.photo_P is not None and features.photo_P.shape == (NUM_PHOTO_FEATURES,)
    assert ProductFeatures.of(Product("1", (ImageRef(data=b"no photo"),))).photo_P is None


@pytest.mark.shared
@pytest.mark.slow
def test_year_and_season_are_caught_and_colour_and_gender_kept(shared_data: Path) -> None:
    rows = read_catalog(shared_data / "fashion" / "validation-00000-of-00001.parquet")
    expert = StatisticsExpert()
    expert.prepare(row for row in rows if isinstance(row, Product))
    skills = {name: predictor.skill for (_, name), predictor in expert.predictors.items()}
    assert max(skills["year"], skills["season"]) < INFERABLE_SKILL < min(skills["colour"], skills["gender"])
