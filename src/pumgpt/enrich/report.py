"""The HTML report: one self-contained page with every product's photo, its fields and what they rest on.

Cards are written during the run to `R.html.part`, one JSON line each; `finish` puts the head with its counts before them.
Only the counts are kept in memory, and a resumed run finds its cards again.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Self

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.enrich.report_card import Photos, card_context
from pumgpt.enrich.summary import Summary, stated_fields
from pumgpt.errors import UsageError
from pumgpt.reports.page import emptiness_of_rows, templates, write_page

LABELS = {"filled": "filled", "kept": "kept", "conflict": "conflicts", "abstained": "left empty"}
STATUSES = tuple(LABELS)
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
            "html": _render("card", **context),
        }
        self._tallies.add(line)
        self._file.write(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n")

    def flush(self) -> None:
        """Make the cards added so far survive a kill."""
        self._file.flush()

    def finish(self, summary: Summary | None = None, rejected: Iterable[RejectedRow] = ()) -> None:
        """Write the page and remove the part file. `rejected`: rows that were set aside; the first say why a page is empty."""
        self._file.close()
        head = _render("head", **self._tallies.head(self.title, summary, rejected))
        cards = (f"{card}\n" for card in self._cards())
        write_page(self.path, chain([head, "\n"], cards, [_render("foot"), "\n"]))
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

    def head(self, title: str, summary: Summary | None, rejected: Iterable[RejectedRow]) -> dict[str, Any]:
        total = Counter[str]()
        for counts in self.fields.values():
            total.update(counts)
        tiles = [_tile("products", f"{self.products:,}")]
        tiles += [_tile(LABELS[status], f"{total[status]:,}", status) for status in STATUSES]
        if summary and summary.rejected:
            tiles.append(_tile("rows set aside", f"{summary.rejected:,}"))
        if summary and summary.products_per_second:
            tiles.append(_tile("products a second", f"{summary.products_per_second:.1f}"))
        worth = {count.name: count.precision for count in summary.fields} if summary else {}
        return {
            "title": title,
            "lead": f"Answered by {', '.join(self.models)}. {_abstained_share(total)}" if self.models else "",
            "target": summary.target if summary else None,
            "tiles": tiles,
            "fields": [_overview(name, counts, worth.get(name)) for name, counts in self._first_fields()],
            "has_worth": any(precision is not None for precision in worth.values()),
            "fields_left_out": max(len(self.fields) - MAX_FIELDS, 0),
            "conflicts": self.flags["conflict"],
            "abstained": self.flags["abstained"],
            "warned": self.flags["warning"],
            "empty": self._emptiness(total, summary, rejected),
        }

    def _first_fields(self) -> list[tuple[str, Counter[str]]]:
        return list(self.fields.items())[:MAX_FIELDS]

    def _emptiness(
        self, total: Counter[str], summary: Summary | None, rejected: Iterable[RejectedRow]
    ) -> dict[str, Any] | None:
        """Why a page shows nothing that the model filled in, and what to do; None where it does."""
        if not self.products:
            return emptiness_of_rows(summary.rejected if summary else 0, rejected)
        if not total.total():
            heading, advice = (
                "No fields were asked",
                "Ask for categories and attributes with --tasks, --taxonomy or --schema.",
            )
        elif total["kept"] == total.total():
            heading = "Nothing was missing"
            advice = "Every field had a value of the shop's, and the model is sure of no other. --overwrite-values replaces them."
        elif total["abstained"] == total.total():
            heading = "Every field was left empty"
            advice = (
                "The model is of no field as sure as was asked. A lower --precision fills more, with more errors; for "
                "products that it never saw, pumgpt remember teaches it your own labels."
            )
        else:
            return None
        return {"heading": heading, "advice": advice, "reasons": []}


def _tile(label: str, number: str, status: str = "") -> dict[str, str]:
    return {"label": label, "number": number, "status": status}


def _abstained_share(total: Counter[str]) -> str:
    count = total.total()
    if not count:
        return ""
    return f"Of {count:,} fields, {total['abstained']:,} ({total['abstained'] / count:.0%}) were left empty rather than guessed."


def _overview(name: str, counts: Counter[str], precision: float | None) -> dict[str, Any]:
    total = counts.total()
    shares = [(status, round(100 * counts[status] / total, 1)) for status in STATUSES if counts[status]]
    worth = None if precision is None else int(100 * precision + 1e-9)
    return {"name": name, "total": f"{total:,}", "filled": f"{counts['filled']:,}", "shares": shares, "worth": worth}


def _render(name: str, **context: Any) -> str:
    return templates("pumgpt.enrich").get_template(f"{name}.html.jinja").render(context)
