"""Measurements as Markdown tables and JSON: one row for each field and metric, one column for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pumgpt.bench.judging.fields import Scores


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


def render_section(title: str, note: str, columns: Mapping[str, Scores]) -> str:
    """A heading, a sentence and the table."""
    return f"## {title}\n\n{note}\n\n{render_table(columns)}"


def scores_to_json(scores: Scores) -> dict[str, Any]:
    return {field: {metric: value.to_json() for metric, value in given.items()} for field, given in scores.items()}


def _grouped(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Rows of one field together, fields in the order of their first row."""
    order = {field: place for place, field in enumerate(dict.fromkeys(field for field, _ in rows))}
    return sorted(rows, key=lambda row: order[row[0]])


def _escape(cell: str) -> str:
    return cell.replace("|", "\\|").replace("\n", " ")
