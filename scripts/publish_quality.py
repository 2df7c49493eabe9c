"""Publish nano's measured figures: the README's table, the model card's tables, the checkpoint's card.

    python scripts/publish_quality.py runs/measure --quality runs/measure/quality.json

Takes `results.json` and `tables.md` of `measure_nano.py`. Only the text between `<!-- quality -->` and
`<!-- /quality -->` in README.md and docs/model_card.md is replaced.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from pathlib import Path
from typing import Any

from pumgpt.errors import CatalogError

FILLED, DEFAULT, SPECIALISTS = "every field filled", "default precision", "specialists"
IMAGE_ONLY = "image only"
SHOWN = (
    ("fashion", "category", "whole path", "whole category path"),
    ("fashion", "gender", "accuracy", "gender"),
    ("fashion", "colour", "accuracy", "colour"),
    ("fashion", "usage", "accuracy", "usage"),
    ("fashion", "season", "accuracy", "season"),
    ("grocery", "category", "whole path", "whole category path"),
    ("clothing", "category", "whole path", "category"),
)
"""Rows of the README's table: set, field, metric, label."""
CARD_METRICS = {"whole path": "", "accuracy": "", "macro-F1": " macro-F1", "CIDEr": " CIDEr", "ROUGE-L": " ROUGE-L"}
"""The metrics in the checkpoint's card, and the suffix that each adds to the field's name."""
BLOCK = re.compile(r"(<!-- quality -->\n).*?(<!-- /quality -->)", re.DOTALL)

Score = dict[str, Any]
"""`value`, `low`, `high`, `count`."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Publish nano's measured figures.")
    parser.add_argument("measured", type=Path, help="output folder of measure_nano.py")
    parser.add_argument("--quality", type=Path, help="where to write the figures of the checkpoint's card")
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    parser.add_argument("--card", type=Path, default=Path("docs/model_card.md"))
    parser.add_argument("--images", type=Path, default=Path("docs/images"))
    options = parser.parse_args()
    sets = json.loads((options.measured / "results.json").read_text(encoding="utf-8"))["sets"]
    _replace(options.readme, readme_table(sets))
    # The tables are a document of their own; inside the card they stand two levels deeper.
    tables = (options.measured / "tables.md").read_text(encoding="utf-8")
    _replace(options.card, re.sub(r"^## ", "#### ", tables, flags=re.MULTILINE))
    if options.quality:
        options.quality.write_text(json.dumps(card_figures(sets), indent=1) + "\n", encoding="utf-8")
    for picture in ("reliability.png", "risk-coverage.png"):
        if (options.images / picture).is_file():
            shutil.copyfile(options.measured / picture, options.images / picture)


def readme_table(sets: dict[str, Any]) -> str:
    """The few rows that show whether nano is of use."""
    lines = [
        "| test set | field | nano, every field filled | specialists | nano at the default precision: right, of how many "
        "filled | products |",
        "|---|---|---|---|---|---|",
    ]
    for name, field, metric, title in SHOWN:
        models = sets[name][IMAGE_ONLY]
        filled, careful = models[FILLED][field][metric], models[DEFAULT][field]
        special = _interval(models[SPECIALISTS][field][metric]) if SPECIALISTS in models else ""
        share = f"{careful['precision']['value']:.3f} of {careful['coverage']['value']:.0%}"
        lines.append(f"| {name} | {title} | {_interval(filled)} | {special} | {share} | {filled['count']:,} |")
    return "\n".join(lines) + "\n"


def _interval(score: Score) -> str:
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"


def card_figures(sets: dict[str, Any]) -> dict[str, dict[str, list[float]]]:
    """Set and condition -> field -> [value, low, high, count], every field filled."""
    return {
        f"{name}, {condition}": {
            f"{field}{CARD_METRICS[metric]}": [
                *(round(score[key], 4) for key in ("value", "low", "high")),
                score["count"],
            ]
            for field, scores in models[FILLED].items()
            for metric, score in scores.items()
            if metric in CARD_METRICS and score["value"] is not None
        }
        for name, conditions in sets.items()
        for condition, models in conditions.items()
    }


def _replace(file: Path, block: str) -> None:
    text, count = BLOCK.subn(lambda match: f"{match[1]}{block}{match[2]}", file.read_text(encoding="utf-8"))
    if count != 1:
        raise CatalogError(f"{file}: has {count} blocks of figures; put one <!-- quality --> and one <!-- /quality -->")
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
