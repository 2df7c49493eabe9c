"""Asks a backend all cases of a suite, a few products at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from pumgpt.backends.protocol import Answer, Backend, Request
from pumgpt.bench.asking.answer_cache import AnswerCache, Told, answer_key, checked, is_failure
from pumgpt.bench.asking.case import Case
from pumgpt.bench.asking.cases import item_cases, show_listing
from pumgpt.bench.suites.items import Item, SuiteData
from pumgpt.bench.suites.sets import TITLE_ONLY
from pumgpt.bench.suites.suite import Suite
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.errors import BackendError

PRODUCTS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Asked:
    """One product with cases that share a request, and the keys under which their answers are kept."""

    request: Request
    cases: tuple[Case, ...]
    keys: tuple[str, ...]


def ask(
    backend: Backend,
    suite: Suite,
    data: SuiteData,
    cache: AnswerCache,
    products_at_once: int = PRODUCTS_AT_ONCE,
    progress: Callable[[int], None] = lambda done: None,
) -> dict[str, Told]:
    """The answer to every case, by its id. A failed answer has an `error`; it is never fatal to the others.

    `progress` is told how many products are done. The photos of a batch go to the backend once, for all conditions.
    Raises `BackendError` where the backend itself gives up, or has no answer at all to the first product: the rest would
    cost the same time for nothing.
    """
    told: dict[str, Told] = {}
    done = 0
    for items in _batches(data.items, products_at_once):
        asked = [one for item in items for one in make_requests(suite, data, item)]
        missing = [_without(one, cache) for one in asked]
        cache.put(_answer(backend, [one for one in missing if one.cases], told))
        for one in asked:
            for case, key in zip(one.cases, one.keys, strict=True):
                kept = cache.get(key)
                if kept is not None:
                    told[case.id] = kept
        if not done:
            _check_first(backend, told)
        done += len(items)
        progress(done)
    return told


def _check_first(backend: Backend, told: dict[str, Told]) -> None:
    answers = [one.answer for one in told.values()]
    if answers and all(map(is_failure, answers)):
        raise BackendError(f"{backend.name} has no answer to any question about the first product: {answers[0].error}")


def make_requests(suite: Suite, data: SuiteData, item: Item) -> list[Asked]:
    """The requests of one product: one for each listing that its questions see."""
    groups: dict[tuple[str | None, bool], list[Case]] = {}
    for case in item_cases(suite, data, item):
        listing = show_listing(item, case.condition).text if case.sees_listing else None
        groups.setdefault((listing, case.condition != TITLE_ONLY), []).append(case)
    photos = tuple(open_photo(ref) for ref in item.product.images) if any(seen for _, seen in groups) else ()
    asked = []
    for (listing, seen), cases in groups.items():
        request = Request(photos if seen else (), tuple(case.question for case in cases), listing)
        keys = tuple(answer_key(case, request, item.photo_hash) for case in cases)
        asked.append(Asked(request, tuple(cases), keys))
    return asked


def _without(asked: Asked, cache: AnswerCache) -> Asked:
    """What is left to ask."""
    left = [pair for pair in zip(asked.cases, asked.keys, strict=True) if cache.get(pair[1]) is None]
    questions = tuple(case.question for case, _ in left)
    return Asked(
        replace(asked.request, questions=questions), tuple(case for case, _ in left), tuple(key for _, key in left)
    )


def _answer(backend: Backend, asked: Sequence[Asked], told: dict[str, Told]) -> Iterator[tuple[str, Told]]:
    """Ask, note every answer in `told`, and give each with its key."""
    count = sum(len(one.cases) for one in asked)
    if not count:
        return
    began = time.perf_counter()
    answers = _call(backend, [one.request for one in asked])
    seconds = (time.perf_counter() - began) / count
    for one, given in zip(asked, answers, strict=True):
        for case, key, answer in zip(one.cases, one.keys, given, strict=True):
            told[case.id] = Told(checked(answer), seconds)
            yield key, told[case.id]


def _call(backend: Backend, requests: Sequence[Request]) -> list[list[Answer]]:
    """The answers, in the right number whatever the backend does."""
    answers = backend.answer(requests)
    if [len(given) for given in answers] != [len(request.questions) for request in requests]:
        why = f"{backend.name} gave another number of answers than there were questions"
        return [[Answer("", error=why) for _ in request.questions] for request in requests]
    return answers


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The first product alone, so that a backend that can't answer is found out soon."""
    rest = iter(items)
    yield from ([item] for item in islice(rest, 1))
    while batch := list(islice(rest, size)):
        yield batch
