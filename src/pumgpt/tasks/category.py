"""`category`: which category, open, from a taxonomy, or among options in the prompt."""

from __future__ import annotations

import random
from functools import lru_cache

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.tasks.base import INVALID, Parsed, Task, TaskContext, is_valid, list_options, read_choice
from pumgpt.tasks.truth import is_foreign

SEPARATOR = " > "

_SHORT_OPTIONS = 0.5
_RIGHT_MISSING = 0.15
_SIBLINGS = 0.5


class CategoryTask(Task):
    """The answer is the path, 'A > B > C'; in a multiple choice the option as it was listed (path or leaf)."""

    name = "category"
    metrics = ("accuracy", "accuracy_by_level", "macro_f1", "refusal")
    max_new_tokens = 32

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        choices = context.taxonomy_choices
        if choices is not None and len(choices.values) <= context.list_options:
            text = self.template.canonical("choice", options=list_options(choices.values))
        else:
            text = self.template.canonical("open")
        return [self._ask(text, "category", choices)]

    def _draw(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        answer = CANNOT_TELL if is_foreign(product) else SEPARATOR.join(product.category or ())
        if not answer or (answer != CANNOT_TELL and not is_valid(answer, context.taxonomy_choices)):
            return []
        drawn = [(self._ask(self.template.draw("open", rng), "category", context.taxonomy_choices), answer)]
        choice = self._draw_choice(product, context, rng)
        if choice is not None:
            drawn.insert(0 if rng.random() < 0.25 else 1, choice)
        return drawn

    def _draw_choice(self, product: Product, context: TaskContext, rng: random.Random) -> tuple[Question, str] | None:
        if context.taxonomy_choices is None:
            return None
        options = _draw_others(context.taxonomy_choices, product.category, rng, rng.randint(3, 5))
        if len(options) < 3:
            return None
        answer = CANNOT_TELL
        if product.category and rng.random() >= _RIGHT_MISSING:
            answer = options[0] = SEPARATOR.join(product.category)  # in the place of another: the count tells nothing
        rng.shuffle(options)
        if rng.random() < _SHORT_OPTIONS and len({_leaf(option) for option in options}) == len(options):
            options = [_leaf(option) for option in options]
            answer = answer if answer == CANNOT_TELL else _leaf(answer)
        text = self.template.draw("choice", rng, options=list_options(options))
        return self._ask(text, "category", Choices(tuple(options))), answer

    def _parse(self, text: str, question: Question) -> Parsed:
        parsed = read_choice(text, question.choices)
        if not isinstance(parsed.value, str):
            return INVALID
        path = tuple(level.strip() for level in parsed.value.split(">") if level.strip())
        return Parsed("value", path, strict=parsed.strict) if path else INVALID


def _leaf(path: str) -> str:
    return path.rsplit(SEPARATOR, 1)[-1]


@lru_cache(maxsize=16)
def _by_depth(choices: Choices) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for path in choices.values:
        found.setdefault(path.count(SEPARATOR) + 1, []).append(path)
    return found


@lru_cache(maxsize=16)
def _by_parent(choices: Choices) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in choices.values:
        found.setdefault(path.rpartition(SEPARATOR)[0], []).append(path)
    return found


def _draw_others(choices: Choices, right: tuple[str, ...] | None, rng: random.Random, count: int) -> list[str]:
    """Up to `count` wrong categories, half of them siblings of the right one.

    Only paths as long as the right one: sources with other depths may call the same thing by another name.
    """
    pool = list(choices.values) if right is None else _by_depth(choices).get(len(right), [])
    if not pool:
        return []
    siblings = _by_parent(choices).get(SEPARATOR.join(right[:-1]), []) if right and len(right) > 1 else []
    taken: list[str] = []
    for _ in range(count * 3):
        path = rng.choice(siblings if siblings and rng.random() < _SIBLINGS else pool)
        if path not in taken and (right is None or _leaf(path) != right[-1]):
            taken.append(path)
        if len(taken) == count:
            break
    return taken
