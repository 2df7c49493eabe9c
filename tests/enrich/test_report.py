from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.photos.heat import heat_layer, relative_heat
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.catalog.understanding import (
    AttributeField,
    CaptionField,
    CategoryField,
    Evidence,
    EvidenceKind,
    ModelInfo,
    Status,
    Understanding,
)
from pumgpt.enrich.report import ReportWriter
from pumgpt.enrich.report_card import card_context
from pumgpt.enrich.summary import Summary
from pumgpt.errors import UsageError

Row = tuple[Product, list[Image.Image | None], Understanding]

CORNER = [[0.8, 0.0], [0.0, 0.0]]


def row(
    number: int = 1, title: str = "Blue shirt", kind: EvidenceKind = "occlusion"
) -> tuple[Product, list[Image.Image | None], Understanding]:
    product = Product(str(number), images=(ImageRef(path="a.jpg"),), title=title)
    found = Understanding(
        id=str(number),
        caption=CaptionField(text="A shirt in blue", confidence=0.7),
        category=CategoryField(
            path=["Apparel", "Shirts"],
            confidence=0.93,
            status="filled",
            evidence=Evidence(image=0, kind=kind, grid=CORNER),
        ),
        attributes=[
            AttributeField(name="colour", value="Red", confidence=0.91, status="conflict", suggestion="Blue"),
            AttributeField(name="fabric", value=None, confidence=0.08, status="abstained"),
        ],
        model=ModelInfo(name="m", revision="r1"),
    )
    return product, [Image.new("RGB", (40, 60), "navy")], found


class Page(HTMLParser):
    """A page as elements (tag, attributes) and text. Fails where a tag closes that isn't open."""

    VOID = frozenset({"meta", "img", "input", "br", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.pieces.append(data)

    @classmethod
    def of(cls, text: str) -> Page:
        page = cls()
        page.feed(text)
        assert page.open == []
        return page

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.pieces).split())

    def of_class(self, name: str) -> list[dict[str, str]]:
        return [attrs for _, attrs in self.elements if name in attrs.get("class", "").split()]


def write_report(path: Path, rows: list[Row], title: str, summary: Summary | None = None) -> None:
    with ReportWriter(path, title) as report:
        for entry in rows:
            report.add(*entry)
        report.finish(summary)


def write(tmp_path: Path, rows: list[Row], summary: Summary | None = None) -> str:
    write_report(tmp_path / "r.html", rows, "A report", summary)
    return (tmp_path / "r.html").read_text(encoding="utf-8")


def test_the_page_is_whole_and_carries_everything_itself(tmp_path: Path) -> None:
    text = write(tmp_path, [row(1), row(2)])
    page = Page.of(text)
    loaded = [attrs[name] for _, attrs in page.elements for name in ("src", "href") if name in attrs]
    loaded += re.findall(r"url\(([^)]*)\)", text)
    assert len(loaded) == 4  # a photo and a map for each product
    assert all(source.startswith(("data:image/jpeg;base64,", "data:image/png;base64,")) for source in loaded)
    assert not re.search(r"https?://|@import|<script", text)
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


def test_every_field_is_told_with_its_confidence(tmp_path: Path) -> None:
    text = Page.of(write(tmp_path, [row()])).text
    assert "A shirt in blue 70 % sure" in text
    assert "category Apparel › Shirts 93 % filled" in text
    assert "colour Red the photo says Blue 91 % conflict" in text
    assert "Left empty fabric: best guess 8 %" in text


@pytest.mark.parametrize(
    ("status", "confidence", "shown"),
    [
        ("kept", 0.93, "colour Red 93 % kept"),
        # The model has another guess, or none: that is no verdict on the shop's own value.
        ("kept", 0.0004, "colour Red kept"),
        ("kept", None, "colour Red kept"),
        ("conflict", 0.6, "colour Red the photo says Blue 60 % conflict"),
        ("filled", 0.0004, "colour Red < 1 % filled"),
        ("abstained", 0.43, "Left empty colour: best guess 43 %"),
        ("abstained", 0.0, "Left empty colour"),
    ],
)
def test_a_percentage_is_that_of_the_value_beside_it(
    tmp_path: Path, status: Status, confidence: float | None, shown: str
) -> None:
    product, photos, found = row()
    field = AttributeField(
        name="colour",
        value=None if status == "abstained" else "Red",
        confidence=confidence,
        status=status,
        suggestion="Blue" if status == "conflict" else None,
    )
    only = found.model_copy(update={"category": None, "caption": None, "attributes": [field]})
    text = Page.of(write(tmp_path, [(product, photos, only)])).text
    assert text.partition("Blue shirt 1 ")[2].partition(" filled : the model")[0] == shown


