"""The journal of `enrich`: its answers are `Understanding`s. How a run goes on: `jobs/journal.py`."""

from __future__ import annotations

from collections.abc import Iterator

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.understanding import Understanding
from pumgpt.enrich.summary import Summary
from pumgpt.jobs.journal import Fingerprint, RunJournal

__all__ = ["Fingerprint", "Journal"]


class Journal(RunJournal[Summary]):
    """The files of one run. `add` rows, `commit` them; `rollback` forgets what was added since."""

    summary_type = Summary

    def add(self, outcome: Understanding | RejectedRow) -> None:
        if isinstance(outcome, RejectedRow):
            self.reject(outcome)
            return
        self.write(outcome.id, outcome.to_json())
        self.summary.add(outcome)

    def answers(self) -> Iterator[Understanding]:
        """The answers so far, in order."""
        return map(Understanding.model_validate_json, self.lines())
