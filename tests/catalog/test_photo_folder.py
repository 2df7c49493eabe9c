"""Folders and zips of photos: which photos are one product, and what is passed by."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

import pytest
from filling import answer, cells, fill
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.photo_folder import group_photos
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.errors import CatalogError


def _photo(colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()


def _folder(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_photo())
    return folder / "photos"


def _zip(folder: Path, *names: str) -> Path:
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        for name in names:
            archive.writestr(name, _photo())
    return folder / "photos.zip"


@pytest.mark.parametrize(
    ("names", "products"),
    [
        (["a.jpg", "b.jpg"], {"a": ["a.jpg"], "b": ["b.jpg"]}),
        (["a_1.jpg", "a_2.jpg", "b.jpg"], {"a": ["a_1.jpg", "a_2.jpg"], "b": ["b.jpg"]}),
        (["a-back.jpg", "a-front.jpg", "b.jpg"], {"a": ["a-front.jpg", "a-back.jpg"], "b": ["b.jpg"]}),
        (["a.jpg", "a (1).jpg", "b.jpg"], {"a": ["a.jpg", "a (1).jpg"], "b": ["b.jpg"]}),
        (["S1/1.jpg", "S1/2.jpg"], {"S1": ["S1/1.jpg", "S1/2.jpg"]}),
        (["x/S1/front.jpg", "x/S1/S1_2.jpg"], {"x/S1": ["x/S1/front.jpg", "x/S1/S1_2.jpg"]}),
        (["S1/1.jpg"], {"S1/1": ["S1/1.jpg"]}),
    ],
)
def test_photos_of_one_thing_are_one_product(names: list[str], products: dict[str, list[str]]) -> None:
    assert group_photos(names) == products


@pytest.mark.parametrize(
    "names",
    [
        ["a_1.jpg", "a_2.jpg", "a_3.jpg"],  # a series as likely as a product
        ["IMG_0001.jpg", "IMG_0002.jpg", "b.jpg"],
        ["photo 1.jpg", "photo 2.jpg", "b.jpg"],
        ["shirt-36.jpg", "shirt-38.jpg", "b.jpg"],
        ["shirt2.jpg", "shirt3.jpg", "background.jpg"],
        ["cats/0001.jpg", "cats/0002.jpg", "dogs/0001.jpg"],
        ["a.jpg", "a.png", "b.jpg"],
    ],
)
def test_photos_that_may_be_several_things_stay_apart(names: list[str]) -> None:
    assert sorted(group_photos(names).values()) == [[name] for name in sorted(names)]


@pytest.mark.parametrize("make", [_folder, _zip])
def test_other_files_are_passed_by_with_one_remark(tmp_path: Path, make: object) -> None:
    names = ("a.jpg", "a_2.jpg", "b.png", ".hidden.jpg", "__MACOSX/a.jpg", "Thumbs.db", "read me.txt", "x/c.webp")
    source = make(tmp_path, *names)  # type: ignore[operator]
    reader = read_catalog(source)
    assert [(row.id, len(row.images), row.extra["folder"]) for row in reader if isinstance(row, Product)] == [
        ("a", 2, ""),
        ("b", 1, ""),
        ("x/c", 1, "x"),
    ]
    assert len(reader.warnings) == 2 and "read me.txt" in reader.warnings[0] and "4 photos as 3" in reader.warnings[1]
    for row in reader:
        assert isinstance(row, Product) and row.category is None
        assert open_photo(row.images[0]).getpixel((0, 0)) == (255, 0, 0)
    fill(source, tmp_path / "out.csv", lambda product: answer(product, category=["A"]))
    header, first, *_ = cells(tmp_path / "out.csv")
    assert header[:3] == ["id", "folder", "images"] and first[0] == "a" and first[2].count("|") == 1


def test_a_folders_name_is_the_category_where_columns_say_so(tmp_path: Path) -> None:
    source = _folder(tmp_path, "shirts/0001.jpg", "mugs/0001.jpg")
    for row in read_catalog(source, ColumnMap(id="id", category="folder")):
        assert isinstance(row, Product) and row.category == (row.id.split("/")[0],) and row.images


def test_a_folder_of_a_dataset_stays_one_and_tables_are_named(tmp_path: Path) -> None:
    source = _folder(tmp_path, "a.jpg")
    (source / "shop.csv").write_text("id,title\n1,Tee\n")
    reader = read_catalog(source)
    assert "shop.csv" in reader.warnings[0]
    (source / "part.parquet").write_bytes(b"")
    with pytest.raises(CatalogError, match=r"part\.parquet"):
        read_catalog(source)
    with pytest.raises(CatalogError, match=r"a table, shop\.csv"):
        read_catalog(_zip(tmp_path, "shop.csv"))


def test_a_hostile_zip_is_bounded_and_leads_nowhere(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../out.jpg", _photo())
        archive.writestr("/etc/a.jpg", _photo())
        archive.writestr("bomb.jpg", b"\0" * 50_000_000)
        archive.writestr("good.jpg", _photo("blue"))
    found = {row.id: row for row in read_catalog(tmp_path / "bad.zip")}
    assert {id_ for id_, row in found.items() if isinstance(row, Product)} == {"good"}
    bomb = found["bomb"]
    assert isinstance(bomb, RejectedRow) and "is it a photo?" in bomb.error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.zip"], "nothing is unpacked"


def test_a_broken_zip_says_so(tmp_path: Path) -> None:
    whole = _zip(tmp_path, "a.jpg", "b.jpg").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:-30])
    with pytest.raises(CatalogError, match="can't be read as a zip"):
        read_catalog(tmp_path / "cut.zip")
    (tmp_path / "bent.zip").write_bytes(whole.replace(_photo()[20:40], b"x" * 20, 1))
    first, second = read_catalog(tmp_path / "bent.zip")
    assert isinstance(first, RejectedRow) and "can't be unpacked" in first.error and isinstance(second, Product)


_PART = st.text(st.sampled_from("ab1_- ()."), min_size=1, max_size=6).filter(lambda part: part.strip(".") == part)
_NAME = st.builds(
    lambda folders, name, ending: "/".join((*folders, name)) + ending,
    st.lists(st.sampled_from(["x", "S1", "front"]), max_size=2),
    _PART | st.sampled_from(["front", "1", "2", "S1_1", "a_1", "a_2"]),
    st.sampled_from([".jpg", ".PNG"]),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(_NAME, min_size=1, max_size=8, unique=True))
def test_every_photo_is_in_one_product(names: list[str]) -> None:
    grouped = [photo for group in group_photos(sorted(names)).values() for photo in group]
    assert sorted(grouped) == sorted(names)
    with tempfile.TemporaryDirectory() as folder:
        source, out = _zip(Path(folder), *names), Path(folder, "out.csv")
        fill(source, out, lambda product: answer(product, category=["A"]))
        header, *rows = cells(out)
        assert sorted(photo for row in rows for photo in row[2].split("|")) == sorted(names)
        assert len({row[0] for row in rows}) == len(rows)
        assert {row[header.index("pumgpt_category")] for row in rows} == {"A"}
