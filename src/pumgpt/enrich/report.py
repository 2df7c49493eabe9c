"""The HTML report: one self-contained page with every product's photo, its fields and their heatmaps.

Cards are written during the run to `R.html.part`, one JSON line each; `finish` puts the head with its counts before them.
Only the counts are kept in memory, and a resumed run finds its cards again.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import jinja2

from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.enrich.report_card import Photos, card_context
from pumgpt.enrich.summary import Summary, stated_fields
from pumgpt.errors import UsageError

STATUSES = ("filled", "kept", "conflict", "abstained")
MAX_FIELDS = 40
"""Fields in the overview: a user may ask any number of questions."""


class ReportWriter:
    """Takes one product at a time; `finish` makes the page. Without `finish` the cards stay for the next run."""

    def __init__(self, path: Path, title: str, keep: Collection[str] = ()) -> None:
        """`keep`: ids of the rows that an interrupted run has finished; their cards are kept."""
        self.path, self.title = path, title
        self._part = path.with_name(path.name + ".part")
        self._tallies = _Tallies()
        path.parent.mkdir(parents=True, exist_ok=True)
        size = self._keep(keep)
        missing = len(keep) - self._tallies.products
        if missing:
            raise UsageError(f"{path}: {missing} rows were done without a report; begin anew with --restart")
        self._file = self._part.open("ab")
        self._file.truncate(size)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()

    def add(self, product: Product, photos: Photos, understanding: Understanding) -> None:
        """`photos`: one for each photo of the product, None where it could not be opened."""
        context = card_context(product, photos, understanding)
        line = {
            "id": understanding.id,
            "model": understanding.model.name,
            "revision": understanding.model.revision,
            "fields": [(name, field.status) for name, field in stated_fields(understanding)],
            "flags": context["flags"],
            "html": _template("card").render(context),
        }
        self._tallies.add(line)
        self._file.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")

    def flush(self) -> None:
        """Make the cards added so far survive a kill."""
        self._file.flush()

    def finish(self, summary: Summary | None = None) -> None:
        """Write the page and remove the part file."""
        self._file.close()
        # Card by card, so that a report of any size needs the memory of one; renamed at the end, so that no page is cut off.
        unfinished = self.path.with_name(self.path.name + ".new")
        with unfinished.open("w", encoding="utf-8") as page:
            page.write(_template("head").render(self._tallies.head(self.title, summary), css=_read("report.css")))
            for card in self._cards():
                page.write(card + "\n")
            page.write(_template("foot").render() + "\n")
        unfinished.replace(self.path)
        self._part.unlink()

    def _keep(self, ids: Collection[str]) -> int:
        """Count the cards of `ids`, which come before all others. Returns the number of bytes up to their end."""
        size = 0
        if ids and self._part.exists():
            with self._part.open("rb") as part:
                for text in part:
                    line = json.loads(text) if text.endswith(b"\n") else {}  # a killed run may leave half a line
                    if line.get("id") not in ids:
                        break
                    self._tallies.add(line)
                    size += len(text)
        return size

    def _cards(self) -> Iterator[str]:
        with self._part.open("rb") as part:
            for text in part:
                yield json.loads(text)["html"]


class _Tallies:
    """The counts in the head of the report, added up card by card."""

    def __init__(self) -> None:
        self.products = 0
        self.models: dict[str, None] = {}
        self.fields: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.flags: Counter[str] = Counter()

    def add(self, line: dict[str, Any]) -> None:
        self.products += 1
        self.models[f"{line['model']} ({line['revision']})"] = None
        self.flags.update(line["flags"])
        for name, status in line["fields"]:
            self.fields[name][status] += 1

    def head(self, title: str, summary: Summary | None) -> dict[str, Any]:
        total = Counter[str]()
        for counts in self.fields.values():
            total.update(counts)
        tiles = [_tile("products", f"{self.products:,}")]
        tiles += [_tile(status, f"{total[status]:,}", status) for status in STATUSES]
        if summary and summary.rejected:
            tiles.append(_tile("rows set aside", f"{summary.rejected:,}"))
        if summary and summary.products_per_second:
            tiles.append(_tile("products a second", f"{summary.products_per_second:.1f}"))
        return {
            "title": title,
            "lead": " ".join(
                (
                    f"Read by {', '.join(self.models) or 'no model'}.",
                    _abstained_share(total),
                    *([f"Asked was: {summary.target}."] if summary and summary.target else ()),
                )
            ),
            "tiles": tiles,
            "fields": [_overview(name, counts) for name, counts in list(self.fields.items())[:MAX_FIELDS]],
            "conflicts": self.flags["conflict"],
            "abstained": self.flags["abstained"],
            "warned": self.flags["warning"],
        }


def _tile(label: str, number: str, status: str = "") -> dict[str, str]:
    return {"label": label, "number": number, "status": status}


def _abstained_share(total: Counter[str]) -> str:
    count = total.total()
    if not count:
        return "No fields were asked."
    return f"Of {count:,} fields, {total['abstained']:,} ({total['abstained'] / count:.0%}) were left empty rather than guessed."


def _overview(name: str, counts: Counter[str]) -> dict[str, Any]:
    total = counts.total()
    shares = [(status, round(100 * counts[status] / total, 1)) for status in STATUSES if counts[status]]
    return {"name": name, "total": total, "answered": total - counts["abstained"], "shares": shares}


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=False)


@cache
def _template(name: str) -> jinja2.Template:
    return _environment().from_string(_read(f"{name}.html.jinja"))


@cache
def _read(name: str) -> str:
    return (files("pumgpt.enrich") / "templates" / name).read_text(encoding="utf-8")
