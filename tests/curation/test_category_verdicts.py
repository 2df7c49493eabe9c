"""Categories are judged as values are, and a wrong one is kept out of what is made of the catalogue."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from PIL import Image

from pumgpt.backends.protocol import Answer, Backend, Capabilities, Request
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.cli.main import main
from pumgpt.curation.cascade import Cascade
from pumgpt.curation.experts.base import Case, ExpertOptions, claims_of
from pumgpt.curation.experts.category_names import CategoryNames
from pumgpt.curation.experts.inventory import Inventory
from pumgpt.curation.experts.registry import choose_experts
from pumgpt.curation.experts.registry import fingerprint as fingerprint_of
from pumgpt.curation.experts.similarity import Floats, SimilarityExpert
from pumgpt.curation.experts.statistics import StatisticsExpert
from pumgpt.curation.experts.text import TextExpert
from pumgpt.curation.experts.vlm import VlmExpert
from pumgpt.curation.fusion import Fusion
from pumgpt.curation.verdict import Claim, FusedVerdict, Verdict, Vote
from pumgpt.extraction.mentions import Text

SUPPORTED, CONTRADICTED, NOT_INFERABLE = Verdict
SHIRTS, JEANS, SHOES = ("Apparel", "Shirts"), ("Apparel", "Jeans"), ("Footwear", "Sports Shoes")
OTHER_SHOES, DRESSES, WATCHES = ("Footwear", "Shoes"), ("Apparel", "Maxi Dresses"), ("Accessories", "Watches")
PATHS = (SHIRTS, JEANS, SHOES, OTHER_SHOES, DRESSES, ("Apparel", "Dresses"), WATCHES, ("Accessories", "Straps"))


def painted(colour: str) -> tuple[ImageRef, ...]:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), colour).save(buffer, "PNG")
    return (ImageRef(data=buffer.getvalue()),)


def case(product: Product) -> Case:
    return Case(product, claims_of(product), lambda p: tuple(open_photo(ref) for ref in p.images))


@pytest.fixture(scope="module")
def text() -> TextExpert:
    expert = TextExpert()
    expert.prepare(Product(str(number), category=path) for number, path in enumerate(PATHS))
    return expert


def vote(expert: TextExpert, path: tuple[str, ...], title: str | None, description: str | None = None) -> Vote | None:
    ((found,),) = expert.judge([case(Product("1", title=title, description=description, category=path))])
    return found


@pytest.mark.parametrize(
    ("path", "title", "verdict"),
    [
        (SHIRTS, "Arrow men's blue shirt", SUPPORTED),
        (JEANS, "Arrow men's blue shirt", CONTRADICTED),
        (SHIRTS, "Shirt for blue jeans", SUPPORTED),
        (JEANS, "Shirt for blue jeans", SUPPORTED),  # named, if not as the product: the photo must decide
        (WATCHES, "Leather watch strap", SUPPORTED),  # likewise
        (SHOES, "Nike running shoes", NOT_INFERABLE),  # all shoes; which ones it doesn't say
        (OTHER_SHOES, "Nike sports shoe", SUPPORTED),  # a kind of shoes
        (DRESSES, "Red summer dress", NOT_INFERABLE),  # it may well be a maxi dress
        (SHIRTS, "Red summer dress", CONTRADICTED),
        (SHIRTS, "Acme X-200", NOT_INFERABLE),
    ],
)
def test_a_title_names_the_category_or_another_one(
    text: TextExpert, path: tuple[str, ...], title: str, verdict: Verdict
) -> None:
    found = vote(text, path, title)
    assert found is not None and found.verdict is verdict


def test_a_title_s_words_are_quoted_and_a_description_s_other_products_count_for_nothing(text: TextExpert) -> None:
    found = vote(text, JEANS, "Arrow men's blue shirt")
    assert found is not None
    assert found.evidence == {"field": "title", "words": "shirt", "at": [17, 22], "names": "Apparel > Shirts"}
    assert vote(text, JEANS, None) is None
    beside = vote(text, JEANS, "Acme 501", "Goes well with a white shirt")
    assert beside is not None and beside.verdict is NOT_INFERABLE


def test_names_are_found_however_they_are_written() -> None:
    names = CategoryNames()
    names.add([("Apparel", "Tshirts"), ("Home", "Tables & Chairs")])
    for title, words in (("Blue T-shirt", "T-shirt"), ("Black tee", "tee"), ("Oak chair", "chair"), ("Table", "Table")):
        (found,) = names.find(Text(title))
        assert title[found.start : found.end] == words and found.is_head


def test_what_lies_above_or_below_a_category_is_no_other_one() -> None:
    inventory = Inventory()
    inventory.count(Product(str(n), category=path) for n, path in enumerate([("A",), ("A", "B"), ("A", "C"), ("D",)]))
    assert sorted(inventory.other_paths(("a", "b"))) == [("A", "C"), ("D",)]


def test_an_attribute_that_is_called_category_is_judged_by_itself() -> None:
    product = Product("1", category=SHIRTS, attributes={"category": "Sale"})
    category, attribute = claims_of(product)
    assert (category.path, attribute.path) == (SHIRTS, None)
    inventory = Inventory()
    inventory.count([product, Product("2", category=JEANS, attributes={"category": "New"})])
    assert inventory.alternatives(category) == ("Apparel > Jeans",)
    assert inventory.alternatives(attribute) == ("New",)


def test_an_id_that_no_taxonomy_explains_is_not_judged() -> None:
    assert claims_of(Product("1", category=("17",), category_id="17")) == ()


class ColourOfCategory:
    """Knows that shirts are red and jeans are blue."""

    name = "paint"

    def logits(self, photos: Sequence[Image.Image], texts: Sequence[str]) -> Floats:
        import numpy as np

        red = [photo.getpixel((8, 8))[0] > 128 for photo in photos]  # type: ignore[index]
        fits = [[5.0 if ("Shirts" in text) is is_red else 0.0 for text in texts] for is_red in red]
        return np.array(fits, dtype=np.float32)


class CategoryModel(Backend):
    """Sees shirts on red photos and jeans on others. `asked` counts its questions."""

    name, revision = "painter", "0"
    capabilities = Capabilities(taxonomy=Taxonomy.of([("Clothes", "Shirts"), ("Clothes", "Jeans")]))

    def __init__(self) -> None:
        self.asked: list[str] = []

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        return [[self._answer(request, question.task) for question in request.questions] for request in requests]

    def _answer(self, request: Request, task: str) -> Answer:
        self.asked.append(task)
        is_red = request.photos[0].getpixel((8, 8))[0] > 128  # type: ignore[index]
        best, other = ("Clothes > Shirts", "Clothes > Jeans")[:: 1 if is_red else -1]
        return Answer(best, 0.999, 0.0005, ((best, 0.999), (other, 0.0005)))


CATALOGUE = [
    Product(str(n), painted(colour), category=path)
    for n, (colour, path) in enumerate((("red", SHIRTS), ("blue", JEANS)))
]


@pytest.mark.parametrize("which", ["similarity", "vlm"])
def test_a_photo_shows_a_category_or_another(which: str) -> None:
    expert: SimilarityExpert | VlmExpert = (
        SimilarityExpert(ColourOfCategory()) if which == "similarity" else VlmExpert(CategoryModel())
    )
    expert.prepare(CATALOGUE)
    for colour, path, verdict in (("red", SHIRTS, SUPPORTED), ("red", JEANS, CONTRADICTED), ("blue", JEANS, SUPPORTED)):
        ((found,),) = expert.judge([case(Product("1", painted(colour), category=path))])
        assert found is not None and found.verdict is verdict, (which, colour, path)


def test_a_model_is_asked_only_for_categories_that_it_knows_and_by_default_for_nothing_else() -> None:
    model = CategoryModel()
    expert = VlmExpert(model, categories_only=True)
    rug = Product("1", painted("red"), category=("Home", "Rugs"), attributes={"colour": "Red"})
    assert expert.judge([case(rug)]) == [[None, None]]
    assert model.asked == []
    ((found, attribute),) = expert.judge(
        [case(Product("1", painted("red"), category=SHIRTS, attributes={"colour": "Red"}))]
    )
    assert found is not None and attribute is None
    assert set(model.asked) == {"category"}


def test_the_model_judges_categories_by_default_and_runs_of_both_kinds_are_not_mixed() -> None:
    default, named = ExpertOptions(vlm_categories_only=True), ExpertOptions()
    assert "vlm" in choose_experts(None, default)
    assert "vlm" not in choose_experts(None, named)
    assert fingerprint_of(["vlm"], default) != fingerprint_of(["vlm"], named)


def test_statistics_finds_a_category_that_photos_and_titles_speak_against() -> None:
    rows = [
        Product(
            str(n),
            painted("red" if n % 2 else "blue"),
            "Shirt" if n % 2 else "Jeans",
            category=SHIRTS if n % 2 else JEANS,
        )
        for n in range(120)
    ]
    wrong = Product("w", painted("red"), "Shirt", category=JEANS)
    expert = StatisticsExpert()
    expert.prepare([*rows, wrong])
    ((found,), (right,)) = expert.judge([case(wrong), case(rows[1])])
    assert found is not None and found.verdict is CONTRADICTED and found.evidence["likelier"] == "apparel > shirts"
    assert right is not None and right.verdict is SUPPORTED


def fused(*votes: Vote) -> FusedVerdict:
    return Fusion.load().fuse(Claim.of_category(SHIRTS), votes)


def test_votes_on_categories_are_fused_by_a_fit_of_their_own() -> None:
    said = Vote("text", CONTRADICTED, 0.02)
    shown = Vote("vlm", SUPPORTED, 0.99)
    assert fused(said).verdict is CONTRADICTED
    assert fused(said, Vote("vlm", CONTRADICTED, 0.01)).score < fused(said).score < fused(said, shown).score
    assert fused(shown).verdict is SUPPORTED
    value = Claim("colour", "Red")
    assert Fusion.load().fuse(value, [said]) == FusionOfValues.fuse(value, [said])
    assert fused(said) != FusionOfValues.fuse(Claim.of_category(SHIRTS), [said])


FusionOfValues = Fusion(Fusion.load().coefficients_FC, Fusion.load().operating_point)


def test_a_category_that_nobody_saw_is_not_supported_by_being_likely() -> None:
    weak = fused(Vote("text", NOT_INFERABLE, 0.4), Vote("similarity", CONTRADICTED, 0.35))
    assert weak.score > 0.5 and weak.verdict is NOT_INFERABLE


def test_what_speaks_against_a_likely_category_leaves_it_open_for_those_who_know_more() -> None:
    model = CategoryModel()
    similarity, vlm = SimilarityExpert(ColourOfCategory()), VlmExpert(model)
    for expert in (similarity, vlm):
        expert.prepare(CATALOGUE)
    ((verdict,),), _ = Cascade([similarity, vlm], Fusion.load()).judge(
        [case(Product("1", painted("red"), category=JEANS))]
    )
    assert model.asked and verdict.verdict is CONTRADICTED


def test_a_fusion_with_categories_is_read_as_it_was_written(tmp_path: Path) -> None:
    Fusion.load().save(tmp_path / "fusion.json")
    assert json.loads((tmp_path / "fusion.json").read_text()) == json.loads(
        (Path(__file__).parents[2] / "src/pumgpt/curation/fusion.json").read_text()
    )


COLUMNS = ("id", "title", "category", "colour", "gender", "stock")
ROWS = [
    ("1", "Arrow Men Blue Shirt", "Apparel > Shirts", "Blue", "Men", "3"),
    ("2", "Arrow Men Blue Jeans", "Apparel > Shirts", "Green", "Women", "4"),  # wrong: category, colour and gender
    ("3", "Acme X-200", "Apparel > Jeans", "Blue", "Men", "5"),  # cannot be told
]


def curate(folder: Path, source: str, out: str, *more: str) -> None:
    done = CliRunner().invoke(main, ["curate", str(folder / source), str(folder / out), "--experts", "text", *more])
    assert done.exit_code == 0, done.stderr


def test_plain_columns_and_the_category_of_a_csv_get_verdicts_and_lose_what_is_contradicted(tmp_path: Path) -> None:
    with (tmp_path / "shop.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *ROWS])
    curate(tmp_path, "shop.csv", "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8")))
    verdicts = [{one["name"]: one["verdict"] for one in json.loads(row["pumgpt_verdicts"])} for row in rows]
    assert verdicts[0] == dict.fromkeys(("category", "colour", "gender"), "supported")
    assert verdicts[1] == dict.fromkeys(("category", "colour", "gender"), "contradicted")
    assert [row["category"] for row in rows] == ["Apparel > Shirts", "", "Apparel > Jeans"]
    assert [row["stock"] for row in rows] == ["3", "4", "5"]
    assert (rows[0]["colour"], rows[1]["colour"], rows[1]["gender"]) == ("Blue", "", "")


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_a_contradicted_category_is_kept_out_of_the_catalogue_or_set_aside(tmp_path: Path, ending: str) -> None:
    lines = [
        json.dumps({"id": i, "title": title, "category": category.split(" > "), "attributes": {"colour": colour}})
        for i, title, category, colour, _, _ in ROWS
    ]
    (tmp_path / "shop.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for values in ("drop", "move", "keep"):
        curate(tmp_path, "shop.jsonl", f"{values}.{ending}", "--values", values)

    def products(values: str) -> list[Product]:
        return [row for row in read_catalog(tmp_path / f"{values}.{ending}") if isinstance(row, Product)]

    assert [product.category for product in products("drop")] == [SHIRTS, None, JEANS]
    assert [product.category for product in products("keep")] == [SHIRTS, SHIRTS, JEANS]
    assert products("move")[1].category is None
    aside: Any = products("move")[1].original["attributes_set_aside"]
    found = json.loads(aside) if isinstance(aside, str) else aside
    assert found == {"category": "Apparel > Shirts", "colour": "Green"}


def test_an_export_loses_a_contradicted_category_in_its_own_column(tmp_path: Path) -> None:
    lines = [
        ("Handle", "Title", "Product Category", "Image Src", "Status"),
        ("a", "Arrow Men Blue Shirt", "Apparel > Shirts", "", "active"),
        ("b", "Arrow Men Blue Jeans", "Apparel > Shirts", "", "active"),
        ("c", "Arrow Men Black Jeans", "Apparel > Jeans", "", "active"),
    ]
    with (tmp_path / "shopify.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)
    curate(tmp_path, "shopify.csv", "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8")))
    assert [row["Product Category"] for row in rows] == ["Apparel > Shirts", "", "Apparel > Jeans"]


@pytest.mark.shared
@pytest.mark.slow
def test_four_wrong_categories_among_forty_real_products_are_found(shared_data: Path, tmp_path: Path) -> None:
    rows = pq.read_table(next(shared_data.glob("fashion/test-*.parquet"))).slice(100, 40).to_pylist()
    wrong = {
        3: ["Accessories", "Watches", "Watches"],
        11: ["Apparel", "Bottomwear", "Jeans"],
        22: ["Footwear", "Shoes", "Heels"],
        33: ["Apparel", "Topwear", "Shirts"],
    }
    (tmp_path / "ph").mkdir()
    with (tmp_path / "shop.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "title", "category"])
        for place, row in enumerate(rows):
            (tmp_path / "ph" / f"{row['id']}.jpg").write_bytes(row["image"]["bytes"])
            category = " > ".join(wrong.get(place, row["category"]))
            writer.writerow([row["id"], f"ph/{row['id']}.jpg", row["title"], category])
    done = CliRunner().invoke(main, ["curate", str(tmp_path / "shop.csv"), str(tmp_path / "out.csv")])
    assert done.exit_code == 0, done.stderr
    out = list(csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8")))
    emptied = {place for place, row in enumerate(out) if not row["category"]}
    assert emptied >= set(wrong)
    assert len(emptied - set(wrong)) <= 2
