"""Measure a model on every test set: all that the model card states, in one command.

python scripts/measure_nano.py --data ../shared/data --out runs/measure
python scripts/measure_nano.py --data ../shared/data --out runs/try --limit 20

Fields are filled by `pumgpt enrich` itself, once with `--precision 0`, which fills every field, and once with the
default. The same command again goes on where it was. Leaves `results.json`, `tables.md` and pictures.

--specialists DIR holds `<set>.jsonl` with lines {"id", "category", "<attribute>", ...}. --features DIR holds
`<set>.npz` with the arrays `train` and `test`, one row of features for each product, in the order of the files.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pumgpt.bench.asking.inputs import Prepared, prepare, write_photos
from pumgpt.bench.baselines.fitted import Majority, NearestNeighbour, TitleMatching, pixel_features
from pumgpt.bench.reporting.tables import render_section, scores_to_json
from pumgpt.bench.suites.truth import read_labelled, read_truth

from pumgpt.backends.protocol import Request
from pumgpt.bench.baselines.predictions import Prediction, read_plain, read_understandings
from pumgpt.bench.judging import refusals
from pumgpt.bench.judging.scoring import Scores, confidences, evaluate_predictions, judge_field
from pumgpt.bench.reporting.plots import draw_reliability, draw_risk_coverage
from pumgpt.bench.suites import sets
from pumgpt.bench.suites.suite import FASHION, IMAGE_ONLY, NANO_SETS, OPEN_DOMAIN, WITH_TITLE, MeasuredSet
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.errors import BackendError, PumGPTError
from pumgpt.samples import draw_foreign, seeds

FILLED, DEFAULT = "every field filled", "default precision"
FOREIGN_SEEDS = seeds.BENCH_FOREIGN[:200]
"""Drawn pictures that neither training nor calibration sees."""
BLANKS = ("white", "black", "grey", "beige", "navy", "ivory", "silver", "crimson")
HIDDEN_PRODUCTS = 100
"""How many products are asked for what no photo shows."""
PLOTTED = ("category", "colour", "gender", "usage")
TRAIN_PER_TEST = 20
"""With --limit, baselines are fitted on this many products for each one tested."""

Columns = dict[str, Scores]
Report = dict[str, dict[str, Columns]]
"""Set -> condition -> model -> scores."""


@dataclass(frozen=True)
class Enricher:
    """Runs `pumgpt enrich` as a user would and reads what it wrote."""

    folder: Path
    options: tuple[str, ...]

    def __call__(self, catalogue: Path, precision: float | None) -> dict[str, Prediction]:
        out = self.folder / f"{catalogue.stem}-{'default' if precision is None else f'p{precision:g}'}.jsonl"
        command = ["pumgpt", "enrich", str(catalogue), str(out), *self.options]
        if precision is not None:
            command += ["--precision", f"{precision:g}"]
        print("+", " ".join(command), file=sys.stderr, flush=True)
        began = time.monotonic()
        program = [sys.executable, "-c", "from pumgpt.cli.main import main; main()", *command[1:]]
        done = subprocess.run(program, stdout=subprocess.DEVNULL, check=False)
        if done.returncode != 0:
            raise BackendError(f"`{' '.join(command)}` ended with {done.returncode}; what it said stands above")
        print(f"  {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        return read_understandings(out)


def _anywhere(argument: str) -> str:
    """An argument as the model card shows it: a path of one machine, which means nothing on others, by its last two names."""
    path = Path(argument)
    return str(Path("..", *path.parts[-2:])) if path.is_absolute() else argument


def main() -> int:
    """Exit code 0, or 1 with one line that says why."""
    try:
        _measure(_parser().parse_args())
    except (PumGPTError, OSError) as error:
        print(f"measure_nano: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure a model on every test set.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the development data")
    parser.add_argument("--out", type=Path, default=Path("runs/measure"), help="folder to write to")
    parser.add_argument("--model", default="nano", help="as for `pumgpt enrich`")
    parser.add_argument("--specialists", type=Path, help="folder of the specialists' predictions")
    parser.add_argument("--features", type=Path, help="folder of feature matrices for the nearest neighbour")
    parser.add_argument(
        "--restart", action="store_true", help="begin anew: after a new calibration of the same weights"
    )
    parser.add_argument("--limit", type=int, help="only this many products of each set, for a try")
    for name in ("schema", "taxonomy", "device", "batch-size"):
        parser.add_argument(f"--{name}", help="handed to `pumgpt enrich`")
    return parser


def _measure(options: argparse.Namespace) -> None:
    began = time.time()
    given = {name: getattr(options, name.replace("-", "_")) for name in ("schema", "taxonomy", "device", "batch-size")}
    passed = [word for name, value in given.items() if value is not None for word in (f"--{name}", str(value))]
    folder = options.out / ("all" if options.limit is None else f"first-{options.limit}")
    enrich = Enricher(folder, ("--model", options.model, *passed, *(["--restart"] if options.restart else [])))
    report: Report = {}
    runs: dict[str, dict[str, Prediction]] = {}
    fashion: Prepared | None = None
    for measured in NANO_SETS:
        prepared = prepare(measured, options.data, folder / "inputs", options.limit)
        fashion = prepared if measured is FASHION else fashion
        fitted = _baselines(measured, prepared, options)
        report[measured.name] = {
            condition: _compare(measured, condition, prepared, enrich, fitted, runs)
            for condition in measured.conditions
        }
    assert fashion is not None
    unknown = _unknown_pictures(options, folder, enrich, runs)
    refused = refusals.score_refusals([*_refusals(runs), *_hidden(fashion, options)])
    verdicts = _verdicts(runs, fashion)
    draw_reliability(verdicts, options.out / "reliability.png")
    draw_risk_coverage(verdicts, options.out / "risk-coverage.png")
    _write(options, report, unknown, refused, time.time() - began)


def _compare(
    measured: MeasuredSet,
    condition: sets.Condition,
    prepared: Prepared,
    enrich: Enricher,
    fitted: Mapping[str, Mapping[str, Prediction]],
    runs: dict[str, dict[str, Prediction]],
) -> Columns:
    """The model beside everything that it is held against, on the same products."""
    truth = read_truth(prepared.truth)
    columns: dict[str, Mapping[str, Prediction]] = {}
    # What abstention costs and gains is a matter of the photo; with the title every field is filled only.
    for name, precision in ((FILLED, 0.0), (DEFAULT, None)) if condition == IMAGE_ONLY else ((FILLED, 0.0),):
        columns[name] = runs[f"{measured.name} {condition} {name}"] = enrich(prepared.input_for(condition), precision)
    if condition == WITH_TITLE:
        columns |= {name: said for name, said in fitted.items() if name == "title matching"}
    else:
        columns |= {name: said for name, said in fitted.items() if name != "title matching"}
    return {name: evaluate_predictions(said, truth) for name, said in columns.items()}


def _baselines(
    measured: MeasuredSet, prepared: Prepared, options: argparse.Namespace
) -> dict[str, dict[str, Prediction]]:
    """Predictions of everything that needs no language model."""
    num_train = None if options.limit is None else options.limit * TRAIN_PER_TEST
    files = measured.train_files(options.data)
    train, truth = read_labelled(files)[:num_train], read_truth(prepared.truth)
    pixels = NearestNeighbour(train, pixel_features(files, num_train))
    said = {
        "majority": Majority(train).predict(truth),
        "nearest by pixels": pixels.predict(truth, pixel_features([prepared.photos])),
    }
    if WITH_TITLE in measured.conditions:
        said["title matching"] = TitleMatching(train).predict(truth)
    features = _given(options.features, f"{measured.name}.npz", "nearest neighbour by features")
    if features is not None:
        arrays = np.load(features)
        nearest = NearestNeighbour(train, arrays["train"][:num_train])
        said["nearest by features"] = nearest.predict(truth, arrays["test"][: len(truth)])
    specialists = _given(options.specialists, f"{measured.name}.jsonl", "specialists")
    if specialists is not None:
        said["specialists"] = prepared.renumber(read_plain(specialists))
    return said


def _given(folder: Path | None, name: str, what: str) -> Path | None:
    if folder is not None and (folder / name).is_file():
        return folder / name
    print(f"no {what} for {name}: {f'{folder} lacks it' if folder else 'no folder was given'}", file=sys.stderr)
    return None


def _unknown_pictures(
    options: argparse.Namespace, folder: Path, enrich: Enricher, runs: dict[str, dict[str, Prediction]]
) -> Scores:
    """How sure the model is of a category where there is none."""
    everyday = prepare(OPEN_DOMAIN, options.data, folder / "inputs", options.limit).photos
    drawn, blank = folder / "inputs" / "drawn.parquet", folder / "inputs" / "blank.parquet"
    write_photos((draw_foreign(seed, 128) for seed in FOREIGN_SEEDS[: options.limit]), drawn)
    write_photos((Image.new("RGB", (96, 128), colour) for colour in BLANKS), blank)
    scores = {}
    for kind, catalogue in ((OPEN_DOMAIN.name, everyday), ("drawn", drawn), ("blank", blank)):
        filled, default = enrich(catalogue, 0.0), enrich(catalogue, None)
        runs[f"{kind} {DEFAULT}"] = default
        scores[kind] = refusals.foreign_scores(filled, default)
    return scores


def _refusals(runs: Mapping[str, Mapping[str, Prediction]]) -> list[refusals.Refusal]:
    """What was left empty at the default precision: fields that a photo shows, and fields that it doesn't."""
    shown = runs[f"{FASHION.name} {IMAGE_ONLY} {DEFAULT}"]
    found = refusals.from_predictions(shown, "fashion: shown", refusals.ANSWERABLE, unanswerable=False)
    found += refusals.from_predictions(shown, "fashion: year", refusals.NEVER_SHOWN, unanswerable=True)
    for kind in (OPEN_DOMAIN.name, "drawn", "blank"):
        found += refusals.from_predictions(
            runs[f"{kind} {DEFAULT}"], f"{kind}: category", ("category",), unanswerable=True
        )
    return found


