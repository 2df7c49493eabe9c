"""What real product questions are taken to ask for: counts by kind, and a sample to check by hand.

python experiments/questions/routing.py --data ../shared/data --sample /tmp/sample.tsv

The parser knows nano's attributes and categories. The sample is drawn by lot; it holds questions of the data set, whose
licence asks for its name beside them, so it is written where you say and is no part of the repository.
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pumgpt.catalog.question import Choices
from pumgpt.model.card import read_card, resolve_checkpoint
from pumgpt.tasks.context import AskedAttribute
from pumgpt.tasks.intent_parser import IntentParser
from pumgpt.tasks.intents import Intent

SETS = {"hetpqa": ("hetpqa-*.tsv", "\t"), "epqa": ("epqa-dev.csv", ",")}
SAMPLE = 100


def main() -> None:
    parser = argparse.ArgumentParser(description="Recognise what the questions of HetPQA and ePQA ask for.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="nano")
    parser.add_argument(
        "--sample", type=Path, help="write a sample of all, and every question that a field would answer"
    )
    options = parser.parse_args()
    recogniser = parser_of(options.model)
    drawn: list[tuple[str, Intent]] = []
    for name, (pattern, delimiter) in SETS.items():
        texts = sorted(set(read_questions(options.data / "pqa", pattern, delimiter)))
        found = [recogniser.parse(text) for text in texts]
        counts = Counter(intent.kind for intent in found)
        print(f"{name}: {len(texts)} questions: " + ", ".join(f"{kind} {n}" for kind, n in counts.most_common()))
        asked = Counter(intent.attribute for intent in found if intent.kind in ("attribute", "yes or no", "choice"))
        print("  fields asked for: " + ", ".join(f"{attribute} {n}" for attribute, n in asked.most_common()))
        drawn += [(name, intent) for intent in found]
    if options.sample:
        write_sample(options.sample, drawn)


def parser_of(model: str) -> IntentParser:
    card = read_card(resolve_checkpoint(model))
    attributes = [AskedAttribute(name, Choices(tuple(values))) for name, values in card.attributes.items()]
    return IntentParser(attributes, Choices(tuple(" > ".join(path) for path in card.category_paths)))


def read_questions(folder: Path, pattern: str, delimiter: str) -> Iterator[str]:
    csv.field_size_limit(sys.maxsize)
    for file in sorted(folder.glob(pattern)):
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter=delimiter):
                yield " ".join(row["question"].split())


def write_sample(path: Path, drawn: list[tuple[str, Intent]]) -> None:
    rows = [("sample", *row) for row in random.Random(0).sample(drawn, SAMPLE)]
    rows += [("field", *row) for row in drawn if row[1].kind in ("attribute", "yes or no", "choice", "print")]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        for part, name, intent in rows:
            writer.writerow((part, name, intent.kind, intent.attribute, "|".join(intent.sides), intent.text))


if __name__ == "__main__":
    main()
