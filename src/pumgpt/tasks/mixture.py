"""What training asks about one product in one epoch: a listing mode, then a few questions of mixed tasks."""

from __future__ import annotations

import random
from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field

from pumgpt.catalog.product import Product
from pumgpt.errors import UsageError
from pumgpt.tasks.base import Example
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.listing import ListingMode
from pumgpt.tasks.registry import TASKS, get_task

# Mostly without text: with a title in every prompt, a model would hardly learn to use the photo.
DEFAULT_LISTING: Mapping[ListingMode, float] = MappingProxyType({"absent": 0.6, "struck": 0.2, "present": 0.2})


def default_tasks() -> dict[str, float]:
    """The weights that the tasks bring."""
    return {name: task.mixture_weight for name, task in TASKS.items() if task.mixture_weight}


class MixtureWeights(BaseModel):
    """How often each task and each listing mode is drawn; the numbers need not add up to 1, and what is left out is not
    drawn.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tasks: dict[str, float] = Field(default_factory=default_tasks)
    listing: dict[ListingMode, float] = dict(DEFAULT_LISTING)
    attributes: dict[str, float] = {}
    """Attributes that are asked for more or less often than others, whose weight is 1."""

    def model_post_init(self, context: object) -> None:
        # A misspelt task would never be drawn, and the run seem fine.
        for name in self.tasks:
            get_task(name)
        for group, weights in (("tasks", self.tasks), ("listing", self.listing)):
            if min(weights.values(), default=-1.0) < 0 or not any(weights.values()):
                raise UsageError(f"mixture weights of {group} must be 0 or more, and not all 0")
        if min(self.attributes.values(), default=1.0) <= 0:
            raise UsageError("mixture weights of attributes must be above 0")


def draw_examples(
    product: Product, context: TaskContext, rng: random.Random, weights: MixtureWeights, count: int
) -> tuple[str | None, list[Example]]:
    """The listing's text and up to `count` examples that share it, no question twice; fewer, or none, where the product
    has no more to ask. The same `rng` state draws the same.
    """
    modes = list(weights.listing)
    mode = rng.choices(modes, [weights.listing[name] for name in modes])[0]
    context = context.showing(product, mode, rng)
    pools: dict[str, list[Example]] = {}
    # By text, since two draws of a phrasing may coincide.
    asked: set[str] = set()
    drawn: list[Example] = []
    left = {name: weight for name, weight in weights.tasks.items() if weight > 0}
    while left and len(drawn) < count:
        name = rng.choices(list(left), list(left.values()))[0]
        if name not in pools:
            # Reversed, because examples are taken from the end.
            pools[name] = _ordered(TASKS[name].examples(product, context, rng), weights.attributes, rng)[::-1]
        pool = pools[name]
        while pool and pool[-1].question.text in asked:
            pool.pop()
        if not pool:
            # A task that has no more to ask leaves its place to the others.
            del left[name]
            continue
        example = pool.pop()
        asked.add(example.question.text)
        drawn.append(example)
    return context.listing.text, drawn


def _ordered(examples: list[Example], weights: Mapping[str, float], rng: random.Random) -> list[Example]:
    """Examples in random order, those of a heavy attribute more often before others."""
    # Tasks draw in random order already; drawing again would change what every recipe without weights trains on.
    if not weights:
        return examples
    # Each is the next one with a probability in proportion to its weight (Efraimidis and Spirakis 2006).
    return sorted(examples, key=lambda e: rng.random() ** (1 / weights.get(e.question.field or "", 1.0)), reverse=True)
