"""Does title or description mention the value, in any of its wordings, forms and units, as a value of this attribute?

`mentions` finds where the text mentions a value, `span_classifier` which attribute that span belongs to, and `text_score`
turns both into a probability. If the text mentions another value of the same attribute, or denies this one, the value is
contradicted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.quantities import parse_quantity
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR
from pumgpt.catalog.vocabulary.words import words
from pumgpt.curation.experts.base import Case, Expert, ExpertOptions
from pumgpt.curation.experts.category_names import CategoryNames, NamedCategory, name_forms
from pumgpt.curation.experts.opposites import forms_of, opposites, says_kind
from pumgpt.curation.verdict import Claim, Verdict, Vote
from pumgpt.extraction.mentions import Mention, Text
from pumgpt.extraction.span_classifier import SpanClassifier, SpanOwner
from pumgpt.extraction.text_score import TextScore, mention_features

MAX_DESCRIPTION = 4_000
"""Characters; the rest of a description is ignored."""
MAX_CATEGORIES = 20_000
MAX_ALTERNATIVES = 64
"""For a closed attribute with more values, the text is not searched for another one of them."""
LISTED_LOGIT = 2.0
"""Added to the log-odds of values that the schema lists, since it says that they belong to the attribute. Chosen, not
fitted: the titles of the fit have no schema.
"""
_SUPPORTING = 0.5
_CONTRADICTED_SCORE = 0.02
_NAMED_SCORE, _NAMED_ASIDE_SCORE, _UNNAMED_SCORE = 0.95, 0.7, 0.4
"""Of a category that the text names as what the product is, names beside that, or doesn't name. The fusion weighs them."""
_MAX_QUOTE = 60


@dataclass(frozen=True)
class ScoredMention:
    """A mention, which attribute it belongs to, and the probability that it supports the claim."""

    field: str
    text: Text
    mention: Mention
    owner: SpanOwner
    features: tuple[float, ...]
    probability: float

    @property
    def evidence(self) -> dict[str, Any]:
        """The quoted words and their place, in characters from the start of the field."""
        start, end = self.mention.start, self.mention.end
        quote = self.text.text[start:end][:_MAX_QUOTE]
        return {"field": self.field, "words": quote, "at": [start, end], "as": str(self.mention.kind)}


