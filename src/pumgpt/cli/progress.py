"""Progress on standard error: a bar of rows with rate and remaining time, and the rows that can't be read."""

from __future__ import annotations

from collections.abc import Iterator
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

from pumgpt.catalog.formats.base import CatalogReader
from pumgpt.catalog.product import Product
from pumgpt.cli.console import say
from pumgpt.errors import CatalogError


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
        """`resumed` rows were done by an earlier run; they don't count for the rate."""
        if not self._begun:
            self._progress.reset(self._task, completed=resumed)
            self._begun = True
        self._progress.update(self._task, completed=done, note=f"{rejected} set aside" if rejected else "")


class ReadableProducts:
    """The products of a catalogue under a progress bar; each row that can't be read is named on standard error.

    Raises `CatalogError` at the end if there was no product. `rows` and `rejected` count what came so far.
    """

    def __init__(self, reader: CatalogReader, name: str) -> None:
        self.rows = self.rejected = 0
        self._reader, self._name = reader, name

    def __iter__(self) -> Iterator[Product]:
        with RowsBar(self._name, self._reader.count()) as bar:
            for row in self._reader:
                if isinstance(row, Product):
                    self.rows += 1
                    yield row
                else:
                    self.rejected += 1
                    say(f"row {row.row} (id {row.id}): {row.error}")
                bar.update(self.rows + self.rejected, 0, self.rejected)
        for warning in self._reader.warnings:
            say(warning)
        if not self.rows:
            raise CatalogError(
                f"{self._reader.path}: none of its {self.rejected:,} rows can be read; the lines above say why"
            )
