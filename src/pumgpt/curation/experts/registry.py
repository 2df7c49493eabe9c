"""The experts by name. A new expert is one file and one line in `EXPERTS`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from pumgpt.errors import UsageError

if TYPE_CHECKING:
    from pumgpt.curation.experts.base import Expert, ExpertOptions

# Paths rather than classes, so that the command's help can list the experts without importing them.
EXPERTS = {
    "text": "pumgpt.curation.experts.text:TextExpert",
    "statistics": "pumgpt.curation.experts.statistics:StatisticsExpert",
    "similarity": "pumgpt.curation.experts.similarity:SimilarityExpert",
    "ocr": "pumgpt.curation.experts.ocr:OcrExpert",
    "vlm": "pumgpt.curation.experts.vlm:VlmExpert",
    "judge": "pumgpt.curation.experts.judge:JudgeExpert",
}


def expert_class(name: str) -> type[Expert]:
    """The class of an expert. A name that isn't registered has the defaults of `Expert`: votes may come from anywhere."""
    return _resolve(EXPERTS.get(name, "pumgpt.curation.experts.base:Expert"))


@lru_cache
def _resolve(path: str) -> type[Expert]:
    resolved: type[Expert] = resolve_name(path)
    return resolved


def choose_experts(names: Sequence[str] | None, options: ExpertOptions) -> tuple[str, ...]:
    """The experts that were asked for, without repetitions; if None, those that can run here.

    Raises `UsageError` if a name is unknown, or its expert can't run here.
    """
    if names is None:
        classes = {name: expert_class(name) for name in EXPERTS}
        return tuple(
            n for n, expert in classes.items() if expert.is_default(options) and not expert.missing_requirement()
        )
    unknown = [name for name in names if name not in EXPERTS]
    if unknown or not names:
        what = f"unknown expert '{unknown[0]}'" if unknown else "no expert is named"
        raise UsageError(f"{what}; there are {', '.join(EXPERTS)}")
    for name in names:
        missing = expert_class(name).missing_requirement()
        if missing is not None:
            raise UsageError(f"expert '{name}': {missing}")
    return tuple(dict.fromkeys(names))


def make_experts(names: Sequence[str], options: ExpertOptions) -> list[Expert]:
    return [expert_class(name).create(options) for name in names]


def fingerprint(names: Sequence[str], options: ExpertOptions) -> dict[str, str]:
    """What must be equal for one run to go on where another stopped: the experts, and the options that change their votes."""
    used = {option for name in names for option in expert_class(name).options}
    schema = repr(options.schema.attributes) if options.schema else ""
    return {
        "experts": ", ".join(sorted(names)),
        "schema": hashlib.sha256(schema.encode()).hexdigest()[:16],
        "model": _asked_model(options) if "model" in used else "",
        "similarity model": options.similarity if "similarity" in used else "",
        "judge": options.judge or "" if "judge" in used else "",
    }


def _asked_model(options: ExpertOptions) -> str:
    return f"{options.model}, about categories alone" if options.vlm_categories_only else options.model
