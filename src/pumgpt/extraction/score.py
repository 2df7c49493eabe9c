"""How surely a span of a listing states a value of an attribute: logistic regression over a few plain features.

The weights are in `extraction_score.json`; `scripts/fit_extraction.py` fits them on titles that the span classifier has not seen.
"""

from __future__ import annotations

from pathlib import Path

from pumgpt.extraction.logistic import LogisticScore, clipped
from pumgpt.extraction.span_classifier import SpanOwner

SHIPPED = Path(__file__).with_name("extraction_score.json")

FEATURES = (
    "common word", "common: own over other", "common: num words", "common: description", "own", "own over other",
    "other over own", "other where unknown", "known", "listed", "listed and unknown", "named", "measure", "num words",
    "description",
)  # fmt: skip


def candidate_features(
    owner: SpanOwner,
    *,
    num_words: int,
    is_listed: bool,
    is_common: bool,
    is_named: bool,
    is_measure: bool,
    is_described: bool,
) -> tuple[float, ...]:
    """The features, in the order of `FEATURES`, of one span as a value of one attribute.

    How closely the span follows the listed value is none of them: shops list "Mesh" and write "mesh".
    """
    # An attribute that the classifier hardly knows has log-odds of little meaning, so they count by `known`.
    margin = clipped(owner.own - owner.other) * owner.known
    own_over_other, other_over_own = max(margin, 0.0), max(-margin, 0.0)
    length = min(num_words, 6) / 6
    # "cotton" says by itself what it is. The classifier, which knows few materials and English alone, speaks against none.
    common = (1.0, own_over_other, length, float(is_described))
    other = (
        clipped(owner.own) * owner.known,
        own_over_other,
        other_over_own,
        clipped(owner.other) * (1 - owner.known),
        owner.known,
        float(is_listed),
        float(is_listed) * (1 - owner.known),
        float(is_named),
        float(is_measure),
        length,
        float(is_described),
    )
    return (*common, *(0.0,) * len(other)) if is_common else (*(0.0,) * len(common), *other)


class ExtractionScore(LogisticScore):
    subject = "the score of extraction"
    fitted_by = "scripts/fit_extraction.py"
    features = FEATURES
    shipped = SHIPPED
