"""How one product's `Understanding` looks in a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pumgpt.catalog.understanding import AnswerField, CaptionField, CategoryField, Understanding

STATUS_STYLES = {"filled": "green", "kept": "blue", "conflict": "yellow", "abstained": "bright_black"}
BAR_CELLS = 10
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def view(found: Understanding, title: str | None = None) -> RenderableType:
    """A panel: caption, category, the table of attributes, what could not be told, answers, warnings."""
    parts: list[RenderableType] = []
    parts += _caption(found.caption)
    parts += _category(found.category)
    parts += _attributes(found)
    parts += _untold(found)
    parts += _answers(found.answers or [])
    if found.completion is not None and found.completion.text:
        parts.append(_labelled("completion", Text(found.completion.text)))
    for row in found.corrections or []:
        verdict = row.verdict + (f", it is {row.value}" if row.value else "")
        parts.append(_labelled(f"{row.name} '{row.listed}'", Text(verdict)))
    parts += [Text(f"note: {warning}", style="yellow") for warning in found.warnings]
    heading = Text(title or found.id, style="bold")
    foot = Text(f"{found.model.name} {found.model.revision}", style="bright_black")
    return Panel(
        Group(*parts), title=heading, title_align="left", subtitle=foot, subtitle_align="right", padding=(1, 2)
    )


def bar(confidence: float | None, style: str) -> Text:
    """A confidence as a bar of ten cells and a number."""
    if confidence is None:
        return Text("")
    eighths = round(confidence * BAR_CELLS * 8)
    filled = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
    rest = "·" * (BAR_CELLS - len(filled))
    return Text.assemble((filled, style), (rest, "bright_black"), (f" {int(100 * confidence + 1e-9):3d} %", style))


def _labelled(label: str, content: Text) -> RenderableType:
    return Text.assemble((f"{label}  ", "bright_black"), content)


def _caption(caption: CaptionField | None) -> Iterable[RenderableType]:
    if caption is None or caption.text is None:
        return []
    sure = "" if caption.confidence is None else f"  {int(100 * caption.confidence + 1e-9)} %"
    return [Text.assemble((caption.text, "italic"), (sure, "bright_black")), Text("")]


def _category(category: CategoryField | None) -> Iterable[RenderableType]:
    if category is None or category.path is None:
        return []
    style = STATUS_STYLES[category.status]
    path = Text(" › ".join(category.path), style="bold")
    line = Text.assemble(path, "\n", bar(category.confidence, style), (f"  {category.status}", style))
    if category.status == "conflict" and category.alternatives:
        line.append(f"\nthe photo says {' › '.join(category.alternatives[0].path)}", style)
    return [line, Text("")]


def _attributes(found: Understanding) -> Iterable[RenderableType]:
    told = [field for field in found.attributes or [] if field.status != "abstained"]
    if not told:
        return []
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="bright_black")
    for name in ("attribute", "value", "confidence", ""):
        table.add_column(name, overflow="fold")
    for field in told:
        value = field.value if isinstance(field.value, str) else ", ".join(field.value or [])
        seen = f" (the photo says {field.suggestion})" if field.suggestion else ""
        style = STATUS_STYLES[field.status]
        shown = Text.assemble((value, "bold"), (seen, style))
        table.add_row(field.name, shown, bar(field.confidence, style), Text(field.status, style=style))
    return [table, Text("")]


def _untold(found: Understanding) -> Iterable[RenderableType]:
    names = ["category"] if found.category and found.category.status == "abstained" else []
    names += [field.name for field in found.attributes or [] if field.status == "abstained"]
    return [_labelled("could not be told", Text(", ".join(names)))] if names else []


def _answers(answers: list[AnswerField]) -> Iterable[RenderableType]:
    for field in answers:
        style = STATUS_STYLES[field.status]
        reply = Text(field.answer, style="bold") if field.answer else Text("cannot be inferred", style=style)
        yield Text.assemble((f"\n{field.question}\n", "bright_black"), reply, "  ", bar(field.confidence, style))
