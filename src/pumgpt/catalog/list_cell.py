"""A list or an object that a cell of text holds written out, in JSON or as Python prints it."""

from __future__ import annotations

import ast
import json
import warnings
from typing import Any

_LONGEST = 100_000
"""More characters are no list of photos or categories, and Python's parser must not be fed any depth of it."""


def read_list_cell(cell: str) -> Any:
    """What '["a", "b"]', "['a', 'b']" or '{"src": "a"}' stands for; None where the cell is any other text."""
    cell = cell.strip()
    if not cell.startswith(("[", "{")) or len(cell) > _LONGEST:
        return None
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        try:
            with warnings.catch_warnings():  # a backslash of Windows in a path is an odd escape to Python
                warnings.simplefilter("ignore")
                return ast.literal_eval(cell)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None
