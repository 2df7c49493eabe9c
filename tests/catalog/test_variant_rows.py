"""Plain tables whose variants are rows without an id of their own."""

from __future__ import annotations

from pathlib import Path

from filling import answer, cells, fill
from tables import products, write_table

from pumgpt.catalog.formats.annotated import AnnotatedRow
from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.output import write_annotated
from pumgpt.catalog.formats.registry import count_rows, read_catalog
from pumgpt.catalog.product import Product

_HEADER = ("productId", "variantId", "name", "image", "size", "colour")
_ROWS = [
    ("p1", "1", "Blue shirt", "a.jpg", "S", ""),
    ("", "2", "", "", "M", ""),
    ("", "3", "", "", "L", ""),
    ("p2", "1", "Pink kurta", "a.jpg", "S", ""),
]


def test_rows_without_an_id_or_a_text_belong_to_the_product_above(tmp_path: Path) -> None:
    source, out = write_table(tmp_path / "in.csv", [_HEADER, *_ROWS]), tmp_path / "out.csv"
    shirt, kurta = products(source)
    assert (shirt.id, shirt.title, kurta.id, count_rows(source)) == ("p1", "Blue shirt", "p2", 2)
    fill(source, out, lambda product: answer(product, colour="Blue"), ("colour",))
    header, *rows = cells(out)
    assert [tuple(row[:5]) for row in rows] == [row[:5] for row in _ROWS]
    assert [row[5] for row in rows] == ["Blue", "", "", "Blue"], "filled in the first row of a product"
    assert [row[header.index("pumgpt_colour")] for row in rows] == ["Blue", "", "", "Blue"]


def test_they_come_back_from_a_curation(tmp_path: Path) -> None:
    source, out = write_table(tmp_path / "in.csv", [_HEADER, *_ROWS]), tmp_path / "out.csv"
    reader = read_catalog(source)
    rows = [
        AnnotatedRow(product, dict(product.original), {"note": "x"})
        for product in reader
        if isinstance(product, Product)
    ]
    write_annotated(out, reader, ["note"], rows)
    assert [row[:5] for row in cells(out)[1:]] == [list(row[:5]) for row in _ROWS]
    assert [row[6] for row in cells(out)[1:]] == ["x", "", "", "x"]


def test_a_row_with_a_text_and_no_id_is_named(tmp_path: Path) -> None:
    rows = [*_ROWS, ("", "1", "Green hat", "b.jpg", "S", "")]
    *_, last = read_catalog(write_table(tmp_path / "in.csv", [_HEADER, *rows]))
    assert isinstance(last, RejectedRow) and "'productId' is missing" in last.error
