"""`category`: which category, open, from a taxonomy, or among options in the prompt."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR
from pumgpt.tasks.answers import INVALID, Parsed, is_valid, parse_choice
from pumgpt.tasks.base import Task
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.evaluation import CATEGORY, LabelledProduct, LabelledQuestion, Truth, Values, draw_options, plain
from pumgpt.tasks.template import list_options
from pumgpt.tasks.truth import is_foreign

_SHORT_OPTIONS = 0.5
# Some multiple choices lack the right option, or a model would learn that one of the options always is.
_RIGHT_MISSING = 0.15
# Siblings are hard to tell apart, others easy: with either alone, options would be chosen by their kind.
_SIBLINGS = 0.5


class CategoryTask(Task):
    """The answer is the path, 'A > B > C'; in a multiple choice the option as it was listed (path or leaf)."""

    name = "category"
    metrics = ("accuracy", "levels", "answered", "macro_f1", "calibration", "refusals", "hallucination")
    max_new_tokens = 32
    answer_form = "path"
    record_field = "category"
    mixture_weight = 2.0

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        choices = context.taxonomy_choices
        if choices is not None and len(choices.values) <= context.list_options:
            text = self.template.canonical("choice", options=list_options(choices.values))
        else:
            text = self.template.canonical("open")
        return [self.new_question(text, "category", choices)]

    def draw_examples(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        answer = CANNOT_TELL if is_foreign(product) else SEPARATOR.join(product.category or ())
        if not answer or (answer != CANNOT_TELL and not is_valid(answer, context.taxonomy_choices)):
            return []
        drawn = [(self.new_question(self.template.draw("open", rng), "category", context.taxonomy_choices), answer)]
        choice = self._draw_choice(product, context, rng)
        if choice is not None:
            # A caller that wants fewer examples takes the first one, and inference mostly asks the open question.
            drawn.insert(0 if rng.random() < 0.25 else 1, choice)
        return drawn

    def _draw_choice(self, product: Product, context: TaskContext, rng: random.Random) -> tuple[Question, str] | None:
        if context.taxonomy_choices is None:
            return None
        options = _draw_others(context.taxonomy_choices, product.category, rng, rng.randint(3, 5))
        # Two options would make the answer a coin toss.
        if len(options) < 3:
            return None
        answer = CANNOT_TELL
        if product.category and rng.random() >= _RIGHT_MISSING:
            # In the place of another: the number of options must not give away whether the right one is there.
            answer = options[0] = SEPARATOR.join(product.category)
        rng.shuffle(options)
        # Shops list leaves or whole paths; leaves only while each still names one option.
        if rng.random() < _SHORT_OPTIONS and len({_leaf(option) for option in options}) == len(options):
            options = [_leaf(option) for option in options]
            answer = answer if answer == CANNOT_TELL else _leaf(answer)
        text = self.template.draw("choice", rng, options=list_options(options))
        return self.new_question(text, "category", Choices(tuple(options))), answer

    def parse_answer(self, text: str, question: Question) -> Parsed:
        parsed = parse_choice(text, question.choices)
        if not isinstance(parsed.value, str):
            return INVALID
        # Models write 'A>B' and 'A > B >' as well.
        path = tuple(level.strip() for level in parsed.value.split(">") if level.strip())
        return Parsed("value", path, strict=parsed.strict) if path else INVALID

    def labelled_questions(self, labelled: LabelledProduct, rng: random.Random) -> Iterator[LabelledQuestion]:
        """Open, and as a multiple choice."""
        if CATEGORY not in labelled.labels:
            return
        product, context, path = labelled.product, labelled.context, labelled.labels[CATEGORY]
        yield LabelledQuestion(self.questions(product, context)[0], Truth({CATEGORY: path}))
        if not path or context.taxonomy_choices is None:
            return
        right = SEPARATOR.join(path)
        options = draw_options(context.taxonomy_choices, right, labelled.num_options, rng)
        if options is not None:
            context = replace(context, taxonomy_choices=Choices(options), list_options=len(options))
            question = self.questions(product, context)[0]
            yield LabelledQuestion.multiple_choice(question, {CATEGORY: path}, right)

    def is_right(self, stated: Values, truth: Truth, field: str, product: Product) -> bool:
        return plain(stated) == plain(truth.fields[field] or ())

    def failure_kind(self, stated: Values, truth: Truth, field: str, product: Product) -> str:
        """`near category`: a sibling, all levels but the last being right, or one that stops a level above."""
        parent = plain(truth.fields[field] or ())[:-1]
        return "near category" if parent and plain(stated)[: len(parent)] == parent else "wrong branch"

    def true_answers(self, truth: Truth, field: str) -> tuple[str, ...]:
        path = truth.fields[field]
        return (SEPARATOR.join(path),) if path else ()

    def answer_from_labels(self, question: Question, label: Callable[[str], str | None]) -> str:
        text = label(CATEGORY)
        return text if text is not None and is_valid(text, question.choices) else CANNOT_TELL


def _leaf(path: str) -> str:
    return path.rsplit(SEPARATOR, 1)[-1]


# The two indexes are kept: a taxonomy has thousands of paths, and every training example draws from it.
@lru_cache(maxsize=16)
def _by_depth(choices: Choices) -> dict[int, list[str]]:
    by_depth: dict[int, list[str]] = {}
    for path in choices.values:
        by_depth.setdefault(path.count(SEPARATOR) + 1, []).append(path)
    return by_depth


@lru_cache(maxsize=16)
def _by_parent(choices: Choices) -> dict[str, list[str]]:
    by_parent: dict[str, list[str]] = {}
    for path in choices.values:
        by_parent.setdefault(path.rpartition(SEPARATOR)[0], []).append(path)
    return by_parent


def _draw_others(choices: Choices, right: tuple[str, ...] | None, rng: random.Random, count: int) -> list[str]:
    """Up to `count` wrong categories, half of them siblings of the right one."""
    # Only paths as long as the right one: sources with other depths may call the same thing by another name.
    pool = list(choices.values) if right is None else _by_depth(choices).get(len(right), [])
    if not pool:
        return []
    siblings = _by_parent(choices).get(SEPARATOR.join(right[:-1]), []) if right and len(right) > 1 else []
    taken: list[str] = []
    # A bound: a small pool may not have enough distinct categories.
    for _ in range(count * 3):
        path = rng.choice(siblings if siblings and rng.random() < _SIBLINGS else pool)
        # The same leaf under another parent might be right too.
        if path not in taken and (right is None or _leaf(path) != right[-1]):
            taken.append(path)
        if len(taken) == count:
            break
    return taken
