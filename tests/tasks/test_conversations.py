from __future__ import annotations

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.tasks.conversations import draw_conversations

TEE = Product(
    "1", (ImageRef(path="a.jpg"),), "Red tee", "A red tee.", ("Apparel", "Tees"), {"colour": "Red", "gender": "Men"}
)


def test_labels_become_turns_and_other_rows_are_passed_by() -> None:
    (told,) = draw_conversations([RejectedRow(1, None, "broken"), Product("2"), TEE])
    assert (told.id, told.images) == ("1", TEE.images)
    assert 1 <= len(told.turns) <= 4
    assert len({question for question, _ in told.turns}) == len(told.turns)


def test_a_conversation_depends_on_seed_and_id_alone() -> None:
    others = [Product(str(number), title="Bag", category=("Bags",)) for number in range(5, 9)]
    alone, among = list(draw_conversations([TEE])), list(draw_conversations([*others, TEE]))
    assert among[-1] == alone[0]
    assert any(list(draw_conversations([TEE], seed=seed)) != alone for seed in range(1, 5))
