"""The journal of a long run: finished rows on disk, and a state file that says up to which byte they are valid.

    OUT.state.json       what was asked (the fingerprint), how many rows are done, the sizes of the files at that point
    OUT.answers.jsonl    the answers, unless OUT is JSON lines itself; OUT is made from them at the end
    OUT.rejected.jsonl   rows that were rejected (here `OUT` is without its suffix)

A resumed run truncates the files to the sizes in the state file. A run that is killed at any moment and resumed therefore
ends with the same bytes as one that never was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from pumgpt.catalog.formats.base import CatalogReader, NumberedRow, RejectedRow
from pumgpt.catalog.formats.jsonl import JSON_LINES, plain_json
from pumgpt.catalog.formats.output import check_output
from pumgpt.errors import UsageError
from pumgpt.jobs.summary import RunSummary

Fingerprint = dict[str, str]
"""What was asked, part by part: 'model', 'taxonomy', 'schema', 'tasks', ..."""

_STATE_INTERVAL_S = 0.1
"""How much of a run's work a kill may cost, besides the batch at hand."""

SummaryT = TypeVar("SummaryT", bound=RunSummary)


def check_paths(reader: CatalogReader, out_path: Path, *, annotated: bool = False) -> None:
    """Raise before a model is loaded if the output can't be written as asked, or is the input.

    `annotated`: the output is the catalogue with notes, not the filled one.
    """
    check_output(out_path, reader, annotated=annotated)
    if out_path.exists() and out_path.samefile(reader.path):
        raise UsageError(f"{out_path} is the input too; name another output")


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
    """The files of one run: `write` and `reject` rows, then `commit` them; `rollback` discards what was not committed.

    A subclass names the class of its summary as `summary_type`.
    """

    summary_type: ClassVar[type[Any]]
    summary: SummaryT

    def __init__(self, out: Path, state: State) -> None:
        self.out, self.state = out, state
        self.was_finished = state.finished
        self.summary = self.summary_type.from_counts(state.counts)
        self.last_id = state.last_id
        self._written_state, self._written_at_s = state, monotonic()
        self._answers = _open_at(self.answers_path, state.answers_bytes)
        # Opened with the first rejected row, so that a run without any leaves no empty file.
        self._rejected: BinaryIO | None = None
        if state.rejected_bytes:
            self._rejected = _open_at(self.rejected_path, state.rejected_bytes)
        else:
            self.rejected_path.unlink(missing_ok=True)

    @classmethod
    def open(cls, out: Path, fingerprint: Fingerprint, restart: bool = False) -> Self:
        """Resume the run that left its state beside `out`, or begin a new one.

        Raises `UsageError` if `out` exists and no run of ours wrote it, or a run with another fingerprint did.
        """
        state_path = _beside(out, "state.json")
        if restart or not state_path.exists():
            if out.exists() and not restart:
                raise UsageError(
                    f"{out} is there already and no run left its state beside it; name another, or --restart"
                )
            out.parent.mkdir(parents=True, exist_ok=True)
            state = State(fingerprint=fingerprint)
            # Before any other file: after a kill, an output without a state would look like somebody else's.
            _write_state(out, state)
            return cls(out, state)
        try:
            state = State.model_validate_json(state_path.read_bytes())
        except ValidationError as error:
            raise UsageError(
                f"{state_path} is not a state that this version left; begin anew with --restart"
            ) from error
        # Of both: an option that is left out this time is another setting, too.
        names = dict.fromkeys((*fingerprint, *state.fingerprint))
        changed = [name for name in names if state.fingerprint.get(name) != fingerprint.get(name)]
        if changed:
            raise UsageError(
                f"{out} was begun with another {', '.join(changed)}; name another output, or begin anew with --restart"
            )
        return cls(out, state)

    @property
    def answers_path(self) -> Path:
        return self.out if self.in_place else _beside(self.out, "answers.jsonl")

    @property
    def in_place(self) -> bool:
        """Whether the answers are the output itself."""
        return self.out.suffix.lower() in JSON_LINES

    @property
    def unchanged(self) -> bool:
        """Whether an earlier run had finished and this one added nothing."""
        return self.was_finished and self.summary.done == self.summary.resumed

    @property
    def rejected_path(self) -> Path:
        return rejected_path(self.out)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.state is not self._written_state:
            self._write_state()
        self._answers.close()
        if self._rejected is not None:
            self._rejected.close()

    def remaining_rows(self, reader: CatalogReader) -> Iterator[NumberedRow]:
        """The rows of the catalogue that no run has done yet. Raises `UsageError` if it isn't the catalogue of the run."""
        rows = enumerate(reader, start=1)
        done, last = self.summary.done, None
        for _, last in islice(rows, done):  # noqa: B007
            pass
        # The id of the last row stands for the whole catalogue: a digest of the file would refuse one that has grown.
        if done and (last is None or last.id != self.last_id):
            raise self.other_catalog(reader)
        return rows

    def other_catalog(self, reader: CatalogReader) -> UsageError:
        return UsageError(
            f"{reader.path} is not the catalogue that {self.out} was begun with; begin anew with --restart"
        )

    def write(self, row_id: str, document: Mapping[str, Any]) -> None:
        """Add the answer to one row. The caller counts it in `summary`."""
        self._answers.write(_line(document))
        self.last_id = row_id

    def reject(self, row: RejectedRow) -> None:
        if self._rejected is None:
            self._rejected = _open_at(self.rejected_path, 0)
        self._rejected.write(_line({"row": row.row, "id": row.id, "error": row.error}))
        self.summary.rejected += 1
        self.last_id = row.id

    def commit(self, finished: bool = False) -> None:
        """Make everything added so far survive a kill, but for the last tenth of a second of a run with quick batches."""
        # The rows reach the disk before the state that counts them.
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
        # Where no model is waited for, a file renamed for every batch would be a large part of the run.
        if finished or monotonic() - self._written_at_s >= _STATE_INTERVAL_S:
            self._write_state()

    def _write_state(self) -> None:
        _write_state(self.out, self.state)
        self._written_state, self._written_at_s = self.state, monotonic()

    def rollback(self) -> None:
        """Discard everything added since the last commit."""
        _truncate(self._answers, self.state.answers_bytes)
        if self._rejected is not None:
            _truncate(self._rejected, self.state.rejected_bytes)
        # `from_counts` takes all rows for those of an earlier run; some are of this one.
        resumed, seconds = self.summary.resumed, self.summary.seconds
        self.summary = self.summary_type.from_counts(self.state.counts)
        self.summary.resumed, self.summary.seconds = resumed, seconds
        self.last_id = self.state.last_id

    def lines(self) -> Iterator[bytes]:
        """The answers so far, in order, as JSON."""
        with self.flushed_answers().open("rb") as file:
            yield from file

    def flushed_answers(self) -> Path:
        """The file of the answers, with all that were added so far."""
        self._answers.flush()
        return self.answers_path


