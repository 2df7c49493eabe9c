"""Does a title contradict a wrong colour or gender, and leave a true one alone? Without a schema, on `fashion` validation.

    python experiments/curation_titles/opposites.py --data ../shared/data

Each value is judged as it is and once more replaced by another of the catalogue; counted are the text expert's verdicts.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from pathlib import Path

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.curation.experts.text import TextExpert
from pumgpt.curation.verdict import Claim
from pumgpt.extraction.mentions import Text

FILES = "fashion/validation-*.parquet"
NAMES = ("colour", "gender")


def main() -> None:
    parser = argparse.ArgumentParser(description="Count verdicts on true and on wrong colours and genders.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    rows = [row for file in sorted(options.data.glob(FILES)) for row in read_catalog(file)]
    titled = [row for row in rows if isinstance(row, Product) and row.title]
    expert, chance = TextExpert(), random.Random(0)
    for name in NAMES:
        listed = [
            (row.title or "", str((row.attributes or {})[name])) for row in titled if name in (row.attributes or {})
        ]
        values = sorted({value for _, value in listed})
        counts: Counter[tuple[str, str]] = Counter()
        for title, value in listed:
            texts = {"title": Text(title)}
            wrong = chance.choice([other for other in values if other != value])
            counts["true", str(expert.vote(Claim(name, value), texts).verdict)] += 1
            counts["wrong", str(expert.vote(Claim(name, wrong), texts).verdict)] += 1
        print(f"{name}: {len(listed)} values")
        for (kind, verdict), count in sorted(counts.items()):
            print(f"  {kind:6}{verdict:16}{count:6}  {count / len(listed):.3f}")


if __name__ == "__main__":
    main()
