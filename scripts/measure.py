"""Measure nano on every suite of PumBench: all that the documentation says of how good it is.

    python scripts/measure.py --data ../shared/data --out runs/bench
    python scripts/measure.py --data ../shared/data --out runs/try --limit 20 --suite samples --suite grocery

Each suite is one run of `pumgpt bench`, whose reports stand in `OUT/SUITE`; the same command again goes on where it was.
`scripts/publish.py OUT/*/results.json` then writes them into the documentation. `--specialists DIR` holds `<suite>.jsonl`, as
`experiments/specialists/run.py` writes them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from pumgpt.errors import BackendError, PumGPTError

BASELINES = {
    "samples": ("majority",),
    "fashion": ("nearest", "title", "majority"),
    "grocery": ("nearest", "majority"),
    "grocery-iconic": ("nearest", "majority"),
    "clothing": ("nearest", "majority"),
    "implicitave": ("majority",),
    "ae-110k": ("title", "majority"),
    "oa-mine": ("title", "majority"),
    "open-domain": ("nearest", "majority"),
}
"""Suite -> what nano is compared with on it."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure nano on every suite of PumBench.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the development data")
    parser.add_argument("--out", type=Path, default=Path("runs/bench"), help="folder to write to")
    parser.add_argument("--suite", action="append", choices=list(BASELINES), help="only this one; repeatable")
    parser.add_argument(
        "--nano-only", action="store_true", help="without the baselines, whose answers don't change with nano"
    )
    parser.add_argument("--specialists", type=Path, help="folder of the specialists' predictions")
    parser.add_argument("--restart", action="store_true", help="ask everything again")
    for name in ("limit", "device", "batch-size"):
        parser.add_argument(f"--{name}", help="handed to `pumgpt bench`")
    options = parser.parse_args()
    try:
        for suite in options.suite or BASELINES:
            run_suite(suite, options)
    except (PumGPTError, OSError) as error:
        print(f"measure: {error}", file=sys.stderr)
        return 1
    return 0


def run_suite(suite: str, options: argparse.Namespace) -> None:
    """Raises `BackendError` where the run fails; what was wrong stands on standard error already."""
    models = ["nano", *(() if options.nano_only else BASELINES[suite])]
    if options.specialists is not None and (options.specialists / f"{suite}.jsonl").is_file():
        models.insert(1, f"predictions:{options.specialists / f'{suite}.jsonl'}")
    command = ["pumgpt", "bench", suite, "--data", str(options.data), "--out", str(options.out / suite)]
    command += [word for model in models for word in ("--model", model)]
    for name in ("limit", "device", "batch_size"):
        value = getattr(options, name)
        command += [f"--{name.replace('_', '-')}", value] if value is not None else []
    command += ["--restart"] if options.restart else []
    print("+", " ".join(command), file=sys.stderr, flush=True)
    done = subprocess.run([sys.executable, "-m", *command], stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise BackendError(f"`{' '.join(command)}` ended with {done.returncode}; its message stands above")


if __name__ == "__main__":
    sys.exit(main())
