"""A shop's own names, matched with those of a model by what they mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumgpt.catalog.vocabulary.crosswalk import Condition, Crosswalk
from pumgpt.catalog.vocabulary.matching.attributes import match_attributes
from pumgpt.catalog.vocabulary.matching.categories import CategoryMatches, load_maps, match_categories
from pumgpt.catalog.vocabulary.matching.names import normal_form
from pumgpt.catalog.vocabulary.matching.thesaurus import thesaurus
from pumgpt.catalog.vocabulary.matching.value_map import COLUMNS, load_value_map, value_map_rows
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy, split_path
from pumgpt.errors import SchemaError
from pumgpt.model.card import category_maps, read_card, resolve_checkpoint

NANO = read_card(resolve_checkpoint("nano"))
OWN = Taxonomy.of(NANO.category_paths)
OWN_SCHEMA = AttributeSchema(tuple(AttributeSpec(name, tuple(values)) for name, values in NANO.attributes.items()))
MAPS = load_maps(category_maps(resolve_checkpoint("nano")))


def matched(*shop: str) -> CategoryMatches:
    return match_categories(OWN, Taxonomy.of(map(split_path, shop)), MAPS, OWN_SCHEMA)


def target(matches: CategoryMatches, source: str, title: str | None = None, **told: str) -> str | None:
    """Where a category of nano's goes for a product of this title and these attributes."""
    path = matches.crosswalk().find(split_path(source), title, told)
    return None if path is None else " > ".join(path)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("T-Shirts", "tshirt"),
        ("Key chains", "Keychain"),
        ("Röcke", "ROCKE"),
        ("Straße", "strasse"),
        ("ドレス", "ドレス"),
    ],
)
def test_spelling_makes_no_other_name(one: str, other: str) -> None:
    assert normal_form(one) == normal_form(other)


def test_the_marks_of_japanese_make_another_word() -> None:
    assert normal_form("ガ") != normal_form("カ")


@pytest.mark.parametrize(
    ("text", "parts", "people"),
    [
        ("Women's T-Shirts", {"tshirt"}, {"Women"}),
        ("Shoes for men", {"shoe"}, {"Men"}),
        ("Damenschuhe", {"schuhe"}, {"Women"}),
        ("Zapatos de mujer", {"zapato"}, {"Women"}),
        ("Ladies", set(), {"Women"}),
        ("Boyfriend Jeans", {"boyfriendjean"}, set()),
        ("Hats & Caps", {"hat", "cap"}, set()),
        ("Bicycle Shorts & Briefs", {"bicycleshort", "bicyclebrief"}, set()),
        ("Hand & Body Lotion", {"bodylotion"}, set()),
        ("Shirts & Polo Shirts", {"shirt", "poloshirt"}, set()),
    ],
)
def test_a_name_says_what_and_for_whom(text: str, parts: set[str], people: set[str]) -> None:
    assert thesaurus().read(text) == (parts, people)


def test_a_flat_taxonomy_in_everyday_words() -> None:
    matches = matched("Jeans", "Dresses", "T-shirts", "Trainers", "Rugs")
    assert target(matches, "Apparel > Bottomwear > Jeans") == "Jeans"
    assert target(matches, "Apparel > Topwear > Tshirts") == "T-shirts"
    assert target(matches, "T-Shirt") == "T-shirts"
    assert target(matches, "Footwear > Shoes > Sports Shoes") == "Trainers"
    assert target(matches, "Apparel > Topwear > Shirts") is None
    assert [path[-1] for path in matches.shop.paths if path not in matches.told] == ["Rugs"]


def test_what_is_closest_is_taken_and_a_broader_one_only_without_it() -> None:
    tshirt = "Apparel > Topwear > Tshirts"
    assert target(matched("Clothing", "Tops", "T-Shirts"), tshirt) == "T-Shirts"
    assert target(matched("Clothing", "Tops"), tshirt) == "Tops"
    assert target(matched("Clothing"), tshirt) == "Clothing"
    assert target(matched("Shoes"), tshirt) is None


def test_a_finer_category_is_not_filled() -> None:
    matches = matched("Skinny Jeans", "Maxi Dresses", "Running T-Shirts")
    assert not matches.told
    assert target(matched("Jeans", "Jeans > Skinny Jeans"), "Apparel > Bottomwear > Jeans") == "Jeans"


def test_a_group_called_as_its_main_member_is_no_broader_category() -> None:
    assert target(matched("Dresses"), "Apparel > Dress > Jumpsuit") is None
    assert target(matched("Belts"), "Accessories > Belts > Tshirts") is None


