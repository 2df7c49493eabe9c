"""Draw the sample catalogue, or Parquet files to train on.

python scripts/draw_samples.py demo/catalog --sheet demo/sheet.png
python scripts/draw_samples.py --parquet drawn.parquet --count 6000 --size 128
python scripts/draw_samples.py --parquet foreign.parquet --count 6000 --size 128 --foreign
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pumgpt.errors import PumGPTError, UsageError
from pumgpt.samples import draw_foreign_parquet, draw_parquet, write_catalog
from pumgpt.samples.files import contact_sheet, draw_sample
from pumgpt.samples.seeds import DEMO, TRAINING


def main() -> int:
    """Exit code 0, or 1 with one line that says why."""
    try:
        _run(_parser().parse_args())
    except (PumGPTError, OSError) as error:
        print(f"draw_samples: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Draw products, with what is true about them.")
    parser.add_argument("folder", nargs="?", type=Path, help="write photos/, catalog.csv and truth.jsonl here")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="also write all samples on one page")
    parser.add_argument("--parquet", type=Path, metavar="FILE", help="write products to train on instead")
    parser.add_argument("--foreign", action="store_true", help="with --parquet: pictures that show no product")
    parser.add_argument("--count", type=int, default=1_000, help="rows of the Parquet file (default 1000)")
    parser.add_argument("--start", type=int, default=TRAINING.start, help="first seed of the Parquet file")
    parser.add_argument("--size", type=int, help="longer side of a photo (default 480, with --parquet 128)")
    return parser


def _run(options: argparse.Namespace) -> None:
    if options.folder is None and options.parquet is None and options.sheet is None:
        raise UsageError("nothing to draw; give a folder, --sheet or --parquet")
    if options.parquet is not None:
        seeds = range(options.start, options.start + options.count)
        if seeds.start < TRAINING.start or seeds.stop > TRAINING.stop:
            raise UsageError(
                f"seeds {seeds.start} to {seeds.stop} leave the training seeds, which end at {TRAINING.stop}"
            )
        draw = draw_foreign_parquet if options.foreign else draw_parquet
        print(draw(options.parquet, seeds, options.size or 128))
    if options.folder is not None:
        print(write_catalog(options.folder, size_px=options.size or 480))
    if options.sheet is not None:
        contact_sheet([draw_sample(seed, options.size or 480)[0] for seed in DEMO]).save(options.sheet)
        print(options.sheet)


if __name__ == "__main__":
    sys.exit(main())
