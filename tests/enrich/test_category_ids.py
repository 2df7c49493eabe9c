"""Categories that a shop gives as ids: resolved with the taxonomy at hand, kept, and written back as they stood."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import Answer, Capabilities, Request
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import ModelInfo
from pumgpt.catalog.vocabulary.category_ids import CategoryIds
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.enrich.job import enrich, open_inputs
from pumgpt.errors import CatalogError
from pumgpt.model.card import SHIPPED, category_maps
from pumgpt.understand.assemble import assemble
from pumgpt.understand.fields.base import Reply
from pumgpt.understand.plan import make_plan

_MAPS = tuple(category_maps(SHIPPED / "nano"))
_GOOGLE = (
    "# Google_Product_Taxonomy_Version: 1\n166 - Apparel\n212 - Apparel > Tops, Tees & Co\n187 - Apparel > Shoes\n"
)
_GID = "gid://shopify/TaxonomyCategory/aa-1-2"
_TOPS = ["Apparel", "Tops, Tees & Co"]


class ModelWithMaps(FakeBackend):
    """Sees shoes everywhere, and brings nano's maps."""

    capabilities = Capabilities(category_maps=_MAPS)

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        shoes = Answer("Apparel > Shoes", 0.99, 0.0, (("Apparel > Shoes", 0.99),))
        return [[shoes for _ in request.questions] for request in requests]


def _filled(folder: Path, source: Path, taxonomy: str | None, out: str = "out.jsonl") -> tuple[list[dict], list[str]]:  # type: ignore[type-arg]
    file = None
    if taxonomy is not None:
        file = folder / "taxonomy.txt"
        file.write_text(taxonomy)
    opened = open_inputs(source, folder / out, ModelWithMaps, taxonomy=file, tasks=["category"], precision=0.5)
    summary = enrich(opened.reader, folder / out, opened.backend, opened.plan, restart=True)
    lines = (folder / out).read_text().splitlines() if out.endswith(".jsonl") else []
    return [json.loads(line)["category"] for line in lines], summary.warnings


@pytest.mark.parametrize(
    ("value", "category", "id_"),
    [
        ("212", ("212",), "212"),
        ("212.0", ("212",), "212"),
        (212, ("212",), "212"),
        (212.0, ("212",), "212"),
        (Decimal(212), ("212",), "212"),
        ([212], ("212",), "212"),
        (["212"], ("212",), "212"),
        ("212, 187", ("212",), "212"),
        ("212 - Apparel > Tops", ("Apparel", "Tops"), "212"),
        ("aa-1-2", ("aa-1-2",), "aa-1-2"),
        (_GID, (_GID,), _GID),
        ("3 - 6 months > Tops", ("3 - 6 months", "Tops"), None),
        ("501 - Jeans", ("501 - Jeans",), None),
        ("7 For All > Jeans", ("7 For All", "Jeans"), None),
        (float("nan"), None, None),
    ],
)
def test_what_a_cell_says(value: object, category: tuple[str, ...] | None, id_: str | None) -> None:
    product = Product.from_record({"id": "1", "category": value})
    assert (product.category, product.category_id) == (category, id_)


def test_a_truth_value_is_no_category() -> None:
    with pytest.raises(CatalogError, match="nor an id"):
        Product.from_record({"id": "1", "category": True})