class TextExpert(Expert):
    """Searches title and description. Abstains from a product that has neither."""

    name = "text"
    cost = 0.0005
    searches_text = True
    trust = 1.0

    def __init__(
        self,
        schema: AttributeSchema | None = None,
        score: TextScore | None = None,
        classifier: SpanClassifier | None = None,
    ) -> None:
        self.schema = schema
        self.score = score or TextScore.load()
        self.classifier = classifier or SpanClassifier.load()
        self.categories = CategoryNames()

    @classmethod
    def create(cls, options: ExpertOptions) -> TextExpert:
        return cls(options.schema)

    def prepare(self, catalog: Iterable[Product]) -> None:
        """Collect the catalogue's categories: a title may name another one than the listed."""
        self.categories.add(
            islice(dict.fromkeys(product.category for product in catalog if product.category), MAX_CATEGORIES)
        )

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        votes: list[list[Vote | None]] = []
        for case in cases:
            product = case.product
            given = {"title": product.title, "description": (product.description or "")[:MAX_DESCRIPTION]}
            texts = {field: Text(text) for field, text in given.items() if text and text.strip()}
            votes.append([self.vote(claim, texts) if texts else None for claim in case.claims])
        return votes

    def vote(self, claim: Claim, texts: Mapping[str, Text]) -> Vote:
        """The vote on a claim, given texts by the name of their field."""
        if claim.path is not None:
            return self._category_vote(claim.path, texts)
        mentions = [one for field, text in texts.items() for one in self.scored_mentions(claim, field, text)]
        best = max((one for one in mentions if not one.mention.denied), key=lambda one: one.probability, default=None)
        # A supporting mention outweighs all other words; only without one do denials and other values count.
        if best is not None and best.probability >= _SUPPORTING:
            return Vote(self.name, Verdict.SUPPORTED, best.probability, best.evidence)
        denied = next((one for one in mentions if one.mention.denied), None)
        if denied is not None:
            return Vote(self.name, Verdict.CONTRADICTED, _CONTRADICTED_SCORE, {**denied.evidence, "denied": True})
        alternative = next(self._mentioned_alternatives(claim, texts), None)
        if alternative is not None:
            return Vote(self.name, Verdict.CONTRADICTED, _CONTRADICTED_SCORE, alternative.evidence)
        if best is not None:
            owned = {"belongs to": best.owner.owner} if best.owner.other > 0 else {}
            return Vote(self.name, Verdict.NOT_INFERABLE, best.probability, {**best.evidence, **owned})
        probability = max(self.score.probability(unmentioned_features(claim, text)) for text in texts.values())
        # The value's words may all occur, far apart: that can score high, but is no mention.
        return Vote(self.name, Verdict.NOT_INFERABLE, min(probability, _SUPPORTING))

    def _category_vote(self, path: tuple[str, ...], texts: Mapping[str, Text]) -> Vote:
        """Whether a text names the category, or another one of the catalogue as what the product is."""
        self.categories.add([path])
        for field, text in texts.items():
            named = self.categories.find(text)
            own = next((one for one in reversed(named) if names_category(one, path)), None)
            if own is not None:
                score = _NAMED_SCORE if own.is_head else _NAMED_ASIDE_SCORE
                return Vote(self.name, Verdict.SUPPORTED, score, _quote(field, text, own))
            # A description names much that goes with the product.
            other = next((one for one in named if one.is_head), None) if field != "description" else None
            if other is not None and not is_broader(other, path):
                evidence = _quote(field, text, other) | {"names": SEPARATOR.join(min(other.paths))}
                return Vote(self.name, Verdict.CONTRADICTED, _CONTRADICTED_SCORE, evidence)
        return Vote(self.name, Verdict.NOT_INFERABLE, _UNNAMED_SCORE)

    def scored_mentions(self, claim: Claim, field: str, text: Text) -> Iterator[ScoredMention]:
        """Every mention of the value, except measures of something else ("fits 13-inch laptops")."""
        num_words = sum(1 for _ in words(claim.value))
        spec = self._spec(claim)
        bonus = LISTED_LOGIT if spec is not None and spec.values is not None else 0.0
        for mention in text.mentions(claim.value, spec):
            if not mention.fitting:
                owner = self.classifier.judge(text, mention.start, mention.end, claim.name)
                features = mention_features(mention, owner, 1.0, num_words)
                probability = self.score.probability(features, bonus)
                yield ScoredMention(field, text, mention, owner, features, probability)

    def _mentioned_alternatives(self, claim: Claim, texts: Mapping[str, Text]) -> Iterator[ScoredMention]:
        """Supporting mentions of another value of the attribute: one that the schema lists, or another measure; without a
        schema, one that the listed value excludes.
        """
        spec = self._spec(claim)
        listed = (spec.values if spec else None) or ()
        own = claim.value.casefold()
        others = [value for value in listed if value.casefold() != own] if len(listed) <= MAX_ALTERNATIVES else []
        opposed = () if listed else opposites(claim.name, claim.value)
        quantity = parse_quantity(claim.value, spec.unit if spec else None)
        for field, text in texts.items():
            measures = [
                text.text[start:end]
                for found, start, end in (text.quantities if quantity is not None else ())
                if quantity is not None and quantity.comparable_with(found) and not quantity.same_as(found)
            ]
            # Most of the words aren't there, and a look at the words of the text costs less than a search.
            opposing = [other for other in opposed if text.forms.issuperset(forms_of(other))]
            for other in (*others, *measures, *opposing):
                for one in self.scored_mentions(Claim(claim.name, other), field, text):
                    is_name = other in opposing and self._may_begin_name(text, one.mention)
                    if one.probability >= _SUPPORTING and not one.mention.denied and not is_name:
                        yield one

    def _may_begin_name(self, text: Text, mention: Mention) -> bool:
        """Whether a mention may be the beginning of a brand: the yellow of "Yellow Dog Men's Tee".

        It isn't where it stands inside of the text, or what follows is the last word, one in small letters, another
        word for what a product is like, or a category of the catalogue.
        """
        after = [word for word in text.words if word.start >= mention.end]
        if mention.start > text.words[0].start or len(after) < 2:
            return False
        following = after[0]
        if not text.text[following.start].isupper() or says_kind(following.form):
            return False
        return not any(named.start == following.start for named in self.categories.find(text))

    def _spec(self, claim: Claim) -> AttributeSpec | None:
        return self.schema.get(claim.name) if self.schema else None


def names_category(named: NamedCategory, path: tuple[str, ...]) -> bool:
    """Whether a name is that of the category, or of a kind of it: "sports shoe" where the category is Shoes."""
    return path in named.paths or any(named.forms[-len(forms) :] == forms for forms in name_forms(path[-1]))


def is_broader(named: NamedCategory, path: tuple[str, ...]) -> bool:
    """Whether all words of a name are in the category's own: a "dress" may well be a maxi dress."""
    return any({*named.forms} <= {*forms} for level in path for forms in name_forms(level))


def _quote(field: str, text: Text, named: NamedCategory) -> dict[str, Any]:
    quote = text.text[named.start : named.end][:_MAX_QUOTE]
    return {"field": field, "words": quote, "at": [named.start, named.end]}


def unmentioned_features(claim: Claim, text: Text) -> tuple[float, ...]:
    """The features of a claim whose value the text doesn't mention."""
    return mention_features(None, None, text.overlap(claim.value), sum(1 for _ in words(claim.value)))
