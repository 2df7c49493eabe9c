"""How well photo and value fit together, compared with the attribute's other values: by nano's contrastive head, or by any
CLIP or SigLIP.

A value is put into the phrase that such models are prompted with (Radford et al. 2021, arXiv 2103.00020), followed by the
kind of product if the catalogue has one: 'a photo of a red dress'. A bare value tells nano little: it learned from titles,
whose first word is a brand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.catalog.vocabulary.taxonomy import split_path
from pumgpt.curation.experts.base import Case, Expert, ExpertOptions
from pumgpt.curation.experts.inventory import Inventory
from pumgpt.curation.verdict import Claim, Verdict, Vote

Floats = NDArray[np.float32]
_CLEAR = 0.6
"""Probability of the better one of two values from which on the expert votes; below it abstains."""


class Encoder(Protocol):
    """Embeds photos and texts in one space."""

    name: str

    def logits(self, photos: Sequence[Image], texts: Sequence[str]) -> Floats:
        """How well each photo (B) fits each text (R), as (B, R), at the scale that the model was trained with."""
        ...


class SimilarityExpert(Expert):
    """Abstains if no photo can be opened, or if the attribute has no other value."""

    name = "similarity"
    cost = 0.05
    needs_photo = True
    trust = 0.6
    options = ("similarity",)

    def __init__(self, encoder: Encoder, schema: AttributeSchema | None = None) -> None:
        self.encoder = encoder
        self.inventory = Inventory(schema)

    @classmethod
    def create(cls, options: ExpertOptions) -> SimilarityExpert:
        # `encoders` imports PyTorch, and this module for its protocol.
        from pumgpt.curation.experts.encoders import load_encoder

        return cls(load_encoder(options.similarity), options.schema)

    def prepare(self, catalog: Iterable[Product]) -> None:
        self.inventory.count(catalog)

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        return [self._judge_case(case) for case in cases]

    def _judge_case(self, case: Case) -> list[Vote | None]:
        if not case.photos:
            return [None] * len(case.claims)
        alternatives = [self._alternatives(claim) for claim in case.claims]
        phrases = [
            self._phrases(claim, others, case.product) for claim, others in zip(case.claims, alternatives, strict=True)
        ]
        # One pass of the encoder for the product, whatever phrases its claims share.
        texts = tuple(dict.fromkeys(text for of_claim in phrases for text in of_claim.values()))
        logits_R = self.encoder.logits(case.photos, texts).max(axis=0)
        logit = dict(zip(texts, logits_R.tolist(), strict=True))
        return [
            self._vote(claim, others, {value: logit[text] for value, text in of_claim.items()})
            for claim, others, of_claim in zip(case.claims, alternatives, phrases, strict=True)
        ]

    def _alternatives(self, claim: Claim) -> tuple[str, ...]:
        others = self.inventory.alternatives(claim)
        if claim.path is None:
            return others
        # Two categories of one name ('Women > Tops', 'Girls > Tops') are one phrase, which tells nothing between them.
        own = claim.path[-1].casefold()
        return tuple(other for other in others if split_path(other)[-1].casefold() != own)

    def _phrases(self, claim: Claim, others: Sequence[str], product: Product) -> dict[str, str]:
        """What stands for the claim's value and for each of the others."""
        values = (claim.value, *others)
        if claim.path is not None:
            return {value: phrase(split_path(value)[-1], None) for value in values}
        kind = kind_for(values, product)
        return {value: phrase(value, kind) for value in values}

    def _vote(self, claim: Claim, others: Sequence[str], logit: dict[str, float]) -> Vote | None:
        """`logit` is that of each value's phrase."""
        if not others:
            return None
        best = max(others, key=lambda value: logit[value])
        own = float(1 / (1 + np.exp(np.clip(logit[best] - logit[claim.value], -30, 30))))
        if 1 - _CLEAR < own < _CLEAR:
            return None
        verdict = Verdict.SUPPORTED if own >= _CLEAR else Verdict.CONTRADICTED
        return Vote(
            self.name, verdict, own, {"fits better" if own < 0.5 else "next best": best, "model": self.encoder.name}
        )


def phrase(value: str, kind: str | None) -> str:
    """What is compared with a photo."""
    return " ".join(["a photo of a", value, *([kind] if kind else [])])


def kind_for(values: Sequence[str], product: Product) -> str | None:
    """The leaf of the product's category, unless it is what the attribute is about: then it would give the answer away."""
    kind = product.category[-1] if product.category else None
    return None if kind is None or kind.casefold() in {value.casefold() for value in values} else kind
