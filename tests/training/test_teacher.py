"""Targets for the tokens of an answer, out of probabilities of whole answers."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any, ClassVar

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.tasks.context import AskedAttribute, TaskContext
from pumgpt.training.objectives.answers import PAST_END, AnswerTeacher, token_targets
from pumgpt.training.objectives.heads import IGNORED, LabelHeads

PATHS = ("Shoes > Boots", "Shoes > Boots > High", "Shoes > Sandals", "Bags", "Bags > Totes", "Hats")
COLOURS = ("navy blue", "navy", "red")


class Letters:
    """A tokenizer of single letters."""

    eos_token_id = 0
    unk_token_id = None
    chat_template = None
    added_tokens_decoder: ClassVar[dict[int, Any]] = {}

    def __call__(self, texts: list[str], add_special_tokens: bool) -> dict[str, list[list[int]]]:
        return {"input_ids": [[ord(letter) for letter in text] for text in texts]}


def tokens(text: str) -> list[int]:
    return [*map(ord, text), 0]


@pytest.fixture
def context() -> TaskContext:
    return TaskContext(
        Choices(PATHS[:5]), (AskedAttribute("colour", Choices(COLOURS)), AskedAttribute("year", Choices(())))
    )


@pytest.fixture
def teacher(context: TaskContext) -> AnswerTeacher:
    torch.manual_seed(0)
    heads = LabelHeads(8, {"category": PATHS[::-1], "colour": [*COLOURS, "green"], "year": ["2012"], "gender": ["Men"]})
    nn.init.normal_(heads.heads[0].weight)
    return AnswerTeacher(heads, context, Letters(), share=0.7)


def by_hand(probability: dict[str, float], answer: str) -> list[dict[int, float]]:
    """The distribution over the next token after each beginning of the answer."""
    result = []
    for length in range(len(tokens(answer))):
        mass: dict[int, float] = defaultdict(float)
        for value, share in probability.items():
            if tokens(value)[:length] == tokens(answer)[:length]:
                mass[tokens(value)[length]] += share
        result.append({token: share / sum(mass.values()) for token, share in mass.items()})
    return result


def test_targets_are_what_the_beginning_leaves_open() -> None:
    rng = random.Random(0)
    longest = max(len(tokens(path)) for path in PATHS)
    table = torch.tensor([tokens(path) + [PAST_END] * (longest - len(tokens(path))) for path in PATHS])
    for row, answer in enumerate(PATHS):
        probability = torch.tensor([rng.random() for _ in PATHS])
        weights = token_targets(table, table[row][None], probability[None])[0]
        for step, expected in enumerate(by_hand(dict(zip(PATHS, probability.tolist(), strict=True)), answer)):
            found: dict[int, float] = defaultdict(float)
            for value, weight in enumerate(weights[step].tolist()):
                if weight:
                    found[int(table[value, step])] += weight
            assert found == pytest.approx(expected)


def test_an_answer_is_taught_where_the_heads_know_it(teacher: AnswerTeacher, context: TaskContext) -> None:
    def number(field: str, choices: Choices | None, answer: str) -> int:
        return teacher.label_number(Question("attribute_qa", "?", field, choices), answer)

    colour = context.attributes[0].choices
    assert teacher.labels == ["category", "colour"]
    assert number("category", context.taxonomy_choices, "Bags > Totes") == 0
    assert number("colour", colour, "navy") == 1
    assert number("colour", colour, CANNOT_TELL) == -1
    assert number("colour", Choices(COLOURS), "navy") == -1, "a multiple choice offers other values"
    assert number("brand", None, "Acme") == -1


@pytest.mark.parametrize("category", [0.7, 0.25])
def test_what_the_teacher_says_is_mixed_into_the_loss(
    teacher: AnswerTeacher, context: TaskContext, category: float
) -> None:
    """Three answers in one bucket, of which one isn't taught: its loss stays, that of the others is as computed by hand. Of a
    blended photo no label is true, so that the teacher alone counts. A field may have a share of its own.
    """
    if category != 0.7:
        teacher = AnswerTeacher(teacher.heads, context, Letters(), share=0.7, shares={"category": category})
    answers, numbers, products = ["Bags > Totes", "a coat", "navy blue"], [0, -1, 1], [1, 0, 0]
    labels = torch.full((3, 16), IGNORED)
    for row, answer in enumerate(answers):
        labels[row, row + 1 : row + 1 + len(tokens(answer))] = torch.tensor(tokens(answer))
    asked = labels != IGNORED
    logits = torch.randn(int(asked.sum()), 128, generator=torch.Generator().manual_seed(1))
    losses = F.cross_entropy(logits, labels[asked], reduction="none")
    blended = torch.tensor([False, False, True])
    bucket = {"taught": torch.tensor(numbers), "first_photo": torch.tensor(products), "blended": blended}
    said = teacher.probabilities(torch.randn(2, 3, 8, generator=torch.Generator().manual_seed(2)))
    mixed = teacher.mix(losses, logits, labels, bucket, said)

    logs, expected = logits.log_softmax(-1), []
    for answer, number, product in zip(answers, numbers, products, strict=True):
        rows = range(len(expected), len(expected) + len(tokens(answer)))
        if number < 0:
            expected += [float(losses[row]) for row in rows]
            continue
        values = list(teacher.place[teacher.labels[number]])
        probability = dict(zip(values, said[number][product].tolist(), strict=True))
        for row, target in zip(rows, by_hand(probability, answer), strict=True):
            soft = -sum(share * float(logs[row, token]) for token, share in target.items())
            expected.append(soft if answer == answers[2] else (1 - category) * float(losses[row]) + category * soft)
    assert mixed.tolist() == pytest.approx(expected, rel=1e-4)


def test_heads_on_patches_have_half_the_say(teacher: AnswerTeacher, context: TaskContext) -> None:
    queries, patches = torch.randn(2, 3, 8), torch.randn(2, 5, 6)
    others = LabelHeads(6, teacher.heads.values)
    nn.init.normal_(others.heads[1].weight)
    both = AnswerTeacher(teacher.heads, context, Letters(), share=0.7, patch_heads=others)
    colours = others.eval()(patches)["colour"].softmax(-1)[:, :3]
    assert_close(both.probabilities(queries, patches)[1], (teacher.probabilities(queries)[1] + colours) / 2)
    assert_close(both.probabilities(queries)[1], teacher.probabilities(queries)[1])


def test_values_that_are_not_offered_have_no_share(teacher: AnswerTeacher) -> None:
    said: list[Any] = teacher.probabilities(torch.randn(2, 3, 8))
    assert [part.shape[1] for part in said] == [5, 3]
    assert "Hats" not in teacher.place["category"] and "green" not in teacher.place["colour"]