def test_ids_in_the_taxonomy_are_resolved_and_their_cells_stay(tmp_path: Path) -> None:
    cells = ["212", "212 - Apparel > Tops, Tees & Co", "187", "Apparel > Shoes", ""]
    with (tmp_path / "in.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("id", "title", "category"), *((n, "x", cell) for n, cell in enumerate(cells))])
    found, warnings = _filled(tmp_path, tmp_path / "in.csv", _GOOGLE)
    assert [field["path"] for field in found] == [_TOPS, _TOPS, *[["Apparel", "Shoes"]] * 3]
    assert [field["id"] for field in found] == ["212", "212", "187", "187", "187"]
    assert [field["status"] for field in found] == ["conflict", "conflict", "kept", "kept", "filled"]
    assert not any("not known" in warning for warning in warnings)
    _filled(tmp_path, tmp_path / "in.csv", _GOOGLE, "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["category"] for row in rows] == [*cells[:4], "Apparel > Shoes"]
    assert rows[0]["pumgpt_category"] == "Apparel > Shoes"  # a conflict: the model's


def test_an_unknown_id_is_kept_and_named_once(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,title,category\n1,x,99\n2,x,98\n3,x,187\n")
    found, warnings = _filled(tmp_path, tmp_path / "in.csv", _GOOGLE)
    assert [(field["path"], field["id"], field["status"]) for field in found] == [
        (["99"], "99", "kept"),
        (["98"], "98", "kept"),
        (["Apparel", "Shoes"], "187", "kept"),
    ]
    (named,) = (warning for warning in warnings if "not known" in warning)
    assert "the first is '99'" in named and "--taxonomy" in named


def test_shopifys_ids_have_their_names_without_a_taxonomy(tmp_path: Path) -> None:
    records = [
        {"id": "1", "title": "x", "category": "aa-1-13-8"},
        {"id": "2", "title": "x", "category": "gid://open-taxonomy/TaxonomyCategory/aa-1-2-10"},
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    (shirt, romper), _ = _filled(tmp_path, tmp_path / "in.jsonl", None)
    assert shirt["path"][-1] == "T-Shirts" and shirt["id"] == "aa-1-13-8" and shirt["status"] == "kept"
    assert romper["path"][-1] == "Baby & Children's One-Pieces", "its id is of an earlier release"
    assert romper["status"] == "kept"


def test_an_id_of_another_release_is_found() -> None:
    gid = "gid://shopify/TaxonomyCategory/"
    now = CategoryIds(Taxonomy((("Apparel", "Rompers"),), (gid + "aa-1-25-10",)))
    then = CategoryIds(Taxonomy((("Apparel", "One-Pieces"),), (gid + "aa-1-2-10",)))
    assert now.find("aa-1-2-10") == ("Apparel", "Rompers")
    assert then.find(gid + "aa-1-25-10") == ("Apparel", "One-Pieces")
    assert now.find("aa-99") is None and CategoryIds().find("212") is None
    assert CategoryIds(maps=_MAPS).find("212") is None, "a number may be Google's or Meta's"


def test_numbers_of_typed_columns_come_back_as_numbers(tmp_path: Path) -> None:
    for kind, value in ((pa.int64(), 212), (pa.float64(), 212.0)):
        table = pa.table({"id": ["1", "2"], "title": ["x", "y"], "category": pa.array([value, None], kind)})
        pq.write_table(table, tmp_path / "in.parquet")
        (first, _), _ = _filled(tmp_path, tmp_path / "in.parquet", _GOOGLE)
        assert (first["path"], first["id"]) == (_TOPS, "212")
    (tmp_path / "in.jsonl").write_text('{"id": "1", "title": "x", "category": 212}\n')
    _filled(tmp_path, tmp_path / "in.jsonl", _GOOGLE, "typed.csv")
    with (tmp_path / "typed.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["category"] == "212"


def test_a_feeds_number_and_a_shops_own_id(tmp_path: Path) -> None:
    (tmp_path / "feed.tsv").write_text(
        "id\ttitle\timage_link\tgoogle_product_category\tavailability\n1\tx\t\t212\tin stock\n"
    )
    (field,), _ = _filled(tmp_path, tmp_path / "feed.tsv", _GOOGLE)
    assert (field["path"], field["id"]) == (_TOPS, "212")
    (tmp_path / "in.csv").write_text("id,title,category\n1,x,C-7\n")
    (field,), _ = _filled(tmp_path, tmp_path / "in.csv", "gid://s/C-7 : Apparel > Shoes\n")
    assert (field["path"], field["id"], field["status"]) == (["Apparel", "Shoes"], "gid://s/C-7", "kept")


def test_the_models_value_goes_over_an_unknown_id_only_when_asked() -> None:
    taxonomy = Taxonomy.of([("Apparel", "Shoes"), ("Apparel", "Tops")])
    product = Product("1", title="x", category=("99",), category_id="99")
    make = partial(make_plan, FakeBackend(), taxonomy=taxonomy, tasks=["category"], precision=0.5)
    answer = Answer("Apparel > Shoes", 0.99, 0.0, (("Apparel > Shoes", 0.99),))
    for overwrite, expected in ((False, ("kept", ["99"], "99")), (True, ("filled", ["Apparel", "Shoes"], None))):
        plan = make(overwrite_values=overwrite)
        (request,) = plan.requests(product, [])
        record = assemble(plan, product, [Reply(request.questions[0], answer)], ModelInfo(name="m", revision="r"))
        assert record.category is not None
        assert (record.category.status, record.category.path, record.category.id) == expected
