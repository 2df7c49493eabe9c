"""A task from outside the package: in which department of the shop a product stands."""

from __future__ import annotations

import random

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices, Question
from pumgpt.tasks.base import Task
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.evaluation import Truth


class DepartmentTask(Task):
    """The answer is the first level of the category."""

    name = "department"
    max_new_tokens = 8
    metrics = ("accuracy", "macro_f1", "refusals")
    mixture_weight = 3.0

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        paths = context.taxonomy_choices.values if context.taxonomy_choices else ()
        departments = tuple(dict.fromkeys(path.split(" > ")[0] for path in paths))
        choices = Choices(departments) if departments else None
        return [self.new_question(self.template.canonical("which"), "department", choices)]

    def draw_examples(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        if not product.category:
            return []
        return [(self.new_question(self.template.draw("which", rng), "department"), product.category[0])]

    def truth_of(self, product: Product, question: Question) -> Truth | None:
        return Truth({"department": product.category[:1]}) if product.category else None
