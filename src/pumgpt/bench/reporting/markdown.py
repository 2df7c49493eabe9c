"""A benchmark as Markdown, to stand in documentation: headlines first, everything after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pumgpt.bench.asking.product_fields import sample_products
from pumgpt.bench.benchmark import BenchResult, ModelResult
from pumgpt.bench.judging.failures import KINDS, count_kinds, worst_slices
from pumgpt.bench.judging.scoring import Scores
from pumgpt.bench.reporting.headlines import headline_scores
from pumgpt.bench.reporting.photo_sections import (
    ALTERED_NOTE,
    ALTERED_TITLE,
    UNLEARNED_NOTE,
    UNLEARNED_TITLE,
    altered_fields,
    claim_row,
    unlearned_rows,
)
from pumgpt.bench.stats.comparison import Comparison, summarise


def render_markdown(result: BenchResult, command: str) -> str:
    """The whole report. `command` is what printed it."""
    sections = [_head(result, command)]
    for condition, columns in result.scores.items():
        headlines = {name: headline_scores(scores) for name, scores in columns.items()}
        sections.append(f"### {condition}\n\n{render_table(headlines)}")
    sections += [_differences(result.comparisons), _failures(result), _worst(result), _ceilings(result)]
    sections.append(_positions(result))
    # After what explains them, since few readers get through every score.
    for condition, columns in result.scores.items():
        if any(columns.values()):
            sections.append(f"### All scores, {condition}\n\n{render_table(columns)}")
    sections += render_fields(result)
    for model in result.models:
        sections += [_altered(result, model), _unlearned(model)]
    return "\n".join(section for section in sections if section)


def _head(result: BenchResult, command: str) -> str:
    suite, data = result.suite, result.data
    products = sum(item.origin == "product" for item in data.items)
    pictures = len(data.items) - products
    asked = f"{products:,} products, {pictures} pictures of no product, {len(result.cases):,} questions"
    made_of = f"Suite `{suite.name}`, version {suite.version}, seed {suite.seed}, data `{data.data_hash}`."
    about = f"{suite.about}\n\n" if suite.about else ""
    return f"`{command}`\n\n{about}{made_of} {asked}. Every figure: value, 95 % interval and number of cases.\n"


def _differences(comparisons: Sequence[Comparison]) -> str:
    if not comparisons:
        return ""
    lines = "\n".join(f"- {line}" for line in summarise(comparisons))
    note = (
        f"Paired over products, corrected for {len(comparisons)} comparisons (sign-flip test, Holm, 0.05). "
        "Every single one stands in `results.json`."
    )
    return f"### Differences between models\n\n{note}\n\n{lines}\n"


def _failures(result: BenchResult) -> str:
    counts = {name: count_kinds(failures) for name, failures in result.failures.items()}
    # A kind that no model fails in is left out; the others stand in one order on every page.
    kinds = [kind for kind in KINDS if any(kind in own for own in counts.values())]
    rows = [[kind, *(str(own.get(kind, 0)) for own in counts.values())] for kind in kinds]
    return f"### What goes wrong\n\n{render_rows(['kind of failure', *counts], rows)}"


def _worst(result: BenchResult) -> str:
    rows = [
        [model.name, part.by, part.name, str(part.right)]
        for model in result.models
        for part in worst_slices(model.outcomes, result.items)
    ]
    return f"### Worst slices\n\n{render_rows(['model', 'by', 'slice', 'right'], rows)}" if rows else ""


def _ceilings(result: BenchResult) -> str:
    if not result.noise.conflicts:
        return ""
    note = (
        f"{len(result.noise.conflicts)} of {len(result.noise.groups)} groups of identical photos carry labels that conflict "
        "(the products that baselines are fitted on among them): no model that sees the photo alone can be right about all. "
        "The best that is possible:"
    )
    rows = [[c.field, str(c.groups), str(c.same_photo), str(c.asked)] for c in result.ceilings]
    heads = [
        "field",
        "conflicting groups",
        "ceiling among products that share a photo",
        "ceiling on the products asked",
    ]
    table = render_rows(heads, rows)
    return f"### The ceiling\n\n{note}\n\n{table}"


def _positions(result: BenchResult) -> str:
    rows = []
    for model in result.models:
        bias = model.position_bias()
        if bias is not None:
            chosen = ", ".join(f"{p.chosen} ({p.right})" for p in bias.places)
            rows.append([model.name, f"{bias.bias:.3f}", f"{bias.p_value:.3f}", chosen])
    heads = ["model", "position bias", "p", "chosen (right) at each place"]
    return f"### Multiple choice: does the place matter?\n\n{render_rows(heads, rows)}" if rows else ""


def render_fields(result: BenchResult) -> list[str]:
    """One table for each condition: what models fill in, one column for each of them and each precision."""
    sections = []
    for condition, by_precision in result.field_scores.items():
        columns = {
            f"{model}, {precision}": scores
            for model in (model.name for model in result.models)
            for precision, models in by_precision.items()
            if (scores := models.get(model))
        }
        note = "Asked and filled as `pumgpt enrich` does, for the model's own categories and attributes."
        sections.append(f"### Product fields, {condition}\n\n{note}\n\n{render_table(columns)}")
    return sections


def _altered(result: BenchResult, model: ModelResult) -> str:
    if not model.altered:
        return ""
    tables = [
        f"#### {one.field}\n\n{render_rows(['photo', *one.heads], [[name, *cells] for name, cells in one.rows])}"
        for one in altered_fields(model)
    ]
    sample = len(sample_products(result.suite, result.data.items))
    head = f"### {ALTERED_TITLE}: {model.name}\n\n{ALTERED_NOTE} {sample:,} products.\n"
    return "\n".join([head, *tables])


def _unlearned(model: ModelResult) -> str:
    if model.unlearned is None:
        return ""
    table = render_rows(["photos", "field", "filled", "wrong"], unlearned_rows(model))
    claims = render_rows(
        ["product", "category", "confidence", "verdict", "the photo shows"], [*map(claim_row, model.unlearned.claims)]
    )
    head = f"### {UNLEARNED_TITLE}: {model.name}\n\n{UNLEARNED_NOTE}\n"
    listed = f"Every category that was filled, the wrong ones first:\n\n{claims}" if model.unlearned.claims else ""
    return "\n".join(part for part in (head, table, listed) if part)


def render_table(columns: Mapping[str, Scores], fields: list[str] | None = None) -> str:
    """A Markdown table of `columns` (model -> scores), a row for what any column has; `fields` picks and orders."""
    rows = dict.fromkeys((field, metric) for scores in columns.values() for field in scores for metric in scores[field])
    if fields is not None:
        rows = dict.fromkeys(row for field in fields for row in rows if row[0] == field)
    # Metrics that only a later model has would otherwise stand apart from their field's other rows.
    order = {field: place for place, field in enumerate(dict.fromkeys(field for field, _ in rows))}
    lines = []
    for field, metric in sorted(rows, key=lambda row: order[row[0]]):
        cells = [scores.get(field, {}).get(metric) for scores in columns.values()]
        lines.append([field, metric, *("" if cell is None else str(cell) for cell in cells)])
    return render_rows(["field", "metric", *columns], lines)


def render_rows(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Any Markdown table."""
    # Cells may hold values of a shop, where a bar or a line break would end the cell.
    lines = [
        [cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in (heads, ["---"] * len(heads), *rows)
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
