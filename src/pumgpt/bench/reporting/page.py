"""A benchmark as one page for people who are new to benchmarks: no script, no network, photos inside."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from pumgpt.backends.protocol import Backend
from pumgpt.bench.asking.cases import show_listing
from pumgpt.bench.asking.product_fields import sample_products
from pumgpt.bench.asking.runner import make_requests
from pumgpt.bench.baselines.backends import BASELINES, Majority
from pumgpt.bench.benchmark import BenchResult, EvidenceMap, ModelResult
from pumgpt.bench.judging.failures import KINDS, Failure, confusions, count_kinds, worst_slices
from pumgpt.bench.judging.label_noise import LabelNoise
from pumgpt.bench.judging.scoring import Scores
from pumgpt.bench.reporting.headlines import Headline, rows
from pumgpt.bench.reporting.photo_sections import (
    ALTERED_NOTE,
    ALTERED_TITLE,
    NUM_CLAIMS,
    UNLEARNED_NOTE,
    UNLEARNED_TITLE,
    altered_fields,
    claim_row,
    unlearned_rows,
)
from pumgpt.bench.reporting.plots import COLOURS, reliability_svg, risk_coverage_svg
from pumgpt.bench.reporting.results import choose_examples
from pumgpt.bench.stats.comparison import summarise
from pumgpt.bench.stats.intervals import Measured
from pumgpt.bench.suites.items import Item, SuiteData
from pumgpt.bench.suites.suite import IMAGE_ONLY, TITLE_ONLY, TITLE_STRUCK, WITH_TITLE, Suite
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.photos.heat import heat_uri
from pumgpt.catalog.photos.thumbnails import data_uri, inline_picture, thumbnail
from pumgpt.errors import PhotoError
from pumgpt.reports.page import templates, write_page
from pumgpt.understand.occlusion import occlusion_maps

PHOTO_PX = 200
# Photos are inside the page: a few examples make the point, and hundreds would make it too large to mail.
MAX_CONFLICTS = 8
MAX_TEXT = 160
CONDITIONS: Mapping[str, tuple[str, str]] = {
    IMAGE_ONLY: ("From the photo alone", "No text is shown: what is right here was seen."),
    WITH_TITLE: (
        "With the listing's text",
        "Titles often name the answer, so that these figures say less about seeing.",
    ),
    TITLE_STRUCK: (
        "With the answer struck out of the title",
        "Brand and the rest of the title stay; the photo must tell.",
    ),
    TITLE_ONLY: ("From the text alone", "No photo is shown."),
}
KIND_WORDS = {
    "hallucinated value": "stated something that is not true",
    "omission": "left out what it was asked for",
    "near category": "a neighbouring category",
    "wrong branch": "a category from elsewhere",
    "format": "an answer in no form that could be read",
    "over-refusal": "declined what can be told",
    "label in doubt": "the label itself may be wrong",
    "no answer": "no answer at all",
}
KIND_COLOURS = dict(
    # Strict: a new kind of failure without a colour of its own fails here and not in a report.
    zip(KINDS, ("#b3402a", "#d98a3a", "#e3c15c", "#7f5aa5", "#6a6f77", "#3f7cac", "#7fae7a", "#b9bcc1"), strict=True)
)


def write_report(path: Path, result: BenchResult, command: str) -> None:
    """Write the page as one file."""
    write_page(path, [render_report(result, command)])


def render_report(result: BenchResult, command: str) -> str:
    page = templates("pumgpt.bench.reporting").get_template("bench.html.jinja")
    return page.render(_context(result, command))


def _context(result: BenchResult, command: str) -> dict[str, Any]:
    products = sum(item.origin == "product" for item in result.data.items)
    # Baselines are there to compare with; in a run of baselines alone they are what the page is about.
    baselines = (Majority.name, *BASELINES)
    of_interest = [model for model in result.models if model.name not in baselines] or result.models
    colours = {model.name: COLOURS[place % len(COLOURS)] for place, model in enumerate(result.models)}
    return {
        "title": f"PumBench: {result.suite.name}",
        "suite": result.suite,
        "data_hash": result.data.data_hash,
        "command": command,
        "products": products,
        "pictures": len(result.data.items) - products,
        "cases": len(result.cases),
        "models": [{"name": m.name, "revision": m.revision, "colour": colours[m.name]} for m in result.models],
        "short": [line for model in of_interest for line in _in_short(result, model)],
        "conditions": [_condition(result, name, columns, colours) for name, columns in result.scores.items()],
        "differences": summarise(result.comparisons),
        "num_comparisons": len(result.comparisons),
        "calibration": _calibration(result),
        "altered": [one for model in result.models for one in altered_fields(model)],
        "altered_title": ALTERED_TITLE,
        "altered_note": ALTERED_NOTE,
        "num_altered": len(sample_products(result.suite, result.data.items)),
        "unlearned": [_unlearned(result, model) for model in result.models if model.unlearned is not None],
        "unlearned_title": UNLEARNED_TITLE,
        "unlearned_note": UNLEARNED_NOTE,
        "failures": [_failures(result, model) for model in result.models],
        "kinds": [(kind, KIND_WORDS[kind], KIND_COLOURS[kind]) for kind in KINDS],
        "positions": _positions(result),
        "num_groups": len(result.noise.groups),
        "num_conflicts": len(result.noise.conflicts),
        "ceilings": [(c.field, c.groups, str(c.same_photo), str(c.asked)) for c in result.ceilings],
        "conflicts": conflict_cards(result.noise),
        "set_aside": result.data.set_aside,
        "everything": [(CONDITIONS[name][0], _all_rows(columns)) for name, columns in result.scores.items()],
    }


def _in_short(result: BenchResult, model: ModelResult) -> list[str]:
    """A model in one sentence, from the first condition."""
    condition = result.suite.conditions[0]
    scores = result.scores[condition][model.name]
    sentences = []
    for slot, metric, words in (
        ("category", "accuracy", "names the whole category path rightly for {} of 100 products"),
        ("attribute_qa", "accuracy", "names an attribute's value rightly {} times in 100"),
        ("hallucination", "untrue values", "of 100 values that it states, {} are not true"),
        ("refusals", "recall", "says that it can't tell for {} of 100 questions without an answer"),
        ("refusals", "over-refusal", "declines {} of 100 questions that can be answered"),
    ):
        m = scores.get(slot, {}).get(metric)
        # A suite may not ask the task, or ask it of no product.
        if m is not None and not math.isnan(m.value):
            # The interval stands beside the figure even here: it is what keeps people from reading noise.
            sentences.append(words.format(f"{100 * m.value:.0f} ({100 * m.low:.0f} to {100 * m.high:.0f})"))
    where = CONDITIONS[condition][0].lower()
    return [f"{model.name}, {where}: " + "; ".join(sentences) + "."] if sentences else []


def _condition(
    result: BenchResult, condition: str, columns: Mapping[str, Scores], colours: Mapping[str, str]
) -> dict[str, Any]:
    ceilings = {c.field: c.same_photo.value for c in result.ceilings if c.groups}
    title, note = CONDITIONS[condition]
    return {
        "title": title,
        "note": note,
        "rows": [_row(headline, cells, colours, ceilings) for headline, cells in rows(columns)],
    }


def _row(
    headline: Headline, cells: Mapping[str, Measured], colours: Mapping[str, str], ceilings: Mapping[str, float]
) -> dict[str, Any]:
    # Ceilings are of fields; only the category is also a slot with an accuracy.
    ceiling = ceilings.get(headline.slot) if headline.metric == "accuracy" else None
    # CIDEr-D is the one score that isn't a share; it ends at 10.
    full = 1.0 if headline.share else 10.0
    bars = [
        {
            "model": model,
            "colour": colours[model],
            "number": "n/a" if math.isnan(m.value) else f"{m.value:.2f}" if full > 1 else f"{100 * m.value:.1f} %",
            "width": _percent(m.value / full),
            "low": _percent(m.low / full),
            "span": _percent((m.high - m.low) / full),
            "title": str(m),
        }
        for model, m in cells.items()
    ]
    return {
        "name": headline.name,
        "meaning": headline.meaning,
        "low_is_good": headline.low_is_good,
        "bars": bars,
        "ceiling": None if ceiling is None else _percent(ceiling),
    }


def _percent(share: float) -> float:
    return 0.0 if math.isnan(share) else round(100 * min(1.0, max(0.0, share)), 2)


def _calibration(result: BenchResult) -> list[dict[str, Any]]:
    condition = result.suite.conditions[0]
    sections = []
    for model in result.models:
        # Filling asks for the model's own categories and attributes, so its confidences are a case of their own.
        for verdicts, where in (
            (model.verdicts(condition), CONDITIONS[condition][0].lower()),
            (model.fields.verdicts, "product fields, every field filled"),
        ):
            if verdicts:
                plots = reliability_svg(verdicts), risk_coverage_svg(verdicts)
                sections.append({"model": model.name, "plots": plots, "condition": where})
    return sections


def _unlearned(result: BenchResult, model: ModelResult) -> dict[str, Any]:
    claims = model.unlearned.claims if model.unlearned is not None else ()
    cards = []
    for claim in claims[:NUM_CLAIMS]:
        photo = _open(result.items[claim.product])
        _, category, sure, verdict, shows = claim_row(claim)
        picture = None if photo is None else data_uri(thumbnail(photo, PHOTO_PX))
        cards.append({"photo": picture, "category": category, "sure": sure, "verdict": verdict, "shows": shows})
    return {"model": model.name, "rows": unlearned_rows(model), "cards": cards, "total": len(claims)}


def _failures(result: BenchResult, model: ModelResult) -> dict[str, Any]:
    failures = result.failures[model.name]
    counts = count_kinds(failures)
    total = max(1, len(failures))  # a model without failures still has its section
    tasks: dict[str, list[Any]] = {}
    for failure in failures:
        tasks.setdefault(failure.outcome.case.slot, []).append(failure)
    return {
        "model": model.name,
        "total": len(failures),
        "kinds": [(kind, count, KIND_COLOURS[kind], round(100 * count / total, 2)) for kind, count in counts.items()],
        "tasks": [
            (
                slot,
                len(own),
                [(k, n, KIND_COLOURS[k], round(100 * n / len(own), 2)) for k, n in count_kinds(own).items()],
            )
            for slot, own in sorted(tasks.items(), key=lambda pair: -len(pair[1]))
        ],
        "worst": [(part.by, part.name, str(part.right)) for part in worst_slices(model.outcomes, result.items)],
        "confusions": confusions(failures),
        "examples": failure_cards(result, model),
    }


def _positions(result: BenchResult) -> list[dict[str, Any]]:
    biases = [(model.name, model.position_bias()) for model in result.models]
    return [
        {
            "model": name,
            "bias": f"{bias.bias:.3f}",
            "noise": bias.p_value >= 0.05,
            "p": f"{bias.p_value:.3f}",
            "places": [(place.place + 1, place.chosen, place.right, str(place.accuracy)) for place in bias.places],
        }
        for name, bias in biases
        if bias is not None
    ]


def _all_rows(columns: Mapping[str, Scores]) -> Sequence[tuple[str, str, list[str]]]:
    names = dict.fromkeys((slot, metric) for scores in columns.values() for slot in scores for metric in scores[slot])
    # Metrics that only a later model has would otherwise stand apart from their slot's other rows.
    order = {slot: place for place, slot in enumerate(dict.fromkeys(slot for slot, _ in names))}
    table = []
    for slot, metric in sorted(names, key=lambda name: order[name[0]]):
        cells = [scores.get(slot, {}).get(metric) for scores in columns.values()]
        table.append((slot, metric, ["" if cell is None else str(cell) for cell in cells]))
    return table


def evidence_maps(
    backend: Backend, suite: Suite, data: SuiteData, failures: Sequence[Failure]
) -> dict[str, EvidenceMap]:
    """Case -> an occlusion map of the first photo. The cases are asked again, as far as the backend gives evidence."""
    if not backend.capabilities.gives_evidence:
        return {}
    items = {item.product.id: item for item in data.items}
    cases, requests = [], []
    for failure in failures:
        case = failure.outcome.case
        for asked in make_requests(suite, data, items[case.product]):
            if case.id in asked.case_ids:
                cases.append(case.id)
                # This question alone: evidence is costly, and that of the request's other questions isn't shown.
                requests.append(replace(asked.request, questions=(case.question,)))
    answers = backend.answer(requests) if requests else []
    found = occlusion_maps(backend, requests, answers)
    first = ((case, maps[0][0]) for case, maps in zip(cases, found, strict=True) if maps and maps[0])
    # Of several photos the card shows the first; a map of another one would lie over the wrong picture.
    return {case: grid for case, grid in first if grid.any()}


def failure_cards(result: BenchResult, model: ModelResult) -> list[dict[str, Any]]:
    """What the page shows of `choose_examples`."""
    return [
        _card(failure, result.items[failure.outcome.case.product], model.evidence.get(failure.outcome.case.id))
        for failure in choose_examples(result.failures[model.name])
    ]


def _card(failure: Failure, item: Item, evidence: EvidenceMap | None) -> dict[str, Any]:
    outcome = failure.outcome
    case = outcome.case
    # Models may write on without end; the card shows enough to see what went wrong.
    answer = " ".join(outcome.text.split())
    answer = answer if len(answer) <= MAX_TEXT else answer[: MAX_TEXT - 3] + "..."
    photo = _open(item) if case.condition != TITLE_ONLY else None
    return {
        "kind": failure.kind,
        "photo": None if photo is None else inline_picture(photo, PHOTO_PX),
        "look": None if photo is None or evidence is None else heat_uri(evidence),
        "listing": show_listing(item, case.condition).text if case.sees_listing else None,
        "question": case.question.text,
        "answer": answer or "nothing",
        "truth": "cannot be told"
        if outcome.truth is None
        else " > ".join(outcome.truth)
        if outcome.task.answer_form == "path"
        else ", ".join(outcome.truth),
        "field": outcome.field if outcome.task.answer_form == "record" else "",
        "confidence": None if outcome.confidence is None else f"{outcome.confidence:.0%}",
    }


def _open(item: Item) -> Image.Image | None:
    try:
        return open_photo(item.product.images[0]) if item.product.images else None
    except PhotoError:
        # The photos of fitted products were never checked; a broken one is no reason to go without the report.
        return None


def conflict_cards(noise: LabelNoise) -> list[dict[str, Any]]:
    """Some groups of identical photos with their labels, of those whose photo can be opened."""
    cards: list[dict[str, Any]] = []
    for group, fields in noise.conflicts:
        # Products that baselines are fitted on come without photos.
        photo = next((photo for item in group if (photo := _open(item)) is not None), None)
        if photo is not None and len(cards) < MAX_CONFLICTS:
            labels = []
            for field in fields:
                distinct = dict.fromkeys(item.fields[field] for item in group if field in item.fields)
                labels.append((field, [" > ".join(values) for values in distinct]))
            cards.append({"photo": data_uri(thumbnail(photo, PHOTO_PX)), "labels": labels, "products": len(group)})
    return cards
