"""Draw the learning curves of training stages side by side.

python scripts/plot_curves.py OUT.png runs/nano/1-tower runs/nano/2-contrast
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pumgpt.errors import PumGPTError
from pumgpt.training.curves import draw_learning_curves


def main() -> int:
    """Exit code 0, or 1 with one line that says why."""
    parser = argparse.ArgumentParser(description="Draw the learning curves of training stages side by side.")
    parser.add_argument("out", type=Path, help="the PNG to write")
    parser.add_argument("stages", type=Path, nargs="+", help="folders that hold a trainer_state.json")
    options = parser.parse_args()
    try:
        draw_learning_curves({stage.name: stage / "trainer_state.json" for stage in options.stages}, options.out)
    except (PumGPTError, OSError) as error:
        print(f"plot_curves: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
