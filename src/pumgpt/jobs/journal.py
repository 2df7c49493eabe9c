"""What makes a run over a catalogue go on where it was: finished rows on disk, and a state file that says up to which
byte they count.

    OUT.state.json       what was asked (the fingerprint), how many rows are done, the files' sizes at that point
    OUT.answers.jsonl    the answers, where OUT itself isn't JSONL; OUT is made from them at the end
    OUT.rejected.jsonl   rows that were set aside (here `OUT` is without its ending)

Files are cut back to the sizes in the state file, so a run that was killed at any
moment ends as one that never was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.formats.jsonl import JSON_LINES, plain_json
from pumgpt.errors import UsageError
from pumgpt.jobs.summary import RunSummary

Fingerprint = dict[str, str]
"""What was asked, part by part: 'model', 'taxonomy', 'schema', 'tasks', ..."""


SummaryT = TypeVar("SummaryT", bound=RunSummary)


class State(BaseModel):
    """The state file."""

    model_config = ConfigDict(extra="forbid")

    fingerprint: Fingerprint
    last_id: str | None = None
    answers_bytes: int = 0
    rejected_bytes: int = 0
    counts: dict[str, int] = {}
    finished: bool = False


class RunJournal(Generic[SummaryT]):
    """The files of one run. `write` and `reject` rows, `commit` them; `rollback` forgets what came since.

    A kind of run names what it counts as `summary_type`.
    """

    summary_type: ClassVar[type[Any]]
    summary: SummaryT

    def __init__(self, out: Path, state: State) -> None:
        self.out, self.state = out, state
        self.was_finished = state.finished
        self.summary = self.summary_type.from_counts(state.counts)
        self.last_id = state.last_id
        self._answers = _open_at(self.answers_path, state.answers_bytes)
        self._rejected: BinaryIO | None = None
        if state.rejected_bytes:
            self._rejected = _open_at(self.rejected_path, state.rejected_bytes)
        else:
            self.rejected_path.unlink(missing_ok=True)

    @classmethod
    def open(cls, out: Path, fingerprint: Fingerprint, restart: bool = False) -> Self:
        """Go on with the run that left its state beside `out`, or begin one.

        Raises `UsageError` where `out` stands there and isn't ours, or was begun with another question.
        """
        state_path = _beside(out, "state.json")
        if restart or not state_path.exists():
            if out.exists() and not restart:
                raise UsageError(
                    f"{out} is there already and no run left its state beside it; name another, or --restart"
                )
            out.parent.mkdir(parents=True, exist_ok=True)
            state = State(fingerprint=fingerprint)
            _write_state(out, state)  # before any other file: without it they would look like somebody else's
            return cls(out, state)
        state = _read_state(state_path)
        _check_same(out, state.fingerprint, fingerprint)
        return cls(out, state)

    @property
    def answers_path(self) -> Path:
        return self.out if self.in_place else _beside(self.out, "answers.jsonl")

    @property
    def in_place(self) -> bool:
        """Whether the answers so far are the output itself."""
        return self.out.suffix.lower() in JSON_LINES

    @property
    def unchanged(self) -> bool:
        """Whether a finished run was given again, and nothing new has come."""
        return self.was_finished and self.summary.done == self.summary.resumed

    @property
    def rejected_path(self) -> Path:
        return self.out.with_name(f"{self.out.stem}.rejected.jsonl")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._answers.close()
        if self._rejected is not None:
            self._rejected.close()

    def write(self, row_id: str, document: Mapping[str, Any]) -> None:
        """Add the answer to one row. Its counting is the caller's."""
        self._answers.write(_line(document))
        self.last_id = row_id

    def reject(self, row: RejectedRow) -> None:
        if self._rejected is None:
            self._rejected = _open_at(self.rejected_path, 0)
        self._rejected.write(_line({"row": row.row, "id": row.id, "error": row.error}))
        self.summary.rejected += 1
        self.last_id = row.id

    def commit(self, finished: bool = False) -> None:
        """All that was added counts from now on."""
        self._answers.flush()
        if self._rejected is not None:
            self._rejected.flush()
        self.state = State(
            fingerprint=self.state.fingerprint,
            last_id=self.last_id,
            answers_bytes=self._answers.tell(),
            rejected_bytes=self._rejected.tell() if self._rejected is not None else 0,
            counts=self.summary.counts,
            finished=finished,
        )
        _write_state(self.out, self.state)

    def rollback(self) -> None:
        """Forget what was added since the last commit."""
        _cut(self._answers, self.state.answers_bytes)
        if self._rejected is not None:
            _cut(self._rejected, self.state.rejected_bytes)
        resumed, seconds = self.summary.resumed, self.summary.seconds
        self.summary = self.summary_type.from_counts(self.state.counts)
        self.summary.resumed, self.summary.seconds = resumed, seconds
        self.last_id = self.state.last_id

    def lines(self) -> Iterator[bytes]:
        """The answers so far, in order, as JSON."""
        self._answers.flush()
        with self.answers_path.open("rb") as file:
            yield from file


def _beside(out: Path, ending: str) -> Path:
    return out.with_name(f"{out.name}.{ending}")


def _line(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, default=plain_json).encode("utf-8", "replace") + b"\n"


def _open_at(path: Path, size: int) -> BinaryIO:
    """Open for writing behind the first `size` bytes; what stands behind them goes."""
    if size > (path.stat().st_size if path.exists() else 0):
        raise UsageError(f"{path} is shorter than the run before left it; begin anew with --restart")
    file = path.open("r+b" if size else "wb")
    _cut(file, size)
    return file


def _cut(file: BinaryIO, size: int) -> None:
    file.flush()
    file.seek(size)
    file.truncate()


def _read_state(path: Path) -> State:
    try:
        return State.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UsageError(f"{path} is not a state that this version left; begin anew with --restart") from error


def _write_state(out: Path, state: State) -> None:
    unfinished = _beside(out, "state.json.new")
    unfinished.write_text(state.model_dump_json(indent=1) + "\n", encoding="utf-8")
    unfinished.replace(_beside(out, "state.json"))


def _check_same(out: Path, before: Fingerprint, now: Fingerprint) -> None:
    changed: Sequence[str] = [name for name in now if before.get(name) != now[name]]
    if changed:
        what = ", ".join(changed)
        raise UsageError(f"{out} was begun with another {what}; name another output, or begin anew with --restart")
