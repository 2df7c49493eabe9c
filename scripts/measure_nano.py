"""Measure a model on every test set that the model card states: PumBench's product fields, suite after suite.

python scripts/measure_nano.py --data ../shared/data --out runs/measure
python scripts/measure_nano.py --data ../shared/data --out runs/try --limit 20

Each suite is one run of `pumgpt bench`, whose reports stand in `OUT/<suite>`; the same command again goes on where it
was. Leaves `results.json`, `tables.md` and two pictures of calibration for `publish_quality.py`. `--specialists DIR` holds
`<suite>.jsonl`, as `experiments/specialists/run.py` writes them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from pumgpt.bench.asking.product_fields import DEFAULT, FILLED
from pumgpt.bench.reporting.markdown import render_rows
from pumgpt.bench.reporting.results import MeasuredJson, Results, read_results
from pumgpt.errors import BackendError, PumGPTError

SUITES = ("fashion", "grocery", "grocery-iconic", "clothing", "open-domain")
BASELINES = {"majority": "majority", "nearest": "nearest by pixels", "title": "title matching"}
"""Models of PumBench, and what their columns are called. They are never unsure, so that one column holds both precisions."""

Columns = dict[str, dict[str, dict[str, MeasuredJson]]]
"""Column -> field -> metric."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure a model on every test set.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the development data")
    parser.add_argument("--out", type=Path, default=Path("runs/measure"), help="folder to write to")
    parser.add_argument("--model", default="nano", help="as for `pumgpt bench`")
    parser.add_argument("--specialists", type=Path, help="folder of the specialists' predictions")
    parser.add_argument("--restart", action="store_true", help="ask everything again")
    parser.add_argument("--limit", type=int, help="only this many products of each suite, for a try")
    for name in ("device", "batch-size"):
        parser.add_argument(f"--{name}", help="handed to `pumgpt bench`")
    options = parser.parse_args()
    try:
        sets = {name: conditions(run_suite(name, options), options.model) for name in SUITES}
        write(options.out, sets)
    except (PumGPTError, OSError) as error:
        print(f"measure_nano: {error}", file=sys.stderr)
        return 1
    return 0


def run_suite(name: str, options: argparse.Namespace) -> Results:
    """Raises `BackendError` where the run fails; what was wrong stands on standard error already."""
    models = [options.model, *BASELINES]
    if options.specialists is not None and (options.specialists / f"{name}.jsonl").is_file():
        models.append(f"predictions:{options.specialists / f'{name}.jsonl'}")
    out = options.out / name
    given = {key: getattr(options, key.replace("-", "_")) for key in ("limit", "device", "batch-size")}
    command = ["pumgpt", "bench", name, "--data", str(options.data), "--out", str(out)]
    command += [word for model in models for word in ("--model", model)]
    command += [word for key, value in given.items() if value is not None for word in (f"--{key}", str(value))]
    command += ["--restart"] if options.restart else []
    print("+", " ".join(command), file=sys.stderr, flush=True)
    done = subprocess.run([sys.executable, "-m", *command], stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise BackendError(f"`{' '.join(command)}` ended with {done.returncode}; its message stands above")
    return read_results(out / "results.json")


def conditions(results: Results, model: str) -> dict[str, Columns]:
    """Condition -> columns: the model with every field filled and at the default precision, then the others."""
    found: dict[str, Columns] = {}
    for condition, by_precision in results.product_fields.items():
        columns: Columns = {}
        for name in (one.name for one in results.models):
            label = "specialists" if name.startswith("predictions:") else BASELINES.get(name, name)
            wanted = {FILLED: FILLED, DEFAULT: DEFAULT} if name == model else {label: FILLED}
            for column, precision in wanted.items():
                for field, metrics in by_precision[precision].items():
                    own = {metric: models[name] for metric, models in metrics.items() if name in models}
                    if own:
                        columns.setdefault(column, {})[field] = own
        found[condition] = columns
    return found


def write(out: Path, sets: dict[str, dict[str, Columns]]) -> None:
    command = f"python scripts/measure_nano.py {' '.join(sys.argv[1:])}".strip()
    sections = [
        f"## {name}, {condition}\n\n{table(columns)}"
        for name, by_condition in sets.items()
        for condition, columns in by_condition.items()
    ]
    (out / "tables.md").write_text(f"`{command}`\n\n" + "\n".join(sections), encoding="utf-8")
    document: dict[str, Any] = {
        name: {
            condition: {
                column: {
                    field: {metric: measured.model_dump() for metric, measured in metrics.items()}
                    for field, metrics in fields.items()
                }
                for column, fields in columns.items()
            }
            for condition, columns in by_condition.items()
        }
        for name, by_condition in sets.items()
    }
    text = json.dumps({"sets": document}, indent=1, ensure_ascii=False)
    (out / "results.json").write_text(text + "\n", encoding="utf-8")
    for picture in ("reliability.png", "risk-coverage.png"):
        shutil.copyfile(out / SUITES[0] / picture, out / picture)
    print(f"wrote {out / 'results.json'}, tables.md and two pictures", file=sys.stderr)


def table(columns: Columns) -> str:
    rows = dict.fromkeys((field, metric) for fields in columns.values() for field in fields for metric in fields[field])
    order = list(dict.fromkeys(field for field, _ in rows))
    lines = []
    for field, metric in sorted(rows, key=lambda row: order.index(row[0])):
        cells = [fields.get(field, {}).get(metric) for fields in columns.values()]
        lines.append([field, metric, *("" if cell is None else text(cell) for cell in cells)])
    return render_rows(["field", "metric", *columns], lines)


def text(cell: MeasuredJson) -> str:
    if cell.value is None:
        return f"n/a n={cell.count}"
    interval = "" if cell.low is None or cell.high is None else f" [{cell.low:.3f}, {cell.high:.3f}]"
    return f"{cell.value:.3f}{interval} n={cell.count}"


if __name__ == "__main__":
    sys.exit(main())
