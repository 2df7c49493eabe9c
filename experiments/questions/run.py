"""Ask nano questions of all kinds about the test products of `fashion`, and hold the answers against their labels.

python experiments/questions/run.py --data ../shared/data --products 100

Only the public interface is used, so that the same script measures another build: PYTHONPATH=OTHER/src python .... Every
product gets two wordings of each group of questions.yml, by turns; a brand is asked of products with a brand as their label.
Questions without a field have no right answer: what is said to them is wrong. `of its kind` counts answers that are at least
what was asked for: a colour to a question about colour, yes or no, one of the two sides. `--unknown` asks about photos of
things that nano was not trained on, where only a refusal is certainly right, and prints what is said instead.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import yaml

import pumgpt
from pumgpt.bench.stats.intervals import wilson
from pumgpt.model.card import read_card, resolve_checkpoint
from pumgpt.tasks.template import load_template
from pumgpt.tasks.words import colour_family, words

GROUPS = yaml.safe_load(Path(__file__).with_name("questions.yml").read_text(encoding="utf-8"))
FILES = {"fashion": "fashion/test-*.parquet", "implicitave": "implicitave/dev*", "open-domain": "open-domain/test*"}
WORDINGS = 2
UNJUDGED = "print"
"""No label says what is printed on a product: the answers are to be looked at."""
PEOPLE = ("men", "women", "boys", "girls")


MOST_SHOWN = 8


class Asked(NamedTuple):
    """A question, its group, and in small letters the right answers, and all that would answer it; none where it has no
    answer.
    """

    text: str
    kind: str
    right: frozenset[str]
    valid: frozenset[str]


def main() -> None:
    parser = argparse.ArgumentParser(description="Questions of all kinds about real products.")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="nano")
    parser.add_argument("--products", type=int, default=100)
    parser.add_argument("--precision", type=float, default=0.9)
    parser.add_argument(
        "--unknown", choices=["implicitave", "open-domain"], help="photos of things that nano doesn't know"
    )
    parser.add_argument("--answers", type=Path, help="write every question with its answer here")
    options = parser.parse_args()
    model = pumgpt.load(options.model)
    card = read_card(resolve_checkpoint(options.model))
    vocabulary = {name: frozenset(map(str.lower, values)) for name, values in card.attributes.items()}
    vocabulary["category"] = frozenset(path[-1].lower() for path in card.category_paths)
    rows = read_rows(options.data, options.unknown or "fashion", options.products)
    said: list[dict[str, Any]] = []
    for number, row in enumerate(rows):
        for title in (None,) if options.unknown else (None, row["title"]):
            asked = list(questions_about(row, number, vocabulary, known=options.unknown is None))
            record = model.understand(
                row["image"]["bytes"], title=title, tasks=["question"], questions=[q.text for q in asked],
                precision=options.precision,
            )  # fmt: skip
            for question, answer in zip(asked, record.answers or [], strict=True):
                said.append(
                    {
                        "kind": question.kind, "condition": "title" if title else "photo", "question": question.text,
                        "answer": answer.answer, "confidence": answer.confidence, "right": sorted(question.right),
                        "is_right": is_right(answer.answer, question.right),
                        "is_of_kind": is_right(answer.answer, question.valid),
                    }
                )  # fmt: skip
    print_table(said, with_answers=options.unknown is not None)
    if options.answers:
        options.answers.write_text("\n".join(map(json.dumps, said)) + "\n", encoding="utf-8")


def read_rows(data: Path, name: str, count: int) -> list[dict[str, Any]]:
    """Products by lot, up to half of them with a brand as a label."""
    paths = sorted(data.glob(FILES[name]))
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.glob("*.parquet")))]
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    for row in rows:
        row["labels"] = {one["name"]: one["value"] for one in row.get("attributes") or []}
    random.Random(0).shuffle(rows)
    branded = [row for row in rows if "brand" in row["labels"]][: count // 2]
    return [*branded, *(row for row in rows if "brand" not in row["labels"])][:count]


def questions_about(
    row: dict[str, Any], number: int, vocabulary: Mapping[str, frozenset[str]], *, known: bool
) -> Iterator[Asked]:
    rng = random.Random(f"{row['id']}")
    for group in GROUPS:
        field = group.get("field")
        if field == "brand" and "brand" not in row["labels"] and known:
            continue
        values = side_values(row, field, rng) if field else {}
        for place in range(WORDINGS):
            text = group["texts"][(number * WORDINGS + place) % len(group["texts"])]
            right = right_answers(row, field, text, values) if known and field else frozenset()
            if values is None or (known and field and not right):
                continue
            yield Asked(fill(text, values, rng), group["kind"], right, valid_answers(vocabulary, field, text, values))


def side_values(row: dict[str, Any], field: str, rng: random.Random) -> dict[str, str] | None:
    """A value that the product has and one that it hasn't, as people say them; None where it has no label."""
    labels, path = row["labels"], row["category"] or []
    if field == "colour":
        own = str(labels.get("colour", "blue")).lower()
        family = colour_family(own)
        others = [name for name in words().colours if name not in (family, "multi")]
        return None if family in (None, "multi") else {"true": rng.choice([own, family]), "false": rng.choice(others)}
    if field == "gender":
        own = str(labels.get("gender", "men")).lower()
        others = [people for people in PEOPLE if people != own and not (own == "unisex" and people in PEOPLE[:2])]
        return {"true": "men" if own == "unisex" else own, "false": rng.choice(others)}
    if field == "category":
        leaf = str(path[-1] if path else "Shirts").lower()
        others = [one for one in ("shirt", "watch", "handbag", "sandal", "saree") if one[:4] not in leaf]
        return {"true": leaf.removesuffix("s"), "false": rng.choice(others)}
    return {"true": "", "false": ""}


