"""Damage of every kind: named, counted, set aside, and the rows around it read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product

_MEGABYTE = 1_000_000


def test_all_of_it_in_one_file(tmp_path: Path) -> None:
    """Wrong encoding, broken quotes, a cell of 100 MB, unknown columns, ids that come again."""
    path = tmp_path / "in.csv"
    with path.open("wb") as file:
        file.write("id,title,Größe?\n1,gut,S\n".encode())
        file.write(b"2,\xe4lter,M\n" + b'3,"lost,L\n4,"x"y,S\n')
        file.write(b"5,")
        for _ in range(100):
            file.write(b"x" * _MEGABYTE)
        file.write(b",M\n1,again,S\n6,fine,L\n,none,S\n")
    reader = read_catalog(path)
    found = list(reader)
    products = [row for row in found if isinstance(row, Product)]
    assert [(product.id, product.title, product.extra["Größe?"]) for product in products] == [
        ("1", "gut", "S"),
        ("2", "älter", "M"),
        ("6", "fine", "L"),
    ]
    rejected = {row.row: (row.id, row.error) for row in found if isinstance(row, RejectedRow)}
    assert list(rejected) == [3, 4, 5, 6, 8]
    for row, id_, words in (
        (3, "3", "quote is opened and never closed"),
        (4, "4", "after a closing quote"),
        (5, "5", "more than 16,000,000 characters"),
        (6, "1", "stands already in row 1"),
        (8, None, "'id' is missing"),
    ):
        assert rejected[row][0] == id_ and words in rejected[row][1]
    (warning,) = reader.warnings
    assert "line 3 is not UTF-8" in warning


_PEAK = """
import resource, sys
from pathlib import Path
from pumgpt.catalog.formats.registry import read_catalog
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(1 for _ in read_catalog(Path(sys.argv[1])))
print(count, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def _read(path: Path) -> tuple[int, int]:
    """(rows, by how many MiB the memory grew), measured in a process of its own."""
    run = subprocess.run([sys.executable, "-c", _PEAK, str(path)], capture_output=True, text=True, check=True)
    count, grown = map(int, run.stdout.split())
    return count, grown


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
@pytest.mark.parametrize("kind", ["csv", "shopify", "jsonl", "xml"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, kind: str) -> None:
    """20,000 rows of 1.2 kB are 24 MB; what stays of a row is its id, in some dozen bytes."""
    text, num_rows = "long words " * 100, 20_000
    path = tmp_path / f"in.{'csv' if kind == 'shopify' else kind}"
    before, row, after = {
        "csv": ("id,title,note\n", "{n},Thing {n},{text}\n", ""),
        "shopify": ("Handle,Title,Body (HTML),Image Src\n", "h{n},Thing {n},{text},a.jpg\n", ""),
        "jsonl": ("", '{{"id": "{n}", "title": "Thing", "note": "{text}"}}\n', ""),
        "xml": (
            '<rss xmlns:g="http://base.google.com/ns/1.0"><channel>',
            "<item><g:id>{n}</g:id><title>{text}</title></item>\n",
            "</channel></rss>",
        ),
    }[kind]
    with path.open("w") as file:
        file.write(before)
        file.writelines(row.format(n=number, text=text) for number in range(num_rows))
        file.write(after)
    count, grown_mib = _read(path)
    assert count == num_rows
    assert grown_mib < 12
