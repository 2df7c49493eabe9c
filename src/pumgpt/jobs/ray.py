"""Runs a job batch by batch in workers of Ray Data; results come back in the order of the catalogue.

Workers get only the numbers of batches and read the catalogue themselves, so that no photo is sent. They must therefore see
the same files under the same paths, on this machine or on a disk that the cluster shares.
"""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from pumgpt.errors import PumGPTError, UsageError

Result = TypeVar("Result")
Item = TypeVar("Item")
Work = Callable[[int], Result]
MOST_BLOCKS = 1000
"""Ray returns results block by block, and schedules every block: beyond this many, a block holds several batches."""


def run_on_ray(make: Callable[[], Work[Result]], numbers: range, workers: int | None = None) -> Iterator[Result]:
    """Call `make()` once in each of `workers`, and its result with each of `numbers` (of step 1). Results are in order.

    `make` must be picklable. Uses the cluster that `RAY_ADDRESS` names or that this process has joined; otherwise starts
    one and stops it at the end. By default there is one worker for each core.
    Raises `UsageError` if Ray isn't installed, and any `PumGPTError` that a worker raises.
    """
    ray = _import_ray()
    if not numbers:
        return
    started_here = not ray.is_initialized()
    if started_here:
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        resources: dict[str, Any] = (
            {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers or os.cpu_count() or 1}
        )
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="error", **resources)
    try:
        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        size = workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)
        # Not `ray.data.range`: its read task needs a core, the workers hold them all, and both would wait for ever.
        items = ray.data.from_items(
            [{"number": n} for n in numbers], override_num_blocks=min(len(numbers), MOST_BLOCKS)
        )
        dataset = items.map_batches(
            _Worker,
            fn_constructor_args=(make,),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=min(size, len(numbers))),
            num_cpus=1,
        )
        for row in dataset.iter_rows():
            result = pickle.loads(row["result"])  # our own workers wrote it
            if isinstance(result, PumGPTError):
                raise result
            yield result
    finally:
        if started_here:
            ray.shutdown()


def _import_ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise UsageError("--engine ray needs Ray; pip install 'pumgpt[ray]'") from error
    return ray


class _Worker:
    """The actor: Ray constructs it once in each worker process."""

    def __init__(self, make: Callable[[], Work[Any]]) -> None:
        self._work = make()

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        return {"result": [pickle.dumps(self._result(int(number))) for number in batch["number"]]}

    def _result(self, number: int) -> Any:
        try:
            return self._work(number)
        except PumGPTError as error:
            # Returned, not raised: Ray would wrap it in an error of its own, with a traceback instead of our one line.
            return error


class Numbered(Generic[Item]):
    """Items of a stream by number. Rising numbers read the stream once; a lower number than before restarts it."""

    def __init__(self, read: Callable[[], Iterator[tuple[int, Item]]]) -> None:
        self._read = read
        self._stream = read()
        self._passed = -1

    def __getitem__(self, number: int) -> Item:
        """Raises `KeyError` if the stream has no such number."""
        if number <= self._passed:
            self._stream = self._read()
        for at, item in self._stream:
            self._passed = at
            if at == number:
                return item
        raise KeyError(number)
