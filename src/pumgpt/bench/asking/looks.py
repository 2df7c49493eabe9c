"""Where a model looked when it was wrong, for the report's examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pumgpt.backends.protocol import Backend
from pumgpt.bench.asking.runner import make_requests
from pumgpt.bench.benchmark import Map
from pumgpt.bench.judging.failures import Failure
from pumgpt.bench.suites.items import Item, SuiteData
from pumgpt.bench.suites.suite import Suite


def where_it_looked(backend: Backend, suite: Suite, data: SuiteData, failures: Sequence[Failure]) -> dict[str, Map]:
    """Case -> a map over the first photo. The cases are asked once more; nothing is, where the backend can't tell."""
    if not backend.capabilities.gives_evidence:
        return {}
    items = {item.product.id: item for item in data.items}
    found = {}
    for failure in failures:
        case = failure.outcome.case
        grid = _look(backend, suite, data, items[case.product], case.id)
        if grid is not None:
            found[case.id] = grid
    return found


def _look(backend: Backend, suite: Suite, data: SuiteData, item: Item, case_id: str) -> Map | None:
    for asked in make_requests(suite, data, item):
        questions = tuple(case.question for case in asked.cases if case.id == case_id)
        if questions:
            ((answer,),) = backend.answer([replace(asked.request, questions=questions)], evidence=True)
            return answer.evidence[0] if answer.evidence else None
    return None
