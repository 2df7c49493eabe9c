"""Many calls of an endpoint at a time: they wait for the network, so threads serve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Call = TypeVar("Call")
Result = TypeVar("Result")


def map_rows(
    function: Callable[[Call], Result], rows: Sequence[Sequence[Call]], num_threads: int
) -> list[list[Result]]:
    """`function` of each item of each row, in order. The first exception cancels what hasn't begun."""
    with ThreadPoolExecutor(num_threads, thread_name_prefix="endpoint") as pool:
        try:
            futures = [[pool.submit(function, item) for item in row] for row in rows]
            return [[future.result() for future in row] for row in futures]
        except BaseException:  # an interrupt too: leaving the block would first finish everything that is queued
            pool.shutdown(wait=False, cancel_futures=True)
            raise
