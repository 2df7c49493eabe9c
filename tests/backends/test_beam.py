"""The beam along the tree of answers: what it finds has its exact score, and a wide one finds everything."""

from __future__ import annotations

import itertools

import pytest
import torch
from test_pumgpt import ARCHITECTURE, TEXTS

from pumgpt.backends.protocol import CANNOT_TELL, Choices, Question, Request
from pumgpt.backends.pumgpt.backend import PumGPTBackend
from pumgpt.backends.pumgpt.beam import AnswerTree, score_by_beam
from pumgpt.backends.pumgpt.trie import TokenTrie
from pumgpt.samples import draw_product
from pumgpt.training.scratch import build_from_scratch

WORDS = ("Apparel", "Shoes", "Fruit", "Topwear", "Apple", "Shirts", "Red")
PATHS = tuple(" > ".join(path) for length in (1, 2, 3) for path in itertools.permutations(WORDS, length))
TITLES = ("Title: shirt", "Title: a much longer title of a red shirt", "Title: apple")


@pytest.fixture(scope="module")
def backend() -> PumGPTBackend:
    torch.manual_seed(1)
    model, processor = build_from_scratch(ARCHITECTURE, [*TEXTS, *WORDS], size_px=48)
    return PumGPTBackend(model, processor, "tiny", "0")


@pytest.fixture(scope="module")
def scored(backend: PumGPTBackend) -> tuple[object, AnswerTree, torch.Tensor]:
    """Prompts that are prefilled, and the exact scores of all paths after each."""
    tokens = backend.processor.tokenizer(list(PATHS), add_special_tokens=False)["input_ids"]
    prompts = backend.processor.tokenizer(list(TITLES), add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        prefix = backend.decoder.prefill(prompts, None, torch.tensor([], dtype=torch.long))
        exact = backend.decoder.score(prefix, TokenTrie.build(tokens, backend.end_token_ids[0]))
    return prefix, AnswerTree.build(tokens, backend.end_token_ids[0]), exact


@torch.inference_mode()
def test_a_wide_beam_finds_all_with_their_exact_scores(backend: PumGPTBackend, scored) -> None:
    prefix, tree, exact = scored
    torch.testing.assert_close(score_by_beam(backend.decoder, prefix, tree, width=500), exact, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("width", [1, 3, 20])
def test_what_a_narrow_beam_finds_is_exact(backend: PumGPTBackend, scored, width: int) -> None:
    prefix, tree, exact = scored
    found = score_by_beam(backend.decoder, prefix, tree, width)
    reached = ~found.isneginf()
    torch.testing.assert_close(found[reached], exact[reached], rtol=1e-4, atol=1e-4)
    assert reached.any(1).all() and not reached.all()


@torch.inference_mode()
def test_rows_of_a_beam_do_not_depend_on_their_neighbours(backend: PumGPTBackend, scored) -> None:
    prefix, tree, _ = scored
    together = score_by_beam(backend.decoder, prefix, tree, width=4)
    for row in range(len(TITLES)):
        alone = score_by_beam(backend.decoder, prefix.select(torch.tensor([row])), tree, width=4)
        torch.testing.assert_close(alone[0], together[row], rtol=1e-4, atol=1e-4)


def test_the_backend_answers_the_same_either_way(backend: PumGPTBackend) -> None:
    question = Question("category", "Which category?", "category", Choices(PATHS))
    requests = [Request((draw_product(seed, size_px=64)[0],), (question,)) for seed in range(3)]
    by_beam = PumGPTBackend(backend.model, backend.processor, "tiny", "0")
    by_beam.max_exact_choices, by_beam.beam_width = 10, 500
    for (before,), (after,) in zip(backend.answer(requests), by_beam.answer(requests), strict=True):
        assert (after.text, [name for name, _ in after.ranked]) == (before.text, [name for name, _ in before.ranked])
        assert after.probability == pytest.approx(before.probability, abs=1e-4)
        assert after.cannot_tell == pytest.approx(before.cannot_tell, abs=1e-4)
        assert after.text in (*PATHS, CANNOT_TELL)


def test_a_tree_keeps_ends_and_beginnings_apart() -> None:
    tree = AnswerTree.build([[5, 6, 7], [5, 6], [8]], end_token_id=1)
    edges, there = tree.edges_of(torch.tensor([[0, 2]]))
    assert tree.token_E[edges][there].tolist() == [5, 8, 7, 1]
    assert tree.answer_E[edges][there].tolist() == [-1, -1, -1, 1]
