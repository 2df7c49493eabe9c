"""Asks a backend about the products of a suite, a few products at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pumgpt.backends.protocol import Answer, Backend, Request
from pumgpt.bench.asking.answer_cache import AnswerCache, TimedAnswer, answer_key, checked, is_failure
from pumgpt.bench.asking.cases import BenchCase, item_cases, show_listing
from pumgpt.bench.suites.items import Item, SuiteData
from pumgpt.bench.suites.suite import TITLE_ONLY, Suite
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.errors import BackendError

PRODUCTS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class CaseRequest:
    """Questions of one product that share a request. Each has a case id, and a key under which its answer is kept."""

    request: Request
    case_ids: tuple[str, ...]
    keys: tuple[str, ...]

    @classmethod
    def of(cls, request: Request, case_ids: Iterable[str], photo_hash: str) -> CaseRequest:
        ids = tuple(case_ids)
        pairs = zip(ids, request.questions, strict=True)
        return cls(request, ids, tuple(answer_key(case, question, request, photo_hash) for case, question in pairs))

    def missing_from(self, cache: AnswerCache) -> CaseRequest:
        """What is left to ask."""
        left = [place for place, key in enumerate(self.keys) if cache.get(key) is None]
        questions = tuple(self.request.questions[place] for place in left)
        ids, keys = tuple(self.case_ids[place] for place in left), tuple(self.keys[place] for place in left)
        return CaseRequest(replace(self.request, questions=questions), ids, keys)


def ask(
    backend: Backend,
    items: Sequence[Item],
    requests_of: Callable[[Item], Sequence[CaseRequest]],
    cache: AnswerCache,
    products_at_once: int = PRODUCTS_AT_ONCE,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, TimedAnswer]:
    """The answer to every case, by its id. A failed answer has an `error`; it is never fatal to the others.

    `progress` gets the number of products that are done. The photos of a batch go to the backend once, for all conditions.
    Raises `BackendError` where the backend itself gives up, or has no answer at all to the first product: the rest would
    cost the same time for nothing.
    """
    answers: dict[str, TimedAnswer] = {}
    done = 0
    for batch in _batches(items, products_at_once):
        requests = [request for item in batch for request in requests_of(item)]
        missing = [request.missing_from(cache) for request in requests]
        fresh = _answer(backend, [request for request in missing if request.case_ids])
        # Failed answers are not cached, so the cache alone would lose them.
        answers.update((case_id, timed) for case_id, _, timed in fresh)
        cache.put((key, timed) for _, key, timed in fresh)
        for request in requests:
            for case_id, key in zip(request.case_ids, request.keys, strict=True):
                cached = cache.get(key)
                if cached is not None:
                    answers[case_id] = cached
        # The first batch is one product: a backend that is down shows now, not after an hour.
        if not done and answers and all(is_failure(timed.answer) for timed in answers.values()):
            error = next(iter(answers.values())).answer.error
            raise BackendError(f"{backend.name} has no answer to any question about the first product: {error}")
        done += len(batch)
        progress(done)
    return answers


def make_requests(suite: Suite, data: SuiteData, item: Item) -> list[CaseRequest]:
    """The requests of one product: one for each listing that its questions see."""
    # Questions that see the same text and photos share one request, whose prefix the backend encodes only once.
    groups: dict[tuple[str | None, bool], list[BenchCase]] = {}
    for case in item_cases(suite, data, item):
        listing = show_listing(item, case.condition).text if case.sees_listing else None
        groups.setdefault((listing, case.condition != TITLE_ONLY), []).append(case)
    # A suite that shows titles alone may have no photos at all.
    photos = tuple(open_photo(ref) for ref in item.product.images) if any(shown for _, shown in groups) else ()
    return [
        CaseRequest.of(
            Request(photos if shown else (), tuple(case.question for case in cases), listing),
            (case.id for case in cases),
            item.photo_hash,
        )
        for (listing, shown), cases in groups.items()
    ]


def _answer(backend: Backend, requests: Sequence[CaseRequest]) -> list[tuple[str, str, TimedAnswer]]:
    """Case id, key and answer of every question, in the right number whatever the backend does."""
    count = sum(len(request.case_ids) for request in requests)
    if not count:
        return []
    began = time.perf_counter()
    answers = backend.answer([request.request for request in requests])
    # A batch is answered as a whole; nothing tells which question took how long.
    seconds = (time.perf_counter() - began) / count
    # A third-party backend may break the protocol; pairing answers with the wrong questions would be worse.
    if [len(given) for given in answers] != [len(request.case_ids) for request in requests]:
        why = f"{backend.name} gave another number of answers than there were questions"
        answers = [[Answer("", error=why) for _ in request.case_ids] for request in requests]
    return [
        (case_id, key, TimedAnswer(checked(answer), seconds))
        for request, given in zip(requests, answers, strict=True)
        for case_id, key, answer in zip(request.case_ids, request.keys, given, strict=True)
    ]


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items, after the first item alone."""
    rest = iter(items)
    # A backend that can't answer then fails on one product, not after a whole batch.
    yield from ([item] for item in islice(rest, 1))
    while batch := list(islice(rest, size)):
        yield batch
