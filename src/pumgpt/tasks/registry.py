"""The tasks by name. A new task is one new file, one template, and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pumgpt.errors import UsageError
from pumgpt.tasks.attribute_correction import AttributeCorrectionTask
from pumgpt.tasks.attribute_qa import AttributeQATask
from pumgpt.tasks.attributes import AttributesTask
from pumgpt.tasks.base import Task
from pumgpt.tasks.caption import CaptionTask
from pumgpt.tasks.caption_completion import CaptionCompletionTask
from pumgpt.tasks.category import CategoryTask
from pumgpt.tasks.question import QuestionTask

_ALL: tuple[Task, ...] = (
    CaptionTask(),
    CategoryTask(),
    AttributesTask(),
    AttributeQATask(),
    QuestionTask(),
    CaptionCompletionTask(),
    AttributeCorrectionTask(),
)

TASKS: Mapping[str, Task] = MappingProxyType({task.name: task for task in _ALL})


def get_task(name: str) -> Task:
    """The task of that name. Raises `UsageError` naming those that there are."""
    if name not in TASKS:
        raise UsageError(f"unknown task '{name}'; known are {', '.join(TASKS)}")
    return TASKS[name]
