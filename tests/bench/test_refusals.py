"""Refusals: what was left empty, what is asked in vain, and how sure a model is of nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from PIL import Image
from pumgpt.bench.judging.refusals import ask_hidden, foreign_scores, from_predictions, score_refusals

from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import CANNOT_TELL, Answer, Request
from pumgpt.bench.baselines.predictions import Guess, Prediction

EMPTY, RED = Guess(None, 0.1), Guess(("Red",), 0.95)


class Shrugging(FakeBackend):
    """Declines every question of one product, and guesses at every other."""

    def __init__(self, about: str) -> None:
        self.about = about

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        return [
            [Answer(CANNOT_TELL if request.listing == self.about else "10 euros") for _ in request.questions]
            for request in requests
        ]


def test_fields_left_empty_are_refusals_and_unasked_ones_are_not_counted() -> None:
    said = {"1": Prediction({"colour": RED, "gender": EMPTY}), "2": Prediction({"colour": EMPTY})}
    found = from_predictions(said, "shown", ["colour", "gender"], unanswerable=False)
    assert [(refusal.product, refusal.refused) for refusal in found] == [
        ("shown 1", False),
        ("shown 1", True),
        ("shown 2", True),
    ]


def test_scores_of_all_and_of_each_kind() -> None:
    shown = from_predictions({"1": Prediction({"colour": RED, "gender": EMPTY})}, "shown", ["colour", "gender"], False)
    unknown = from_predictions({str(i): Prediction({"category": EMPTY}) for i in range(3)}, "sea", ["category"], True)
    scores = score_refusals([*shown, *unknown])
    assert scores["refusals"]["precision"].value == 0.75
    assert scores["refusals"]["recall"].value == 1.0
    assert (scores["shown"]["refused"].value, scores["sea"]["refused"].value) == (0.5, 1.0)


def test_hidden_attributes_are_asked_of_every_product() -> None:
    photo = Image.new("RGB", (8, 8))
    requests = [("1", Request((photo,), (), "known")), ("2", Request((photo,), (), "new"))]
    found = ask_hidden(Shrugging("known"), requests, names=("price", "weight"))
    assert [(refusal.product, refusal.refused) for refusal in found] == [
        ("hidden 1", True),
        ("hidden 1", True),
        ("hidden 2", False),
        ("hidden 2", False),
    ]


def test_how_sure_a_model_is_of_nothing() -> None:
    filled = {str(i): Prediction({"category": Guess(("A",), sure)}) for i, sure in enumerate((0.2, 0.6, 0.95, 0.25))}
    default = {key: Prediction({"category": EMPTY if key != "2" else RED}) for key in filled}
    scores = foreign_scores(filled, default)
    values = {name: measured.value for name, measured in scores.items()}
    assert values == pytest.approx(
        {"filled by default": 0.25, "mean confidence": 0.5, "confidence above 0.5": 0.5, "confidence above 0.9": 0.25}
    )
