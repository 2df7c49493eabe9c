"""Rows a second and peak memory of reading a catalogue and writing it back, in each format and at any length.

    python benchmarks/catalogue.py --rows 20000 200000
    python benchmarks/catalogue.py --rows 20000 200000 --before ../before/.venv/bin/python

The rows are made up, 0.6 kB each. Each run is a process of its own that reads the file, then reads it again and writes it with
an answer for every product as `enrich` does, but without a model; JSON lines are written by the journal of the run, which is
what `enrich` does. Times are of the processor, medians over the rounds; `--before` runs another build by turns, so that
whatever else the machine does meets both, and its formats that have the same name are compared. The last line is JSON.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from builds import Build, builds_of, middle, peak_mib, speed_up

TEXT = "long words about a thing " * 14
ROW_GROUP = 10_000


class Form(NamedTuple):
    """Files of one format: their ending, what stands before the products, one product, what stands after them."""

    ending: str
    head: str
    product: str
    tail: str = ""


FORMS = {
    "CSV": Form(
        ".csv",
        "id,title,description,images,category,brand,price,colour\n",
        '{n},Thing {n},"{text}, and more",photos/{n}.jpg|photos/{n}_2.jpg,Clothing > Shirts,Brand,{n}.99,\n',
    ),
    "TSV": Form(
        ".tsv",
        "id\ttitle\tdescription\timages\tcategory\tbrand\tprice\tcolour\n",
        "{n}\tThing {n}\t{text}\tphotos/{n}.jpg\tClothing > Shirts\tBrand\t{n}.99\t\n",
    ),
    "JSON lines": Form(
        ".jsonl",
        "",
        '{{"id": "{n}", "title": "Thing {n}", "description": "{text}", "images": ["photos/{n}.jpg", "photos/{n}_2.jpg"], '
        '"category": ["Clothing", "Shirts"], "attributes": {{"brand": "Brand", "size": "M"}}, "price": {n}.99}}\n',
    ),
    "Parquet": Form(".parquet", "", ""),
    "Shopify's product CSV": Form(
        ".csv",
        "Handle,Title,Body (HTML),Option1 Name,Option1 Value,Image Src\n",
        "h{n},Thing {n},{text},Size,S,https://cdn.example/{n}.jpg\nh{n},,,,M,\n",
    ),
    "WooCommerce's product CSV": Form(
        ".csv",
        "ID,Type,SKU,Name,Description,Categories,Images,Attribute 1 name,Attribute 1 value(s)\n",
        '{n},simple,s{n},Thing {n},{text},"Sale, Clothing > Shirts",https://cdn.example/{n}.jpg,Size,"S, M"\n',
    ),
    "Magento's product CSV": Form(
        ".csv",
        "sku,store_view_code,attribute_set_code,product_type,categories,name,description,base_image,additional_attributes\n",
        's{n},,Default,simple,Root/Clothing/Shirts,Thing {n},{text},/m/{n}.jpg,"size=S|M,note=a"\n',
    ),
    "PrestaShop's product CSV": Form(
        ".csv",
        'Product ID;Active (0/1);Name *;"Categories (x,y,z...)";Description;"Image URLs (x,y,z...)";'
        "Feature(Name:Value:Position)\n",
        '{n};1;Thing {n};"Sale,Clothing/Shirts";{text};https://cdn.example/{n}.jpg;"Size:S:1,Size:M:2"\n',
    ),
    "Wix's product CSV": Form(
        ".csv",
        "handleId,fieldType,name,description,productImageUrl,collection,productOptionName1,productOptionType1,"
        "productOptionDescription1,additionalInfoTitle1,additionalInfoDescription1\n",
        "p{n},Product,Thing {n},{text},{n}.jpg;{n}_2.jpg,Shirts;Sale,Size,DROP_DOWN,S;M,Material,Cotton\n"
        "p{n},Variant,,,,,,,S,,\n",
    ),
    "Squarespace's product CSV": Form(
        ".csv",
        "Product ID [Non Editable],Variant ID [Non Editable],Product URL,Title,Description,SKU,Option Name 1,"
        "Option Value 1,Categories,Hosted Image URLs\n",
        '{n},{n}a,,Thing {n},{text},s{n},Size,S,"/sale, /clothing/shirts",{n}.jpg {n}_2.jpg\n,{n}b,,,,,,M,,\n',
    ),
    "Etsy's listings": Form(
        ".csv",
        "TITLE,DESCRIPTION,PRICE,TAGS,MATERIALS,IMAGE1,IMAGE2,VARIATION 1 TYPE,VARIATION 1 NAME,VARIATION 1 VALUES,SKU\n",
        'Thing {n},{text},{n}.99,,"Cotton,Linen",{n}.jpg,{n}_2.jpg,,Size,"S,M",s{n}\n',
    ),
    "Amazon's flat file": Form(
        ".txt",
        "TemplateType=fptcustom\tVersion=2021.0625\tThe top 3 rows are for the market only.\t\t\t\n"
        "Seller SKU\tProduct Name\tProduct Description\tMain Image URL\tColor\tDepartment\n"
        "item_sku\titem_name\tproduct_description\tmain_image_url\tcolor_name\tdepartment_name\n",
        "s{n}\tThing {n}\t{text}\thttps://cdn.example/{n}.jpg\t\tmens\n",
    ),
    "Akeneo's product CSV": Form(
        ".csv",
        "sku;categories;enabled;family;groups;name-en_US;description-en_US-ecommerce;picture;color;material\n",
        "s{n};men_shirts,summer;1;clothing;;Thing {n};{text};files/{n}.jpg;;cotton\n",
    ),
    "a Meta catalogue": Form(
        ".csv",
        "id,title,description,image_link,additional_image_link,google_product_category,fb_product_category,color,gender\n",
        "{n},Thing {n},{text},https://cdn.example/{n}.jpg,,Clothing > Shirts,,,female\n",
    ),
    "Open Food Facts' CSV": Form(
        ".csv",
        "code\tproduct_name\tingredients_text\tnova_group\tcountries_tags\tcategories\tbrands\timage_url\n",
        "{n}\tThing {n}\t{text}\t1\ten:france\tFoods, Breads\tBrand\thttps://cdn.example/{n}.jpg\n",
    ),
    "JSON": Form(
        ".json",
        "[",
        '{{"id": "{n}", "title": "Thing {n}", "description": "{text}", "image": "photos/{n}.jpg", "price": {n}.99}},\n',
        '{"id": "last", "title": "Thing"}]\n',
    ),
    "JSON of a shop system's interface": Form(
        ".json",
        '{"products": [',
        '{{"id": {n}, "title": "Thing {n}", "handle": "t{n}", "vendor": "Brand", "body_html": "{text}", "product_type": "Shirts",'
        ' "images": [{{"src": "https://cdn.example/{n}.jpg"}}], "options": [{{"name": "Size", "values": ["S", "M"]}}]}},\n',
        '{"id": -1, "title": "Thing", "handle": "last", "vendor": "Brand", "images": []}]}\n',
    ),
    "schema.org JSON-LD": Form(
        ".jsonld",
        "[",
        '{{"@type": "Product", "sku": "{n}", "name": "Thing {n}", "description": "{text}", "category": "Clothing > Shirts",'
        ' "image": "https://cdn.example/{n}.jpg", "size": "M"}},\n',
        '{"@type": "Product", "sku": "last", "name": "Thing"}]\n',
    ),
    "an Excel workbook": Form(".xlsx", "", ""),
    "a Google Merchant feed": Form(
        ".tsv",
        "id\ttitle\tdescription\timage_link\tavailability\tprice\n",
        "{n}\tThing {n}\t{text}\thttps://cdn.example/{n}.jpg\tin_stock\t{n}.99 EUR\n",
    ),
    "a Google Merchant feed in XML": Form(
        ".xml",
        '<rss xmlns:g="http://base.google.com/ns/1.0"><channel>\n',
        "<item><g:id>{n}</g:id><title>Thing {n}</title><g:description>{text}</g:description></item>\n",
        "</channel></rss>\n",
    ),
}
"""By the name that the registry's format has. A format without an entry is named, and not timed."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Time reading and writing catalogues, and measure their memory.")
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--format", choices=[*FORMS], nargs="+", default=[*FORMS])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", metavar="PYTHON", help="interpreter of another build, or the folder of its sources")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(measure(options.measure)))
        return
    builds = builds_of(options.before)
    print("| format | build | products | read, rows/s | read and write, rows/s | by the clock | peak memory |")
    print("|---|---|---|---|---|---|---|")
    found: dict[str, dict[str, Any]] = {"ratios": {}, "ranges": {}, "read_ratios": {}, "peak_growth_mib": {}}
    for name in options.format:
        runs = {rows: take_turns(name, rows, builds, options.rounds) for rows in sorted(options.rows)}
        for rows, by_build in runs.items():
            for build, measured in by_build.items():
                print(table_row(name, build, rows, measured), flush=True)
        shortest, longest = runs[min(runs)], runs[max(runs)]
        if "now" not in shortest:
            sys.exit(f"{name}: this build reads the file as another format; mend its entry in FORMS")
        growth = middle(longest["now"], "peak_mib") - middle(shortest["now"], "peak_mib")
        found["peak_growth_mib"][name] = round(growth, 1)
        if "before" in longest:
            found["read_ratios"][name], _ = speed_up(longest, "read_s")
            found["ratios"][name], found["ranges"][name] = speed_up(longest, "whole_s")
    print(json.dumps({**found, "not_timed": not_timed()}))


