"""Pages that carry everything themselves: no script, no network, light and dark, from a phone to print."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import jinja2

from pumgpt.catalog.formats.base import RejectedRow

MAX_REASONS = 5


@cache
def templates(package: str) -> jinja2.Environment:
    """The templates of `package`, which may include `page_head.html.jinja`, the head that all pages have."""
    # Listings and answers are other people's texts: they must not become markup.
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(package), jinja2.PackageLoader("pumgpt.reports")]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals["stylesheet"] = (files("pumgpt.reports") / "templates" / "report.css").read_text("utf-8")
    return environment


def emptiness_of_rows(num_rejected: int, rejected: Iterable[RejectedRow]) -> dict[str, Any]:
    """Why a page shows no product, what to do, and the first reasons."""
    if not num_rejected:
        heading, advice = "The catalogue has no rows", "pumgpt look CATALOGUE shows how a file is read."
        return {"heading": heading, "advice": advice, "reasons": []}
    return {
        "heading": "The only row was set aside" if num_rejected == 1 else f"All {num_rejected:,} rows were set aside",
        "advice": "Every one is in OUT.rejected.jsonl, with its reason.",
        "reasons": [f"row {row.row}: {row.error}" for row in islice(rejected, MAX_REASONS)],
    }


def write_page(path: Path, parts: Iterable[str]) -> None:
    """Write a page part by part, so that one of any size needs the memory of a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Renamed when it is whole: a run that is killed leaves the earlier page, not half of a new one.
    unfinished = path.with_name(path.name + ".new")
    with unfinished.open("w", encoding="utf-8", errors="replace") as page:
        page.writelines(parts)
    unfinished.replace(path)
