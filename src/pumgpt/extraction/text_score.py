"""The probability that a text supports a value, given a mention of it: logistic regression over a dozen plain features.

The weights are in `text_score.json`; `scripts/fit_curation.py` fits them on titles that the span classifier has not seen
(cross-fitting), so that its log-odds mean the same there as on a new title.
"""

from __future__ import annotations

from pathlib import Path

from pumgpt.extraction.logistic import LogisticScore, clipped
from pumgpt.extraction.mentions import MatchKind, Mention
from pumgpt.extraction.span_classifier import SpanOwner

SHIPPED = Path(__file__).with_name("text_score.json")

FEATURES = (
    "mentioned", "other capitals", "another form", "another unit", "own", "own over other", "other where unknown",
    "known", "overlap", "all words apart", "num words",
)  # fmt: skip


def mention_features(
    mention: Mention | None, owner: SpanOwner | None, overlap: float, num_words: int
) -> tuple[float, ...]:
    """The features, in the order of `FEATURES`, of a claim and one mention of its value; or of none, if that is None."""
    length = min(num_words, 6) / 6
    if mention is None or owner is None:
        return (0.0,) * 8 + (overlap, float(overlap == 1), length)
    known = owner.known
    return (
        1.0,
        float(mention.kind is MatchKind.CAPITALS),
        float(mention.kind in (MatchKind.FORM, MatchKind.SYNONYM)),
        float(mention.kind is MatchKind.UNIT),
        # An attribute that the classifier hardly knows has log-odds of little meaning, so they count by `known`.
        clipped(owner.own) * known,
        clipped(owner.own - owner.other) * known,
        clipped(owner.other) * (1 - known),
        known,
        0.0,
        0.0,
        length,
    )


class TextScore(LogisticScore):
    subject = "the text expert's score"
    fitted_by = "scripts/fit_curation.py"
    features = FEATURES
    shipped = SHIPPED
