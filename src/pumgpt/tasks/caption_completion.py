"""`caption_completion`: finish a title or caption."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Question
from pumgpt.tasks.answers import Parsed
from pumgpt.tasks.base import Task
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.evaluation import Grade, LabelledProduct, LabelledQuestion, Truth
from pumgpt.tasks.listing import tidy
from pumgpt.tasks.plain_words import plain_ending, tokens
from pumgpt.tasks.truth import is_foreign

# In a benchmark; training cuts anywhere, since users stop typing anywhere.
_BEGINNING_SHARE = 0.5


class CaptionCompletionTask(Task):
    """The prompt carries the beginning, the answer is the rest and nothing else."""

    name = "caption_completion"
    metrics = ("exact", "token_f1", "rouge_l")
    max_new_tokens = 32
    record_field = "completion"
    mixture_weight = 0.5
    hides_listing = True
    refusable = False

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        beginning = tidy(context.beginning or product.title or "")
        return [self.new_question(self.template.canonical("finish", beginning=beginning))] if beginning else []

    def draw_examples(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        """What comes in plain words after a part of the title; none while the title stands in the prompt."""
        title = tokens(product.title or "")
        # With the title in the prompt the rest is copied, not completed.
        if len(title) < 2 or is_foreign(product) or context.listing.mode == "present":
            return []
        cut = rng.randint(1, len(title) - 1)
        # No photo shows how a model is called. A picture without a category is described by people, who name none.
        ending = plain_ending(product, cut) if product.category else " ".join(title[cut:])
        question = self.new_question(self.template.draw("finish", rng, beginning=" ".join(title[:cut])))
        return [(question, ending)] if ending else []

    def labelled_questions(self, labelled: LabelledProduct, rng: random.Random) -> Iterator[LabelledQuestion]:
        """The first half of the title is given."""
        words = tidy(labelled.product.title or "").split()
        cut = max(1, round(len(words) * _BEGINNING_SHARE))
        if cut < len(words):
            context = replace(labelled.context, beginning=" ".join(words[:cut]))
            truth = Truth({"completion": (" ".join(words[cut:]),)})
            yield LabelledQuestion(self.questions(labelled.product, context)[0], truth)

    def grade_field(self, parsed: Parsed, truth: Truth, field: str, product: Product) -> Grade:
        """A title can end in many ways: the answer is scored, but none is a failure."""
        return replace(super().grade_field(parsed, truth, field, product), judged=False)
