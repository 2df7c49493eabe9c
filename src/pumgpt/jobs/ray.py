"""Work on a catalogue, batch by batch, in workers of Ray Data: the results come home in the order of the catalogue.

Only numbers of batches go out: every worker reads the catalogue itself, so that no photo travels. Workers must therefore see the
same files under the same paths, on this machine or on a disk that the cluster shares.
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
"""Results come home block by block; so many have to be scheduled at most."""


def run_on_ray(make: Callable[[], Work[Result]], numbers: range, workers: int | None = None) -> Iterator[Result]:
    """What `make()`, made once in each of `workers`, says of each of `numbers` (of step 1), in order.

    `make` must be picklable. Joins the cluster that `RAY_ADDRESS` names or that runs in this process already; else one is
    started here, and stopped in the end. By default there is one worker for each core.
    Raises `UsageError` where Ray isn't installed, and what a worker raises of our own errors.
    """
    ray = _import_ray()
    if not numbers:
        return
    started_here = not ray.is_initialized()
    if started_here:
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        own: dict[str, Any] = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers or os.cpu_count() or 1}
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="error", **own)
    try:
        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        size = workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)
        # Not `range`, whose reading takes a core: the workers have them all, and each would wait for the other.
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
    """What Ray makes one of in each worker."""

    def __init__(self, make: Callable[[], Work[Any]]) -> None:
        self._work = make()

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        return {"result": [pickle.dumps(self._result(int(number))) for number in batch["number"]]}

    def _result(self, number: int) -> Any:
        """An error of ours is told as it is: Ray would wrap it and lose it."""
        try:
            return self._work(number)
        except PumGPTError as error:
            return error


class Numbered(Generic[Item]):
    """Items of a stream by their numbers. Asked in rising order the stream is read once; what was passed by is read anew."""

    def __init__(self, read: Callable[[], Iterator[tuple[int, Item]]]) -> None:
        self._read = read
        self._stream = read()
        self._passed = -1

    def __getitem__(self, number: int) -> Item:
        """Raises `KeyError` where the stream ends before."""
        if number <= self._passed:
            self._stream = self._read()
        for at, item in self._stream:
            self._passed = at
            if at == number:
                return item
        raise KeyError(number)
