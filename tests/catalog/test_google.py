"""Google Merchant feeds: what is read of them, and that they come back as they were but for what was filled."""

from __future__ import annotations

import tempfile
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from filling import answer, cells, fill
from hypothesis import given, settings
from hypothesis import strategies as st

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.google.feed import OUR_NAMESPACE
from pumgpt.catalog.formats.google.terms import MAX_TITLE_CHARS, NAMESPACE
from pumgpt.catalog.formats.google.text import GoogleTextReader
from pumgpt.catalog.formats.google.xml import GoogleXmlReader
from pumgpt.catalog.formats.registry import count_rows, read_catalog
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.errors import CatalogError

_EXPORTS = Path(__file__).with_name("exports")
"""Written after Google's public product data specification, with the odd things that it allows."""
_XML = (_EXPORTS / "google.xml").read_bytes().decode()
_TSV = (_EXPORTS / "google.tsv").read_bytes().decode()
_NAMES = ("colour", "pattern", "gender", "usage")
_TOPS = ["Apparel & Accessories", "Clothing", "Shirts & Tops"]
_LONG = "A long sleeved shirt of soft cotton with narrow blue and white stripes " * 4


def _write(folder: Path, text: str, name: str = "in.xml") -> Path:
    (folder / name).write_text(text, encoding="utf-8", newline="")
    return folder / name


def _filled(product: Product) -> Understanding:
    return answer(
        product,
        category=_TOPS,
        caption=_LONG,
        colour=["Navy Blue", "Red"],
        pattern="Striped",
        gender="Boys",
        usage="Casual",
    )


def _items(path: Path) -> list[dict[str, str]]:
    """The items' Google elements; nested ones by 'outer/inner'."""
    found = []
    for item in ElementTree.parse(path).iter("item"):
        texts = {element.tag: element.text or "" for element in item if element.tag.startswith(f"{{{NAMESPACE}}}")}
        for outer in item:
            texts.update({f"{outer.tag}/{inner.tag}": inner.text or "" for inner in outer})
        found.append({name.replace(f"{{{NAMESPACE}}}", ""): text for name, text in texts.items()})
    return found


@pytest.mark.parametrize("name", ["google.xml", "google.tsv"])
def test_a_feed_is_read_by_the_specifications_names(name: str) -> None:
    reader = read_catalog(_EXPORTS / name)
    assert isinstance(reader, GoogleXmlReader | GoogleTextReader)
    tee, bag, bare = (row for row in reader if isinstance(row, Product))
    assert (tee.id, tee.category, tee.attributes) == ("TEE-1", None, None)
    assert '"Sun"' in (tee.title or "") and "☀️" in (tee.title or "")
    assert (tee.description or "").split()[:2] == ["Soft", "cotton"]
    assert [image.url for image in tee.images] == [
        f"https://cdn.example/tee{number}.jpg" for number in ("", "-2", "-3")
    ]
    assert bag.attributes == {"colour": ["Navy", "White"], "gender": "Girls", "age group": "kids"}
    assert (bag.images, bare.title) == ((), None)
    assert count_rows(_EXPORTS / name) == 3


def test_xml_comes_back_byte_for_byte_but_for_what_was_put_in(tmp_path: Path) -> None:
    source, out = _EXPORTS / "google.xml", tmp_path / "out.xml"
    assert fill(source, out, _filled, _NAMES) == []
    tee, bag, bare = _items(out)
    assert (tee["google_product_category"], tee["color"], tee["pattern"]) == (
        " > ".join(_TOPS),
        "Navy Blue/Red",
        "Striped",
    )
    assert (tee["gender"], tee["age_group"]) == ("male", "kids")
    assert "structured_title/content" not in tee, "it has a title"
    assert (bag["google_product_category"], bag["color"], bag["gender"]) == ("3032", "Navy/White", "female")
    assert "structured_title/digital_source_type" in bag and bag["structured_title/content"] == "Canvas bag"
    assert bare["structured_title/digital_source_type"] == "trained_algorithmic_media"
    assert 100 < len(bare["structured_title/content"]) <= MAX_TITLE_CHARS
    for line in (*_XML.splitlines()[1:9], "<c:label>summer</c:label>", "<g:country>DE</g:country>", "a=1&amp;b=2"):
        assert line in out.read_text(encoding="utf-8")


