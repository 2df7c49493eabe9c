"""JSON documents: what is read of them, and that they come back byte for byte but for what was filled."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from filling import answer, fill
from hypothesis import given, settings
from hypothesis import strategies as st

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.json.catalog import JsonReader
from pumgpt.catalog.formats.json.edits import rewritten
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.errors import CatalogError

_SHOPIFY = {
    "id": 632910392,
    "title": "Cotton tee",
    "handle": "cotton-tee",
    "vendor": "North",
    "body_html": "<p>Soft <b>cotton</b></p>",
    "product_type": "",
    "images": [{"id": 5, "src": "https://cdn.example/a.jpg"}, {"id": 6, "src": "https://cdn.example/b.jpg"}],
    "image": {"id": 5, "src": "https://cdn.example/a.jpg"},
    "options": [{"name": "Size", "values": ["S", "M"]}],
    "variants": [{"id": 1, "price": "9.90", "option1": "S"}],
}
_WOO = {
    "id": 799,
    "name": "Ship &amp; shore tee",
    "permalink": "https://shop.example/tee",
    "stock_status": "instock",
    "tax_status": "taxable",
    "description": "",
    "short_description": "<p>Soft</p>",
    "categories": [{"id": 9, "name": "Tops &amp; shirts", "slug": "tops"}],
    "images": [{"id": 1, "src": "https://cdn.example/a.jpg", "alt": ""}],
    "attributes": [{"id": 6, "name": "Color", "variation": True, "options": ["Black", "Green"]}],
}
_MAGENTO = {
    "id": 1,
    "sku": "24-MB01",
    "name": "Duffle bag",
    "attribute_set_id": 15,
    "type_id": "simple",
    "extension_attributes": {"category_links": [{"position": 0, "category_id": "4"}]},
    "media_gallery_entries": [
        {"id": 2, "media_type": "image", "position": 2, "disabled": False, "file": "/m/b/back.jpg"},
        {"id": 1, "media_type": "image", "position": 1, "disabled": False, "file": "/m/b/front.jpg"},
        {"id": 3, "media_type": "external-video", "position": 3, "disabled": False, "file": "/m/b/film.jpg"},
    ],
    "custom_attributes": [
        {"attribute_code": "description", "value": "<p>Roomy</p>"},
        {"attribute_code": "color", "value": "50"},
        {"attribute_code": "activity", "value": "Gym"},
        {"attribute_code": "category_ids", "value": ["3", "4"]},
    ],
}
_BIGCOMMERCE = {
    "id": 77,
    "name": "Fog linen",
    "description": "<p>Plain</p>",
    "categories": [],
    "brand_id": 35,
    "inventory_level": 3,
    "is_visible": True,
    "custom_url": {"url": "/fog"},
    "images": [
        {"is_thumbnail": False, "sort_order": 0, "url_standard": "https://cdn.example/2.jpg"},
        {"is_thumbnail": True, "sort_order": 1, "url_zoom": "https://cdn.example/1.jpg"},
    ],
    "custom_fields": [{"id": 1, "name": "Pattern", "value": "Plain"}],
}


def _write(folder: Path, document: Any, name: str = "in.json", **style: Any) -> Path:
    text = document if isinstance(document, str) else json.dumps(document, **style)
    (folder / name).write_text(text, encoding="utf-8", newline="")
    return folder / name


def _only(path: Path) -> Product:
    (product,) = read_catalog(path)
    assert isinstance(product, Product)
    return product


@pytest.mark.parametrize(
    "document",
    [
        [_SHOPIFY],
        {"products": [_SHOPIFY]},
        {"product": _SHOPIFY},
        _SHOPIFY,
        {"data": {"products": {"nodes": [_SHOPIFY]}}},
        {"data": {"products": {"edges": [{"cursor": "x", "node": _SHOPIFY}]}}},
        {"shop": {"currencies": [{"code": "EUR"}]}, "page": 1, "products": [_SHOPIFY], "next": None},
    ],
    ids=["list", "products", "product", "alone", "nodes", "edges", "among others"],
)
def test_the_list_is_found_wherever_it_stands(tmp_path: Path, document: Any) -> None:
    product = _only(_write(tmp_path, document, indent=2))
    assert (product.id, product.title, product.description) == ("632910392", "Cotton tee", "Soft cotton")
    assert [image.url for image in product.images] == ["https://cdn.example/a.jpg", "https://cdn.example/b.jpg"]
    assert product.attributes == {"size": ["S", "M"]} and product.category is None
    assert product.extra["variants"] == _SHOPIFY["variants"]


def test_records_of_an_interface_are_read_the_same_in_json_lines(tmp_path: Path) -> None:
    for record in (_SHOPIFY, _WOO, _MAGENTO, _BIGCOMMERCE):
        document, lines = _write(tmp_path, [record]), _write(tmp_path, json.dumps(record) + "\n", "in.jsonl")
        assert _only(document) == _only(lines)
        called_json = _write(
            tmp_path, f"{json.dumps(record)}\n" + json.dumps({**record, "id": 2, "sku": "2"}), "l.json"
        )
        assert next(iter(read_catalog(called_json))) == _only(lines), "one object a line, whatever the ending"


def test_each_system_is_read_by_its_own_names(tmp_path: Path) -> None:
    woo = _only(_write(tmp_path, [_WOO]))
    assert (woo.title, woo.description, woo.category) == ("Ship & shore tee", "Soft", ("Tops & shirts",))
    assert woo.attributes == {"colour": ["Black", "Green"]}
    magento = _only(_write(tmp_path, {"items": [_MAGENTO], "total_count": 1}))
    assert (magento.id, magento.description, magento.category) == ("24-MB01", "Roomy", ("4",))
    assert [Path(image.path or "").relative_to(tmp_path).as_posix() for image in magento.images] == [
        "m/b/front.jpg",
        "m/b/back.jpg",
    ]
    assert magento.attributes == {"activity": "Gym"}, "an option's id is no word"
    big = _only(_write(tmp_path, {"data": [_BIGCOMMERCE], "meta": {}}))
    assert [image.url for image in big.images] == ["https://cdn.example/1.jpg", "https://cdn.example/2.jpg"]
    assert big.attributes == {"pattern": "Plain"}


def _told(product: Product) -> Any:
    return answer(product, category=["Apparel", "Tops"], category_id="12", colour="Red", fabric=["Wool", "Silk"])


def _filled(folder: Path, record: Any) -> dict[str, Any]:
    source = _write(folder, {"items": [record], "total": 1.10}, indent=2)
    fill(source, folder / "out.json", _told, ("colour", "fabric"))
    (found,) = json.loads((folder / "out.json").read_text())["items"]
    changed = {name: value for name, value in found.items() if record.get(name) != value}
    ours = changed.pop("pumgpt")
    assert {field["name"] for field in ours["attributes"]} == {"colour", "fabric"}
    return changed


def test_each_system_is_filled_where_it_looks(tmp_path: Path) -> None:
    shopify = _filled(tmp_path, _SHOPIFY)
    assert shopify["product_type"] == "Apparel > Tops" and len(shopify) == 2
    assert [(field["key"], field["value"]) for field in shopify["metafields"]] == [
        ("colour", "Red"),
        ("fabric", '["Wool", "Silk"]'),
    ]
    woo = _filled(tmp_path, _WOO)
    assert woo == {
        "attributes": [
            *_WOO["attributes"],
            {"name": "Fabric", "visible": True, "variation": False, "options": ["Wool", "Silk"]},
        ]
    }
    magento = _filled(tmp_path, _MAGENTO)
    new = {"attribute_code": "fabric", "value": "Wool,Silk"}
    assert magento == {"custom_attributes": [*_MAGENTO["custom_attributes"], new]}, "colour has an option's id already"
    big = _filled(tmp_path, _BIGCOMMERCE)
    assert big["categories"] == [12]
    assert big["custom_fields"][1:] == [{"name": "Colour", "value": "Red"}, {"name": "Fabric", "value": "Wool, Silk"}]


def test_categories_without_the_shops_ids_stay_out(tmp_path: Path) -> None:
    for record in ({**_WOO, "categories": []}, _BIGCOMMERCE):
        source = _write(tmp_path, [record])
        (warning,) = fill(source, tmp_path / "out.json", lambda product: answer(product, category=["A", "B"]))
        assert "--taxonomy" in warning
        assert json.loads((tmp_path / "out.json").read_text())[0]["categories"] == []


def test_failed_values_are_struck_where_the_system_has_them(tmp_path: Path) -> None:
    metafield = {"namespace": "custom", "key": "colour", "type": "single_line_text_field", "value": "Black"}
    for record, field, kept in (
        ({**_SHOPIFY, "metafields": [metafield]}, "metafields", []),
        (_WOO, "attributes", [{**_WOO["attributes"][0], "options": ["Green"]}]),
        (_MAGENTO, "custom_attributes", [_MAGENTO["custom_attributes"][n] for n in (0, 1, 3)]),
        (_BIGCOMMERCE, "custom_fields", []),
    ):
        source = _write(tmp_path, [record, {**record, "id": 2, "sku": "2"}], indent=1)
        reader = read_catalog(source)
        first, _ = (row for row in reader if isinstance(row, Product))
        failed = {"colour": ["Black"], "activity": ["Gym"], "pattern": ["Plain"]}
        struck = AnnotatedRow(first, reader.format.strike(reader, first.original, failed), {"pumgpt_verdicts": "[]"})
        rest = [AnnotatedRow(None, row.original) for row in list(reader)[1:]]
        reader.format.annotate(tmp_path / "out.json", reader, ["pumgpt_verdicts"], [struck, *rest])
        found, same = json.loads((tmp_path / "out.json").read_text())
        assert found == {**record, field: kept, "pumgpt_verdicts": "[]"}
        assert same == {**record, "id": 2, "sku": "2"}


def test_a_list_of_ones_own_is_guessed_and_filled_in_its_form(tmp_path: Path) -> None:
    records = [
        {"id": 1, "name": "Tee", "image_url": "a.jpg", "category": {"id": 3, "name": "Shirts"}, "colour": ""},
        {"id": 2, "name": "Mug", "image_url": "b.jpg", "category": None, "colour": "Blue", "price": 1},
    ]
    source = _write(tmp_path, records)
    tee, mug = (row for row in read_catalog(source) if isinstance(row, Product))
    assert (tee.title, tee.category, [image.path for image in tee.images]) == (
        "Tee",
        ("Shirts",),
        [str(tmp_path / "a.jpg")],
    )
    assert mug.attributes == {"colour": "Blue"}
    fill(source, tmp_path / "out.json", _told, ("colour",))
    first, second = json.loads((tmp_path / "out.json").read_text())
    assert (first["category"], first["colour"]) == ({"id": 3, "name": "Shirts"}, "Red")
    assert (second["category"], second["colour"]) == (["Apparel", "Tops"], "Blue")


def test_any_catalogue_becomes_a_list_and_a_list_any_other(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,title,category\n7,Tee,\n")
    fill(tmp_path / "in.csv", tmp_path / "out.json", _told, ("colour",))
    (record,) = json.loads((tmp_path / "out.json").read_text())
    assert (record["id"], record["category"], record["attributes"]["colour"]) == ("7", "Apparel > Tops", "Red")
    assert _only(tmp_path / "out.json").category == ("Apparel", "Tops")
    fill(_write(tmp_path, [_SHOPIFY]), tmp_path / "out.csv", _told, ("colour",))
    assert "632910392,Cotton tee," in (tmp_path / "out.csv").read_text()
    fill(tmp_path / "in.csv", tmp_path / "none.json", lambda product: None)
    assert json.loads((tmp_path / "none.json").read_text()) == []


@pytest.mark.parametrize("style", [{"indent": 2}, {"separators": (",", ":")}, {}], ids=["lines", "tight", "plain"])
def test_a_broken_element_costs_itself_alone(tmp_path: Path, style: dict[str, Any]) -> None:
    rows = [
        {"id": n, "title": f"Tee {n}", "variants": [{"id": 10 * n, "sku": "x"}, {"id": 0, "sku": "y"}]}
        for n in (1, 2, 3)
    ]
    text = json.dumps(rows, **style).replace('"Tee 2"', '"Tee "2"')
    source = _write(tmp_path, text)
    found = list(read_catalog(source))
    assert [row.id for row in found] == ["1", None, "3"]
    assert isinstance(found[1], RejectedRow) and found[1].row == 2 and "is not JSON" in found[1].error
    fill(source, tmp_path / "out.json", lambda product: None)
    assert (tmp_path / "out.json").read_text() == text


@pytest.mark.parametrize("cut", [1, 30, 45])
def test_a_document_that_is_cut_off_gives_what_is_whole(tmp_path: Path, cut: int) -> None:
    text = json.dumps([{"id": 1, "title": "Tee"}, {"id": 2, "title": "Mug with a long name of its own"}])[:-cut]
    found = list(read_catalog(_write(tmp_path, text)))
    assert found[0].id == "1" and isinstance(found[-1], RejectedRow)


@pytest.mark.parametrize(
    "tail", ['{"id": 2, "title": oops}]', '{"id": 2, "title": "Mu', '{"id": 2, "title": "Mug "x""}]']
)
def test_a_broken_last_element_is_reported_once(tmp_path: Path, tail: str) -> None:
    text = '[{"id": 1, "title": "Tee"}, ' + tail
    source = _write(tmp_path, text)
    found = list(read_catalog(source))
    assert [row.id for row in found] == ["1", None]
    assert isinstance(found[1], RejectedRow) and "is not JSON" in found[1].error
    fill(source, tmp_path / "out.json", lambda product: None)
    assert (tmp_path / "out.json").read_text() == text


@pytest.mark.parametrize("text", ["[1, 2]", '{"a": ', "nonsense", '"text"', "[] []"])
def test_what_is_no_catalogue_says_so(tmp_path: Path, text: str) -> None:
    source = _write(tmp_path, text)
    try:
        rows = list(read_catalog(source))
    except CatalogError as error:
        assert str(source) in str(error)
    else:
        assert all(isinstance(row, RejectedRow) for row in rows)


def test_bytes_that_are_no_utf8_and_marks_come_back(tmp_path: Path) -> None:
    source = tmp_path / "in.json"
    source.write_bytes(b'\xef\xbb\xbf[{"id": 1, "title": "Caf\xe9"},\r\n {"id": 2, "title": "\xc3\xa9"}]')
    assert [row.title for row in read_catalog(source) if isinstance(row, Product)] == ["Café", "é"]
    fill(source, tmp_path / "out.json", lambda product: None)
    out = (tmp_path / "out.json").read_bytes()
    assert out.startswith(b"\xef\xbb\xbf[") and json.loads(out.decode("utf-8-sig"))[0]["title"] == "Café"


_NUMBER = st.sampled_from(["1.10", "1.5e3", "-0.0", "12345678901234567890", "0", "7"])
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="@"), max_size=8)
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_OBJECT = st.dictionaries(_TEXT, _VALUE, max_size=4)
_STYLE = st.sampled_from(
    [{}, {"indent": 2}, {"indent": "\t"}, {"separators": (",", ":")}, {"indent": 4, "ensure_ascii": False}]
)


@settings(max_examples=150, deadline=None)
@given(_OBJECT, _OBJECT, _STYLE, st.data())
def test_a_text_is_rewritten_to_say_what_it_shall(
    before: dict[str, Any], new: dict[str, Any], style: dict[str, Any], data: st.DataObject
) -> None:
    kept = {name: value for name, value in before.items() if data.draw(st.booleans())}
    after = {**copy.deepcopy(kept), **new}
    text = json.dumps(before, **style)
    assert json.loads(rewritten(text, before, after)) == after
    assert rewritten(text, before, copy.deepcopy(before)) == text


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([_SHOPIFY, _WOO, _MAGENTO, _BIGCOMMERCE]), _OBJECT, _TEXT, _NUMBER),
        min_size=1,
        max_size=4,
    ),
    _STYLE,
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_documents_of_every_system_lose_nothing(
    drawn: list[tuple[dict[str, Any], dict[str, Any], str, str]], style: dict[str, Any], end: str, wrapped: bool
) -> None:
    system = drawn[0][0]
    rows = [
        {**system, "id": n, "sku": f"s{n}", "name": text, "title": text, "shop's own": own, "weight": f"@{number}@"}
        for n, (_, own, text, number) in enumerate(drawn)
    ]
    text = json.dumps({"count": 1, "products": rows} if wrapped else rows, **style).replace('"@', "").replace('@"', "")
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.json"), Path(folder, "out.json")
        source.write_text(text.replace("\n", end), encoding="utf-8", newline="")
        reader = read_catalog(source)
        assert isinstance(reader, JsonReader) and reader.shape is not None
        assert sum(isinstance(row, Product) for row in reader) == len(rows)
        fill(source, out, lambda product: None)
        assert out.read_bytes() == source.read_bytes()
        fill(source, out, _told, ("colour", "fabric"))
        filled = json.loads(out.read_text(encoding="utf-8"))
        filled = filled["products"] if wrapped else filled
        places = {
            "pumgpt",
            "metafields",
            "product_type",
            "attributes",
            "categories",
            "custom_attributes",
            "custom_fields",
        }
        for row, record in zip(json.loads(text)["products"] if wrapped else json.loads(text), filled, strict=True):
            assert {n: v for n, v in record.items() if n not in places} == {
                n: v for n, v in row.items() if n not in places
            }
            assert list(record)[: len(row)] == list(row)
        for number in {number for *_, number in drawn}:
            assert out.read_text(encoding="utf-8").count(number) >= text.count(number), "no number is written anew"