def take_turns(name: str, rows: int, builds: dict[str, Build], rounds: int) -> dict[str, list[dict[str, Any]]]:
    """The runs of each build over one file, by turns; a build that takes the file for another format has none."""
    runs: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder), name, rows)
        for _ in range(rounds):
            for build, process in builds.items():
                run = process.measure(__file__, str(file))
                if run["format"] == name:
                    runs.setdefault(build, []).append(run)
    return runs


def table_row(name: str, build: str, rows: int, runs: list[dict[str, Any]]) -> str:
    speeds = (f"{rows / middle(runs, key):,.0f}" for key in ("read_s", "whole_s", "clock_s"))
    return f"| {name} | {build} | {rows:,} | {' | '.join(speeds)} | {middle(runs, 'peak_mib'):.0f} MiB |"


def not_timed() -> list[str]:
    """Formats that the registry has and `FORMS` hasn't: photos without a table, and what is only read."""
    from pumgpt.catalog.formats.registry import formats

    return [known.name for known in formats() if known.name not in FORMS and not known.is_folder]


def write(folder: Path, name: str, rows: int) -> Path:
    """A catalogue of `rows` products."""
    form = FORMS[name]
    file = folder / f"in{form.ending}"
    if form.ending == ".parquet":
        write_parquet(file, rows)
        return file
    if form.ending == ".xlsx":
        write_workbook(file, rows)
        return file
    with file.open("w", encoding="utf-8") as out:
        out.write(form.head)
        out.writelines(form.product.format(n=number, text=TEXT) for number in range(rows))
        out.write(form.tail)
    return file


