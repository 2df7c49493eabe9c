from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pumgpt.catalog.photos.heat import overlay, relative_heat
from pumgpt.catalog.photos.thumbnails import thumbnail
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.catalog.understanding import (
    AttributeField,
    CaptionField,
    CategoryField,
    Evidence,
    ModelInfo,
    Understanding,
)
from pumgpt.enrich.report import ReportWriter
from pumgpt.enrich.summary import Summary
from pumgpt.errors import UsageError

CORNER = [[1.0, 0.0], [0.0, 0.0]]


def row(number: int = 1, title: str = "Blue shirt") -> tuple[Product, list[Image.Image | None], Understanding]:
    product = Product(str(number), images=(ImageRef(path="a.jpg"),), title=title)
    found = Understanding(
        id=str(number),
        caption=CaptionField(text="A shirt in blue", confidence=0.7),
        category=CategoryField(
            path=["Apparel", "Shirts"], confidence=0.93, status="filled", evidence=Evidence(image=0, grid=CORNER)
        ),
        attributes=[
            AttributeField(name="colour", value="Red", confidence=0.91, status="conflict", suggestion="Blue"),
            AttributeField(name="fabric", value=None, confidence=0.08, status="abstained"),
        ],
        model=ModelInfo(name="m", revision="r1"),
    )
    return product, [Image.new("RGB", (40, 60), "navy")], found


class Balance(HTMLParser):
    """Fails where a tag closes that isn't open; collects what a page would load."""

    VOID = frozenset({"meta", "img", "input", "br", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


Row = tuple[Product, list[Image.Image | None], Understanding]


def write_report(path: Path, rows: list[Row], title: str, summary: Summary | None = None) -> None:
    with ReportWriter(path, title) as report:
        for entry in rows:
            report.add(*entry)
        report.finish(summary)


def write(tmp_path: Path, rows: list[Row], summary: Summary | None = None) -> str:
    write_report(tmp_path / "r.html", rows, "A report", summary)
    return (tmp_path / "r.html").read_text(encoding="utf-8")


def test_the_page_is_whole_and_carries_everything_itself(tmp_path: Path) -> None:
    page = write(tmp_path, [row(1), row(2)])
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert len(parser.sources) == 4  # a photo and a map for each product
    assert all(source.startswith("data:image/jpeg;base64,") for source in parser.sources)
    assert not re.search(r"https?://|url\(|@import|<script", page)
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


def test_every_field_is_told_with_its_confidence(tmp_path: Path) -> None:
    page = write(tmp_path, [row()])
    text = " ".join(re.sub(r"<[^>]+>", " ", page.split("<main")[1]).split())
    assert "A shirt in blue 70 %" in text
    assert "Apparel › Shirts 93 % filled" in text
    assert "colour Red the photo says Blue 91 % conflict" in text
    assert "Could not be told fabric 8 %" in text


def test_the_head_counts(tmp_path: Path) -> None:
    head = " ".join(
        re.sub(r"<[^>]+>", " ", write(tmp_path, [row(1), row(2)], Summary(rejected=3)).split("<header>")[1]).split()
    )
    assert "Read by m (r1). Of 6 fields, 2 (33%) were left empty" in head
    assert "2 products 2 filled 0 kept 2 conflict 2 abstained 3 rows set aside" in head


def test_a_shop_s_text_can_t_break_the_page(tmp_path: Path) -> None:
    page = write(tmp_path, [row(title='<script>alert("x")</script> & "co"')])
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_product_without_photo_and_a_run_without_products_have_a_page(tmp_path: Path) -> None:
    product, _, found = row()
    assert "no photo" in write(tmp_path, [(product, [None], found)])
    assert "No fields were asked" in write(tmp_path, [])


def test_an_even_map_glows_nowhere_and_a_peak_glows_where_it_is() -> None:
    assert relative_heat(np.full((8, 8), 1 / 64, np.float32)).max() == 0
    heat = relative_heat(CORNER)
    assert heat[0, 0] == pytest.approx(1)
    assert heat[1:, :].max() == 0


def test_the_overlay_has_the_photo_s_shape_and_keeps_its_colour_where_the_model_looked() -> None:
    photo = Image.new("RGB", (40, 80), "navy")
    picture = overlay(photo, CORNER, 64)
    assert picture.size == thumbnail(photo, 64).size == (32, 64)
    pixels = np.asarray(picture, dtype=int)
    looked, away = pixels[4, 4], pixels[-4, -4]
    assert np.ptp(looked) > 3 * np.ptp(away)


def test_cards_of_a_killed_run_stay_as_far_as_their_rows_count(tmp_path: Path) -> None:
    whole, page = tmp_path / "whole.html", tmp_path / "r.html"
    write_report(whole, [row(1), row(2), row(3, "Größer")], "T")
    with ReportWriter(page, "T") as killed:
        for number in (1, 2, 3):
            killed.add(*row(number))
    with (tmp_path / "r.html.part").open("ab") as part:
        part.write(b'{"id": "4", "ht')
    with pytest.raises(UsageError, match="2 rows were done without a report"):
        ReportWriter(page, "T", keep={"1", "2", "3", "4", "5"})
    with ReportWriter(page, "T", keep={"1", "2"}) as resumed:
        resumed.add(*row(3, "Größer"))
        resumed.finish()
    assert page.read_bytes() == whole.read_bytes()