def test_the_head_counts(tmp_path: Path) -> None:
    text = Page.of(write(tmp_path, [row(1), row(2)], Summary(rejected=3))).text
    assert "Answered by m (r1). Of 6 fields, 2 (33%) were left empty" in text
    assert "2 products 2 filled 0 kept 2 conflicts 2 left empty 3 rows set aside" in text
    assert "category 2 2 colour 0 2 fabric 0 2" in text


def test_a_shop_s_text_can_t_break_the_page(tmp_path: Path) -> None:
    text = write(tmp_path, [row(title='<script>alert("x")</script> & "co"')])
    assert "<script" not in text
    assert '<script>alert("x")</script> & "co"' in Page.of(text).text


def test_a_map_lies_over_the_photo_and_says_how_much_it_matters(tmp_path: Path) -> None:
    page = Page.of(write(tmp_path, [row()]))
    (layer,) = page.of_class("heat")
    assert layer["alt"] == "Where the photo shows category"
    assert "aspect-ratio:40/60" in layer["style"]
    assert "category 80 points less sure" in page.text
    # A click on the map, or Enter, makes it large: no script is needed for that.
    tags = [tag for tag, _ in page.elements]
    assert tags[tags.index("details") : tags.index("details") + 3] == ["details", "summary", "img"]


def test_attention_is_not_shown_as_evidence(tmp_path: Path) -> None:
    page = Page.of(write(tmp_path, [row(kind="attention")]))
    assert page.of_class("heat") == page.of_class("evidence") == []


def test_a_map_of_a_further_photo_brings_its_picture_along(tmp_path: Path) -> None:
    product, (photo,), found = row()
    assert found.category and found.category.evidence
    found.category.evidence.image = 1
    (layer,) = Page.of(write(tmp_path, [(product, [photo, Image.new("RGB", (90, 30))], found)])).of_class("heat")
    assert "aspect-ratio:90/30;--picture:url(data:" in layer["style"]


def test_source_and_worth_of_a_field_are_shown_where_they_are_known() -> None:
    class Told(AttributeField):
        source: str | None = None
        precision: float | None = None

    product, photos, found = row()
    known = Told(name="colour", value="Red", status="filled", source="photo and text", precision=0.943)
    found.attributes = [known, AttributeField(name="fit", value="Slim", status="filled")]
    rows = card_context(product, photos, found)["rows"]
    assert [(row["source"], row["worth"]) for row in rows] == [(None, None), ("from photo and text", 94), (None, None)]


def test_a_page_that_shows_nothing_says_why(tmp_path: Path) -> None:
    def emptiness(rows: list[Row], summary: Summary | None = None, rejected: Sequence[RejectedRow] = ()) -> str:
        with ReportWriter(tmp_path / "r.html", "T") as report:
            for entry in rows:
                report.add(*entry)
            report.finish(summary, rejected)
        page = Page.of((tmp_path / "r.html").read_text(encoding="utf-8"))
        return page.text if page.of_class("empty") else ""

    product, photos, found = row()
    reasons = [RejectedRow(number, None, f"a.jpg{number}: is not a photo") for number in range(1, 9)]
    assert "The catalogue has no rows" in emptiness([])
    aside = emptiness([], Summary(rejected=8), reasons)
    assert "All 8 rows were set aside" in aside and "row 1: a.jpg1: is not a photo" in aside and "row 6" not in aside
    kept = [AttributeField(name="colour", value="Red", status="kept")]
    assert "Nothing was missing" in emptiness(
        [(product, photos, found.model_copy(update={"category": None, "attributes": kept}))]
    )
    left = [AttributeField(name="colour", value=None, status="abstained")]
    assert "Every field was left empty" in emptiness(
        [(product, photos, found.model_copy(update={"category": None, "attributes": left}))]
    )
    nothing = found.model_copy(update={"category": None, "attributes": None})
    assert "No fields were asked" in emptiness([(product, photos, nothing)])
    assert emptiness([row()]) == ""


def test_a_product_without_a_photo_has_a_card(tmp_path: Path) -> None:
    product, _, found = row()
    page = Page.of(write(tmp_path, [(product, [None], found)]))
    assert len(page.of_class("nophoto")) == 1
    assert page.of_class("heat") == []


def test_weak_evidence_looks_weak() -> None:
    assert relative_heat(np.zeros((4, 4), np.float32)).max() == 0
    assert relative_heat(CORNER).tolist() == [[1, 0], [0, 0]]
    assert relative_heat([[0.1, 0.0]])[0, 0] == pytest.approx(0.25)


def test_the_layer_veils_the_photo_but_where_it_matters() -> None:
    layer = np.asarray(heat_layer(CORNER), dtype=int)
    assert layer.shape == (2, 2, 4)
    assert layer[0, 0, 3] < layer[1, 1, 3], "the photo must be clearer where it matters"
    assert np.ptp(layer[0, 0, :3]) > 100 > 10 > np.ptp(layer[1, 1, :3])


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
