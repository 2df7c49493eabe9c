"""Do two builds give the same bytes? Every command on the same files, with either build, and what differs.

python scripts/compare_builds.py OLD/.venv/bin .venv/bin --out /tmp/compare [--taxonomy DIR] [--only enrich]

A build is the `bin` folder of an environment that it is installed in. What the old one wrote is kept in OUT/old and not
made again, so that a refactoring can be held against it often. `--taxonomy` is a release of Shopify's taxonomy.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from pumgpt.samples import write_catalog

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "examples"
ALL_TASKS = "caption,category,attributes,attribute_qa,attribute_correction,caption_completion,question"
_VARIES = re.compile(
    r"""["'](?:seconds|wall_s|duration_s|products_per_second|rate|train_\w*(?:runtime|per_second))["']: ['"]?[\d.e+-]+['"]?,?"""
    r"|\b\d+(?:\.\d+)? (?:s|ms|min)\b|<b>[\d.]+</b><span>products a second"
)
"""Of what is printed: times."""


@dataclass(frozen=True)
class Case:
    """One command. `{out}` is the folder in which it leaves what is compared; its standard output is compared too."""

    name: str
    arguments: tuple[str, ...]


def cases(taxonomy: Path | None) -> list[Case]:
    def case(name: str, line: str) -> Case:
        return Case(name, tuple(line.split()))

    found = [
        case("info", "info nano --json"),
        case("ask", "ask catalog/{photo} --title Shirt --question Which_colour? --json --evidence"),
        case("ask-table", "ask catalog/{photo} --question Who_is_it_for?"),
        case("ask-zero", "ask catalog/{photo} --precision 0 --json --task category --task attribute_qa"),
        case(
            "ask-schema", "ask catalog/{photo} --schema examples/schema.yaml --taxonomy examples/taxonomy.yaml --json"
        ),
        *(
            case(f"enrich-{to}", f"enrich catalog/catalog.csv {{out}}/filled.{to} --json")
            for to in ("jsonl", "csv", "parquet")
        ),
        case("enrich-zero", "enrich catalog/catalog.csv {out}/filled.csv --precision 0 --json"),
        case(
            "enrich-report", "enrich catalog/catalog.csv {out}/filled.jsonl --report {out}/report.html --limit 8 --json"
        ),
        case(
            "enrich-tasks",
            "enrich catalog/catalog.csv {out}/filled.jsonl --tasks category,attribute_correction,caption_completion --limit 12 --json",
        ),
        case(
            "enrich-record",
            "enrich catalog/catalog.csv {out}/filled.jsonl --tasks caption,attributes --limit 12 --json",
        ),
        case(
            "enrich-shop",
            "enrich examples/catalog.csv {out}/filled.csv --schema examples/schema.yaml --taxonomy examples/taxonomy.yaml --category-map examples/category_map.csv --json",
        ),
        case("enrich-table", "enrich examples/table.csv {out}/filled.csv --columns examples/columns.yaml --json"),
        case("enrich-shopify", "enrich examples/shopify.csv {out}/filled.csv --json"),
        case("enrich-feed-text", "enrich examples/feed.tsv {out}/filled.tsv --json"),
        case("enrich-feed-xml", "enrich examples/feed.xml {out}/filled.xml --json"),
        case(
            "enrich-overwrite", "enrich examples/shopify.csv {out}/filled.csv --overwrite-values --precision 0.5 --json"
        ),
        case("enrich-dry", "enrich examples/feed.xml {out}/filled.xml --dry-run"),
        case("enrich-ray", "enrich catalog/catalog.csv {out}/filled.csv --engine ray --workers 1 --limit 20 --json"),
        case("curate-jsonl", "curate listed.jsonl {out}/curated.jsonl --report {out}/report.html --json"),
        case("curate-csv", "curate listed.jsonl {out}/curated.parquet --values move --json"),
        case(
            "curate-shopify",
            "curate examples/shopify.csv {out}/curated.csv --values keep --schema examples/schema.yaml --json",
        ),
        case("curate-feed", "curate examples/feed.xml {out}/curated.xml --json"),
        case("duplicates", "duplicates listed.jsonl --json"),
        *(
            case(f"convert-{to}", f"convert listed.jsonl {{out}}/asked.jsonl --to {to} --json")
            for to in ("messages", "llava", "sharegpt")
        ),
        case("shards", "shards listed.jsonl {out}/shards --json"),
        case("remember", "remember listed.jsonl {out}/shop --sample 12 --json"),
        case("bench", "bench samples --out {out}/bench"),
        case(
            "bench-baselines",
            "bench samples --model majority --model nearest --model title --limit 30 --out {out}/bench",
        ),
        case(
            "train",
            "train {recipes}/adapt.yaml --set output_dir={out}/run --set data_dir=. "
            "--set data.train=[{files:_listed.jsonl}] --set trainer.max_steps=2",
        ),
    ]
    if taxonomy is not None:
        shared = str(taxonomy)
        found += [
            case(
                "enrich-release", f"enrich catalog/catalog.csv {{out}}/filled.csv --taxonomy {shared} --limit 12 --json"
            ),
            case(
                "enrich-release-attributes",
                f"enrich examples/shopify.csv {{out}}/filled.csv --taxonomy {shared} --category-attributes --json",
            ),
        ]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold what two builds write against each other.")
    parser.add_argument("old", type=Path, help="the bin folder of the environment of one build")
    parser.add_argument("new", type=Path, help="that of the other")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--taxonomy", type=Path, help="a release of Shopify's taxonomy")
    parser.add_argument("--only", default="", help="cases whose name begins so")
    options = parser.parse_args()
    work: Path = options.out.resolve()
    write_inputs(work)
    differing = 0
    chosen = [
        case for case in cases(options.taxonomy and options.taxonomy.resolve()) if case.name.startswith(options.only)
    ]
    for case in chosen:
        old = run(case, options.old, work, "old", keep=True)
        new = run(case, options.new, work, "new", keep=False)
        lines = differences(old, new)
        differing += bool(lines)
        print(
            f"{case.name:28} {'DIFFERS' if lines else 'same'}", *lines[:12], sep="\n    " if lines else "  ", flush=True
        )
    print(json.dumps({"cases": len(chosen), "differing": differing}))
    return int(differing > 0)


def write_inputs(work: Path) -> None:
    """The drawn catalogue, the same with labels, and the documented examples with photos."""
    if (work / "listed.jsonl").exists():
        return
    work.mkdir(parents=True, exist_ok=True)
    write_catalog(work / "catalog")
    shutil.copytree(EXAMPLES, work / "examples", dirs_exist_ok=True)
    (work / "examples" / "photos").mkdir(exist_ok=True)
    photos = sorted((work / "catalog" / "photos").iterdir())
    for name, photo in zip(("1001", "1002-front", "1002-back"), photos, strict=False):
        Image.open(photo).convert("RGB").save(work / "examples" / "photos" / f"{name}.jpg", quality=92)
    truths = [json.loads(line) for line in (work / "catalog" / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    with (work / "listed.jsonl").open("w", encoding="utf-8") as file:
        for truth in truths:
            photo = work / "catalog" / "photos" / f"{truth['id']}.jpg"
            images = [{"path": str(photo.relative_to(work))}] if photo.exists() else []
            file.write(json.dumps(truth | {"images": images}) + "\n")


def run(case: Case, bin_folder: Path, work: Path, side: str, keep: bool) -> Path:
    """Run the command in `work`; its output lies in OUT/SIDE/NAME. Both sides write to one name, so that paths don't differ."""
    kept, folder = work / side / case.name, work / "output"
    if keep and kept.exists():
        return kept
    for stale in (kept, folder):
        shutil.rmtree(stale, ignore_errors=True)
    folder.mkdir()
    photo = f"photos/{min(path.name for path in (work / 'catalog' / 'photos').iterdir())}"
    names = {"{out}": "output", "{photo}": photo, "{recipes}": str(bin_folder.resolve().parents[1] / "recipes")}
    arguments = [_filled(argument, names) for argument in case.arguments]
    done = subprocess.run(
        [bin_folder.resolve() / "pumgpt", *arguments], cwd=work, capture_output=True, text=True, check=False
    )
    (folder / "stdout").write_text(done.stdout, encoding="utf-8")
    (folder / "rc").write_text(f"{done.returncode}\n", encoding="utf-8")
    kept.parent.mkdir(parents=True, exist_ok=True)
    (work / side / f"{case.name}.stderr").write_text(done.stderr, encoding="utf-8")
    folder.rename(kept)
    return kept


def _filled(argument: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        argument = argument.replace(name, value)
    return argument.replace("_", " ") if argument.endswith(("?", "]")) else argument


def differences(old: Path, new: Path) -> list[str]:
    names = sorted({str(path.relative_to(side)) for side in (old, new) for path in side.rglob("*") if path.is_file()})
    found = []
    for name in names:
        if not (old / name).exists() or not (new / name).exists():
            found.append(f"{name}: only in {'new' if (new / name).exists() else 'old'}")
        elif (old / name).read_bytes() != (new / name).read_bytes():
            found += _text_difference(old / name, new / name, name)
    return found


def _text_difference(old: Path, new: Path, name: str) -> list[str]:
    try:
        texts = [_without_times(path) for path in (old, new)]
    except UnicodeDecodeError:
        return [f"{name}: other bytes"]
    lines = difflib.unified_diff(*(text.splitlines() for text in texts), "old", "new", lineterm="", n=0)
    return [f"{name}: {line[:300]}" for line in lines][2:]


def _without_times(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.name == "results.json":
        whole = json.loads(text)
        whole.pop("run", None)
        return json.dumps(whole, indent=1)
    return _VARIES.sub("", text)


if __name__ == "__main__":
    sys.exit(main())
