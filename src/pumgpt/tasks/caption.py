"""`caption`: describe the product in one line."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Question
from pumgpt.tasks.answers import Parsed
from pumgpt.tasks.base import Task
from pumgpt.tasks.caption_facts import caption_facts, caption_is_true
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.evaluation import Grade, LabelledProduct, LabelledQuestion, Truth, Values
from pumgpt.tasks.listing import tidy
from pumgpt.tasks.plain_words import plain_title
from pumgpt.tasks.truth import is_foreign, plain_phrase

# Copying a title that stands in the prompt is soon learnt, and teaches nothing about the photo.
_COPIED_SHARE = 0.3


def _described(product: Product) -> str:
    """A picture without a category is of anything, and described by people, who name no brands."""
    title = tidy(product.title or "")
    return plain_title(product) or "" if product.category else title


class CaptionTask(Task):
    """The answer is the product's title without names or, where that says too little, a phrase out of category and colour."""

    name = "caption"
    metrics = ("cider", "rouge_l", "bleu", "answered", "caption_facts")
    max_new_tokens = 40
    record_field = "caption"
    mixture_weight = 1.0
    hides_listing = True
    refusable = False

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        return [self.new_question(self.template.canonical("describe"))]

    def draw_examples(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        """The plain title, or a phrase made of the labels; seldom while the title stands in the prompt.

        No photo shows a brand to a model that can't read it: one that learns to name brands makes them up.
        """
        answer = _described(product) or plain_phrase(product, context.facts)
        if answer is None or is_foreign(product):
            return []
        if context.listing.mode == "present" and rng.random() >= _COPIED_SHARE:
            return []
        return [(self.new_question(self.template.draw("describe", rng)), answer)]

    def labelled_questions(self, labelled: LabelledProduct, rng: random.Random) -> Iterator[LabelledQuestion]:
        title = tidy(labelled.product.title or "")
        references = labelled.references or ((title,) if title else ())
        if references:
            yield LabelledQuestion(
                self.questions(labelled.product, labelled.context)[0], Truth({self.name: references})
            )

    def grade_field(self, parsed: Parsed, truth: Truth, field: str, product: Product) -> Grade:
        """By the facts that it states; likeness to the references is left to the metrics."""
        grade = super().grade_field(parsed, truth, field, product)
        # Without a category nothing tells whether the caption names the product.
        return replace(grade, judged=bool(product.category))

    def is_right(self, stated: Values, truth: Truth, field: str, product: Product) -> bool:
        return caption_is_true(stated[0], product)

    def failure_kind(self, stated: Values, truth: Truth, field: str, product: Product) -> str:
        return "hallucinated value" if caption_facts(stated[0], product).untrue_colours else "omission"
