"""Which nano a figure is of.

Weights have a revision, as `pumgpt info nano` prints it. A figure that was measured with other weights than those that ship
says so beside it, as "nano `6dded5ef1364`"; the model card lists the revisions that there were.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pumgpt.model.card import SHIPPED, revision_of

MARK = re.compile(r"\bnano\s+`([0-9a-f]{12})`")
VAGUE = re.compile(
    r"\b(?:previous|earlier|last|ninth|eighth|sixth|fifth) nano\b|\bnano of its \w+ round\b|that of its \w+ round\b"
)
"""Words that name a nano so that nobody can tell which one it was."""
LISTED = re.compile(r"^\| `([0-9a-f]{12})` \|", re.MULTILINE)
EXPERIMENT = re.compile(r"\bexperiments/(\w+)/run\.py")
FIGURE = re.compile(r"\b0\.\d\d|\b[\d,]+ of [\d,]+")
LOADS_NANO = re.compile(r"""["']nano["']|["']adapt[\w-]*["']""")
HEADING = re.compile(r"^#+ ", re.MULTILINE)


@cache
def shipped_revision() -> str:
    return revision_of(SHIPPED / "nano")


def listed_revisions(model_card: str) -> list[str]:
    """The revisions in the model card's table of nanos."""
    return LISTED.findall(model_card)


def check_page(name: str, text: str, listed: list[str], asks_nano: frozenset[str]) -> Iterator[str]:
    """What is wrong on one page. `asks_nano` names the experiments whose figures depend on the weights."""
    for match in VAGUE.finditer(text):
        yield f"{name}:{_line(text, match.start())}: says {match[0]!r}; write the revision, nano `0123456789ab`"
    for match in MARK.finditer(text):
        if match[1] not in listed:
            yield f"{name}:{_line(text, match.start())}: nano {match[1]} is not in the model card's table of revisions"
    starts = [0, *(match.start() for match in HEADING.finditer(text)), len(text)]
    for start, end in itertools.pairwise(starts):
        section = text[start:end]
        cited = next((match for match in EXPERIMENT.finditer(section) if match[1] in asks_nano), None)
        if cited and FIGURE.search(section) and not MARK.search(section):
            line = _line(text, start + cited.start())
            yield f"{name}:{line}: figures of {cited[0]} without the revision that they are of; write nano `...` beside them"


def outdated(name: str, text: str) -> Iterator[str]:
    """The figures of one page that an earlier nano gave."""
    for match in MARK.finditer(text):
        if match[1] != shipped_revision():
            yield f"{name}:{_line(text, match.start())}: measured with nano {match[1]}"


def experiments_with_nano(folder: Path) -> frozenset[str]:
    """The experiments whose program loads nano, or trains on from it by default."""
    runs = folder.glob("*/run.py")
    return frozenset(run.parent.name for run in runs if LOADS_NANO.search(run.read_text(encoding="utf-8")))


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
