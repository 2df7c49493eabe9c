"""`question`: anything about the product. In training the questions are made from its labels."""

from __future__ import annotations

import random
from collections.abc import Iterator

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL, Question
from pumgpt.tasks.base import Task
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.evaluation import LabelledProduct, LabelledQuestion, Truth
from pumgpt.tasks.sources import DataFacts
from pumgpt.tasks.template import Template
from pumgpt.tasks.truth import is_foreign, label, plain_phrase
from pumgpt.tasks.words import colour_family, words

# Refusals have to be learnt beside answers too, not only on pictures of no product.
_UNANSWERABLE_SHARE = 0.4
# What is unisex is for men and for women, so that both questions are answered 'yes'.
_WEARERS = {"Unisex": frozenset({"men", "women"})}

Pair = tuple[str, str]
"""A question's text and its answer."""


class QuestionTask(Task):
    """Answers are short natural text; yes-or-no questions are answered 'yes' or 'no'."""

    name = "question"
    metrics = ("exact", "token_f1", "refusals", "hallucination")
    max_new_tokens = 32
    mixture_weight = 1.5

    def questions(self, product: Product, context: TaskContext) -> list[Question]:
        return [self.new_question(text) for text in context.questions]

    def draw_examples(self, product: Product, context: TaskContext, rng: random.Random) -> list[tuple[Question, str]]:
        template = self.template
        # A picture of no product still gets questions that take one for granted: the answer to those is a refusal.
        if is_foreign(product):
            pairs = _about_nothing(template, rng)
        else:
            about = (_about_kind, _about_people, _about_colour, _about_usage)
            pairs = [pair for ask in about for pair in ask(product, context.facts, template, rng)]
            # Likelier the more there is to ask, so that refusals stay about the same share.
            if product.category and not context.listing.described and rng.random() < _UNANSWERABLE_SHARE * len(pairs):
                pairs.append((template.draw("unanswerable", rng), CANNOT_TELL))
        rng.shuffle(pairs)
        return [(self.new_question(text), answer) for text, answer in pairs]

    def labelled_questions(self, labelled: LabelledProduct, rng: random.Random) -> Iterator[LabelledQuestion]:
        """Those of the training examples, each wording once."""
        # The training phrasings may coincide, and a question that is asked twice counts double.
        distinct = {e.question.text: e for e in self.examples(labelled.product, labelled.context, rng)}
        for number, example in enumerate(list(distinct.values())[: labelled.num_questions]):
            right = None if example.answer == CANNOT_TELL else (example.answer,)
            yield LabelledQuestion(example.question, Truth({self.name: right}), mark=str(number))


def _about_nothing(template: Template, rng: random.Random) -> list[Pair]:
    """Questions about a picture of no product."""
    people = rng.choice(list(template.phrases["people"].values()))
    texts = [
        template.draw(rng.choice(["what", "who", "wear"]), rng),
        template.draw("is_for", rng, people=people),
        rng.choice(template.phrasings["unanswerable"]),
    ]
    return [(rng.choice(texts), CANNOT_TELL)]


def _about_kind(product: Product, facts: DataFacts, template: Template, rng: random.Random) -> list[Pair]:
    phrase = plain_phrase(product, facts)
    if phrase is None:
        return []
    pairs = [(template.draw("what", rng), phrase)]
    kinds = template.phrases["kind"]
    own = kinds.get((product.category or ("",))[0])
    if own is not None:
        # Yes and no half of the time each, or the question alone would tell the answer.
        other = rng.choice([kind for kind in kinds.values() if kind != own])
        asked, answer = (own, "yes") if rng.random() < 0.5 else (other, "no")
        pairs.append((template.draw("is_kind", rng, kind=asked), answer))
    return pairs


def _about_people(product: Product, facts: DataFacts, template: Template, rng: random.Random) -> list[Pair]:
    people = template.phrases["people"]
    gender = label(product, "gender", facts)
    if gender not in people:
        return []
    own = people[gender]
    # Even odds for 'yes', as in the questions about the kind.
    fitting = _WEARERS.get(gender, frozenset({own}))
    asked = rng.choice(sorted(fitting) if rng.random() < 0.5 else ["men", "women", "boys", "girls"])
    pairs = [
        (template.draw("who", rng), own),
        (template.draw("is_for", rng, people=asked), "yes" if asked in fitting else "no"),
    ]
    # What is for both has no side to choose.
    if gender != "Unisex":
        sides = [own, rng.choice([other for other in ("men", "women", "boys", "girls") if other != own])]
        rng.shuffle(sides)
        pairs.append((template.draw("which_people", rng, first=sides[0], second=sides[1]), own))
    return pairs


def _about_colour(product: Product, facts: DataFacts, template: Template, rng: random.Random) -> list[Pair]:
    colour = label(product, "colour", facts)
    family = colour_family(colour) if colour else None
    # 'Multi' is any mix, of which no single colour can be denied.
    if colour is None or family is None or family == "multi":
        return []
    own = colour.lower()
    # Of another family: nobody should have to decide whether navy is blue.
    other = rng.choice([name for name in words().colours if name not in (family, "multi")])
    sides = [own, other]
    rng.shuffle(sides)
    asked, answer = (own, "yes") if rng.random() < 0.5 else (other, "no")
    return [
        (template.draw("is_colour", rng, colour=asked), answer),
        (template.draw("which_colour", rng, first=sides[0], second=sides[1]), own),
        (template.draw("what_colour", rng), own),
    ]


def _about_usage(product: Product, facts: DataFacts, template: Template, rng: random.Random) -> list[Pair]:
    # 'Casual' says something about clothes and nothing about an apple.
    phrase = template.phrases["usage"].get(label(product, "usage", facts) or "")
    if phrase is None or not product.category or product.category[0] not in facts.worn_categories:
        return []
    return [(template.draw("wear", rng), phrase)]
