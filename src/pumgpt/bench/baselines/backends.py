"""The baselines behind the backend protocol: what answers score that come without a model.

`majority` always says what is most often true, with hindsight: no constant answer can be right more often.
`nearest` says what is true of the fitted product that looks most alike, `title` the value that stands in the title.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pumgpt.backends.protocol import CANNOT_TELL, Answer, Backend, Capabilities, Question, Request
from pumgpt.bench.asking.case import Case
from pumgpt.bench.baselines.fitted import NearestNeighbour, TitleMatching, features_of
from pumgpt.bench.baselines.predictions import Prediction, read_plain
from pumgpt.bench.suites.items import FitData, Item
from pumgpt.bench.suites.truth import CATEGORY, fields_of
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import Product
from pumgpt.errors import CatalogError, UsageError
from pumgpt.tasks.attribute_correction import RIGHT, WRONG
from pumgpt.tasks.attributes import write_record
from pumgpt.tasks.base import list_options
from pumgpt.tasks.category import SEPARATOR

Slot = tuple[str, str, bool]
"""Task, field, and whether the prompt lists the options."""


class Majority(Backend):
    """The most frequent true value of each kind of question; of several choices the most frequent among them.

    It refuses only what nobody can ever tell, such as hidden attributes.
    """

    name = "majority"
    capabilities = Capabilities(gives_probabilities=False)

    def __init__(self, cases: Iterable[Case]) -> None:
        self._counts: dict[Slot, Counter[str]] = {}
        for case in cases:
            for field, text in true_texts(case):
                self._counts.setdefault((case.task, field, _lists_options(case.question)), Counter())[text] += 1
        self.revision = revision_of(sorted((slot, sorted(counts.items())) for slot, counts in self._counts.items()))

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        return [[Answer(self._text(question)) for question in request.questions] for request in requests]

    def _text(self, question: Question) -> str:
        if question.task == "attributes":
            names = (question.field or "").split("; ")
            return write_record([(name, self._best((question.task, name, False), None)) for name in names])
        allowed = None if question.choices is None else set(question.choices.values)
        return self._best((question.task, question.field or question.task, _lists_options(question)), allowed)

    def _best(self, slot: Slot, allowed: set[str] | None) -> str:
        """Of equally frequent ones the first in the alphabet."""
        counts = self._counts.get(slot, Counter())
        texts = [text for text in counts if allowed is None or text in allowed]
        return min(texts, key=lambda text: (-counts[text], text), default=CANNOT_TELL)


def _lists_options(question: Question) -> bool:
    return question.choices is not None and list_options(question.choices.values) in question.text


def revision_of(fitted: object) -> str:
    """Twelve hex digits that change with what a baseline was fitted on."""
    return hashlib.sha256(repr(fitted).encode()).hexdigest()[:12]


def true_texts(case: Case) -> list[tuple[str, str]]:
    """Field and text of the right answers to a case, as its task writes them; none for what can't be told."""
    found: list[tuple[str, str]] = []
    for field, values in case.truth.fields.items():
        name = case.question.field or case.task if case.task != "attributes" else field
        texts: Sequence[str] = values or ()
        if values and case.task == CATEGORY:
            texts = (SEPARATOR.join(values),)
        if values and case.task == "attribute_correction":
            texts = (RIGHT,) if case.truth.verdict == "right" else tuple(WRONG + value for value in values)
        found.extend((name, text) for text in texts)
    return found


class FieldsModel(Backend):
    """Answers every question out of the fields that a baseline predicts; what it has no field for it can't tell."""

    capabilities = Capabilities(gives_probabilities=False)

    def __init__(
        self, name: str, fitted: Sequence[Product], predict: Callable[[Sequence[Request]], Sequence[Prediction]]
    ) -> None:
        self.name = name
        self.revision = revision_of([(product.id, product.title, fields_of(product)) for product in fitted])
        self._predict = predict

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        predictions = self._predict(requests)
        return [
            [Answer(_answer_from(prediction, question)) for question in request.questions]
            for request, prediction in zip(requests, predictions, strict=True)
        ]


def _answer_from(prediction: Prediction, question: Question) -> str:
    def value_of(field: str) -> str | None:
        guess = prediction.fields.get(field)
        joined = SEPARATOR if field == CATEGORY else ", "
        return joined.join(guess.value) if guess is not None and guess.value else None

    match question.task:
        case "attributes":
            names = (question.field or "").split("; ")
            return write_record([(name, value_of(name) or CANNOT_TELL) for name in names])
        case "attribute_correction":
            return _verdict(value_of(question.field or ""), question)
        case "category" | "attribute_qa":
            text = value_of(question.field or "")
            allowed = question.choices is None or text in question.choices.values
            return text if text is not None and allowed else CANNOT_TELL
        case _:
            return CANNOT_TELL


def _verdict(value: str | None, question: Question) -> str:
    """The choices lack the listed value: one that can't be corrected to is the one that is listed."""
    if value is None or question.choices is None:
        return CANNOT_TELL
    return WRONG + value if WRONG + value in question.choices.values else RIGHT


def nearest_neighbour(fit: FitData) -> FieldsModel:
    """By the pixels of the first photo."""
    nearest = NearestNeighbour(list(fit.products), fit.thumbnails())

    def predict(requests: Sequence[Request]) -> list[Prediction]:
        shown = [request.photos[0] if request.photos else None for request in requests]
        products = [Product(str(number)) for number in range(len(requests))]
        found = nearest.predict(products, features_of(shown)) if requests else {}
        seen = zip(products, shown, strict=True)
        return [found[product.id] if photo is not None else Prediction() for product, photo in seen]

    return FieldsModel("nearest", fit.products, predict)


def title_matching(fit: FitData) -> FieldsModel:
    """By the listing's words."""
    matching = TitleMatching(fit.products)

    def predict(requests: Sequence[Request]) -> list[Prediction]:
        products = [Product(str(number), title=request.listing) for number, request in enumerate(requests)]
        found = matching.predict(products)
        return [found[product.id] for product in products]

    return FieldsModel("title", fit.products, predict)


def stored_predictions(path: Path, items: Sequence[Item]) -> FieldsModel:
    """What another program said of the suite's products, from lines {"id", "category", "<attribute>", ...}; found by photo.

    Raises `CatalogError` where the file can't be read, or names none of the products.
    """
    stored = read_plain(path)
    known = [item.product for item in items if item.product.id in stored and item.product.images]
    if not known:
        raise CatalogError(
            f"{path}: names none of this suite's products that have a photo; its ids must be those of the suite"
        )
    by_photo = {open_photo(product.images[0]).tobytes(): stored[product.id] for product in known}

    def predict(requests: Sequence[Request]) -> list[Prediction]:
        shown = [request.photos[0].tobytes() if request.photos else b"" for request in requests]
        return [by_photo.get(pixels, Prediction()) for pixels in shown]

    model = FieldsModel(f"predictions:{path}", [], predict)
    model.revision = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return model


PREDICTIONS = "predictions:"
"""`--model predictions:FILE`."""

BASELINES: Mapping[str, Callable[[FitData], FieldsModel]] = {"nearest": nearest_neighbour, "title": title_matching}
"""Those that need examples."""


def make_baseline(name: str, fit: FitData | None) -> FieldsModel:
    """Raises `UsageError` where the suite has nothing to fit it on."""
    if fit is None:
        raise UsageError(f"--model {name}: this suite names no labelled products to fit it on (its key 'fit')")
    return BASELINES[name](fit)
