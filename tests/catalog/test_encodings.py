"""Tables that aren't UTF-8, and quotes that are escaped in another way than CSV's."""

from __future__ import annotations

from pathlib import Path

import pytest
from filling import cells, fill

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.encodings import detect_encoding
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product


def _titles(path: Path) -> list[str | None]:
    return [row.title if isinstance(row, Product) else row.error for row in read_catalog(path)]


@pytest.mark.parametrize(
    ("encoding", "words", "titles"),
    [
        ("cp1251", "Windows-1251", ["Красное платье", "Кожаная сумка"]),
        ("koi8-r", "KOI8-R", ["Красное платье", "Кожаная сумка"]),
        ("gbk", "GB 18030", ["红色连衣裙", "皮包"]),
        ("cp932", "Shift JIS", ["赤いワンピース", "革のバッグ"]),
        ("cp949", "Windows-949", ["빨간 원피스", "가죽 가방"]),
        ("cp1253", "Windows-1253", ["Κόκκινο φόρεμα", "Δερμάτινη τσάντα"]),
        ("cp1252", "Windows-1252", ["Rotes Kleid für Mädchen", "Größe zählt, schöne Tür", "Ärmel, grüne Hüte"]),
        ("cp1252", "Windows-1252", ["Robe d'été légère à fleurs", "Écharpe très chaude"]),
        ("cp1252", "Windows-1252", ["Café"]),
        ("cp1252", "Windows-1252", ["Men’s – “blue” jacket", "Women’s coat – 5 €"]),
    ],
)
def test_old_encodings_are_told_by_their_letters(tmp_path: Path, encoding: str, words: str, titles: list[str]) -> None:
    path = tmp_path / "in.csv"
    rows = "".join(f'{number},"{title}"\n' for number, title in enumerate(titles))
    path.write_bytes(("id,title\n" + rows).encode(encoding))
    reader = read_catalog(path)
    assert [row.title for row in reader if isinstance(row, Product)] == titles
    (warning,) = reader.warnings
    assert words in warning and "line 2 is not UTF-8" in warning


def test_lines_that_are_utf_8_stay_so(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes("id,title\n1,Größe\n".encode() + "2,Красное платье, кожа".replace(",", " ", 2).encode("cp1251"))
    assert _titles(path)[0] == "Größe"


def test_central_european_needs_more_letters_than_others() -> None:
    assert detect_encoding("Žluté tričko".encode("cp1250")) == "cp1252"
    names = "Žluté tričko s krátkým rukávem, Černé kalhoty, Šedá čepice, Růžová košile, Dětské boty, Žíhaná mikina"
    assert detect_encoding(names.encode("cp1250")) == "cp1250"


def test_quotes_with_a_backslash_are_quotes(tmp_path: Path) -> None:
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    rows = ['1,"Mug \\"Best dad\\" 300 ml",C:\\new', '2,"One\n<a href=\\"x\\">two</a>",y', '3,"Plain ""mug""",z']
    path.write_text("id,title,note\n" + "\n".join(rows) + "\n", encoding="utf-8")
    assert _titles(path) == ['Mug "Best dad" 300 ml', "One two", 'Plain "mug"']
    fill(path, out)
    assert [row[:3] for row in cells(out)[1:3]] == [
        ["1", 'Mug "Best dad" 300 ml', "C:\\new"],
        ["2", 'One\n<a href="x">two</a>', "y"],
    ]


def test_a_backslash_mends_no_lost_quote(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text('id,title\n1,"5\\" pipe\n2,Mug\n3,Hat\n', encoding="utf-8")
    broken, *others = read_catalog(path)
    assert isinstance(broken, RejectedRow) and "quote" in broken.error
    assert [row.id for row in others] == ["2", "3"]