def test_names_in_other_languages() -> None:
    german = matched("Kleider", "Röcke", "Turnschuhe", "Uhren", "Obst & Gemüse", "Teppiche")
    assert target(german, "Apparel > Dress > Dresses") == "Kleider"
    assert target(german, "Apparel > Bottomwear > Skirts") == "Röcke"
    assert target(german, "Footwear > Shoes > Sports Shoes") == "Turnschuhe"
    assert target(german, "Fruit > Apple > Granny Smith") == "Obst & Gemüse"
    assert ("Teppiche",) not in german.told
    assert target(matched("連衣裙", "ジーンズ"), "Apparel > Bottomwear > Jeans") == "ジーンズ"
    assert target(matched("Vaqueros", "Vestidos"), "Apparel > Dress > Dresses") == "Vestidos"


def test_a_false_friend_is_what_it_is_in_the_language_of_the_shop() -> None:
    french, english = matched("Robes", "Jupes", "Pantalons", "Baskets"), matched("Robes", "Pajamas", "Baskets")
    assert target(french, "Apparel > Dress > Dresses") == "Robes"
    assert target(french, "Footwear > Shoes > Sports Shoes") == "Baskets"
    assert target(english, "Apparel > Loungewear and Nightwear > Bath Robe") == "Robes"
    assert target(english, "Apparel > Dress > Dresses") is None
    assert target(english, "Footwear > Shoes > Sports Shoes") is None


def test_whom_a_product_is_for_chooses_among_places_of_one_name() -> None:
    matches = matched("Women > Shoes", "Men > Shoes", "Kids > Shoes", "Women > Dresses")
    heels = "Footwear > Shoes > Heels"
    assert target(matches, heels, gender="Women") == "Women > Shoes"
    assert target(matches, heels, gender="Men") == "Men > Shoes"
    assert target(matches, heels, gender="Girls") == "Kids > Shoes"
    assert target(matches, heels) is None, "nothing says whose they are"
    assert target(matches, "Apparel > Dress > Dresses") is None
    only_women = matched("Women > Shoes", "Women > Dresses")
    assert target(only_women, "Apparel > Dress > Dresses") == "Women > Dresses", "this shop sells to nobody else"


def test_a_condition_of_the_models_map_still_decides() -> None:
    matches = matched("Sweatshirts", "Hoodies")
    assert target(matches, "Apparel > Topwear > Sweatshirts", title="With a hood") == "Hoodies"
    assert target(matches, "Apparel > Topwear > Sweatshirts") == "Sweatshirts"


def test_a_name_in_another_world_is_no_match_but_a_candidate() -> None:
    matches = matched("Toys > Dolls > Dresses", "Electronics > Accessories")
    assert target(matches, "Accessories > Watches > Watches") is None
    assert target(matches, "Accessories > Bags > Tablet Sleeve") == "Electronics > Accessories"
    dresses = next(match for match in matches.matches if match.source == ("Apparel", "Dress", "Dresses"))
    assert dresses.candidates == (("Toys", "Dolls", "Dresses"),)


def test_a_name_in_several_places_is_not_matched() -> None:
    matches = matched("Sale > Jeans", "New > Jeans", "Clothing")
    jeans = next(match for match in matches.matches if match.source == ("Apparel", "Bottomwear", "Jeans"))
    assert jeans.target is None and len(jeans.candidates) == 2, "and not put under something broader without a word"
    assert target(matched("Sale > Jeans", "Clothing > Jeans"), "Apparel > Bottomwear > Jeans") == "Clothing > Jeans"


def test_the_shops_ids_and_paths_come_first() -> None:
    shop = Taxonomy((("Whatever", "It is called"),), ("gid://shopify/TaxonomyCategory/aa-1-4",))
    own = Taxonomy.of([("Frock",)])
    walk = Crosswalk.parse(Path("map.csv"), "from,to,id\nFrock,A > Dresses,gid://shopify/TaxonomyCategory/aa-1-4\n")
    (match,) = match_categories(own, shop, [walk]).matches
    assert (match.kind, match.target) == ("path", ("Whatever", "It is called"))


def test_conditions_that_change_nothing_are_left_out() -> None:
    briefs = [match for match in matched("Clothing").matches if match.source[-1] == "Briefs"]
    assert [(match.when, match.target) for match in briefs] == [(None, ("Clothing",))]
    by_gender = [match for match in matched("Men > Shoes", "Women > Shoes").matches if match.source == ("Shoes",)]
    assert {match.when for match in by_gender if match.target} == {
        Condition("gender", "Men"),
        Condition("gender", "Women"),
    }


