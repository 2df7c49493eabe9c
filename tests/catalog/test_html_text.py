"""Markup is not text, whatever file it comes in; and text is not markup."""

from __future__ import annotations

import csv
import html
import io
import json
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.html_text import plain_text
from pumgpt.catalog.product import Product

_PAGE = (
    "<style>.red { color: red }</style><script>if (a<b) { wool() }</script><!-- silk -->"
    '<p style="color: red" title="2 > 1">A <b class=green>shirt</b> of cotton &amp; linen.</p>'
    "<ul><li>R&B print</li></ul>"
)
_WORDS = "A shirt of cotton & linen.\n- R&B print"


@pytest.mark.parametrize(
    "text",
    [
        "size < 5 and > 2",
        "R&B; D&G; AT&T;",
        "I <3 it  \n  twice",
        "<image> of a <video>, <s>, </s>, <|im_end|> and <unk>",
        "a<b>c".replace("<b>", "<b "),
        "&nosuch; & &; &#; caf\u00e9&copy",
        "x <y z> w",
    ],
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert plain_text(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (_PAGE, _WORDS),
        (html.escape(_PAGE), _WORDS),
        (html.escape(html.escape(_PAGE)), _WORDS),
        ("Soft<br/>and warm<BR>", "Soft\nand warm"),
        ("Kids&#39; &quot;Tee&quot;&nbsp;&#x2013; R&amp;B", 'Kids\' "Tee" \u2013 R&B'),
        ("size &lt; 5  cm", "size < 5  cm"),
        ("a &amp;lt; b", "a < b"),
        ("&lt;image&gt;", "<image>"),
        ('<video src="red.mp4"></video>Blue', "Blue"),
    ],
)
def test_markup_is_left_out(text: str, expected: str) -> None:
    assert plain_text(text) == expected


def test_a_long_text_with_lost_quotes_takes_no_time() -> None:
    began = time.perf_counter()
    plain_text('<p a="' * 100_000)
    assert time.perf_counter() - began < 5


def _row(names: tuple[str, ...], cells: tuple[str, ...]) -> str:
    file = io.StringIO()
    csv.writer(file).writerows((names, cells))
    return file.getvalue()


def _feed(title: str, page: str) -> str:
    return (
        '<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><item><g:id>1</g:id>'
        f"<g:title>{html.escape(title)}</g:title><g:description>{html.escape(page)}</g:description>"
        "</item></channel></rss>"
    )


@pytest.mark.parametrize("escapes", [0, 1])
@pytest.mark.parametrize(
    "name", ["own.csv", "guessed.csv", "shopify.csv", "google.csv", "in.jsonl", "in.parquet", "in.xml"]
)
def test_every_reader_gives_the_words(tmp_path: Path, name: str, escapes: int) -> None:
    title, page, path = "<b>Kids&#39;</b> Tee", _PAGE, tmp_path / name
    for _ in range(escapes):
        title, page = html.escape(title), html.escape(page)
    headers = {
        "own.csv": ("id", "title", "description"),
        "guessed.csv": ("SKU", "Name", "Description"),
        "shopify.csv": ("Handle", "Title", "Body (HTML)"),
        "google.csv": ("id", "title", "description", "link", "image_link"),
    }
    if name in headers:
        cells = ("1", title, page, *[""] * (len(headers[name]) - 3))
        path.write_text(_row(headers[name], cells), encoding="utf-8")
    elif name == "in.xml":
        path.write_text(_feed(title, page), encoding="utf-8")
    else:
        record = {"id": "1", "title": title, "description": page}
        path.write_text(json.dumps(record), encoding="utf-8")
        if name == "in.parquet":
            pq.write_table(pa.Table.from_pylist([record]), path)
    (product,) = read_catalog(path)
    assert isinstance(product, Product)
    assert (product.title, product.description) == ("Kids' Tee", _WORDS)
