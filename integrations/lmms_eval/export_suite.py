"""Write a suite's cases as the Parquet file that the `lmms-eval` task `pumbench` reads.

python integrations/lmms_eval/export_suite.py samples --out pumbench.parquet
python integrations/lmms_eval/export_suite.py fashion --data ../shared/data --limit 200 --out pumbench.parquet
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pumgpt.backends.chat.prompt import SYSTEM, prompt_text
from pumgpt.bench.asking.cases import BenchCase, item_cases
from pumgpt.bench.asking.runner import make_requests
from pumgpt.bench.suites.items import Item
from pumgpt.bench.suites.loader import load_items
from pumgpt.bench.suites.suite import data_folder, load_suite
from pumgpt.errors import PumGPTError


def main() -> int:
    parser = argparse.ArgumentParser(description="Write a suite's cases for lmms-eval.")
    parser.add_argument("suite", help="as for `pumgpt bench`")
    parser.add_argument("--data", type=Path, help="folder of the suite's files")
    parser.add_argument("--limit", type=int, help="this many products only")
    parser.add_argument("--out", type=Path, default=Path("pumbench.parquet"))
    options = parser.parse_args()
    try:
        rows = list(export(options.suite, options.data, options.limit))
    except PumGPTError as error:
        print(f"export_suite: {error}", file=sys.stderr)
        return 1
    pq.write_table(pa.Table.from_pylist(rows), options.out, compression="zstd")
    print(f"{len(rows):,} questions in {options.out}")
    return 0


def export(name: str, folder: Path | None, limit: int | None) -> Iterator[dict[str, Any]]:
    """One row for each case: the photos, the prompt, and as JSON what `utils.py` needs to grade an answer."""
    suite = load_suite(name)
    data = load_items(suite, data_folder(name, folder), limit)
    for item in data.items:
        cases = {case.id: case for case in item_cases(suite, data, item)}
        for asked in make_requests(suite, data, item):
            photos = []
            for photo in asked.request.photos:
                buffer = io.BytesIO()
                photo.save(buffer, "PNG")
                photos.append(buffer.getvalue())
            for case in map(cases.__getitem__, asked.case_ids):
                listing = asked.request.listing
                prompt = f"{SYSTEM}\n\n{prompt_text(listing, case.question)}"
                truth = json.dumps(to_json(case, item, listing), ensure_ascii=False)
                yield {"id": case.id, "photos": photos, "prompt": prompt, "case": truth}


def to_json(case: BenchCase, item: Item, listing: str | None) -> dict[str, Any]:
    question, product = case.question, item.product
    return {
        "case": {
            "id": case.id,
            "product": case.product,
            "origin": case.origin,
            "condition": case.condition,
            "form": case.form,
        },
        "question": {"task": question.task, "text": question.text, "field": question.field},
        "choices": question.choices.values if question.choices else None,
        "truth": {"fields": dict(case.truth.fields), "listed": case.truth.listed, "verdict": case.truth.verdict},
        "product": {"title": product.title, "category": product.category, "attributes": product.attributes},
        "listing": listing,
    }


if __name__ == "__main__":
    sys.exit(main())
