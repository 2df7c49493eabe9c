"""What a kill between two states costs: a moment's work, and never a byte of the result."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from pumgpt.jobs import journal as journals
from pumgpt.jobs.journal import RunJournal
from pumgpt.jobs.summary import RunSummary


class Journal(RunJournal[RunSummary]):
    summary_type = RunSummary

    def add(self, number: int) -> None:
        self.write(str(number), {"id": str(number)})
        self.summary.rows += 1
        self.commit()


def _rows_of_state(out: Path) -> int:
    return int(json.loads(out.with_name(f"{out.name}.state.json").read_text())["counts"].get("rows", 0))


def test_a_kill_between_two_states_leaves_a_run_that_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "_STATE_INTERVAL_S", 3600)
    out, killed = tmp_path / "out.jsonl", tmp_path / "killed" / "out.jsonl"
    killed.parent.mkdir()
    with Journal.open(out, {}) as journal:
        for number in range(3):
            journal.add(number)
        assert _rows_of_state(out) == 0
        for file in tmp_path.glob("out.jsonl*"):  # what a kill would leave
            shutil.copy(file, killed.parent)
    assert _rows_of_state(out) == 3, "a run that is stopped, not killed, loses nothing"
    with Journal.open(killed, {}) as resumed:
        for number in range(resumed.summary.done, 3):
            resumed.add(number)
    assert killed.read_bytes() == out.read_bytes()


def test_every_commit_of_a_slow_run_is_in_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "_STATE_INTERVAL_S", 0)
    out = tmp_path / "out.jsonl"
    with Journal.open(out, {}) as journal:
        for number in range(3):
            journal.add(number)
            assert _rows_of_state(out) == number + 1
