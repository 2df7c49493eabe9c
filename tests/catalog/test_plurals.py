"""Product nouns: each is one word with its plural, and with no other noun."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumgpt.catalog.vocabulary.words import key

# What rules of letters get wrong comes first: gloves aren't glofes, lenses aren't lens's, cookies aren't cookys.
_PAIRS = """
    glove/gloves sleeve/sleeves olive/olives stove/stoves valve/valves cave/caves curve/curves knife/knives shelf/shelves
    scarf/scarves loaf/loaves leaf/leaves half/halves calf/calves wolf/wolves cuff/cuffs roof/roofs chef/chefs belief/beliefs
    lens/lenses canvas/canvases gas/gases bus/buses iris/irises atlas/atlases glass/glasses dress/dresses mattress/mattresses
    compass/compasses box/boxes fox/foxes axe/axes brush/brushes dish/dishes watch/watches bench/benches torch/torches
    quiche/quiches brioche/brioches moustache/moustaches hoodie/hoodies beanie/beanies cookie/cookies brownie/brownies
    onesie/onesies bootie/booties necktie/neckties smoothie/smoothies pie/pies tie/ties berry/berries cherry/cherries
    battery/batteries body/bodies lady/ladies baby/babies jersey/jerseys key/keys tray/trays toy/toys shoe/shoes hoe/hoes
    canoe/canoes tomato/tomatoes potato/potatoes mango/mangoes photo/photos piano/pianos radio/radios kimono/kimonos
    house/houses blouse/blouses vase/vases case/cases purse/purses nose/noses hose/hoses rose/roses cheese/cheeses
    fuse/fuses bag/bags belt/belts shirt/shirts sock/socks hat/hats cap/caps mug/mugs candle/candles lamp/lamps chair/chairs
    table/tables bottle/bottles toothbrush/toothbrushes phone/phones foot/feet tooth/teeth mouse/mice man/men woman/women
    child/children bikini/bikinis taxi/taxis menu/menus tutu/tutus sari/saris kiwi/kiwis chilli/chillies topaz/topazes
"""
PLURALS = dict(pair.split("/") for pair in _PAIRS.split())


@pytest.mark.parametrize("one", PLURALS)
def test_singular_and_plural_are_one_word(one: str) -> None:
    assert key(one) == key(PLURALS[one])
    assert key(one.upper()) == key(PLURALS[one].capitalize())


@given(st.lists(st.sampled_from(sorted(PLURALS)), min_size=2, max_size=2, unique=True))
def test_two_nouns_are_never_one_word(nouns: list[str]) -> None:
    forms = [{key(noun), key(PLURALS[noun])} for noun in nouns]
    assert forms[0].isdisjoint(forms[1])


@pytest.mark.parametrize("word", ["bus", "cactus", "citrus", "iris", "chassis", "basis", "tennis", "canvas"])
def test_a_word_that_only_ends_like_a_plural_is_left_whole(word: str) -> None:
    assert key(word) == word


def test_there_are_a_hundred_nouns_and_no_two_share_a_form() -> None:
    assert len(PLURALS) >= 100
    assert len({key(noun) for noun in PLURALS}) == len(PLURALS)