def write_parquet(file: Path, rows: int) -> None:
    """The products of the JSON lines, in row groups of 10,000."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    product = FORMS["JSON lines"].product
    first = json.loads(product.format(n=0, text=TEXT))
    schema = pa.Table.from_pylist([first]).schema
    with pq.ParquetWriter(file, schema) as out:
        for start in range(0, rows, ROW_GROUP):
            numbers = range(start, min(start + ROW_GROUP, rows))
            records = [json.loads(product.format(n=number, text=TEXT)) for number in numbers]
            out.write_table(pa.Table.from_pylist(records, schema=schema))


def write_workbook(file: Path, rows: int) -> None:
    """The products of the CSV in one sheet."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    form = FORMS["CSV"]
    lines = (form.product.format(n=number, text=TEXT) for number in range(rows))
    for cells in csv.reader(chain([form.head], lines)):
        sheet.append(cells)
    book.save(file)


def measure(file: Path) -> dict[str, Any]:
    """Seconds of the processor (`clock_s`: of the clock) for reading `file`, and for reading it and writing it with
    answers (`whole_s`); the peak of this process.
    """
    from pumgpt.catalog.formats.registry import read_catalog
    from pumgpt.catalog.product import Product
    from pumgpt.enrich import job  # noqa: F401  # imported before the clock starts

    reader = read_catalog(file)
    began = time.process_time()
    count = sum(isinstance(row, Product) for row in reader)
    read_s = time.process_time() - began
    began, began_clock = time.process_time(), time.monotonic()
    there_and_back(reader, file.with_name(f"out{file.suffix}"))
    return {
        "format": reader.format.name,
        "products": count,
        "read_s": read_s,
        "whole_s": time.process_time() - began,
        "clock_s": time.monotonic() - began_clock,
        "peak_mib": peak_mib(),
    }


def there_and_back(reader: Any, out: Path) -> None:
    """Write the catalogue with answers that are ready."""
    from pumgpt.catalog.formats.output import open_writer
    from pumgpt.catalog.product import Product
    from pumgpt.enrich.job import BATCH_PRODUCTS, EnrichJournal

    answer = ready_answer()
    names = [field.name for field in answer.attributes or ()]
    if out.suffix == ".jsonl":
        with EnrichJournal.open(out, {}, restart=True) as journal:
            for number, row in enumerate(reader, start=1):
                answer.id = row.id
                journal.add(answer)
                if number % BATCH_PRODUCTS == 0:
                    journal.commit()
            journal.commit(finished=True)
        return
    with open_writer(out, reader, attribute_names=names) as writer:
        for row in reader:
            if isinstance(row, Product):
                answer.id = row.id
                writer.write(row, answer)


def ready_answer() -> Any:
    """What a model might say of a product: a caption, its category, six attributes."""
    from pumgpt.catalog.understanding import AttributeField, CaptionField, CategoryField, ModelInfo, Understanding

    values = {"colour": "Blue", "gender": "Women", "season": "Summer", "usage": "Casual", "fabric": ["Cotton", "Linen"]}
    fields = [
        AttributeField(name=name, value=value, confidence=0.912345, status="filled") for name, value in values.items()
    ]
    fields.append(AttributeField(name="pattern", value=None, confidence=0.2, status="abstained"))
    return Understanding(
        id="",
        caption=CaptionField(text="A blue shirt with short sleeves", confidence=0.8),
        category=CategoryField(path=["Clothing", "Shirts"], confidence=0.95, status="kept"),
        attributes=fields,
        model=ModelInfo(name="none", revision="0"),
    )


if __name__ == "__main__":
    main()
