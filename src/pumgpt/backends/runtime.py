"""What every backend on PyTorch shares: where it runs, in which precision, and loading without a progress bar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pumgpt.errors import UsageError, first_line


def select_device(device: str | None) -> str:
    """The asked device, or the best there is. Raises `UsageError` for one that isn't there."""
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    # PyTorch reports a missing device when the first tensor is moved to it, with a traceback through its own files.
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UsageError(
            f"--device {device}: can't be used here ({first_line(error)}); leave --device out, or --device cpu"
        ) from error
    return device


def select_dtype(device: str) -> torch.dtype:
    """The precision that a model generates in."""
    # Processors without bf16 instructions compute in it five times slower than in fp32.
    return torch.float32 if device == "cpu" else torch.bfloat16


@contextmanager
def no_progress_bar() -> Iterator[None]:
    """`transformers` draws a bar over a load of half a second; it isn't worth a line of a person's terminal."""
    from transformers.utils import logging

    enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if enabled:
            logging.enable_progress_bar()
