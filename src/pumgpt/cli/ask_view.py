"""One product's `Understanding` in a terminal."""

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


def view(record: Understanding, title: str | None = None) -> RenderableType:
    """A panel: caption, category, the table of attributes, abstained fields, answers, warnings."""
    parts: list[RenderableType] = []
    parts += _caption(record.caption)
    parts += _category(record.category)
    parts += _attributes(record)
    parts += _abstained(record)
    parts += _answers(record.answers or [])
    if record.completion is not None and record.completion.text:
        parts.append(_labelled("completion", Text(record.completion.text)))
    for row in record.corrections or []:
        verdict = row.verdict + (f", it is {row.value}" if row.value else "")
        parts.append(_labelled(f"{row.name} '{row.listed}'", Text(verdict)))
    parts += [Text(f"note: {warning}", style="yellow") for warning in record.warnings]
    heading = Text(title or record.id, style="bold")
    foot = Text(f"{record.model.name} {record.model.revision}", style="bright_black")
    return Panel(
        Group(*parts), title=heading, title_align="left", subtitle=foot, subtitle_align="right", padding=(1, 2)
    )


def bar(confidence: float | None, style: str) -> Text:
    """A confidence as a bar of ten cells and a number."""
    if confidence is None:
        return Text("")
    # Unicode has blocks of an eighth of a cell: ten cells show 80 steps.
    eighths = round(confidence * BAR_CELLS * 8)
    filled = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
    rest = "·" * (BAR_CELLS - len(filled))
    return Text.assemble((filled, style), (rest, "bright_black"), (f" {int(100 * confidence + 1e-9):3d} %", style))


def worth(precision: float | None) -> str:
    """How many of a hundred fields that are filled like this one are right."""
    return "" if precision is None else f"{100 * precision:.0f} of 100"


def _labelled(label: str, content: Text) -> RenderableType:
    return Text.assemble((f"{label}  ", "bright_black"), content)


def _caption(caption: CaptionField | None) -> Iterable[RenderableType]:
    if caption is None or caption.text is None:
        return []
    percent = "" if caption.confidence is None else f"  {int(100 * caption.confidence + 1e-9)} %"
    return [Text.assemble((caption.text, "italic"), (percent, "bright_black")), Text("")]


def _category(category: CategoryField | None) -> Iterable[RenderableType]:
    if category is None or category.path is None:
        return []
    style = STATUS_STYLES[category.status]
    path = Text(" › ".join(category.path), style="bold")
    line = Text.assemble(path, "\n", bar(category.confidence, style), (f"  {category.status}", style))
    if category.precision is not None:
        line.append(f", {worth(category.precision)} such are right", style)
    if category.suggestion:
        line.append(f"\nthe photo says {' › '.join(category.suggestion)}", style)
    return [line, Text("")]


def _attributes(record: Understanding) -> Iterable[RenderableType]:
    answered = [field for field in record.attributes or [] if field.status != "abstained"]
    if not answered:
        return []
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="bright_black")
    measured = any(field.precision is not None for field in answered)
    for name in ("attribute", "value", "confidence", "", *(["right of such"] if measured else [])):
        table.add_column(name, overflow="fold")
    for field in answered:
        value = field.value if isinstance(field.value, str) else ", ".join(field.value or [])
        by_text = field.evidence is not None and field.evidence.kind == "text"
        witness = field.evidence.part if field.evidence is not None and by_text else "photo"
        suggestion = f" (the {witness} says {field.suggestion})" if field.suggestion else ""
        style = STATUS_STYLES[field.status]
        shown = Text.assemble((value, "bold"), (suggestion, style))
        status = Text(field.status, style=style)
        table.add_row(
            field.name, shown, bar(field.confidence, style), status, *([worth(field.precision)] if measured else [])
        )
    return [table, Text("")]


def _abstained(record: Understanding) -> Iterable[RenderableType]:
    texts = (("caption", record.caption), ("completion", record.completion), ("category", record.category))
    names = [name for name, field in texts if field is not None and field.status == "abstained"]
    names += [field.name for field in record.attributes or [] if field.status == "abstained"]
    return [_labelled("could not be told", Text(", ".join(names)))] if names else []


def _answers(answers: list[AnswerField]) -> Iterable[RenderableType]:
    for field in answers:
        style = STATUS_STYLES[field.status]
        question = Text(f"\n{field.question}\n", style="bright_black")
        if field.answer:
            yield Text.assemble(question, (field.answer, "bold"), "  ", bar(field.confidence, style))
            continue
        # Without a bar: the confidence is that of a guess which isn't shown, and not that nothing can be told.
        reason = f" ({field.reason})" if field.reason else ""
        yield Text.assemble(question, ("cannot be inferred", style), (reason, "bright_black"))
