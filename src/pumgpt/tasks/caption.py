"""`caption`: describe the product in one line."""

from __future__ import annotations

import random

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Question
from pumgpt.tasks.base import Task, TaskContext
from pumgpt.tasks.listing import tidy
from pumgpt.tasks.truth import is_foreign, plain_phrase

_COPIED_SHARE = 0.3


class CaptionTask(Task):
    """The answer is the product's title or, where it has none, a plain phrase out of category and colour."""

    name = "caption"
    metrics = ("cider", "rouge_l")
    max_new_tokens = 40
    hides_listing = True

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        return [self._ask(self.template.canonical("describe"))]

    def _draw(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        """Seldom while the title stands in the prompt: copying it is soon learnt and says nothing of the photo."""
        answer = tidy(product.title or "") or plain_phrase(product)
        if answer is None or is_foreign(product):
            return []
        if context.listing.mode == "present" and rng.random() >= _COPIED_SHARE:
            return []
        return [(self._ask(self.template.draw("describe", rng)), answer)]
