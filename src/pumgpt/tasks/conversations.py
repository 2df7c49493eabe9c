"""What a catalogue's own labels teach, as conversations: for training programs that are not ours."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from pumgpt.catalog.conversations import Conversation
from pumgpt.catalog.product import Product
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.mixture import MixtureWeights, draw_examples

MAX_TURNS = 4


def draw_conversations(
    products: Iterable[object],
    context: TaskContext | None = None,
    *,
    weights: MixtureWeights | None = None,
    max_turns: int = MAX_TURNS,
    seed: int = 0,
) -> Iterator[Conversation]:
    """One conversation for each product that has something to teach, its questions drawn from all tasks.

    Rows of a catalogue that are no products are skipped.
    """
    weights = weights or MixtureWeights()
    for product in products:
        if isinstance(product, Product):
            # A generator of its own for each product: its conversation is the same whatever comes before it.
            rng = random.Random(f"{seed} {product.id}")
            listing, examples = draw_examples(product, context or TaskContext(), rng, weights, max_turns)
            turns = tuple((example.question.text, example.answer) for example in examples)
            if turns:
                yield Conversation(product.id, product.images, turns, listing)
