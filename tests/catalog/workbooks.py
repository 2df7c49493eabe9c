"""Workbooks as tests write, take apart and read them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
from filling import answer
from PIL import Image

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding

SHEET = "xl/worksheets/sheet1.xml"


def read_products(path: Path) -> list[Product]:
    rows = list(read_catalog(path))
    assert not [row for row in rows if isinstance(row, RejectedRow)]
    return [row for row in rows if isinstance(row, Product)]


def save_rows(path: Path, *rows: list[Any], title: str = "Sheet") -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.save(path)
    return book


def parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def rewrite_parts(path: Path, edits: Mapping[str, Callable[[bytes], bytes]], names: Callable[[str], str] = str) -> None:
    parts = parts_of(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(names(name), edits.get(name, bytes)(data))


def png(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()


def red_answer(product: Product) -> Understanding:
    return answer(product, category=["Clothing", "Shirts"], caption="A <red> & white shirt", colour="Red")
