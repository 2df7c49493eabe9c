"""The report of a curation: one self-contained page with counts, examples, a reliability diagram, and the cost of a judge."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.photos.thumbnails import data_uri, thumbnail
from pumgpt.catalog.product import Product
from pumgpt.curation.cascade import DEFAULT_MARGIN, is_settled
from pumgpt.curation.curator import Source
from pumgpt.curation.experts.judge import SYSTEM, JudgeExpert, claim_prompt
from pumgpt.curation.fusion import Fusion
from pumgpt.curation.summary import CurationSummary
from pumgpt.curation.verdict import Claim, Verdict
from pumgpt.errors import PhotoError, UsageError
from pumgpt.reports.page import emptiness_of_rows, templates, write_page

PHOTO_PX = 160
MAX_ATTRIBUTES = 60
EXAMPLES_OF_A_REASON = 2
EXAMPLES_OF_A_VERDICT = 12
CHARACTERS_PER_TOKEN = 4
"""A rough figure for English text in current tokenizers."""


@dataclass
class ReportData:
    """What the page shows, collected row by row in bounded memory."""

    operating_point: float
    values: int = 0
    by_attribute: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    by_reason: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Counts by attribute, verdict and decisive expert."""
    open_values: int = 0
    """Values that no expert of the run has settled: what a judge would be asked about."""
    characters: int = 0
    open_characters: int = 0
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    _shown: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, product: Product, verdicts: Iterable[dict[str, Any]]) -> None:
        for verdict in verdicts:
            reason = (verdict["name"], verdict["verdict"], verdict["expert"])
            self.values += 1
            self.by_attribute[verdict["name"]][verdict["verdict"]] += 1
            self.by_reason[reason] += 1
            prompt = SYSTEM + claim_prompt(product, Claim(verdict["name"], verdict["value"]))
            self.characters += len(prompt)
            votes = [(vote["expert"], Verdict(vote["verdict"])) for vote in verdict["votes"]]
            if not is_settled(verdict["score"], votes, self.operating_point, DEFAULT_MARGIN):
                self.open_values += 1
                self.open_characters += len(prompt)
            # Few for each reason, so that one frequent attribute doesn't take up the page.
            examples = self.examples[verdict["verdict"]]
            if self._shown[reason] < EXAMPLES_OF_A_REASON and len(examples) < EXAMPLES_OF_A_VERDICT:
                self._shown[reason] += 1
                examples.append(
                    {**verdict, "photo": _photo(product), "title": product.title, "seen": _seen(verdict["evidence"])}
                )


def write_report(
    path: Path,
    source: Source,
    answers: Path,
    summary: CurationSummary,
    fusion: Fusion,
    rejected: Iterable[RejectedRow] = (),
) -> None:
    """Write the page. `answers` are the lines of the run, each with `id` and `verdicts`, in the order of `source`; the first of
    the `rejected` rows say why a page is empty.
    """
    data = ReportData(fusion.operating_point)
    products = iter(source)
    with answers.open("rb") as lines:
        for line in lines:
            answer = json.loads(line)
            # Rows that were rejected have no line, so the catalogue is read on to the product of this one.
            product = next((product for product in products if product.id == str(answer["id"])), None)
            if product is None:
                raise UsageError(f"{source.path} has changed since its rows were judged; begin anew with --restart")
            data.add(product, answer["verdicts"])
    page = templates("pumgpt.curation").get_template("report.html.jinja")
    write_page(path, [page.render(context(data, summary, source.path.name, rejected))])


def context(
    data: ReportData, summary: CurationSummary, catalog: str, rejected: Iterable[RejectedRow] = ()
) -> dict[str, Any]:
    """The variables of the template."""
    return {
        "title": f"Curation of {catalog}",
        "empty": _emptiness(summary, rejected),
        "summary": summary,
        "operating_point": data.operating_point,
        "verdicts": [{"key": str(v), "label": v.replace("_", " "), "count": summary.verdicts[v]} for v in Verdict],
        "attributes": [_attribute_row(data, name) for name in list(data.by_attribute)[:MAX_ATTRIBUTES]],
        "left_out": max(len(data.by_attribute) - MAX_ATTRIBUTES, 0),
        "experts": [
            {
                "name": name,
                "asked": summary.asked[name],
                "spared": summary.spared[name],
                "failed": summary.failed[name],
                "cost_s": summary.costs_s[name],
                "saved_s": summary.saved_s(name),
            }
            for name in summary.experts
        ],
        "examples": [(v.replace("_", " "), str(v), data.examples[v]) for v in Verdict if data.examples[v]],
        # What a judge costs for all values, and for those that the experts of this run left open.
        "judge": {
            "was_asked": summary.asked[JudgeExpert.name],
            "all": data.values,
            "all_tokens": data.characters // CHARACTERS_PER_TOKEN,
            "all_h": data.values * JudgeExpert.cost / 3600,
            "open": data.open_values,
            "open_tokens": data.open_characters // CHARACTERS_PER_TOKEN,
            "open_h": data.open_values * JudgeExpert.cost / 3600,
        },
        "reliability": load_reliability(),
    }


def _seen(evidence: Mapping[str, Any]) -> dict[str, str]:
    """What an expert saw, for people: the words that it read in a text, and no positions of letters or boxes."""
    seen = {name: value for name, value in evidence.items() if isinstance(value, str | int | float)}
    if "words" in seen and "field" in seen:
        seen = {f"{seen.pop('field')} says": seen.pop("words"), **seen}
        # That a value stands there as it is listed needs no saying.
        if seen.get("as") == "as listed":
            del seen["as"]
    lists = {
        name: ", ".join(v) for name, v in evidence.items() if isinstance(v, list) and all(isinstance(x, str) for x in v)
    }
    return {name: str(value) for name, value in {**seen, **lists}.items()}


def _emptiness(summary: CurationSummary, rejected: Iterable[RejectedRow]) -> dict[str, Any] | None:
    """Why no value was judged, and what to do; None where some were."""
    if summary.values:
        return None
    if summary.rows:
        heading, advice = (
            "No row lists a value",
            "A --schema names the columns that hold attributes; see the notes above.",
        )
        return {"heading": heading, "advice": advice, "reasons": []}
    return emptiness_of_rows(summary.rejected, rejected)


def _attribute_row(data: ReportData, name: str) -> dict[str, Any]:
    counts = data.by_attribute[name]
    total = counts.total()
    reasons = Counter({key[1:]: count for key, count in data.by_reason.items() if key[0] == name})
    return {
        "name": name,
        "total": total,
        "shares": [(str(v), v.replace("_", " "), counts[v], 100 * counts[v] / total) for v in Verdict if counts[v]],
        "reasons": [
            f"{verdict.replace('_', ' ')} by {expert}: {count:,}" for (verdict, expert), count in reasons.most_common(4)
        ],
    }


def load_reliability() -> dict[str, Any]:
    """How often values are supported, by bins of the fused score. Written by `experiments/curation_titles/run.py`."""
    content = (files("pumgpt.curation") / "reliability.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(content)
    return found


def _photo(product: Product) -> str | None:
    for ref in islice(product.images, 1):
        try:
            return data_uri(thumbnail(open_photo(ref, at_least_px=PHOTO_PX), PHOTO_PX))
        except PhotoError:
            return None
    return None
