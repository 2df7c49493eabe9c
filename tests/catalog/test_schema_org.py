"""Products in JSON-LD: what is read of them, where they are filled, and that all else stays."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from filling import answer, cells, fill
from hypothesis import given, settings
from hypothesis import strategies as st

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.json.schema_org import SchemaOrgReader, WebPageReader
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.curation.curator import Source
from pumgpt.errors import CatalogError

_CONTEXT = "https://schema.org"
_SHIRT: dict[str, Any] = {
    "@type": "Product",
    "sku": "A1",
    "name": "Blue &amp; white shirt",
    "description": "<p>Soft cotton</p>",
    "image": ["a.jpg", {"@type": "ImageObject", "contentUrl": "https://cdn.example/b.jpg"}],
    "brand": {"@type": "Brand", "name": "North"},
    "color": ["Blue", "White"],
    "size": {"@type": "SizeSpecification", "name": "M"},
    "weight": {"@type": "QuantitativeValue", "value": 0.25, "unitCode": "KGM"},
    "category": {"@type": "CategoryCode", "codeValue": "212", "name": "Apparel > Shirts"},
    "additionalProperty": {"@type": "PropertyValue", "name": "Fit", "value": "slim"},
    "offers": {"@type": "Offer", "price": "9.90"},
}
_GROUP = {
    "@type": "ProductGroup",
    "productGroupID": "G1",
    "name": "Mug",
    "hasVariant": [
        {"@type": "Product", "sku": "G1-r", "color": "Red", "image": "r.jpg"},
        {"@type": "Product", "sku": "G1-g", "color": "Green", "image": "g.jpg"},
    ],
}


def _write(folder: Path, document: Any, name: str = "in.jsonld", **style: Any) -> Path:
    text = document if isinstance(document, str) else json.dumps(document, **style)
    (folder / name).write_text(text, encoding="utf-8", newline="")
    return folder / name


def _products(path: Path) -> list[Product]:
    return [row for row in read_catalog(path) if isinstance(row, Product)]


def test_a_product_is_read_however_its_properties_are_written(tmp_path: Path) -> None:
    (shirt,) = _products(_write(tmp_path, {"@context": _CONTEXT, **_SHIRT}))
    assert (shirt.id, shirt.title, shirt.description) == ("A1", "Blue & white shirt", "Soft cotton")
    assert [image.url or Path(image.path or "").name for image in shirt.images] == [
        "a.jpg",
        "https://cdn.example/b.jpg",
    ]
    assert shirt.category == ("Apparel", "Shirts")
    assert shirt.attributes == {
        "colour": ["Blue", "White"],
        "size": "M",
        "brand": "North",
        "weight": "0.25 kg",
        "fit": "slim",
    }
    assert list(shirt.extra) == ["@context", "@type", "offers"]


@pytest.mark.parametrize(
    "document",
    [
        [_SHIRT, _GROUP],
        {"@context": _CONTEXT, "@graph": [{"@type": "WebSite", "name": "x"}, _SHIRT, {"@type": "Thing"}, _GROUP]},
        {
            "@context": _CONTEXT,
            "@type": "ItemList",
            "itemListElement": [
                {"@type": "ListItem", "position": n, "item": p} for n, p in enumerate((_SHIRT, _GROUP))
            ],
        },
        {"@type": "CollectionPage", "mainEntity": {"@type": "ItemList", "itemListElement": [_SHIRT, _GROUP]}},
        {"@graph": [{"@type": "ItemList", "itemListElement": [{"item": _SHIRT}, {"item": _GROUP}]}]},
    ],
    ids=["list", "graph", "item list", "page", "list in a graph"],
)
def test_products_are_found_wherever_they_stand(tmp_path: Path, document: Any) -> None:
    for name in ("in.jsonld", "in.json"):
        source = _write(tmp_path, document, name, indent=2)
        reader = read_catalog(source)
        assert isinstance(reader, SchemaOrgReader)
        shirt, mug = _products(source)
        assert (shirt.id, mug.id) == ("A1", "G1")
        assert mug.attributes == {"colour": ["Red", "Green"]} and len(mug.images) == 2
        out = tmp_path / f"out{source.suffix}"
        fill(source, out, lambda product: None)
        assert out.read_text() == source.read_text()
        fill(source, out, lambda product: answer(product, pattern="Plain"), ("pattern",))
        assert out.read_text().count('"pattern": "Plain"') == 2


def test_attributes_are_filled_in_their_property_or_an_additional_one(tmp_path: Path) -> None:
    bare = {"@context": _CONTEXT, "@type": "Product", "gtin13": "4012359114303", "name": "Tee", "color": ""}
    source = _write(tmp_path, bare)
    fill(
        source, tmp_path / "out.jsonld", lambda p: answer(p, category=["A", "B"], colour="Red", neck="Crew", brand="N")
    )
    filled = json.loads((tmp_path / "out.jsonld").read_text())
    ours = filled.pop("urn:pumgpt:pumgpt")
    assert ours["@type"] == "@json" and ours["@value"]["category"]["path"] == ["A", "B"]
    assert filled == {
        **bare,
        "color": "Red",
        "brand": {"@type": "Brand", "name": "N"},
        "additionalProperty": [{"@type": "PropertyValue", "name": "neck", "value": "Crew"}],
        "category": "A > B",
    }
    fill(tmp_path / "out.jsonld", tmp_path / "again.jsonld")
    assert (tmp_path / "again.jsonld").read_text().count("urn:pumgpt") == 1, "our answer is renewed, not heaped up"


def test_prefixed_names_are_read_and_filled_as_such(tmp_path: Path) -> None:
    source = _write(tmp_path, {"@type": "schema:Product", "schema:sku": "1", "schema:name": {"@value": "Tee"}})
    (tee,) = _products(source)
    assert (tee.id, tee.title) == ("1", "Tee")
    fill(source, tmp_path / "out.jsonld", lambda product: answer(product, colour="Red"))
    assert json.loads((tmp_path / "out.jsonld").read_text())["schema:color"] == "Red"


def test_failed_values_are_struck_from_their_property(tmp_path: Path) -> None:
    source = _write(tmp_path, {"@context": _CONTEXT, **_SHIRT})
    reader = read_catalog(source)
    (shirt,) = (row for row in reader if isinstance(row, Product))
    remove = Source(reader, frozenset()).remove_values
    assert remove is not None
    kept = remove(shirt.original, {"colour": ["White"], "fit": ["slim"], "brand": ["Other"]})
    assert kept["color"] == ["Blue"] and "additionalProperty" not in kept and kept["brand"] == _SHIRT["brand"]


_PAGE = """<!doctype html><html><head><title>x</title>
<script type="application/ld+json">{"@context": "https://schema.org", "@type": "BreadcrumbList"}</script>
<script type="application/ld+json; charset=utf-8">
<!-- {"@type": "Product", "sku": "A1", "name": "Blue
shirt", "color": "Blue", "image": "https://cdn.example/a.jpg"} -->
</script>
<script>{"@type": "Product", "sku": "not this"}</script>
<script type='application/ld+json'>{"@type": "Product", "sku": </script>
</head><body></body></html>"""


def test_a_web_page_is_read(tmp_path: Path) -> None:
    source = _write(tmp_path, _PAGE, "page.html")
    reader = read_catalog(source)
    assert isinstance(reader, WebPageReader)
    shirt, broken = reader
    assert isinstance(shirt, Product) and (shirt.id, shirt.title) == ("A1", "Blue shirt")
    assert isinstance(broken, RejectedRow) and "not JSON" in broken.error
    fill(source, tmp_path / "out.csv", lambda product: answer(product, category=["A"]), ("colour",))
    header, row = cells(tmp_path / "out.csv")
    assert dict(zip(header, row, strict=True))["pumgpt_category"] == "A"
    with pytest.raises(CatalogError, match=r"no product as schema\.org"):
        read_catalog(_write(tmp_path, "<html></html>", "empty.html"))


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_WORD = st.sampled_from(["Red", "Navy blue", "A > B", "x|y", '"'])
_NODE = st.fixed_dictionaries(
    {"@type": st.sampled_from(["Product", ["Product", "Thing"], "ProductModel"]), "name": _TEXT},
    optional={
        "color": _WORD | st.lists(_WORD, max_size=2),
        "brand": _WORD | st.fixed_dictionaries({"name": _WORD}),
        "category": _WORD,
        "image": _WORD | st.lists(st.fixed_dictionaries({"url": _WORD}), max_size=2),
        "additionalProperty": st.lists(st.fixed_dictionaries({"name": _WORD, "value": _WORD}), max_size=2),
        "offers": st.dictionaries(_TEXT, _TEXT, max_size=2),
    },
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(_NODE, min_size=1, max_size=4),
    st.sampled_from(["list", "@graph", "itemListElement", "nested"]),
    st.sampled_from([{}, {"indent": 2}, {"separators": (",", ":")}]),
)
def test_json_ld_loses_nothing(nodes: list[dict[str, Any]], around: str, style: dict[str, Any]) -> None:
    whole = [{**node, "sku": f"s{number}"} for number, node in enumerate(nodes)]
    document: Any = whole
    if around == "nested":
        document = {"@graph": [{"@type": "Person"}, {"@type": "ItemList", "itemListElement": whole}]}
    elif around != "list":
        document = {"@context": _CONTEXT, around: whole, "url": "x"}
    with tempfile.TemporaryDirectory() as folder:
        source, out = _write(Path(folder), document, **style), Path(folder, "out.jsonld")
        products = _products(source)
        assert [product.id for product in products] == [node["sku"] for node in whole]
        fill(source, out, lambda product: None)
        assert out.read_bytes() == source.read_bytes()
        fill(source, out, lambda product: answer(product, category=["A", "B"], colour="Red", neck="Crew"))
        found = [dict(product.original) for product in _products(out)]
        for node, filled, before in zip(whole, found, products, strict=True):
            assert filled.pop("urn:pumgpt:pumgpt")
            assert filled.pop("additionalProperty")[: len(node.get("additionalProperty", []))] == node.get(
                "additionalProperty", []
            )
            if "colour" not in (before.attributes or {}):
                assert filled.pop("color") == "Red"
            if not before.category:
                assert filled.pop("category") == "A > B"
            assert filled == {name: value for name, value in node.items() if name in filled}
