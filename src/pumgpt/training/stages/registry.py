"""The stages by name. One from outside is registered by a call of `register`, or by an entry point of the group `pumgpt.stages`:

[project.entry-points."pumgpt.stages"]
distill = "my_package.distill:DistillStage"
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from pumgpt.errors import RecipeError
from pumgpt.training.stages.base import Stage
from pumgpt.training.stages.contrast import ContrastStage
from pumgpt.training.stages.heads import HeadsStage
from pumgpt.training.stages.instruct import InstructStage

ENTRY_POINTS = "pumgpt.stages"

_STAGES: dict[str, type[Stage]] = {}


def register(stage: type[Stage]) -> type[Stage]:
    """Make a stage known under its `name`; can be used as a decorator. Raises `RecipeError` where the name is taken."""
    if _STAGES.setdefault(stage.name, stage) is not stage:
        raise RecipeError(f"stage '{stage.name}' is registered already; give the new one another name")
    return stage


for _stage in (HeadsStage, ContrastStage, InstructStage):
    register(_stage)


@cache
def _load_entry_points() -> None:
    # Not on import: an installed package that fails to load must not break what doesn't train.
    for point in entry_points(group=ENTRY_POINTS):
        register(point.load())


def get_stage(name: str) -> type[Stage]:
    """The stage of that name. Raises `RecipeError` naming those that there are."""
    _load_entry_points()
    if name not in _STAGES:
        raise RecipeError(f"'{name}' is no stage of training; choose one of {', '.join(_STAGES)}")
    return _STAGES[name]
