"""Several photos in one cell, and the names that only look as if they were several."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photo_list import split_photos
from pumgpt.catalog.product import ImageRef, Product


@pytest.mark.parametrize(
    "cell",
    [
        "a.jpg|b.JPG",
        "a.jpg, b.JPG",
        "a.jpg,b.JPG,",
        "a.jpg;b.JPG",
        "a.jpg ; b.JPG",
        "a.jpg b.JPG",
        "a.jpg\nb.JPG",
        '["a.jpg", "b.JPG"]',
        "['a.jpg', 'b.JPG']",
        '[{"src": "a.jpg", "id": 5}, {"src": "b.JPG"}]',
    ],
)
def test_each_way_to_write_two(cell: str) -> None:
    assert split_photos(cell) == ["a.jpg", "b.JPG"]


@pytest.mark.parametrize(
    "cell",
    [
        "High_Street,_London.jpg",
        "blue shirt.jpg",
        "Hat, red.jpg",
        "a;b.jpg",
        "[1].jpg",
        "[7]",
        "[" * 99_000,
        "https://shop.example/w_300,h_200/a.jpg",
        "https://shop.example/a.jpg;v=2,b.jpg",
        "https://shop.example/blue shirt.jpg",
        "https://shop.example/Hat, red.jpg",
        "data:image/png;base64,iVBOR a.jpg b.jpg",
        "no photo, sorry",
    ],
)
def test_one_photo_stays_one(cell: str) -> None:
    assert split_photos(cell) == [cell]


def test_names_with_separators_stand_in_lists() -> None:
    assert split_photos("Hat, red.jpg, Coat.jpg") == ["Hat, red.jpg", "Coat.jpg"]
    mixed = "https://shop.example/w_1,h_2/a.jpg,https://shop.example/b, c.jpg;//shop.example/d"
    assert split_photos(mixed) == [
        "https://shop.example/w_1,h_2/a.jpg",
        "https://shop.example/b, c.jpg",
        "//shop.example/d",
    ]
    assert split_photos(" ") == []


def test_what_lies_on_the_disk_decides(tmp_path: Path) -> None:
    for name in ("a.jpg, b.jpg", "front", "back"):
        (tmp_path / name).touch()
    assert split_photos("a.jpg, b.jpg", tmp_path) == ["a.jpg, b.jpg"]
    assert split_photos("c.jpg|a.jpg, b.jpg", tmp_path) == ["c.jpg", "a.jpg, b.jpg"]
    assert split_photos("front;back", tmp_path) == ["front", "back"]
    assert split_photos("front;side", tmp_path) == ["front;side"]


_SERVED = "https://shop.example/w_300,h_200/High_Street,_London.jpg?crop=1,2;3,4"


@pytest.mark.parametrize("separator", [",", ", ", ";", " ; ", " ", "|", "\n"])
@pytest.mark.parametrize(
    "name", ["High_Street,_London.jpg", "Hat, red.jpg", "a;b.jpg", "my photo.jpg", "1 x 2;3, 4.PNG"]
)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_name_with_a_separator_alone_and_beside_others(
    tmp_path: Path, name: str, separator: str, is_there: bool
) -> None:
    if is_there:
        (tmp_path / name).touch()
    assert split_photos(name, tmp_path) == [name]
    assert split_photos(f"{name}{separator}b.jpg", tmp_path) == [name, "b.jpg"]
    assert split_photos(f"b.jpg{separator}{name}", tmp_path) == ["b.jpg", name]
    assert split_photos(f"{name}{separator}{_SERVED}", tmp_path) == [name, _SERVED]
    assert split_photos(f"{_SERVED}{separator}{_SERVED}", tmp_path) == [_SERVED, _SERVED]


def test_a_file_that_is_there_is_no_part_of_the_address_before_it(tmp_path: Path) -> None:
    cell = "https://shop.example/w_1,h_2/a.jpg,b.jpg"
    assert split_photos(cell, tmp_path) == [cell]
    (tmp_path / "b.jpg").touch()
    assert split_photos(cell, tmp_path) == ["https://shop.example/w_1,h_2/a.jpg", "b.jpg"]


def _photos(path: Path) -> list[tuple[ImageRef, ...]]:
    products = list(read_catalog(path))
    assert all(isinstance(product, Product) for product in products)
    return [product.images for product in products if isinstance(product, Product)]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("id,image", '1,"a.jpg, b.jpg"'),
        ("ID,Name,Images", '1,Shirt,"a.jpg, b.jpg"'),
        ("id,title,link,image_link,additional_image_link", '1,Shirt,x,a.jpg,"b.jpg, a.jpg"'),
    ],
)
def test_every_table_splits_alike(tmp_path: Path, header: str, row: str) -> None:
    (tmp_path / "in.csv").write_text(f"{header}\n{row}\n")
    assert _photos(tmp_path / "in.csv") == [tuple(ImageRef(path=str(tmp_path / name)) for name in ("a.jpg", "b.jpg"))]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("//shop.example/a.jpg", ImageRef(url="https://shop.example/a.jpg")),
        ("HTTPS://Shop.example/a.jpg", ImageRef(url="https://Shop.example/a.jpg")),
        ({"src": "//shop.example/a.jpg"}, ImageRef(url="https://shop.example/a.jpg")),
        ({"@type": "ImageObject", "contentUrl": "http://shop.example/a"}, ImageRef(url="http://shop.example/a")),
        ({"path": "a.jpg", "url": "http://shop.example/a"}, ImageRef(path="a.jpg", url="http://shop.example/a")),
    ],
)
def test_addresses(tmp_path: Path, image: object, expected: ImageRef) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": 1, "images": [image]}))
    assert _photos(tmp_path / "in.jsonl") == [(expected,)]


def test_two_slashes_before_a_file_that_exists(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    photo = f"/{tmp_path}/a.jpg"
    assert photo.startswith("//")
    assert Product.from_record({"id": 1, "image": photo}).images == (ImageRef(path=str(Path(photo))),)
