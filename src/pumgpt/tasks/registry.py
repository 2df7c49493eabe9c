"""The tasks by name: those that ship, those that `register` adds, and those of installed packages.

A package offers a task as an entry point of the group `pumgpt.tasks`, which names a `Task` class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points

from pumgpt.errors import UsageError, first_line
from pumgpt.tasks.attribute_correction import AttributeCorrectionTask
from pumgpt.tasks.attribute_qa import AttributeQATask
from pumgpt.tasks.attributes import AttributesTask
from pumgpt.tasks.base import Task
from pumgpt.tasks.caption import CaptionTask
from pumgpt.tasks.caption_completion import CaptionCompletionTask
from pumgpt.tasks.category import CategoryTask
from pumgpt.tasks.question import QuestionTask

ENTRY_POINTS = "pumgpt.tasks"
SHIPPED: tuple[type[Task], ...] = (
    CaptionTask,
    CategoryTask,
    AttributesTask,
    AttributeQATask,
    QuestionTask,
    CaptionCompletionTask,
    AttributeCorrectionTask,
)


class _Tasks(Mapping[str, Task]):
    """Those of this package from the start; those of installed packages from the first look-up."""

    def __init__(self) -> None:
        self._by_name: dict[str, Task] = {}
        self._complete = False

    def add(self, task: Task) -> None:
        known = self._by_name.get(task.name)
        # The same class again is harmless: it may be registered and installed.
        if known is not None and type(known) is not type(task):
            raise UsageError(
                f"there is a task '{task.name}' already ({type(known).__module__}); give yours another name"
            )
        self._by_name[task.name] = task

    def _all(self) -> dict[str, Task]:
        # Not at import: entry points mean a search through all installed packages, which `--help` has no time for.
        if not self._complete:
            # Set first, so that a plug-in may look up tasks while it is imported.
            self._complete = True
            for point in entry_points(group=ENTRY_POINTS):
                try:
                    self.add(point.load()())
                except UsageError:
                    raise
                except Exception as error:
                    reason = f"{type(error).__name__}: {first_line(error)}"
                    raise UsageError(
                        f"the task '{point.name}' ({point.value}) can't be loaded: {reason}; mend or uninstall it"
                    ) from error
        return self._by_name

    def __getitem__(self, name: str) -> Task:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


_TASKS = _Tasks()
TASKS: Mapping[str, Task] = _TASKS
"""In the order in which a product's questions are asked."""


def register(task: Task) -> None:
    """Add a task. Raises `UsageError` where another one has its name."""
    _TASKS.add(task)


for shipped in SHIPPED:
    register(shipped())


def get_task(name: str) -> Task:
    """The task of that name. Raises `UsageError` naming those that there are."""
    if name not in TASKS:
        raise UsageError(f"unknown task '{name}'; known are {', '.join(TASKS)}")
    return TASKS[name]
