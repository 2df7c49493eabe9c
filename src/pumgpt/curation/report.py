"""The report of a curation: one self-contained page with counts, examples, a reliability diagram, and a judge's bill."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any

import jinja2

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

PHOTO_PX = 160
MAX_ATTRIBUTES = 60
EXAMPLES_OF_A_REASON = 2
EXAMPLES_OF_A_VERDICT = 12
LETTERS_OF_A_TOKEN = 4
"""About; English text in the tokenizers of today."""

Row = tuple[Product, list[dict[str, Any]]]


@dataclass
class Tallies:
    """What the page tells, gathered row by row in bounded memory."""

    operating_point: float
    values: int = 0
    by_attribute: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    by_reason: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Attribute, verdict, deciding expert."""
    open_values: int = 0
    letters: int = 0
    open_letters: int = 0
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    _shown: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, product: Product, verdicts: Iterable[dict[str, Any]]) -> None:
        for verdict in verdicts:
            reason = (verdict["name"], verdict["verdict"], verdict["expert"])
            self.values += 1
            self.by_attribute[verdict["name"]][verdict["verdict"]] += 1
            self.by_reason[reason] += 1
            letters = len(SYSTEM) + len(claim_prompt(product, Claim(verdict["name"], verdict["value"])))
            self.letters += letters
            if not is_settled(verdict["score"], _said(verdict), self.operating_point, DEFAULT_MARGIN):
                self.open_values += 1
                self.open_letters += letters
            self._exemplify(product, verdict, reason)

    def _exemplify(self, product: Product, verdict: dict[str, Any], reason: tuple[str, str, str]) -> None:
        of_kind = self.examples[verdict["verdict"]]
        if self._shown[reason] < EXAMPLES_OF_A_REASON and len(of_kind) < EXAMPLES_OF_A_VERDICT:
            self._shown[reason] += 1
            evidence = {name: _plain(what) for name, what in verdict["evidence"].items()}
            of_kind.append({**verdict, "photo": _photo(product), "title": product.title, "seen": evidence})


def write_report(path: Path, source: Source, answers: Path, summary: CurationSummary, fusion: Fusion) -> None:
    """Write the page. `answers` are the run's lines, each with an `id` and its `verdicts`, in the order of `source`."""
    tallies = Tallies(fusion.operating_point)
    for product, verdicts in _rows(source, answers):
        tallies.add(product, verdicts)
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        (files("pumgpt.curation") / "templates" / "report.html.jinja").read_text(encoding="utf-8")
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.write_text(template.render(context(tallies, summary, source.path.name)), encoding="utf-8")
    unfinished.replace(path)


def context(tallies: Tallies, summary: CurationSummary, catalog: str) -> dict[str, Any]:
    """Everything that the template names."""
    return {
        "catalog": catalog,
        "summary": summary,
        "operating_point": tallies.operating_point,
        "verdicts": [{"key": str(v), "label": v.replace("_", " "), "count": summary.verdicts[v]} for v in Verdict],
        "attributes": [_overview(tallies, name) for name in list(tallies.by_attribute)[:MAX_ATTRIBUTES]],
        "left_out": max(len(tallies.by_attribute) - MAX_ATTRIBUTES, 0),
        "experts": [_calls(summary, name) for name in summary.experts],
        "examples": [(v.replace("_", " "), str(v), tallies.examples[v]) for v in Verdict if tallies.examples[v]],
        "judge": _bill(tallies, summary),
        "reliability": load_reliability(),
    }


def load_reliability() -> dict[str, Any]:
    """Bins of the fused score, and how often the value was supported: `experiments/curation_titles/run.py --reliability`."""
    content = (files("pumgpt.curation") / "reliability.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(content)
    return found


def _rows(source: Source, answers: Path) -> Iterator[Row]:
    products = iter(source)
    with answers.open("rb") as lines:
        for line in lines:
            answer = json.loads(line)
            product = next((product for product in products if product.id == str(answer["id"])), None)
            if product is None:
                raise UsageError(f"{source.path} has changed since its rows were judged; begin anew with --restart")
            yield product, answer["verdicts"]


def _said(verdict: dict[str, Any]) -> list[tuple[str, Verdict]]:
    return [(vote["expert"], Verdict(vote["verdict"])) for vote in verdict["votes"]]


def _overview(tallies: Tallies, name: str) -> dict[str, Any]:
    counts = tallies.by_attribute[name]
    total = counts.total()
    reasons = Counter({key[1:]: count for key, count in tallies.by_reason.items() if key[0] == name})
    return {
        "name": name,
        "total": total,
        "shares": [(str(v), v.replace("_", " "), counts[v], 100 * counts[v] / total) for v in Verdict if counts[v]],
        "reasons": [
            f"{verdict.replace('_', ' ')} by {expert}: {count:,}" for (verdict, expert), count in reasons.most_common(4)
        ],
    }


def _calls(summary: CurationSummary, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "asked": summary.asked[name],
        "spared": summary.spared[name],
        "failed": summary.failed[name],
        "cost_s": summary.costs_s[name],
        "saved_s": summary.saved_s(name),
    }


def _bill(tallies: Tallies, summary: CurationSummary) -> dict[str, Any]:
    """What a judge costs about every value, and about those that the experts of this run left open."""
    return {
        "was_asked": summary.asked[JudgeExpert.name],
        "all": tallies.values,
        "all_tokens": tallies.letters // LETTERS_OF_A_TOKEN,
        "all_h": tallies.values * JudgeExpert.cost / 3600,
        "open": tallies.open_values,
        "open_tokens": tallies.open_letters // LETTERS_OF_A_TOKEN,
        "open_h": tallies.open_values * JudgeExpert.cost / 3600,
    }


def _photo(product: Product) -> str | None:
    for ref in islice(product.images, 1):
        try:
            return data_uri(thumbnail(open_photo(ref, at_least_px=PHOTO_PX), PHOTO_PX))
        except PhotoError:
            return None
    return None


def _plain(what: Any) -> str:
    return what if isinstance(what, str) else json.dumps(what, ensure_ascii=False)
