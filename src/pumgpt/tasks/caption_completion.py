"""`caption_completion`: finish a title or caption."""

from __future__ import annotations

import random

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Question
from pumgpt.tasks.base import Task, TaskContext
from pumgpt.tasks.listing import tidy
from pumgpt.tasks.truth import is_foreign


class CaptionCompletionTask(Task):
    """The prompt carries the beginning, the answer is the rest and nothing else."""

    name = "caption_completion"
    metrics = ("rouge_l", "exact_match")
    max_new_tokens = 32
    hides_listing = True

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        beginning = tidy(context.beginning or product.title or "")
        return [self._ask(self.template.canonical("finish", beginning=beginning))] if beginning else []

    def _draw(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        """None while the title stands in the prompt."""
        title = (product.title or "").split()
        if len(title) < 2 or is_foreign(product) or context.listing.mode == "present":
            return []
        cut = rng.randint(1, len(title) - 1)
        question = self._ask(self.template.draw("finish", rng, beginning=" ".join(title[:cut])))
        return [(question, " ".join(title[cut:]))]
