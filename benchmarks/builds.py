"""Two builds of the package beside each other: each run is a process of its own, so that only the build differs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple


class Build(NamedTuple):
    """An interpreter, and the environment in which it finds one build of the package."""

    python: str
    environment: dict[str, str]

    @classmethod
    def at(cls, place: str | None) -> Build:
        """A build by its interpreter, or by the folder of its sources, which then runs in this environment."""
        if place is not None and Path(place).is_dir():
            return cls(sys.executable, {**os.environ, "PYTHONPATH": place})
        return cls(place or sys.executable, dict(os.environ))

    def measure(self, program: str, *arguments: str) -> dict[str, Any]:
        """What a run of `program --measure ARGUMENTS` prints, one JSON object."""
        command = [self.python, program, "--measure", *arguments]
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=self.environment)
        measured: dict[str, Any] = json.loads(run.stdout)
        return measured


def builds_of(before: str | None) -> dict[str, Build]:
    """This build, and the one before where it is given."""
    return {"now": Build.at(None), **({"before": Build.at(before)} if before else {})}


def middle(runs: list[dict[str, Any]], key: str) -> float:
    return median(run[key] for run in runs)


def speed_up(runs: dict[str, list[dict[str, Any]]], key: str) -> tuple[float, list[float]]:
    """How many times as fast it is now: of the medians, and the least and the most of the rounds."""
    ratio = middle(runs["before"], key) / middle(runs["now"], key)
    rounds = [before[key] / now[key] for before, now in zip(runs["before"], runs["now"], strict=True)]
    return round(ratio, 2), [round(min(rounds), 2), round(max(rounds), 2)]


def peak_mib() -> float:
    """The most memory that this process had. Linux only: `getrusage` counts that of the process which started it too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