def test_nothing_filled_is_nothing_changed_but_our_own_note(tmp_path: Path) -> None:
    out = tmp_path / "out.xml"
    fill(_EXPORTS / "google.xml", out, lambda product: None)
    assert out.read_bytes() == _XML.encode()
    fill(_EXPORTS / "google.xml", out)
    notes = ElementTree.parse(out).findall(f".//{{{OUR_NAMESPACE}}}understanding")
    assert len(notes) == 3
    fill(out, tmp_path / "again.xml")
    assert (tmp_path / "again.xml").read_bytes().count(b"<pumgpt:understanding") == 3, (
        "notes are renewed, not heaped up"
    )


def test_text_feeds_get_the_same_in_columns(tmp_path: Path) -> None:
    source, out = _EXPORTS / "google.tsv", tmp_path / "out.tsv"
    assert fill(source, out, _filled, _NAMES) == []
    before, (header, *rows) = cells(source, "\t"), cells(out, "\t")
    tee, bag, bare = (dict(zip(header, row, strict=True)) for row in rows)
    assert header[: len(before[0])] == before[0]
    assert (tee["google_product_category"], tee["color"], tee["pattern"]) == (
        " > ".join(_TOPS),
        "Navy Blue/Red",
        "Striped",
    )
    assert (tee["gender"], tee["age_group"], tee["structured_title"]) == ("male", "kids", "")
    assert (bag["google_product_category"], bag["color"]) == ("Luggage & Bags", "Navy/White")
    assert bare["structured_title"].startswith("trained_algorithmic_media:A long sleeved shirt")
    assert tee["pumgpt_usage"] == "Casual"
    fill(source, tmp_path / "nothing.tsv", lambda product: None)
    assert [row[: len(before[0])] for row in cells(tmp_path / "nothing.tsv", "\t")] == before


def test_a_generated_title_that_holds_a_colon_is_quoted_and_read_again(tmp_path: Path) -> None:
    source, out = _EXPORTS / "google.tsv", tmp_path / "out.tsv"
    fill(source, out, lambda product: answer(product, caption='Mug: "big", 300 ml.'))
    written = dict(zip(cells(out, "\t")[0], cells(out, "\t")[3], strict=True))["structured_title"]
    assert written == 'trained_algorithmic_media:"Mug: ""big"", 300 ml"'
    *_, bare = read_catalog(out)
    assert isinstance(bare, Product) and bare.title == 'Mug: "big", 300 ml'


@pytest.mark.parametrize("name", ["google.xml", "google.tsv"])
def test_a_title_that_is_not_sure_enough_is_not_written(tmp_path: Path, name: str) -> None:
    for precision, is_written in ((0.75, True), (0.76, False)):
        fill(_EXPORTS / name, tmp_path / name, lambda product: answer(product, caption="Nike tee"), precision=precision)
        assert ("trained_algorithmic_media" in (tmp_path / name).read_text(encoding="utf-8")) == is_written


def test_categories_of_another_taxonomy_stay_out(tmp_path: Path) -> None:
    for name in ("google.xml", "google.tsv"):
        (warning,) = fill(_EXPORTS / name, tmp_path / name, lambda product: answer(product, category=["Topwear"]))
        assert "not Google's" in warning
        assert "google_product_category>Topwear" not in (tmp_path / name).read_text(encoding="utf-8")


def test_a_broken_item_costs_itself_alone(tmp_path: Path) -> None:
    broken = _XML.replace("Canvas bag", "Canvas & bag")
    found = list(read_catalog(_write(tmp_path, broken)))
    assert [row.id for row in found if isinstance(row, Product)] == ["TEE-1", "BARE-3"]
    (rejected,) = (row for row in found if isinstance(row, RejectedRow))
    assert (rejected.row, rejected.id) == (2, "BAG-2")
    assert "not well-formed" in rejected.error and "&amp;" in rejected.error
    fill(tmp_path / "in.xml", tmp_path / "out.xml")
    assert b"Canvas & bag" in (tmp_path / "out.xml").read_bytes()


def test_atom_and_other_prefixes(tmp_path: Path) -> None:
    feed = (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:goo="{NAMESPACE}"><title>x</title><entry><goo:id>1</goo:id>'
        '<title>Tee</title><link href="https://shop.example/1"/></entry></feed>'
    )
    source, out = _write(tmp_path, feed), tmp_path / "out.xml"
    (tee,) = read_catalog(source)
    assert isinstance(tee, Product) and tee.title == "Tee"
    fill(source, out, _filled, _NAMES)
    assert b"<goo:color>Navy Blue/Red</goo:color>" in out.read_bytes()
    assert ElementTree.parse(out).getroot().find(f".//{{{NAMESPACE}}}color") is not None