def test_matching_is_the_same_every_time() -> None:
    shop = ("Shoes", "Clothing", "Tops", "Bags & Luggage", "Women > Shoes", "Men > Shoes")
    assert matched(*shop).matches == matched(*shop).matches


def schema(**attributes: tuple[str, ...] | None) -> AttributeSchema:
    return AttributeSchema(tuple(AttributeSpec(name.replace("_", " "), values) for name, values in attributes.items()))


def test_attributes_under_other_names() -> None:
    found = match_attributes(
        OWN_SCHEMA,
        schema(Farbe=("Blau", "Navy", "Rot", "Bunt"), Target_audience=("Ladies", "Gents", "Kids"), pattern=None),
    )
    colour, people = found.matches
    assert (colour.shop, colour.own) == ("Farbe", "colour")
    assert colour.values["Blue"] == "Blau" and colour.values["Navy Blue"] == "Navy" and colour.values["Multi"] == "Bunt"
    assert colour.values["Maroon"] == "Rot" and colour.values["Green"] is None
    assert (people.own, people.values["Men"], people.values["Girls"]) == ("gender", "Gents", "Kids")
    assert people.values["Unisex"] is None
    assert [spec.name for spec in found.unmatched] == ["pattern"]


def test_a_broader_value_serves_where_there_is_none_closer() -> None:
    (match,) = match_attributes(OWN_SCHEMA, schema(Color=("Blue", "Grey/Silver"))).matches
    assert match.values["Navy Blue"] == "Blue" and match.values["Silver"] == "Grey/Silver"
    assert match.own_values("Blue") == ["Blue", "Navy Blue", "Teal", "Turquoise Blue"]


def test_an_attribute_without_a_value_in_common_is_another_one() -> None:
    found = match_attributes(OWN_SCHEMA, schema(occasion=("Wedding", "Birthday"), colour=("Denim", "Stone")))
    assert not found.matches and [spec.name for spec in found.unmatched] == ["occasion", "colour"]


def test_an_open_attribute_takes_the_models_words() -> None:
    (match,) = match_attributes(OWN_SCHEMA, schema(Couleur=None)).matches
    assert (match.own, match.shop_value("Navy Blue")) == ("colour", "Navy Blue")


def test_the_schemas_own_wordings_count() -> None:
    spec = AttributeSpec("Tint", ("Dk",), synonyms={"Dk": ("navy blue",)}, names={"de": "Farbe"})
    (match,) = match_attributes(OWN_SCHEMA, AttributeSchema((spec,))).matches
    assert match.values["Navy Blue"] == "Dk"


def test_a_value_map_is_written_and_read_again(tmp_path: Path) -> None:
    shop = schema(Farbe=("Blau", "Rot"), Couleur=None, pattern=("plain",))
    found = match_attributes(OWN_SCHEMA, shop)
    path = tmp_path / "values.csv"
    rows = [",".join(row) for row in value_map_rows(found, OWN_SCHEMA)]
    path.write_text("\n".join((",".join(COLUMNS), *rows)), encoding="utf-8")
    assert load_value_map(path, OWN_SCHEMA, shop) == found


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("colour,Blue,Farbe,Lila", "'Farbe' has no value 'Lila'"),
        ("colour,Bleu,Farbe,Blau", "'colour' has no value 'Bleu'"),
        ("fabric,Wool,Farbe,Blau", "no attribute 'fabric'"),
        ("colour,Blue,Farbe,Blau\ncolour,Blue,Farbe,Rot", "mapped twice"),
    ],
)
def test_a_value_map_says_what_is_wrong_with_it(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "values.csv"
    path.write_text(f"{','.join(COLUMNS)}\n{row}\n", encoding="utf-8")
    with pytest.raises(SchemaError, match=message):
        load_value_map(path, OWN_SCHEMA, schema(Farbe=("Blau", "Rot")))


def test_each_word_has_one_meaning() -> None:
    """A word on two lines would lead a category to a place of another meaning."""
    by_word: dict[frozenset[str], set[tuple[frozenset[str], ...]]] = {}
    for names in thesaurus()._categories.values():
        for name in names:
            by_word.setdefault(name, set()).add(names)
    assert not {tuple(word): lines for word, lines in by_word.items() if len(lines) > 1}
