"""The expert that reads, with the fitted files that ship."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.curation.experts.base import Case, claims_of
from pumgpt.curation.experts.text import TextExpert
from pumgpt.curation.verdict import Claim, Verdict, Vote
from pumgpt.errors import ModelError
from pumgpt.extraction.mentions import MatchKind, Mention, Text
from pumgpt.extraction.span_classifier import SpanClassifier, SpanOwner, similarity, span_features
from pumgpt.extraction.text_score import FEATURES, TextScore, mention_features

SUPPORTED, CONTRADICTED, NOT_INFERABLE = Verdict

SCHEMA = AttributeSchema(
    (
        AttributeSpec(
            "colour",
            ("Navy Blue", "Red", "Black"),
            synonyms={"Navy Blue": ("navy",)},
            translations={"de": {"Red": "Rot"}},
        ),
        AttributeSpec("length", unit="cm", units=("mm", "in")),
        AttributeSpec("water resistance", ("waterproof",)),
    )
)


@pytest.fixture(scope="module")
def expert() -> TextExpert:
    return TextExpert(SCHEMA)


def vote(expert: TextExpert, name: str, value: str, title: str, description: str | None = None) -> Vote:
    product = Product("1", title=title, description=description, attributes={name: value})
    ((found,),) = expert.judge([Case(product, claims_of(product), lambda _: ())])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "value", "title", "verdict"),
    [
        ("colour", "Navy Blue", "Puma Men's navy running shoe", SUPPORTED),
        ("colour", "Red", "Mantel rot Damen", SUPPORTED),
        ("colour", "Red", "Puma Men's running shoe", NOT_INFERABLE),
        ("colour", "Red", "Puma Men's Black running shoe", CONTRADICTED),
        ("length", "4 cm", "Fishing lure 40mm hard bait", SUPPORTED),
        ("length", "5 cm", "Fishing lure 40mm hard bait", CONTRADICTED),
        ("length", "4", "Fishing lure 40mm hard bait", SUPPORTED),
        ("water resistance", "waterproof", "Hiking jacket, not waterproof", CONTRADICTED),
        ("Gender", "Women", "Crocs Women's Ballet Flat", SUPPORTED),
        ("Material", "Cotton", "Levi's Cotton Shirt for men", SUPPORTED),
        ("Brand", "Cotton", "Levi's Cotton Shirt for men", NOT_INFERABLE),
        ("Net content", "16 oz", "Herbal shampoo, 16 fl. oz. (Pack of 2)", SUPPORTED),
    ],
)
def test_what_a_title_says(expert: TextExpert, name: str, value: str, title: str, verdict: Verdict) -> None:
    assert vote(expert, name, value, title).verdict is verdict


def test_a_vote_quotes_what_it_rests_on(expert: TextExpert) -> None:
    title = "Puma Men's navy running shoe"
    evidence = vote(expert, "colour", "Navy Blue", title).evidence
    assert evidence == {"field": "title", "words": "navy", "at": [11, 15], "as": "a synonym"}
    start, end = evidence["at"]
    assert title[start:end] == evidence["words"]
    assert vote(expert, "colour", "Red", "Puma black shoe").evidence["words"] == "black"
    assert vote(expert, "Brand", "Cotton", "Levi's Cotton Shirt").evidence["belongs to"] != "brand"


def test_a_measure_of_what_it_fits_does_not_support(expert: TextExpert) -> None:
    assert vote(expert, "screen size", "13 inch", "Sleeve fits 13-inch laptops").verdict is NOT_INFERABLE


def test_the_description_is_read_too(expert: TextExpert) -> None:
    found = vote(expert, "colour", "Red", "Running shoe", "Comes in red.")
    assert (found.verdict, found.evidence["field"]) == (SUPPORTED, "description")


def test_a_row_without_text_gets_no_vote(expert: TextExpert) -> None:
    product = Product("1", title=" ", attributes={"colour": "Red"})
    assert expert.judge([Case(product, claims_of(product), lambda _: ())]) == [[None]]


def test_scores_are_probabilities_and_agree_with_the_verdict(expert: TextExpert) -> None:
    for value in ("navy", "running shoe", "leather", "Puma", "shoe running", "men"):
        for name in ("colour", "Brand", "Shoe type", "quirk"):
            found = vote(expert, name, value, "Puma Men's navy running shoe")
            assert 0 <= found.score <= 1
            assert (found.score >= 0.5) is (found.verdict is SUPPORTED)


def test_words_of_another_attribute_are_told_from_their_own() -> None:
    owner, title = SpanClassifier.load(), Text("Crocs Women's Ballet Flat, Brown, 8 M US")
    for words, own, other in (("Women", "Gender", "Color"), ("Brown", "Color", "Brand"), ("Crocs", "Brand", "Gender")):
        (mention,) = title.mentions(words)
        judged = {name: owner.judge(title, mention.start, mention.end, name) for name in (own, other)}
        assert judged[own].own > judged[other].own + 2
        assert judged[own].own - judged[own].other > judged[other].own - judged[other].other + 2


def test_an_attribute_that_is_unknown_is_judged_by_those_of_similar_names() -> None:
    owner, title = SpanClassifier.load(), Text("Crocs Ballet Flat, Brown, 8 M US")
    (mention,) = title.mentions("Brown")
    by = {
        name: owner.judge(title, mention.start, mention.end, name) for name in ("color", "colour", "upper color", "zzz")
    }
    assert by["color"] == by["colour"]
    assert 0 < by["upper color"].known < 1 == by["color"].known
    assert by["zzz"].known == 0 == by["zzz"].own
    assert owner.without("Color").judge(title, mention.start, mention.end, "color").known < 1


def test_similarity_of_names() -> None:
    assert similarity("Colour", "color") == similarity("color", "COLORS") == 1
    assert similarity("fabric type", "Material") == 1
    assert similarity("frame color", "lens color") > similarity("frame color", "frame material") > 0
    assert similarity("frame color", "brand") == 0


def test_what_is_saved_is_what_was_fitted(tmp_path: Path) -> None:
    text = Text("Brown shoe")
    weights = np.random.default_rng(0).normal(size=(8192, 2)).astype(np.float32)
    owner = SpanClassifier(["color", "type"], weights, np.array([0.5, -0.5], dtype=np.float32), 1.0)
    owner.save(tmp_path / "owner.npz")
    found = list(span_features(text, 0, 5))
    assert np.allclose(
        SpanClassifier.load(tmp_path / "owner.npz").logits(found), owner.logits(found), atol=0.02 * len(found)
    )
    score = TextScore(0.25, tuple(range(len(FEATURES))))
    score.save(tmp_path / "score.json")
    assert TextScore.load(tmp_path / "score.json") == score


@pytest.mark.parametrize("content", ["", "{}", '{"intercept": 0, "weights": {"own": 1}}', "\xff"])
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content.encode("latin-1"))
    for load in (TextScore.load, SpanClassifier.load):
        with pytest.raises(ModelError, match="broken"):
            load(path)
        with pytest.raises(ModelError, match="nowhere"):
            load(tmp_path / "nowhere")


def test_the_better_the_words_fit_the_attribute_the_likelier_the_value() -> None:
    score, mention = TextScore.load(), Mention(0, 5, MatchKind.AS_LISTED)
    probabilities = [
        score.probability(mention_features(mention, SpanOwner(own, other, 1.0, "x"), 1.0, 1))
        for own, other in ((-5, 5), (-2, 2), (0, 0), (2, -2), (5, -5))
    ]
    assert probabilities == sorted(probabilities)
    assert probabilities[0] < 0.1 < 0.9 < probabilities[-1]


def test_a_claim_without_words_is_judged_too(expert: TextExpert) -> None:
    found = expert.vote(Claim("colour", "---"), {"title": Text("A --- B")})
    assert found.verdict is NOT_INFERABLE


@pytest.mark.parametrize(
    ("title", "name", "value", "verdict"),
    [
        ("Lentils 2 000 g sack", "weight", "2 kg", SUPPORTED),
        ("Battery 10 000 mAh", "battery capacity", "10000 mAh", SUPPORTED),
        ("3 in 1 shower gel", "height", "20 cm", NOT_INFERABLE),
        ("Door 6 ft 8 in", "height", "80 in", SUPPORTED),
        ("Mirror 4'6\" tall", "height", "54 inch", SUPPORTED),
        ("Hook 2⅜ in brass", "length", "2.375 in", SUPPORTED),
        ("Zucker 1.500 g", "weight", "1.5 kg", SUPPORTED),
        ("Apple juice 3 x 200 ml", "volume", "600 ml", SUPPORTED),
        ("Vinegar 750 ml", "volume", "750 ml", SUPPORTED),
        ("Vinegar 750ml", "volume", "750 ml", SUPPORTED),
        ("Linen brownies tray", "type", "Tray", SUPPORTED),
        ("Cotton hoodies", "type", "Hoodie", SUPPORTED),
        ("Felt gloves", "type", "Glove", SUPPORTED),
        ("Bread knives", "type", "Knife", SUPPORTED),
        ("Corner shelves", "product type", "Shelf", SUPPORTED),
        ("Potatoes 2 kg", "type", "Potato", SUPPORTED),
        ("Cherries 250 g", "category", "Cherry", SUPPORTED),
        ("Nike running shoes", "type", "Nike", NOT_INFERABLE),
        ("Blue ceramic mugs", "type", "Blue", NOT_INFERABLE),
        ("Sneakers US 8½", "size", "US 8.5", SUPPORTED),
    ],
)
def test_what_a_title_says_of_measures_and_of_what_the_product_is(
    title: str, name: str, value: str, verdict: Verdict
) -> None:
    assert vote(TextExpert(), name, value, title).verdict is verdict


def test_what_the_product_is_speaks_against_no_other_attribute() -> None:
    owner, title = SpanClassifier.load(), Text("Acme cotton hoodies")
    (mention,) = title.mentions("hoodies")
    judged = owner.judge(title, mention.start, mention.end, "item form")
    assert judged.owner != "type"
    assert similarity("Product Type", "type") == similarity("category", "type") == 1 > similarity("shoe type", "type")
