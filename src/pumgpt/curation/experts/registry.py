"""The experts by name: how each is made, and what it needs to run. A new expert is one new file and a line here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from pumgpt.backends.protocol import Backend
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.curation.experts.base import Expert
from pumgpt.errors import UsageError


@dataclass(frozen=True)
class Tools:
    """What experts may be made of; it can be pickled.

    `load_backend` loads `model`, which the vision-language expert asks. `judge` is an endpoint, `openai:NAME@BASE_URL`.
    """

    schema: AttributeSchema | None = None
    similarity: str = "nano"
    model: str = "nano"
    load_backend: Callable[[str], Backend] | None = None
    judge: str | None = None


@dataclass(frozen=True)
class Entry:
    """One expert of the registry."""

    name: str
    make: Callable[[Tools], Expert]
    sees_photos: bool = False
    """Whether it has no say about a product without a photo."""
    modules: tuple[str, ...] = ()
    """What has to be installed, and `extra` the way to it."""
    extra: str = ""
    by_default: Callable[[Tools], bool] = lambda tools: True

    @property
    def missing(self) -> str | None:
        """Why it can't run here; None where it can."""
        absent = [module for module in self.modules if find_spec(module) is None]
        return f"{' and '.join(absent)} is not installed; pip install 'pumgpt[{self.extra}]'" if absent else None


def _text(tools: Tools) -> Expert:
    from pumgpt.curation.experts.text import TextExpert

    return TextExpert(tools.schema)


def _statistics(tools: Tools) -> Expert:
    from pumgpt.curation.experts.statistics import StatisticsExpert

    return StatisticsExpert()


def _similarity(tools: Tools) -> Expert:
    from pumgpt.curation.experts.encoders import load_encoder
    from pumgpt.curation.experts.similarity import SimilarityExpert

    return SimilarityExpert(load_encoder(tools.similarity), tools.schema)


def _ocr(tools: Tools) -> Expert:
    from pumgpt.curation.experts.ocr import OcrExpert

    return OcrExpert(tools.schema)


def _vlm(tools: Tools) -> Expert:
    from pumgpt.curation.experts.vlm import VlmExpert

    if tools.load_backend is None:
        raise UsageError("expert 'vlm' needs a model; give --model")
    return VlmExpert(tools.load_backend(tools.model), tools.schema)


def _judge(tools: Tools) -> Expert:
    from pumgpt.curation.experts.judge import JudgeExpert

    if tools.judge is None:
        raise UsageError("expert 'judge' needs an endpoint; give --judge openai:NAME@BASE_URL")
    return JudgeExpert(tools.judge)


REGISTRY = {
    entry.name: entry
    for entry in (
        Entry("text", _text),
        Entry("statistics", _statistics),
        Entry("similarity", _similarity, sees_photos=True),
        Entry("ocr", _ocr, sees_photos=True, modules=("rapidocr", "onnxruntime"), extra="ocr"),
        Entry("vlm", _vlm, sees_photos=True, by_default=lambda tools: False),
        Entry("judge", _judge, by_default=lambda tools: tools.judge is not None),
    )
}
FOR_PHOTOS = frozenset(entry.name for entry in REGISTRY.values() if entry.sees_photos)


def choose(names: Sequence[str] | None, tools: Tools) -> tuple[str, ...]:
    """The experts that were asked for; without any, those that can run here.

    Raises `UsageError` for one that there isn't, or that can't run, and says what there is.
    """
    if names is None:
        return tuple(entry.name for entry in REGISTRY.values() if entry.by_default(tools) and not entry.missing)
    unknown = [name for name in names if name not in REGISTRY]
    if unknown or not names:
        what = f"unknown expert '{unknown[0]}'" if unknown else "no expert is named"
        raise UsageError(f"{what}; there are {', '.join(REGISTRY)}")
    for name in names:
        missing = REGISTRY[name].missing
        if missing is not None:
            raise UsageError(f"expert '{name}': {missing}")
    return tuple(dict.fromkeys(names))


def make_experts(names: Sequence[str], tools: Tools) -> list[Expert]:
    return [REGISTRY[name].make(tools) for name in names]


def fingerprint(names: Sequence[str], tools: Tools) -> dict[str, str]:
    """What of the experts makes two runs the same."""
    schema = repr(tools.schema.attributes) if tools.schema else ""
    return {
        "experts": ", ".join(sorted(names)),
        "schema": hashlib.sha256(schema.encode()).hexdigest()[:16],
        "model": tools.model if "vlm" in names else "",
        "similarity model": tools.similarity if "similarity" in names else "",
        "judge": tools.judge or "" if "judge" in names else "",
    }
