"""A benchmark as Markdown, to stand in documentation: headlines first, everything after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pumgpt.bench.benchmark import BenchResult
from pumgpt.bench.judging.failures import KINDS, count_kinds, worst_slices
from pumgpt.bench.judging.scoring import Scores
from pumgpt.bench.reporting.headlines import headline_scores
from pumgpt.bench.stats.comparison import Comparison, summarise


def render_markdown(result: BenchResult, command: str) -> str:
    """The whole report. `command` is what printed it."""
    sections = [_head(result, command), *_headlines(result), _differences(result.comparisons)]
    sections += [_failures(result), _worst(result), _ceilings(result), _positions(result), *_everything(result)]
    sections += render_fields(result)
    return "\n".join(section for section in sections if section)


def _head(result: BenchResult, command: str) -> str:
    suite, data = result.suite, result.data
    products = sum(item.origin == "product" for item in data.items)
    pictures = len(data.items) - products
    asked = f"{products:,} products, {pictures} pictures of no product, {len(result.cases):,} questions"
    made_of = f"Suite `{suite.name}`, version {suite.version}, seed {suite.seed}, data `{data.data_hash}`."
    return f"`{command}`\n\n{made_of} {asked}. Every figure: value, 95 % interval and number of cases.\n"


def _headlines(result: BenchResult) -> list[str]:
    return [
        f"### {condition}\n\n{render_table({name: headline_scores(scores) for name, scores in columns.items()})}"
        for condition, columns in result.scores.items()
    ]


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
    found = [kind for kind in KINDS if any(kind in own for own in counts.values())]
    rows = [[kind, *(str(own.get(kind, 0)) for own in counts.values())] for kind in found]
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
        found = model.position_bias()
        if found is not None:
            chosen = ", ".join(f"{p.chosen} ({p.right})" for p in found.places)
            rows.append([model.name, f"{found.bias:.3f}", f"{found.p_value:.3f}", chosen])
    heads = ["model", "position bias", "p", "chosen (right) at each place"]
    return f"### Multiple choice: does the place matter?\n\n{render_rows(heads, rows)}" if rows else ""


def _everything(result: BenchResult) -> list[str]:
    return [
        f"### All scores, {condition}\n\n{render_table(columns)}"
        for condition, columns in result.scores.items()
        if any(columns.values())
    ]


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


def render_table(columns: Mapping[str, Scores], fields: list[str] | None = None) -> str:
    """A Markdown table of `columns` (model -> scores), a row for what any column has; `fields` picks and orders."""
    rows = dict.fromkeys((field, metric) for scores in columns.values() for field in scores for metric in scores[field])
    if fields is not None:
        rows = dict.fromkeys(row for field in fields for row in rows if row[0] == field)
    lines = []
    for field, metric in _grouped(list(rows)):
        cells = [scores.get(field, {}).get(metric) for scores in columns.values()]
        lines.append([field, metric, *("" if cell is None else str(cell) for cell in cells)])
    return render_rows(["field", "metric", *columns], lines)


def render_rows(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Any Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(_escape(cell) for cell in line) + " |" for line in lines) + "\n"


def _grouped(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Rows of one field together, fields in the order of their first row."""
    order = {field: place for place, field in enumerate(dict.fromkeys(field for field, _ in rows))}
    return sorted(rows, key=lambda row: order[row[0]])


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
