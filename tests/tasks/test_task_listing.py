from __future__ import annotations

import random
import re
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.words import stem
from pumgpt.tasks.listing import Listing, render_listing, shorten, strike
from pumgpt.tasks.sources import shipped_facts

FACTS = shipped_facts()


def test_present_shows_title_and_description(shirt: Product) -> None:
    assert render_listing(shirt, "present", FACTS) == (
        "Title: Puma Men's Navy Blue Casual T-shirt\nDescription: A T-shirt of soft cotton. Wash it cold."
    )


def test_training_leaves_descriptions_out_now_and_then(shirt: Product) -> None:
    rng = random.Random(0)
    described = {Listing.of(shirt, "present", FACTS, rng).described for _ in range(30)}
    assert described == {True, False}


def test_absent_and_empty_products_show_nothing(shirt: Product) -> None:
    assert render_listing(shirt, "absent", FACTS) is None
    assert Listing.of(Product(id="1"), "present", FACTS) == Listing("absent", None)
    assert Listing.of(Product(id="1", title="Blue"), "struck", FACTS) == Listing("absent", None)


def test_class_descriptions_and_ids_never_show(apple: Product) -> None:
    assert render_listing(apple, "present", FACTS) is None
    assert render_listing(replace(apple, title="Fresh fruit"), "present", FACTS) == "Title: Fresh fruit"


@pytest.mark.parametrize(
    ("title", "struck"),
    [
        ("Puma Men's Navy Blue Casual T-shirt", "Puma"),
        ("Puma MENS Black/White Tee Pack of 2", "Puma Pack of 2"),
        ("Nike Free Run+ 2 (Blue) T Shirt", "Nike Free Run+ 2"),
        ("W Women Blue-Black Striped top", "W Striped top"),
        ("Q&Q Unisex Off-White & Grey tshirts", "Q&Q"),
        ("Ladies' Multicoloured Topwear, Size 3", "Size 3"),
        ("Redwood Menlo Blueprint", "Redwood Menlo Blueprint"),
    ],
)
def test_struck_by_hand(shirt: Product, title: str, struck: str) -> None:
    assert strike(title, shirt, FACTS) == struck


@pytest.mark.parametrize(
    ("word", "expected"),
    [("Men's", "men"), ("Ladies", "lady"), ("Watches", "watch"), ("Dress", "dress"), ("Ties", "tie"), ("boys’", "boy")],
)
def test_stem(word: str, expected: str) -> None:
    assert stem(word) == expected


_WRITINGS = [str, str.lower, str.upper, lambda word: word + "'s", lambda word: f"({word})", lambda word: f"{word},"]


@given(
    colour=st.sampled_from(["Blue", "Maroon", "Off White", "Navy Blue", "Grey Melange"]),
    gender=st.sampled_from(["Men", "Women", "Boys", "Girls", "Unisex", "Kids"]),
    leaf=st.sampled_from(["Tshirts", "Necklace and Chains", "Flip Flops", "Dresses", "Sarees"]),
    usage=st.sampled_from(["Casual", "Sports", "Smart Casual"]),
    noise=st.lists(st.sampled_from(["Puma", "Run+", "2", "Q&Q", "-", "Printed", "of"]), max_size=4),
    seed=st.integers(0, 10_000),
)
def test_struck_titles_leak_nothing(
    colour: str, gender: str, leaf: str, usage: str, noise: list[str], seed: int
) -> None:
    rng = random.Random(seed)
    answers = [word for text in (colour, gender, leaf, usage) for word in text.split() if word != "and"]
    title_words = [rng.choice(_WRITINGS)(word) for word in answers] + noise
    rng.shuffle(title_words)
    product = Product(
        id="1",
        title=" ".join(title_words),
        category=("Apparel", leaf),
        attributes={"gender": gender, "colour": colour, "usage": usage},
    )
    text = render_listing(product, "struck", FACTS) or ""
    assert not _leaked(answers, text)
    assert all(word in text for word in noise if word not in ("-", "of"))


def _leaked(answers: list[str], text: str) -> list[str]:
    return [word for word in answers if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE)]


@pytest.mark.shared
def test_real_struck_titles_leak_nothing(shared_data: Path) -> None:
    columns = ["id", "title", "category", "attributes"]
    rows = pq.read_table(shared_data / "fashion" / "validation-00000-of-00001.parquet", columns=columns).to_pylist()
    for product in map(Product.from_record, rows):
        attributes = product.attributes or {}
        named = [str(attributes.get(name, "")) for name in ("gender", "colour", "usage")]
        answers = " ".join([*named, (product.category or ("",))[-1]]).split()
        text = strike(product.title or "", product, FACTS)
        assert not _leaked([word for word in answers if word != "and"], text), (product.title, text)


@given(st.text(max_size=400), st.integers(5, 60))
def test_shortened_texts_are_short_beginnings(text: str, max_chars: int) -> None:
    short = shorten(text, max_chars)
    assert len(short) <= max_chars
    assert " ".join(text.split()).startswith(short)
