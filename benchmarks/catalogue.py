"""Rows a second and peak memory of reading a catalogue and writing it back, in each format and at any length.

    python benchmarks/catalogue.py --rows 100000 1000000

The rows are made up, 0.4 kB each. Each run is a process of its own that reads the file, and writes it with an answer for every
product as `enrich` does, but without a model: JSON lines to Parquet, as JSON lines out are the answers themselves.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

TEXT = "long words about a thing " * 14
FORMS = {
    "CSV": (".csv", "id,title,description,colour\n", "{n},Thing {n},{text},\n", ""),
    "JSON lines": (".jsonl", "", '{{"id": "{n}", "title": "Thing {n}", "description": "{text}"}}\n', ""),
    "Shopify CSV": (
        ".csv",
        "Handle,Title,Body (HTML),Option1 Value,Image Src\n",
        "h{n},Thing {n},{text},S,https://cdn.example/{n}.jpg\nh{n},,,M,\n",
        "",
    ),
    "Google text": (
        ".tsv",
        "id\ttitle\tdescription\timage_link\n",
        "{n}\tThing {n}\t{text}\thttps://cdn.example/{n}.jpg\n",
        "",
    ),
    "Google XML": (
        ".xml",
        '<rss xmlns:g="http://base.google.com/ns/1.0"><channel>\n',
        "<item><g:id>{n}</g:id><title>Thing {n}</title><g:description>{text}</g:description></item>\n",
        "</channel></rss>\n",
    ),
}
"""Format -> ending of its files, what stands before the products, one product, what stands after them."""
PARQUET = "Parquet"
ROW_GROUP = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the memory of reading and writing catalogues.")
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--format", choices=[*FORMS, PARQUET], nargs="+", default=[*FORMS, PARQUET])
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.file is not None:
        there_and_back(options.file)
        return
    print("| format | products | rows a second | peak memory |\n|---|---|---|---|")
    for name in options.format:
        for rows in options.rows:
            with tempfile.TemporaryDirectory() as folder:
                file = write(Path(folder), name, rows)
                began = time.monotonic()
                run = [sys.executable, __file__, "--file", str(file)]
                count, peak_mib = map(int, subprocess.run(run, check=True, stdout=subprocess.PIPE).stdout.split())
                seconds = time.monotonic() - began
            print(f"| {name} | {count:,} | {count / seconds:,.0f} | {peak_mib} MiB |", flush=True)


def write(folder: Path, name: str, rows: int) -> Path:
    """A catalogue of `rows` products."""
    if name == PARQUET:
        return write_parquet(folder / "in.parquet", rows)
    ending, before, row, after = FORMS[name]
    file = folder / f"in{ending}"
    with file.open("w", encoding="utf-8") as out:
        out.write(before)
        out.writelines(row.format(n=number, text=TEXT) for number in range(rows))
        out.write(after)
    return file


def write_parquet(file: Path, rows: int) -> Path:
    """The same products, in row groups of 10,000."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(column, pa.string()) for column in ("id", "title", "description")])
    with pq.ParquetWriter(file, schema) as out:
        for start in range(0, rows, ROW_GROUP):
            numbers = range(start, min(start + ROW_GROUP, rows))
            records = [{"id": str(n), "title": f"Thing {n}", "description": f"{n} {TEXT}"} for n in numbers]
            out.write_table(pa.Table.from_pylist(records, schema=schema))
    return file


def there_and_back(file: Path) -> None:
    """Write the catalogue with answers beside itself; prints the number of products and this process's peak in MiB."""
    from pumgpt.catalog.formats.output import open_writer
    from pumgpt.catalog.formats.registry import read_catalog
    from pumgpt.catalog.product import Product
    from pumgpt.catalog.understanding import AttributeField, ModelInfo, Understanding

    colour = AttributeField(name="colour", value="Blue", confidence=0.9, status="filled")
    model = ModelInfo(name="none", revision="0")
    reader = read_catalog(file)
    out = file.with_name(f"out{'.parquet' if file.suffix == '.jsonl' else file.suffix}")

    def answered() -> Iterator[tuple[Product, Understanding]]:
        for row in reader:
            if isinstance(row, Product):
                yield row, Understanding(id=row.id, attributes=[colour], model=model)

    count = 0
    with open_writer(out, reader, attribute_names=["colour"]) as writer:
        for product, answer in answered():
            writer.write(product, answer)
            count += 1
    print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


if __name__ == "__main__":
    main()
