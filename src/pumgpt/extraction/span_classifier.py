"""Which attribute does a span of a title belong to? A light classifier, fitted on labelled titles.

One logistic regression for each attribute of the labels, over hashed features of the span itself (letters, shape, number
of words) and of its place (neighbours, position, punctuation). Only the hashed weights are shipped, in
`span_classifier.npz`; `scripts/fit_curation.py` fits them. An attribute that the labels don't have is judged by those of
similar names ("fabric colour" by "color"), or not at all.

Legend: B buckets of the hash, A attributes.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pumgpt.catalog.vocabulary.units import UNIT
from pumgpt.catalog.vocabulary.words import key, words
from pumgpt.errors import ModelError
from pumgpt.extraction.mentions import Text

NUM_BUCKETS = 8192
SHIPPED = Path(__file__).with_name("span_classifier.npz")
_MIN_SIMILARITY = 0.45
"""Of two names, from which on one attribute stands in for the other."""
TYPE = "type"
"""What the product is. Many other attributes ("shoe type", "item form") say it too, so it speaks against none of them."""
_GENERAL = frozenset({"type", "name", "of", "the", "s", "product", "item"})
_ALIASES = {
    "colour": "color", "manufacturer": "brand", "vendor": "brand", "label": "brand", "fabric": "material",
    "sex": "gender", "taste": "flavor", "flavour": "flavor", "fragrance": "scent", "smell": "scent", "print": "pattern",
    "category": TYPE, "kind": TYPE,
}  # fmt: skip
_CONTENTS = frozenset({"weight", "net weight", "volume", "net content"})
_UNIT_GAP = re.compile(rf"(?<=\d)[\s-](?={UNIT}$)", re.IGNORECASE)


@dataclass(frozen=True)
class SpanOwner:
    """Log-odds that a span belongs to the attribute asked about (`own`), and to the likeliest other one (`other`, by name
    `owner`). `known` is 1 if the labels have the attribute, less if they have similar ones, 0 if none.
    """

    own: float
    other: float
    known: float
    owner: str


class SpanClassifier:
    """`weights_BA` may be quantised to small integers, which `scale` multiplies."""

    def __init__(
        self,
        names: Sequence[str],
        weights_BA: NDArray[np.float32] | NDArray[np.int8],
        bias_A: NDArray[np.float32],
        scale: float,
    ) -> None:
        self.names = tuple(names)
        self._weights_BA, self._bias_A, self._scale = weights_BA, bias_A, scale
        self._similar: dict[str, NDArray[np.float32]] = {}

    def judge(self, text: Text, start: int, end: int, name: str) -> SpanOwner:
        """The owner of `text.text[start:end]`, as far as the attribute `name` is concerned."""
        return self.owner(self.logits(list(span_features(text, start, end))), name)

    def owner(self, logits_A: NDArray[np.float32], name: str) -> SpanOwner:
        """The owner of a span with these log-odds, as far as the attribute `name` is concerned."""
        similar_A = self._similar_attributes(name)
        known = float(similar_A.max())
        own = float(logits_A @ similar_A / similar_A.sum()) if known else 0.0
        # A packet's weight or volume is its net content: one doesn't speak against the other.
        same_A = [name.casefold() in _CONTENTS and other in _CONTENTS for other in self.names]
        others_A = np.where((similar_A > 0) | same_A | (np.array(self.names) == TYPE), -np.inf, logits_A)
        best = int(others_A.argmax())
        return SpanOwner(own, float(others_A[best]), known, self.names[best])

    def logits(self, features: Sequence[str]) -> NDArray[np.float32]:
        buckets = [bucket(feature) for feature in features]
        sums_A = self._weights_BA[buckets].sum(axis=0, dtype=np.float32)
        return np.asarray(sums_A * self._scale + self._bias_A, dtype=np.float32)

    def _similar_attributes(self, name: str) -> NDArray[np.float32]:
        """How much each attribute counts for one of this name: (A,), all zero if none is similar."""
        if name not in self._similar:
            similar_A = np.array([similarity(name, known) for known in self.names], dtype=np.float32)
            # Only the most similar: "upper color" is judged by "color", not by every attribute with "upper" in its name.
            similar_A[similar_A < max(_MIN_SIMILARITY, float(similar_A.max()) - 0.05)] = 0
            if len(self._similar) < 4096:
                self._similar[name] = similar_A
            return similar_A
        return self._similar[name]

    def knows(self, name: str) -> bool:
        """Whether the labels have the attribute, or one of a similar name."""
        return bool(self._similar_attributes(name).any())

    def without(self, name: str) -> SpanClassifier:
        """The same classifier without one attribute."""
        kept = [place for place, known in enumerate(self.names) if key(known) != key(name)]
        names = [self.names[place] for place in kept]
        return SpanClassifier(names, self._weights_BA[:, kept], self._bias_A[kept], self._scale)

    def joined(self, other: SpanClassifier) -> SpanClassifier:
        """A classifier of the attributes of both."""
        weights_BA = np.hstack([each._weights_BA * np.float32(each._scale) for each in (self, other)])
        names, bias_A = self.names + other.names, np.concatenate([self._bias_A, other._bias_A])
        return SpanClassifier(names, weights_BA, bias_A, 1.0)

    def save(self, path: Path) -> None:
        # Eight bits a weight keep the package small.
        scale = float(np.abs(self._weights_BA).max()) * self._scale / 127
        small_BA = np.rint(self._weights_BA * (self._scale / scale)).astype(np.int8)
        np.savez_compressed(
            path, names=np.array(self.names), weights=small_BA, bias=self._bias_A, scale=np.float64(scale)
        )

    @classmethod
    def load(cls, path: Path = SHIPPED) -> SpanClassifier:
        """Raises `ModelError` that names the file."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                names = [str(name) for name in stored["names"]]
                return cls(names, stored["weights"], stored["bias"], float(stored["scale"]))
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise ModelError(
                f"{path}: is no model of title words; fit it again with scripts/fit_curation.py"
            ) from error


