"""Which value of an attribute do title and description state, how surely, and in which words?

Where the attribute is closed, its values are searched for, in any wording that the schema or the lexicon knows. Where it is
open, the lexicon's values, quantities, sizes and runs of words that the span classifier takes for the attribute are candidates.
Each is scored by `ExtractionScore`; what the text denies, or says of something else that the product fits, is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.quantities import parse_quantity
from pumgpt.catalog.vocabulary.schema import AttributeSpec
from pumgpt.catalog.vocabulary.sizes import canonical_pack, canonical_size
from pumgpt.catalog.vocabulary.values import same_value, wordings
from pumgpt.catalog.vocabulary.words import key, words
from pumgpt.extraction.lexicon import KnownAttribute, is_of_part, lexicon
from pumgpt.extraction.mentions import Mention, Text
from pumgpt.extraction.phrases import PhraseIndex
from pumgpt.extraction.score import ExtractionScore, candidate_features
from pumgpt.extraction.span_classifier import SpanClassifier, SpanOwner, span_features

MAX_TITLE, MAX_DESCRIPTION = 1_000, 4_000
"""Characters; the rest is ignored."""
MAX_WORDS = 4
"""Of a run of words that is a candidate for an open attribute."""
LEAST_OWN = -2.0
"""Log-odds of the span classifier that one word of such a run has, at least."""
RIVAL_SCORE = 0.25
"""From which score on another value makes the best one less sure."""
_HEAD_CHARS = 12
_MAX_QUOTE = 60
_MEASURED = frozenset(
    [
        "size",
        "length",
        "width",
        "height",
        "depth",
        "weight",
        "volume",
        "capacity",
        "diameter",
        "thickness",
        "content",
        "power",
        "voltage",
        "wattage",
        "größe",
        "länge",
        "breite",
        "höhe",
        "gewicht",
        "taille",
        "longueur",
        "largeur",
        "hauteur",
        "poids",
        "talla",
        "tamaño",
        "longitud",
        "peso",
    ]
)
"""What the last word of an attribute's name is where its values are measures."""


StatementKind = Literal["common", "listed", "open"]
"""`common`: a value that the lexicon knows ("cotton"). `listed`: another one of the schema's. `open`: words that nobody lists."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A value, and the words that state it, in `part` ("title" or "description")."""

    value: str
    part: str
    words: str


@dataclass(frozen=True, slots=True)
class StatedValue:
    """A value that the text states. `score` in 0..1 is not calibrated."""

    quote: Quote
    score: float
    rivals: tuple[Quote, ...] = ()
    """Other values of the attribute that the text states nearly as surely."""
    kind: StatementKind = "listed"
    common_name: str | None = None
    """What the lexicon calls the attribute, of a common value; "part" where it is that of a part."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span that may state a value. `is_named`: a head of the attribute, or its name, stands beside it."""

    value: str
    part: str
    mention: Mention
    is_named: bool
    is_known: bool
    """Whether schema or lexicon say that it is a value of the attribute."""
    is_common: bool = False
    """Whether the lexicon does."""


@dataclass(frozen=True)
class Listing:
    """Title and description of one product, each read once for all attributes."""

    parts: Mapping[str, Text]
    span_logits: dict[tuple[str, int, int], NDArray[np.float32]] = field(default_factory=dict)
    """What the span classifier makes of a span; it serves all attributes."""

    @classmethod
    def of(cls, product: Product) -> Listing:
        given = {
            "title": (product.title or "")[:MAX_TITLE],
            "description": (product.description or "")[:MAX_DESCRIPTION],
        }
        return cls({part: Text(text) for part, text in given.items() if text and text.strip()})