def _hidden(prepared: Prepared, options: argparse.Namespace) -> list[refusals.Refusal]:
    """Prices and the like, asked of the model itself: they are in no schema that it was trained on."""
    from pumgpt.backends.load import load_backend

    batch_size = None if options.batch_size is None else int(options.batch_size)
    backend = load_backend(options.model, options.device, batch_size)
    rows = islice(read_catalog(prepared.photos), HIDDEN_PRODUCTS)
    products = [row for row in rows if isinstance(row, Product)]
    requests = [(product.id, Request((open_photo(product.images[0]),), ())) for product in products]
    return refusals.ask_hidden(backend, requests, kind="fashion: price and the like")


def _verdicts(
    runs: Mapping[str, Mapping[str, Prediction]], prepared: Prepared
) -> dict[str, tuple[list[float], list[bool]]]:
    said, truth = runs[f"{FASHION.name} {IMAGE_ONLY} {FILLED}"], read_truth(prepared.truth)
    found = {field: confidences(judge_field(said, truth, field)) for field in PLOTTED}
    return {field: pair for field, pair in found.items() if pair[0]}


def _write(options: argparse.Namespace, report: Report, unknown: Scores, refused: Scores, seconds: float) -> None:
    sections = [
        render_section(f"{name}, {condition}", _note(columns), columns)
        for name, conditions in report.items()
        for condition, columns in conditions.items()
    ]
    sections.append(render_section("Photos of nothing that it knows", "Category.", {options.model: unknown}))
    sections.append(render_section("Refusals", "At the default precision.", {options.model: refused}))
    command = f"python scripts/measure_nano.py {' '.join(map(_anywhere, sys.argv[1:]))}".strip()
    (options.out / "tables.md").write_text(f"`{command}`\n\n" + "\n".join(sections), encoding="utf-8")
    document: dict[str, Any] = {
        "sets": {
            name: {
                condition: {model: scores_to_json(scores) for model, scores in columns.items()}
                for condition, columns in conditions.items()
            }
            for name, conditions in report.items()
        },
        "unknown pictures": scores_to_json(unknown),
        "refusals": scores_to_json(refused),
        "run": {
            "model": options.model,
            "limit": options.limit,
            "seconds": round(seconds),
            "python": platform.python_version(),
        },
    }
    (options.out / "results.json").write_text(
        json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    print(f"wrote {options.out / 'results.json'}, tables.md and two pictures", file=sys.stderr)


def _note(columns: Columns) -> str:
    counts = {scores["products"]["answered"].count for scores in columns.values()}
    return f"{max(counts):,} products; value, 95 % interval and count."


if __name__ == "__main__":
    sys.exit(main())