def fill(text: str, values: dict[str, str] | None, rng: random.Random) -> str:
    sides = list((values or {}).values())
    rng.shuffle(sides)
    both = " or ".join(sides)
    return text.format(**(values or {}), both=both) if "{" in text else text


def right_answers(row: dict[str, Any], field: str, text: str, values: dict[str, str] | None) -> frozenset[str]:
    """Lower case; several where people would accept several."""
    if "{true}" in text:
        return frozenset({"yes"})
    if "{false}" in text:
        return frozenset({"no"})
    if "{both}" in text:
        return frozenset({(values or {}).get("true", "")})
    if field == "category":
        return frozenset({row["category"][-1].lower()})
    own = str(row["labels"].get(field) or "")
    phrase = load_template("question").phrases.get("people" if field == "gender" else field, {}).get(own)
    return frozenset(one.lower() for one in (own, phrase) if one)


def valid_answers(
    vocabulary: Mapping[str, frozenset[str]], field: str | None, text: str, values: dict[str, str] | None
) -> frozenset[str]:
    """All that would be an answer to the question, right or wrong."""
    if field is None:
        return frozenset()
    if "{true}" in text or "{false}" in text:
        return frozenset({"yes", "no"})
    if "{both}" in text:
        return frozenset({*(values or {}).values(), "both"})
    phrases = load_template("question").phrases.get("people" if field == "gender" else field, {})
    return frozenset(map(str.lower, (*vocabulary.get(field, ()), *phrases.values())))


def is_right(answer: str | None, right: frozenset[str]) -> bool | None:
    """None where nothing was said. A longer answer is right too if it ends in the right one: 'Black Tshirts'."""
    if answer is None:
        return None
    said = answer.lower()
    return any(said == one or said.endswith(f" {one}") for one in right)


def print_table(said: list[dict[str, Any]], *, with_answers: bool) -> None:
    print("| kind | shown | asked | answered | of these right | of its kind |\n|---|---|---|---|---|---|")
    for (kind, condition), asked in Counter((one["kind"], one["condition"]) for one in said).items():
        mine = [one for one in said if (one["kind"], one["condition"]) == (kind, condition)]
        answered = [one for one in mine if one["answer"] is not None]
        right = sum(one["is_right"] is True for one in answered)
        share = str(wilson(right, len(answered))) if answered and kind != UNJUDGED else "-"
        of_kind = "-" if kind == UNJUDGED else sum(one["is_of_kind"] is True for one in answered)
        print(f"| {kind} | {condition} | {asked} | {len(answered)} | {share} | {of_kind} |")
    if with_answers:
        answers = Counter((one["kind"], one["answer"]) for one in said if one["answer"] is not None)
        for kind in dict.fromkeys(one["kind"] for one in said):
            most = [f"{answer} {count}" for (k, answer), count in answers.most_common() if k == kind][:MOST_SHOWN]
            print(f"{kind}: {', '.join(most) or 'no answer'}")


if __name__ == "__main__":
    main()