class ValueExtractor:
    """Reads values out of listings. One extractor serves a whole run."""

    def __init__(self, score: ExtractionScore | None = None, classifier: SpanClassifier | None = None) -> None:
        self.score = score or ExtractionScore.load()
        self.classifier = classifier or SpanClassifier.load()

    def extract(self, spec: AttributeSpec, listing: Listing) -> StatedValue | None:
        """The value of the attribute that the listing states; None where it states none."""
        scored = [
            (self.score.probability(self.features(spec, candidate, listing)), candidate)
            for candidate in self.candidates(spec, listing)
        ]
        if not scored:
            return None
        best_score, best = max(scored, key=lambda pair: pair[0])
        rivals: dict[str, tuple[float, Quote]] = {}
        for score, other in sorted(scored, key=lambda pair: pair[0]):
            if score >= RIVAL_SCORE and not _agree(best, other, spec):
                rivals[other.value] = score, _quote(other, listing)  # its surest mention comes last
        # An attribute has one value: of two that are stated equally surely, each is right half of the time at most.
        score = best_score * (1 - max((score for score, _ in rivals.values()), default=0.0) / 2)
        others = tuple(quote for _, quote in rivals.values())
        kind: StatementKind = "common" if best.is_common else "listed" if best.is_known else "open"
        known = lexicon().attribute(spec.name) if best.is_common else None
        return StatedValue(_quote(best, listing), score, others, kind, _common_name(spec.name, known))

    def candidates(self, spec: AttributeSpec, listing: Listing) -> Iterator[Candidate]:
        """Every span that may state a value, but for what is denied, or said of something that the product fits."""
        attribute = _attribute(spec)
        for part, text in listing.parts.items():
            known = list(attribute.mentions(text))
            for value, mention in known:
                is_common = attribute.is_common(value)
                yield Candidate(value, part, mention, attribute.is_named(text, mention), True, is_common)
            if spec.values is not None:
                continue
            taken = [(mention.start, mention.end) for _, mention in known]
            for start, end in self._open_spans(attribute, part, text, listing):
                if any(start < stop and begin < end for begin, stop in taken):
                    continue
                mention_ = text.mention_at(text.text[start:end], start, end)
                if mention_ is not None and not (mention_.denied or mention_.fitting):
                    yield Candidate(
                        text.text[start:end], part, mention_, attribute.is_named(text, mention_), is_known=False
                    )

    def features(self, spec: AttributeSpec, candidate: Candidate, listing: Listing) -> tuple[float, ...]:
        mention, text = candidate.mention, listing.parts[candidate.part]
        owner = self._owner(listing, candidate.part, mention.start, mention.end, spec.name)
        return candidate_features(
            owner,
            num_words=sum(1 for _ in words(candidate.value)),
            is_listed=spec.values is not None,
            is_common=candidate.is_common,
            is_named=candidate.is_named,
            is_measure=any(mention.start < stop and begin < mention.end for _, begin, stop in text.quantities),
            is_described=candidate.part == "description",
        )

    def _open_spans(self, attribute: _Attribute, part: str, text: Text, listing: Listing) -> Iterator[tuple[int, int]]:
        """Quantities and sizes where the attribute is measured, else runs of words that the classifier takes for it."""
        name = attribute.spec.name
        if attribute.is_measured:
            yield from dict.fromkeys((start, end) for _, start, end in (*text.quantities, *text.sizes))
        # The classifier was fitted on titles; a description is long, and written in sentences.
        if part != "title" or not self.classifier.knows(name):
            return
        own = [self._owner(listing, part, word.start, word.end, name).own for word in text.words]
        for first in range(len(own)):
            for last in range(first, min(first + MAX_WORDS, len(own))):
                gap = text.text[text.words[last - 1].end : text.words[last].start] if last > first else ""
                if gap.strip(" -'&/."):  # a run has no other mark of punctuation in it
                    break
                if own[first] >= LEAST_OWN and own[last] >= LEAST_OWN:
                    yield text.words[first].start, text.words[last].end

    def _owner(self, listing: Listing, part: str, start: int, end: int, name: str) -> SpanOwner:
        place = (part, start, end)
        if place not in listing.span_logits:
            features = list(span_features(listing.parts[part], start, end))
            listing.span_logits[place] = self.classifier.logits(features)
        return self.classifier.owner(listing.span_logits[place], name)


