"""`caption`: describe the product in one line."""

from __future__ import annotations

import random

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Question
from pumgpt.tasks.base import Task, TaskContext
from pumgpt.tasks.listing import tidy
from pumgpt.tasks.truth import is_foreign, plain_phrase


class CaptionTask(Task):
    """The answer is the product's title or, where it has none, a plain phrase out of category and colour."""

    name = "caption"
    metrics = ("cider", "rouge_l")
    max_new_tokens = 40

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        return [self._ask(self.template.canonical("describe"))]

    def _draw(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        """None while the title stands in the prompt: copying it teaches nothing about the photo."""
        answer = tidy(product.title or "") or plain_phrase(product)
        if answer is None or is_foreign(product) or context.listing.mode == "present":
            return []
        return [(self._ask(self.template.draw("describe", rng)), answer)]
