"""Output of commands: results go to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import click


@contextmanager
def quiet_stdout() -> Iterator[None]:
    """Libraries that print while a command works print to standard error."""
    with redirect_stdout(sys.stderr):
        yield


def print_json(document: Any) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


def say(line: str) -> None:
    """One line for the person at the terminal."""
    click.echo(f"pumgpt: {line}", err=True)