def rejected_path(out: Path) -> Path:
    """Where the run that writes `out` leaves rejected rows."""
    return out.with_name(f"{out.stem}.rejected.jsonl")


def read_rejected(out: Path) -> Iterator[RejectedRow]:
    """The rows that the run that wrote `out` rejected, in order."""
    path = rejected_path(out)
    if path.exists():
        with path.open("rb") as lines:
            for line in lines:
                yield RejectedRow(**json.loads(line))


def _beside(out: Path, suffix: str) -> Path:
    return out.with_name(f"{out.name}.{suffix}")


# What comes here was read from a file, so nothing in it holds itself: that needn't be looked for.
_ENCODER = json.JSONEncoder(ensure_ascii=False, check_circular=False, default=plain_json)


def _line(document: Mapping[str, Any]) -> bytes:
    # A catalogue may hold half of a surrogate pair, which JSON can and UTF-8 can't: it becomes a question mark.
    return _ENCODER.encode(document).encode("utf-8", "replace") + b"\n"


def _open_at(path: Path, size: int) -> BinaryIO:
    """Open for writing after the first `size` bytes, and drop the others."""
    if size > (path.stat().st_size if path.exists() else 0):
        raise UsageError(f"{path} is shorter than the run before left it; begin anew with --restart")
    file = path.open("r+b" if size else "wb")
    _truncate(file, size)
    return file


def _truncate(file: BinaryIO, size: int) -> None:
    file.flush()
    file.seek(size)
    file.truncate()


def _write_state(out: Path, state: State) -> None:
    # A rename is atomic: a killed run leaves the old state or the new one, never half of one.
    unfinished = _beside(out, "state.json.new")
    unfinished.write_text(state.model_dump_json(indent=1) + "\n", encoding="utf-8")
    unfinished.replace(_beside(out, "state.json"))
