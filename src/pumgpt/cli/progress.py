"""A progress bar of rows on standard error: rate, remaining time, rows set aside."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} products/s", style="bright_black")


class RowsBar:
    """Shows nothing where standard error is no terminal."""

    def __init__(self, name: str, total: int | None) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TextColumn("{task.fields[note]}", style="yellow"),
            TimeElapsedColumn(),
            TextColumn("left", style="bright_black"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            speed_estimate_period=60,
        )
        self._task = self._progress.add_task(name, total=total, note="")
        self._begun = False

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, done: int, resumed: int, rejected: int) -> None:
        """`resumed` rows were there before; they don't count for the rate."""
        if not self._begun:
            self._progress.reset(self._task, completed=resumed)
            self._begun = True
        self._progress.update(self._task, completed=done, note=f"{rejected} set aside" if rejected else "")
