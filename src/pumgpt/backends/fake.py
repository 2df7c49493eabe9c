"""A backend without a model, for tests and for trying a pipeline: its answers depend on photo and question alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from pumgpt.backends.protocol import CANNOT_TELL, Answer, Backend, Capabilities, Question, Request
from pumgpt.backends.registry import LoadOptions


class FakeBackend(Backend):
    """Picks an answer by a hash of the question and of the photo's pixels. Deterministic, and of no use otherwise."""

    name = "fake"
    revision = "0"
    capabilities = Capabilities(gives_evidence=True)

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        return [[self._answer(request, question, evidence) for question in request.questions] for request in requests]

    def _answer(self, request: Request, question: Question, evidence: bool) -> Answer:
        digest = hashlib.sha256(f"{question.text}|{request.listing}".encode())
        for photo in request.photos:
            digest.update(photo.tobytes())
        draw = np.random.default_rng(int.from_bytes(digest.digest()[:8], "big"))
        maps = tuple(np.full((8, 8), 1 / 64, dtype=np.float32) for _ in request.photos) if evidence else None
        if question.choices is None:
            return Answer(f"answer {draw.integers(100)}", float(draw.uniform()), evidence=maps)
        values = question.choices.values
        shares = draw.dirichlet(np.full(len(values) + 1, 0.3))
        order = np.argsort(-shares[:-1])
        ranked = tuple((values[i], float(shares[i])) for i in order[:5])
        best = ranked[0]
        answerable = 1 - float(shares[-1])
        text = best[0] if best[1] >= shares[-1] else CANNOT_TELL
        return Answer(text, best[1] / answerable if answerable else 0.0, float(shares[-1]), ranked, maps)


def load_fake(source: str, options: LoadOptions) -> FakeBackend:
    return FakeBackend()
