"""Does curation pay? Nano's adapters learn from a catalogue with wrong and made-up values, raw and curated.

    python experiments/curation_pays/run.py --data ../shared/data --out runs/pays

The catalogue is the validation split of `fashion`, which nano never trained on. A fifth of its genders, colours and usages
are swapped for another value, and two products in five get a `fabric` that nobody could see (four times in five the same
one, as a shop's default is): near 30 % of all values are then wrong or can't be inferred. `pumgpt curate` drops what it finds,
nano's adapters are trained on both by the recipe `adapt-stream`, with three seeds; both are asked about the clean test split,
photo only. A value is hallucinated where it is filled in and not true, or filled in where nothing can be told. As who is surer
fills more fields, and among more fields are more wrong ones, the rate is taken at equal numbers of fields too: those of which
each model is surest. Printed are means over the seeds and the difference between the catalogues, each with a 95 % bootstrap
interval over test products: one is drawn with all its answers, of both catalogues and all seeds.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product

ASKED = ("gender", "colour", "usage")
MADE_UP = "fabric"
Counts = dict[str, NDArray[np.int_]]
"""What is counted of a run -> how often, by test product (P,)."""
FABRICS = ("Cotton", "Cotton", "Cotton", "Cotton", "Polyester")
SWAPPED_SHARE, MADE_UP_SHARE = 0.2, 0.4
FILLED_FROM = "0.5"
"""Asked precision: what the model holds for more likely than not is filled in."""
SEEDS = (0, 1, 2)
COVERAGES = (0.4, 0.5, 0.6, 0.7)
"""Shares of all fields at which both are compared, the surest first."""
KINDS = ("raw", "curated")
RATES = {
    "accuracy": ("right", "stated"),
    "hallucination rate": ("untrue", "filled"),
    "filled": ("filled", "asked"),
    "made-up attribute filled": ("made up", "products"),
    **{
        f"hallucination rate, surest {share:.0%} of the fields": (f"untrue {share}", f"filled {share}")
        for share in COVERAGES
    },
}
"""Rate -> which of the counts of a product is divided by which, each summed over products and seeds."""
RESAMPLES = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description="Train on a raw and on a curated catalogue, and compare.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/pays"))
    parser.add_argument("--epochs", type=float, default=4.0)
    parser.add_argument("--test", type=int, default=1000, help="how many test products are asked")
    parser.add_argument("--experts", help="handed to `pumgpt curate`; by default its own choice")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    truth = list(_products(options.data / "fashion", "validation-*.parquet"))
    wrong = write_corrupted(truth, options.out / "raw.parquet")
    experts = ["--experts", options.experts] if options.experts else []
    _run("curate", options.out / "raw.parquet", options.out / "curated.parquet", "--restart", *experts)
    result: dict[str, Any] = {"values": wrong, "kept": count_kept(truth, options.out / "curated.parquet")}
    test = list(_products(options.data / "fashion", "test-*.parquet"))[: options.test]
    write_products([(p, {}) for p in test], options.out / "test.parquet", titles=False)
    counts = {kind: [measure(kind, seed, options, truth, test) for seed in SEEDS] for kind in KINDS}
    result["rates"] = compare(counts)
    (options.out / "results.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("values listed:", result["values"], "left by curation:", result["kept"])
    for name, told in result["rates"].items():
        print(
            name,
            *(f"{what} {value:.3f} [{low:.3f}, {high:.3f}]" for what, (value, low, high) in told.items()),
            sep="; ",
        )


def compare(counts: dict[str, list[Counts]]) -> dict[str, dict[str, tuple[float, ...]]]:
    """Of each rate the mean of both catalogues and their difference, each as value, low and high end."""
    summed = {kind: {name: np.sum([run[name] for run in runs], 0) for name in runs[0]} for kind, runs in counts.items()}
    products = len(next(iter(summed["raw"].values())))
    draws = np.random.default_rng(0).integers(products, size=(RESAMPLES, products))
    result = {}
    for name, (part, whole) in RATES.items():
        rates = {k: float(of[part].sum() / max(of[whole].sum(), 1)) for k, of in summed.items()}
        drawn = {k: of[part][draws].sum(1) / np.maximum(of[whole][draws].sum(1), 1) for k, of in summed.items()}
        rates["difference"], drawn["difference"] = (v["curated"] - v["raw"] for v in (rates, drawn))
        result[name] = {k: (rates[k], *map(float, np.percentile(drawn[k], (2.5, 97.5)))) for k in rates}
    return result


def _products(folder: Path, pattern: str) -> Iterator[Product]:
    for file in sorted(folder.glob(pattern)):
        yield from (row for row in read_catalog(file) if isinstance(row, Product))


def write_corrupted(products: Sequence[Product], file: Path) -> dict[str, int]:
    """The catalogue with wrong and made-up values; returns how many of each it has."""
    rng = random.Random(0)
    values = {n: sorted({str((p.attributes or {})[n]) for p in products if n in (p.attributes or {})}) for n in ASKED}
    counts = {"true": 0, "swapped": 0, "made up": 0}
    rows = []
    for product in products:
        stated = {}
        for name in ASKED:
            value = (product.attributes or {}).get(name)
            if not isinstance(value, str):
                continue
            swap = rng.random() < SWAPPED_SHARE
            stated[name] = rng.choice([other for other in values[name] if other != value]) if swap else value
            counts["swapped" if swap else "true"] += 1
        if rng.random() < MADE_UP_SHARE:
            stated[MADE_UP] = rng.choice(FABRICS)
            counts["made up"] += 1
        rows.append((product, stated))
    write_products(rows, file, titles=True)
    return counts


def write_products(rows: Sequence[tuple[Product, dict[str, str]]], file: Path, titles: bool) -> None:
    records = [
        {
            "id": product.id,
            "title": product.title if titles else None,
            "category": list(product.category or ()),
            "attributes": [{"name": name, "value": value} for name, value in stated.items()],
            "image": {"bytes": product.images[0].data, "path": None},
        }
        for product, stated in rows
    ]
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("title", pa.string()),
            ("category", pa.list_(pa.string())),
            ("attributes", pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))),
            ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ]
    )
    pq.write_table(pa.Table.from_pylist(records, schema=schema), file, row_group_size=500)


def count_kept(truth: Sequence[Product], curated: Path) -> dict[str, int]:
    """What is left after curation, by what it was."""
    labels = {product.id: product.attributes or {} for product in truth}
    counts = {"true": 0, "swapped": 0, "made up": 0}
    for product in _products(curated.parent, curated.name):
        for name, value in (product.attributes or {}).items():
            true = labels[product.id].get(name) == value
            counts["made up" if name == MADE_UP else "true" if true else "swapped"] += 1
    return counts


def measure(
    kind: str, seed: int, options: argparse.Namespace, truth: Sequence[Product], test: Sequence[Product]
) -> Counts:
    """Train on one catalogue with one seed, ask about the clean test split."""
    folder = options.out / f"{kind}-{seed}"
    attributes = [*ASKED, MADE_UP]
    settings = {
        "data_dir": str(options.out),
        "data.train": json.dumps([{"files": f"{kind}.parquet"}]),
        "data.stream": "false",
        "instruct.attributes": json.dumps(attributes),
        "output_dir": str(folder),
        "seed": str(seed),
        "trainer.num_train_epochs": str(options.epochs),
        "trainer.disable_tqdm": "true",
    }
    _run("train", "adapt-stream", *(word for k, v in settings.items() for word in ("--set", f"{k}={v}")))
    schema = options.out / "schema.yaml"
    schema.write_text(_schema(truth), encoding="utf-8")
    answers = {}
    for precision in ("0", FILLED_FROM):
        out = options.out / f"{kind}-{seed}-{precision}.jsonl"
        asked = ["--tasks", "attributes", "--schema", schema, "--precision", precision, "--model", folder, "--restart"]
        _run("enrich", options.out / "test.parquet", out, *asked)
        answers[precision] = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return score(test, answers["0"], answers[FILLED_FROM])


def _schema(truth: Sequence[Product]) -> str:
    values = {n: sorted({str((p.attributes or {})[n]) for p in truth if n in (p.attributes or {})}) for n in ASKED}
    values[MADE_UP] = sorted(set(FABRICS))
    return json.dumps({"attributes": [{"name": name, "values": items} for name, items in values.items()]})


def score(test: Sequence[Product], every: Sequence[dict[str, Any]], careful: Sequence[dict[str, Any]]) -> Counts:
    """What is right with every field filled, and what is filled in and untrue when the model may abstain."""
    counts = []
    least = surest([field["confidence"] for full in every for field in full["attributes"]])
    for product, full, asked in zip(test, every, careful, strict=True):
        labels = product.attributes or {}
        said = {field["name"]: field["value"] for field in full["attributes"]}
        filled = {field["name"]: field["value"] for field in asked["attributes"] if field["status"] == "filled"}
        counts.append(
            {
                "products": 1,
                "asked": len(ASKED) + 1,
                "stated": sum(name in labels for name in ASKED),
                "right": sum(said[name] == labels[name] for name in ASKED if name in labels),
                "filled": len(filled),
                "untrue": sum(name == MADE_UP or labels.get(name) != value for name, value in filled.items()),
                "made up": int(MADE_UP in filled),
            }
        )
        for share, confidence in least.items():
            sure = [field for field in full["attributes"] if field["confidence"] >= confidence]
            counts[-1][f"filled {share}"] = len(sure)
            counts[-1][f"untrue {share}"] = sum(
                field["name"] == MADE_UP or labels.get(field["name"]) != field["value"] for field in sure
            )
    return {name: np.array([row[name] for row in counts]) for name in counts[0]}


def surest(confidences: Sequence[float]) -> dict[float, float]:
    """Share of the fields -> the confidence from which on there are so many."""
    ordered = sorted(confidences, reverse=True)
    return {share: ordered[round(share * len(ordered)) - 1] for share in COVERAGES}


def _run(*words: Any) -> None:
    print("+ pumgpt", *words, file=sys.stderr, flush=True)
    program = [sys.executable, "-c", "from pumgpt.cli.main import main; main()", *map(str, words)]
    subprocess.run(program, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