class _Attribute:
    """An attribute with everything that its values are called."""

    def __init__(self, spec: AttributeSpec) -> None:
        self.spec = spec
        known = lexicon().attribute(spec.name)
        self._heads = frozenset(word.form for word in words(spec.name)) | (known.heads if known else frozenset())
        self._index = PhraseIndex(_phrases(spec, known))
        self._common = frozenset(key(wording) for wording, _ in known.phrases()) if known else frozenset()
        # A measure has many wordings, so it is found by what it is worth, in one canonical form.
        self._quantities: dict[str, str] = {}
        self._sizes: dict[str, str] = {}
        for value in spec.values or ():
            quantity, size = parse_quantity(value, spec.unit), canonical_size(value) or canonical_pack(value)
            if quantity is not None:
                self._quantities.setdefault(quantity.canonical(), value)
            elif size is not None:
                self._sizes.setdefault(size, value)
        last = fold_attribute(spec.name).split()[-1:]
        self.is_measured = spec.values is None and bool(spec.unit or spec.units or _MEASURED.intersection(last))

    def mentions(self, text: Text) -> Iterator[tuple[str, Mention]]:
        """The values that the text mentions and doesn't deny, each with its mention."""
        for start, end, phrase, value in self._index.find(text):
            quantity = parse_quantity(phrase) if self._quantities and phrase[:1].isdigit() else None
            mention = text.mention_at(phrase, start, end, key(phrase) != key(value), quantity)
            if mention is not None and not (mention.denied or mention.fitting) and self._counts(text, mention):
                yield value, mention
        measured: list[tuple[str | None, int, int]] = []
        if self._quantities:
            measured += [(self._quantities.get(one.canonical()), start, end) for one, start, end in text.quantities]
        if self._sizes:
            measured += [(self._sizes.get(size), start, end) for size, start, end in text.sizes]
        for known, start, end in measured:
            mention = text.measure_at(start, end)
            if known is not None and not (mention.denied or mention.fitting):
                yield known, mention

    def is_common(self, value: str) -> bool:
        return key(value) in self._common

    def is_named(self, text: Text, mention: Mention) -> bool:
        """Whether the attribute's name, or a head of it, stands beside the mention, or is a part of it."""
        around = [
            word.form
            for word in text.words
            if mention.start - _HEAD_CHARS <= word.start and word.end <= mention.end + _HEAD_CHARS
        ]
        return not self._heads.isdisjoint(around)

    def _counts(self, text: Text, mention: Mention) -> bool:
        words_ = key(text.text[mention.start : mention.end])
        return words_ not in lexicon().needs_head or self.is_named(text, mention)


@lru_cache(maxsize=4096)
def _attribute(spec: AttributeSpec) -> _Attribute:
    return _Attribute(spec)


def _phrases(spec: AttributeSpec, known: KnownAttribute | None) -> Iterator[tuple[str, str]]:
    """Every wording of every value; the schema's own go before those of the lexicon."""
    if spec.values is None:
        yield from known.phrases() if known else ()
        return
    yield from ((wording, value) for value in spec.values for wording in wordings(value, spec))
    for value in spec.values if known else ():
        yield from ((wording, value) for wording in known.wordings(value)) if known else ()


def _common_name(name: str, known: KnownAttribute | None) -> str | None:
    if known is None:
        return None
    return "part" if is_of_part(name, known) else known.names[0]


def _quote(candidate: Candidate, listing: Listing) -> Quote:
    text = listing.parts[candidate.part].text
    return Quote(candidate.value, candidate.part, text[candidate.mention.start : candidate.mention.end][:_MAX_QUOTE])


def _agree(one: Candidate, other: Candidate, spec: AttributeSpec) -> bool:
    """Whether both state one value; of an open attribute a shorter run of the same words does."""
    if same_value(one.value, other.value, spec):
        return True
    overlap = one.part == other.part and one.mention.start < other.mention.end and other.mention.start < one.mention.end
    return overlap or key(one.value) in key(other.value) or key(other.value) in key(one.value)
