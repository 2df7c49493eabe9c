"""Pictures of the page: wrong answers with photo, truth and evidence map; identical photos with different labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PIL import Image

from pumgpt.backends.protocol import Backend
from pumgpt.bench.asking.cases import show_listing
from pumgpt.bench.asking.runner import make_requests
from pumgpt.bench.benchmark import BenchResult, EvidenceMap, ModelResult
from pumgpt.bench.judging.failures import Failure
from pumgpt.bench.judging.label_noise import LabelNoise
from pumgpt.bench.reporting.results import choose_examples
from pumgpt.bench.suites.items import Item, SuiteData
from pumgpt.bench.suites.suite import TITLE_ONLY, Suite
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.photos.heat import overlay
from pumgpt.catalog.photos.thumbnails import data_uri, thumbnail
from pumgpt.errors import PhotoError

PHOTO_PX = 200
MAX_CONFLICTS = 8
MAX_TEXT = 160


def evidence_maps(
    backend: Backend, suite: Suite, data: SuiteData, failures: Sequence[Failure]
) -> dict[str, EvidenceMap]:
    """Case -> a map over the first photo. The cases are asked once more; none is, where the backend gives no evidence."""
    if not backend.capabilities.gives_evidence:
        return {}
    items = {item.product.id: item for item in data.items}
    maps = {}
    for failure in failures:
        case = failure.outcome.case
        for asked in make_requests(suite, data, items[case.product]):
            if case.id not in asked.case_ids:
                continue
            # The question alone: evidence is costly, and the others of its request have theirs drawn for nothing.
            ((answer,),) = backend.answer([replace(asked.request, questions=(case.question,))], evidence=True)
            if answer.evidence:
                maps[case.id] = answer.evidence[0]
    return maps


def failure_cards(result: BenchResult, model: ModelResult) -> list[dict[str, Any]]:
    """What the page shows of `choose_examples`."""
    return [
        _card(failure, result.items[failure.outcome.case.product], model.evidence.get(failure.outcome.case.id))
        for failure in choose_examples(result.failures[model.name])
    ]


def _card(failure: Failure, item: Item, evidence: EvidenceMap | None) -> dict[str, Any]:
    outcome = failure.outcome
    case = outcome.case
    # Models may write on without end; the card shows enough to see what went wrong.
    answer = " ".join(outcome.text.split())
    answer = answer if len(answer) <= MAX_TEXT else answer[: MAX_TEXT - 3] + "..."
    photo = _open(item) if case.condition != TITLE_ONLY else None
    return {
        "kind": failure.kind,
        "photo": None if photo is None else data_uri(thumbnail(photo, PHOTO_PX)),
        "look": None if photo is None or evidence is None else data_uri(overlay(photo, evidence.tolist(), PHOTO_PX)),
        "listing": show_listing(item, case.condition).text if case.sees_listing else None,
        "question": case.question.text,
        "answer": answer or "nothing",
        "truth": "cannot be told"
        if outcome.truth is None
        else " > ".join(outcome.truth)
        if outcome.task.answer_form == "path"
        else ", ".join(outcome.truth),
        "field": outcome.field if outcome.task.answer_form == "record" else "",
        "confidence": None if outcome.confidence is None else f"{outcome.confidence:.0%}",
    }


def _open(item: Item) -> Image.Image | None:
    try:
        return open_photo(item.product.images[0]) if item.product.images else None
    except PhotoError:
        # The file may have gone since the answers were cached: the report is worth having without it.
        return None


def conflict_cards(noise: LabelNoise) -> list[dict[str, Any]]:
    """Some groups of identical photos with their labels, of those whose photo can be opened."""
    cards: list[dict[str, Any]] = []
    for group, fields in noise.conflicts:
        # Products that baselines are fitted on come without photos.
        photo = next((photo for item in group if (photo := _open(item)) is not None), None)
        if photo is not None and len(cards) < MAX_CONFLICTS:
            labels = []
            for field in fields:
                distinct = dict.fromkeys(item.fields[field] for item in group if field in item.fields)
                labels.append((field, [" > ".join(values) for values in distinct]))
            cards.append({"photo": data_uri(thumbnail(photo, PHOTO_PX)), "labels": labels, "products": len(group)})
    return cards
