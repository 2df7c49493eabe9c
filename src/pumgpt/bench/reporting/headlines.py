"""Which scores a reader sees first, and what each means to somebody who is new to benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pumgpt.bench.judging.scoring import Scores
from pumgpt.bench.stats.intervals import Measured


@dataclass(frozen=True, slots=True)
class Headline:
    """One score: where it stands, its name on the page, and what it means."""

    slot: str
    metric: str
    name: str
    meaning: str
    low_is_good: bool = False
    share: bool = True
    """Between 0 and 1."""


HEADLINES = (
    Headline("category", "accuracy", "Category", "the whole category path is right"),
    Headline("category", "hierarchical F1", "Category, near misses", "right levels of the path count in part"),
    Headline("category, multiple choice", "accuracy", "Category among options", "the right one of the options"),
    Headline("attribute_qa", "accuracy", "Attributes", "asked one by one, the value is right"),
    Headline("attribute_qa", "F1", "Attributes, F1", "right values, weighed against wrong and missing ones"),
    Headline("attribute_qa, multiple choice", "accuracy", "Attribute among options", "the right one of the options"),
    Headline("attributes", "F1", "Attribute record, F1", "all attributes asked at once"),
    Headline("attribute_correction", "accuracy", "Listed values checked", "right and wrong values are told apart"),
    Headline("question", "exact", "Questions", "the answer is word for word the expected one"),
    Headline("caption", "true", "True captions", "names the product and states no untrue colour"),
    Headline(
        "caption", "CIDEr", "Captions, CIDEr-D (0 to 10)", "likeness to the shop's own titles, 0 to 10", share=False
    ),
    Headline("caption", "ROUGE-L", "Captions, ROUGE-L", "likeness to the shop's own titles"),
    Headline("caption", "BLEU", "Captions, BLEU", "likeness to the shop's own titles"),
    Headline("caption_completion", "ROUGE-L", "Titles finished", "likeness to how the title goes on"),
    Headline("refusals", "recall", "Says so when it can't tell", "of the questions without an answer, declined"),
    Headline("refusals", "over-refusal", "Declines needlessly", "of the answerable questions, declined", True),
    Headline("hallucination", "untrue values", "Untrue values", "of all values stated, not true", True),
    Headline(
        "hallucination",
        "values where none can be told",
        "Made-up values",
        "a value stated where nobody could tell one",
        True,
    ),
    Headline("category", "ECE", "Category: confidence off by", "mean gap between sureness and share right", True),
    Headline("attribute_qa", "ECE", "Attributes: confidence off by", "mean gap between sureness and share right", True),
    Headline("format", "valid", "Readable answers", "in the form that was asked for, read with good will"),
    Headline("format", "valid, strict", "Exact form", "written exactly as asked for"),
)


def headline_scores(scores: Scores) -> Scores:
    """The scores that `HEADLINES` names, of those that there are."""
    picked: Scores = {}
    for headline in HEADLINES:
        measured = scores.get(headline.slot, {}).get(headline.metric)
        if measured is not None:
            picked.setdefault(headline.slot, {})[headline.metric] = measured
    return picked


def rows(columns: Mapping[str, Scores]) -> list[tuple[Headline, dict[str, Measured]]]:
    """Every headline that some model has a score for, with the models' scores."""
    table = []
    for headline in HEADLINES:
        # Models may lack a score that others have: confidences, for instance, which only some backends give.
        cells = {
            model: scores[headline.slot][headline.metric]
            for model, scores in columns.items()
            if headline.metric in scores.get(headline.slot, {})
        }
        if cells:
            table.append((headline, cells))
    return table