def bucket(feature: str) -> int:
    return zlib.crc32(feature.encode()) % NUM_BUCKETS


def span_features(text: Text, start: int, end: int) -> Iterator[str]:
    """The features of the span `start:end` and of its neighbourhood, before hashing."""
    # "500 ml" has the features of "500ml": a blank before the unit says nothing about which attribute it belongs to.
    span = _UNIT_GAP.sub("", text.text[start:end])
    forms = [word.form for word in words(span)]
    yield from (f"w={form}" for form in forms)
    if forms:
        yield f"first={forms[0]}"
        yield f"last={forms[-1]}"
    yield f"all={key(span)}"
    yield f"count={min(len(forms), 5)}"
    yield f"shape={_shape(span)}"
    letters = f" {span.casefold()} "
    for size in (2, 3, 4):
        yield from (f"{size}{letters[place : place + size]}" for place in range(max(0, len(letters) - size + 1)))
    # Titles have an order (brand first, pack size last), and attributes have typical neighbours ("size", "for", "oz").
    before = [word.form for word in text.words if word.end <= start]
    after = [word.form for word in text.words if word.start >= end]
    yield f"-1={before[-1] if before else '^'}"
    yield f"-2={before[-2] if len(before) > 1 else '^'}"
    yield f"+1={after[0] if after else '$'}"
    yield f"+2={after[1] if len(after) > 1 else '$'}"
    yield f"from-start={_binned(len(before))}"
    yield f"to-end={_binned(len(after))}"
    yield f"left={text.text[max(0, start - 2) : start].strip() or ('^' if not before else '_')}"
    yield f"right={text.text[end : end + 2].strip() or ('$' if not after else '_')}"
    yield f"part={min(len(re.findall(r'[,|(]| - ', text.text[:start])), 4)}"


def _binned(count: int) -> str:
    return str(count) if count < 4 else "4-7" if count < 8 else "8+"


def _shape(span: str) -> str:
    """Capitals, small letters and digits as X, x and 9, each run of them once: "XL 42-L" is "X 9-X"."""
    shape = re.sub(r"[A-Z]", "X", re.sub(r"[^\W\dA-Z_]", "x", re.sub(r"\d", "9", span)))
    return re.sub(r"(.)\1+", r"\1", shape)[:12]


@lru_cache(maxsize=65536)
def similarity(name: str, other: str) -> float:
    """Similarity of two attribute names, in 0..1: 1 for the same words, most weight on the last, which names the thing."""
    forms: list[list[str]] = []
    for text in (name, other):
        aliased = [_ALIASES.get(word.form, word.form) for word in words(text.replace("_", " "))]
        # "product type" is a type, while the "type" of "shoe type" says nothing.
        forms.append([form for form in aliased if form not in _GENERAL] or ([TYPE] if TYPE in aliased else aliased))
    mine, theirs = forms
    if not mine or not theirs:
        return float(name.casefold().strip() == other.casefold().strip())
    if mine == theirs:
        return 1.0
    shared = len(set(mine) & set(theirs)) / len(set(mine) | set(theirs))
    return 0.5 * shared + 0.4 * (mine[-1] == theirs[-1])
