"""`pumgpt ask`: everything about one product, from its photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pumgpt.cli.options import json_option, model_options, precision_option, url_option, vocabulary_options

if TYPE_CHECKING:
    from pumgpt.backends.calibration import PrecisionOf
    from pumgpt.backends.registry import MemoryUse


@click.command("ask")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--title", metavar="T", help="The product's title, where it has one.")
@click.option("--task", "tasks", multiple=True, metavar="NAME", help="caption, category, attributes, ...; repeatable.")
@click.option("--question", "questions", multiple=True, metavar="Q", help="Ask this too; repeatable.")
@url_option
@vocabulary_options
@precision_option
@model_options
@json_option
@click.option("--evidence", is_flag=True, help="With --json: where in the photo each answer comes from.")
def command(
    images: tuple[str, ...],
    title: str | None,
    tasks: tuple[str, ...],
    questions: tuple[str, ...],
    allow_private_urls: bool,
    taxonomy: Path | None,
    schema: Path | None,
    category_map: Path | None,
    value_map: Path | None,
    precision: float,
    precision_of: PrecisionOf,
    model: str,
    device: str | None,
    batch_size: int | None,
    memory: MemoryUse,
    as_json: bool,
    evidence: bool,
) -> None:
    """Ask a model about one product; several IMAGEs, files or URLs, are photos of the same one."""
    from pumgpt.catalog.photos.download import PhotoDownloads
    from pumgpt.catalog.product import Product
    from pumgpt.cli.console import print_json, quiet_stdout, say
    from pumgpt.tasks.registry import get_task
    from pumgpt.understand.ask import understand_one
    from pumgpt.understand.intake import open_product
    from pumgpt.understand.plan import load_crosswalk, load_vocabulary, make_plan
    from pumgpt.understand.remarks import vocabulary_remarks

    for name in tasks:
        get_task(name)  # raises for an unknown name
    own_taxonomy, own_schema = load_vocabulary(taxonomy, schema)
    crosswalk = load_crosswalk(category_map, taxonomy)
    name = Path(images[0].partition("?")[0]).stem
    product = Product.from_record({"id": name, "images": list(images), "title": title or None})
    # Photos before the model: one that can't be used should not cost the seconds of loading it.
    with PhotoDownloads(allow_private=allow_private_urls) as downloads:
        intake = open_product(product, downloads)
    with quiet_stdout():
        from pumgpt.backends.load import load_backend

        backend = load_backend(model, device, batch_size, memory)
        plan = make_plan(
            backend,
            tasks=tasks or None,
            taxonomy=own_taxonomy,
            schema=own_schema,
            crosswalk=crosswalk,
            value_map=value_map,
            questions=questions,
            precision=precision,
            precision_of=precision_of,
            evidence=evidence,
        )
        for remark in vocabulary_remarks(backend, plan):
            say(remark)
        record = understand_one(backend, plan, intake)
    if as_json:
        print_json(record.to_json())
        return
    from rich.console import Console

    from pumgpt.cli.ask_view import view

    Console(highlight=False).print(view(record, title))
