"""Draw the learning curves of training stages side by side: `python scripts/plot_curves.py OUT.png STAGE_FOLDER...`."""

from __future__ import annotations

from pathlib import Path

import click

from pumgpt.errors import PumGPTError
from pumgpt.training.curves import draw_learning_curves


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("stages", nargs=-1, required=True, type=click.Path(path_type=Path))
def main(out: Path, stages: tuple[Path, ...]) -> None:
    """Draw to OUT what the STAGES logged: folders that hold a trainer_state.json, or such files."""
    states = {(s.parent if s.is_file() else s).name: s if s.is_file() else s / "trainer_state.json" for s in stages}
    try:
        draw_learning_curves(states, out)
    except PumGPTError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