@pytest.mark.parametrize(
    "declared", [' xmlns:g="https://base.google.com/ns/1.0"', ' xmlns:g="http://www.base.google.com/ns/1.0/"', ""]
)
def test_a_namespace_that_is_almost_googles(tmp_path: Path, declared: str) -> None:
    feed = _XML.replace(f' xmlns:g="{NAMESPACE}"', declared)
    assert feed != _XML
    source, out = _write(tmp_path, feed), tmp_path / "out.xml"
    reader = read_catalog(source)
    assert list(reader) == list(read_catalog(_EXPORTS / "google.xml")) and reader.warnings == []
    fill(source, out, _filled, _NAMES)
    assert b"<g:color>Navy Blue/Red</g:color>" in out.read_bytes(), "it keeps the file's own prefix"
    fill(source, out, lambda product: None)
    assert out.read_bytes() == source.read_bytes()


def test_an_undeclared_prefix_beside_a_broken_item(tmp_path: Path) -> None:
    items = "<item><id>0</id></item><item><g:id>1</g:id></item><item><g:id>2</g:id>a & b</item><item><id>3</id></item>"
    found = list(read_catalog(_write(tmp_path, f"<rss><channel>{items}<g:end/></channel></rss>")))
    assert [row.id for row in found if isinstance(row, Product)] == ["0", "1", "3"]
    other = "<rss><channel><item><id>1</id><c:label>x</c:label></item></channel></rss>"
    (rejected,) = read_catalog(_write(tmp_path, other))
    assert isinstance(rejected, RejectedRow) and "unbound prefix" in rejected.error


@pytest.mark.parametrize(
    "text",
    [
        "<summary>Soft cotton</summary><content>Longer</content>",
        '<content type="html">&lt;p&gt;Soft &lt;b&gt;cotton&lt;/b&gt;&lt;/p&gt;</content>',
        '<content type="xhtml"><div>Soft cotton</div></content>',
        "<summary>Short</summary><g:description>Soft cotton</g:description>",
    ],
)
def test_a_description_in_atoms_words(tmp_path: Path, text: str) -> None:
    entry = f"<entry><id>1</id><title>Tee</title>{text}<g:image_link><g:url>a.jpg</g:url></g:image_link></entry>"
    feed = f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="{NAMESPACE}">{entry}</feed>'
    (tee,) = read_catalog(_write(tmp_path, feed))
    assert isinstance(tee, Product)
    assert (tee.description, [Path(image.path or "").name for image in tee.images]) == ("Soft cotton", ["a.jpg"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<html><body/></html>", "is XML, but no feed"),
        ("id,title\n", "not well-formed"),
        (
            '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel><item>&b;</item></channel></rss>',
            "entities",
        ),
        (
            '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><channel><item>&a;</item></channel></rss>',
            "entities",
        ),
    ],
)
def test_what_is_no_feed(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(CatalogError, match=words) as caught:
        read_catalog(_write(tmp_path, text))
    assert "\n" not in str(caught.value)


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12) | st.sampled_from(
    ["", "]]>", "&amp;", "<b>", "🧦"]
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(_TEXT, _TEXT, _TEXT), max_size=4))
def test_whatever_stands_in_a_feed_comes_back(items: list[tuple[str, ...]]) -> None:
    names = ("title", "g:description", "g:custom_label_0")
    body = "".join(
        f"<item><g:id>{number}</g:id>"
        + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in zip(names, texts, strict=True))
        + "</item>"
        for number, texts in enumerate(items)
    )
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "in.xml"), Path(folder, "out.xml")
        source.write_text(f'<rss xmlns:g="{NAMESPACE}"><channel>{body}</channel></rss>', encoding="utf-8", newline="")
        fill(source, out, lambda product: answer(product, colour="Red"), ("colour",))
        before, after = (list(ElementTree.parse(path).iter("item")) for path in (source, out))
        assert len(before) == len(after) == len(items)
        for old, new in zip(before, after, strict=True):
            kept = [(element.tag, element.text) for element in new][: len(old)]
            assert kept == [(element.tag, element.text) for element in old]
            assert new.findtext(f"{{{NAMESPACE}}}color") == "Red"
