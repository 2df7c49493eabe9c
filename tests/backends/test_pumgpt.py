"""The backend answers what the model answers: batched or alone, through a trie or token by token, cached or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from PIL import Image

from pumgpt.backends.protocol import CANNOT_TELL, Answer, Choices, Question, Request
from pumgpt.backends.pumgpt.backend import PumGPTBackend
from pumgpt.backends.pumgpt.trie import TokenTrie
from pumgpt.model.prompt import render_prompt
from pumgpt.samples import draw_product
from pumgpt.training.scratch import build_from_scratch

ARCHITECTURE = {
    "vision_config": {
        "model_type": "resnet",
        "layer_type": "basic",
        "embedding_size": 8,
        "hidden_sizes": [8, 16],
        "depths": [1, 1],
        "out_indices": [1, 2],
    },
    "qformer_config": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "encoder_hidden_size": 32,
        "cross_attention_frequency": 1,
    },
    "text_config": {
        "model_type": "llama",
        "vocab_size": 400,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        # A wide start, so that a random model has opinions and equal answers are no accident.
        "initializer_range": 0.4,
    },
    "num_query_tokens": 6,
    "num_visual_tokens": 3,
    "adapter_dim": 16,
    "adapter_num_heads": 2,
}
TEXTS = ["Which category?", "What is the colour?", "Apparel > Topwear > Shirts", "Describe the product."] * 200

CATEGORIES = Choices(("Apparel > Topwear > Shirts", "Apparel > Topwear", "Apparel > Shoes", "Fruit > Apple", "Fruit"))
COLOURS = Choices(("Blue", "Navy Blue", "Red"))
QUESTIONS = (
    Question("category", "Which category?", "category", CATEGORIES),
    Question("attribute_qa", "What is the colour?", "colour", COLOURS),
    Question("question", "What is this?", max_new_tokens=7),
    Question("caption", "Describe the product in a few words, please.", max_new_tokens=5),
)


@pytest.fixture(scope="module")
def backend() -> PumGPTBackend:
    torch.manual_seed(0)
    model, processor = build_from_scratch(ARCHITECTURE, TEXTS, size_px=48)
    return PumGPTBackend(model, processor, "tiny", "0")


@pytest.fixture(scope="module")
def requests() -> list[Request]:
    photos = [draw_product(seed, size_px=64)[0] for seed in range(3)]
    return [
        Request((photos[0],), QUESTIONS, "Title: Nordlicht shirt"),
        Request((photos[1], photos[2]), QUESTIONS),
        Request((), QUESTIONS, "Title: text alone"),
        Request((photos[0],), QUESTIONS[:1]),
    ]


def assert_same(left: Sequence[Answer], right: Sequence[Answer]) -> None:
    for a, b in zip(left, right, strict=True):
        assert a.text == b.text
        assert a.probability == pytest.approx(b.probability, abs=1e-4)
        assert a.cannot_tell == pytest.approx(b.cannot_tell, abs=1e-4)
        assert [text for text, _ in a.ranked] == [text for text, _ in b.ranked]


def test_batch_of_one_is_batch_of_many(backend: PumGPTBackend, requests: list[Request]) -> None:
    together = backend.answer(requests)
    for request, answers in zip(requests, together, strict=True):
        assert_same(answers, backend.answer([request])[0])


@pytest.mark.parametrize("evidence", [False, True])
def test_requests_without_questions_change_nothing(
    backend: PumGPTBackend, requests: list[Request], evidence: bool
) -> None:
    """With photos or without, of another request's photos or their own, between requests that do ask."""
    silent = [Request((), ()), Request(requests[1].photos, ()), Request((), (), "Title: a shirt")]
    mixed = [silent[0], requests[0], silent[1], requests[1], silent[2]]
    first, second = backend.answer(requests[:2], evidence=evidence)
    answers = backend.answer(mixed, evidence=evidence)
    assert [len(row) for row in answers] == [0, len(QUESTIONS), 0, len(QUESTIONS), 0]
    assert_same(answers[1], first)
    assert_same(answers[3], second)
    assert backend.answer(silent, evidence=evidence) == [[], [], []]


def test_shared_beginning_changes_nothing(backend: PumGPTBackend, requests: list[Request]) -> None:
    """All questions of a product at once = each in a request of its own, which has no beginning to share."""
    for request, answers in zip(requests, backend.answer(requests), strict=True):
        alone = [backend.answer([Request(request.photos, (q,), request.listing)])[0][0] for q in request.questions]
        assert_same(answers, alone)


def prompt(backend: PumGPTBackend, request: Request, question: Question) -> str:
    return render_prompt(backend.processor, len(request.photos), request.listing, question.text)


def test_open_answers_are_those_of_generate(backend: PumGPTBackend, requests: list[Request]) -> None:
    for request, answers in zip(requests[:3], backend.answer(requests[:3]), strict=True):
        for question, answer in list(zip(request.questions, answers, strict=True))[2:]:
            text = prompt(backend, request, question)
            inputs = backend.processor(images=list(request.photos) or None, text=text, return_tensors="pt")
            ids = backend.model.generate(**inputs, max_new_tokens=question.max_new_tokens, do_sample=False)
            new = ids[0, inputs["input_ids"].shape[1] :]
            assert answer.text == backend.processor.tokenizer.decode(new, skip_special_tokens=True).strip()


def test_control_tokens_of_a_listing_are_text(backend: PumGPTBackend, requests: list[Request]) -> None:
    """In title, question and choices, among other requests: an answer as alone, and the others' as without it."""
    marks = " ".join(["<image>", "<end>", "<user>", "<assistant>", "<pad>", "</s>"])
    choices = Choices(("White <image>", "<end>", "Red"))
    questions = (Question("attribute_qa", f"Which {marks}?", "colour", choices), QUESTIONS[2])
    marked = Request(requests[0].photos, questions, f"Title: {marks} frame")
    together = backend.answer([requests[0], marked, requests[1]])
    assert_same(together[0], backend.answer([requests[0]])[0])
    assert_same(together[1], backend.answer([marked])[0])
    assert_same(together[2], backend.answer([requests[1]])[0])
    assert {text for text, _ in together[1][0].ranked} == set(choices.values)


def full_pass(backend: PumGPTBackend, request: Request, question: Question, answer: str) -> float:
    """Log-probability of an answer and its end token, by one plain pass over the whole text."""
    tokenizer = backend.processor.tokenizer
    inputs = backend.processor(
        images=list(request.photos), text=prompt(backend, request, question), return_tensors="pt"
    )
    ids = [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    whole = torch.cat([inputs["input_ids"], torch.tensor([ids])], 1)
    start = inputs["input_ids"].shape[1] - 1
    with torch.inference_mode():
        logits = backend.model(input_ids=whole, pixel_values=inputs["pixel_values"]).logits.log_softmax(-1)
    return sum(float(logits[0, start + place, token]) for place, token in enumerate(ids))


@pytest.mark.parametrize("place", [0, 1])
def test_closed_answers_are_scored_as_wholes(backend: PumGPTBackend, requests: list[Request], place: int) -> None:
    """A trie gives each choice what a plain pass over prompt and choice gives it; 'Apparel > Topwear' is no mere beginning."""
    request, question = requests[0], QUESTIONS[place]
    assert question.choices is not None
    every = (*question.choices.values, CANNOT_TELL)
    shares = torch.tensor([full_pass(backend, request, question, value) for value in every]).softmax(0).tolist()
    answer = backend.answer([request])[0][place]
    expected = dict(zip(every, shares, strict=True))
    assert answer.cannot_tell == pytest.approx(expected.pop(CANNOT_TELL), abs=1e-4)
    for value, share in answer.ranked:
        assert share == pytest.approx(expected[value], abs=1e-4)
    assert answer.ranked[0][0] == max(expected, key=lambda value: expected[value])


def test_shares_of_all_choices_add_up(backend: PumGPTBackend, requests: list[Request]) -> None:
    for answers in backend.answer(requests):
        assert sum(share for _, share in answers[0].ranked) + answers[0].cannot_tell == pytest.approx(1, abs=1e-4)


def encoded_photos(backend: PumGPTBackend, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that gets the number of photos of each batch that goes through the tower from here on."""
    seen: list[int] = []
    encode = backend.model.encode_photos

    def count(pixels: torch.Tensor, *args: object, **kwargs: object) -> object:
        seen.append(pixels.shape[0])
        return encode(pixels, *args, **kwargs)

    monkeypatch.setattr(backend.model, "encode_photos", count)
    return seen


def test_a_photo_is_encoded_once(
    backend: PumGPTBackend, requests: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three distinct photos, shown four times, go through the tower three times."""
    seen = encoded_photos(backend, monkeypatch)
    backend.answer(requests)
    assert sum(seen) == 3


def test_a_photo_is_prefilled_once(
    backend: PumGPTBackend, requests: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three photos, shown four times, the language model runs three times the placeholders."""
    prefill, extend = backend.decoder.prefill, backend.decoder.extend
    seen: list[int] = []

    def count(prompts: Sequence[Sequence[int]]) -> None:
        seen.extend(token for prompt in prompts for token in prompt if token == backend.model.config.image_token_id)

    monkeypatch.setattr(backend.decoder, "prefill", lambda prompts, *rest: (count(prompts), prefill(prompts, *rest))[1])
    monkeypatch.setattr(backend.decoder, "extend", lambda p, rests, *rest: (count(rests), extend(p, rests, *rest))[1])
    backend.answer(requests)
    assert len(seen) == 3 * backend.num_visual_tokens


def test_photos_in_another_order_are_prefilled_by_themselves(backend: PumGPTBackend, requests: list[Request]) -> None:
    two = requests[1]
    swapped = Request(two.photos[::-1], two.questions, two.listing)
    for request, answers in zip((two, swapped, two), backend.answer([two, swapped, two]), strict=True):
        assert_same(answers, backend.answer([request])[0])


def test_photos_of_a_session_are_not_encoded_again(
    backend: PumGPTBackend, requests: list[Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = backend.answer(requests)
    seen = encoded_photos(backend, monkeypatch)
    with backend.session():
        for asked, encoded in ((requests, 3), (requests[1:], 3), (requests[:1], 3)):
            for before, after in zip(plain[requests.index(asked[0]) :], backend.answer(asked), strict=False):
                assert_same(before, after)
            assert sum(seen) == encoded
        backend.answer(requests, evidence=True)
        assert sum(seen) == 6, "no evidence was kept"
        backend.answer(requests)
        assert sum(seen) == 6
    backend.answer(requests)
    assert sum(seen) == 9


def test_evidence_adds_up_on_the_towers_grid(backend: PumGPTBackend, requests: list[Request]) -> None:
    plain, explained = backend.answer(requests), backend.answer(requests, evidence=True)
    for request, before, answers in zip(requests, plain, explained, strict=True):
        assert_same(before, answers)
        maps = answers[0].evidence or ()
        assert len(maps) == len(request.photos)
        for grid in maps:
            assert grid.shape == backend.model.vision_tower.grid(48, 48)
            assert grid.sum() == pytest.approx(1, abs=1e-4)


def test_evidence_is_of_the_question(backend: PumGPTBackend, requests: list[Request]) -> None:
    """Each question has maps of its own, the same whether it is asked alone or among others."""
    together = backend.answer(requests, evidence=True)
    for request, answers in zip(requests[:2], together, strict=False):
        first, second = (answer.evidence or () for answer in answers[:2])
        for before, after in zip(first, second, strict=True):
            assert np.abs(before - after).max() > 1e-5
        for question, answer in zip(request.questions, answers, strict=True):
            alone = Request(request.photos, (question,), request.listing)
            ((again,),) = backend.answer([alone], evidence=True)
            for here, there in zip(answer.evidence or (), again.evidence or (), strict=True):
                np.testing.assert_allclose(here, there, atol=1e-5)
    assert not together[2][0].evidence


@pytest.mark.parametrize("photos_at_once", [1, 2])
def test_photos_pass_the_tower_as_many_at_once_as_asked(
    backend: PumGPTBackend, requests: list[Request], monkeypatch: pytest.MonkeyPatch, photos_at_once: int
) -> None:
    """Three distinct photos; the answers don't depend on how they are batched."""
    plain = backend.answer(requests, evidence=True)
    passes = encoded_photos(backend, monkeypatch)
    small = PumGPTBackend(backend.model, backend.processor, "tiny", "0", photos_at_once=photos_at_once)
    for before, after in zip(plain, small.answer(requests, evidence=True), strict=True):
        assert_same(before, after)
    assert passes == {1: [1, 1, 1], 2: [2, 1]}[photos_at_once]


def test_fewer_visual_tokens_are_served(backend: PumGPTBackend, requests: list[Request]) -> None:
    elastic = PumGPTBackend(backend.model, backend.processor, "tiny", "0", num_visual_tokens=1)
    assert elastic.answer(requests[:1])[0][0].ranked != backend.answer(requests[:1])[0][0].ranked


def test_no_requests_and_no_questions(backend: PumGPTBackend) -> None:
    assert backend.answer([]) == []
    assert backend.answer([Request((Image.new("RGB", (8, 8)),), ())]) == [[]]


def test_trie_shares_beginnings_and_keeps_ends_apart() -> None:
    trie = TokenTrie.build([[5, 6, 7], [5, 6], [8]], end_token_id=1)
    assert trie.token_T.tolist() == [5, 8, 6, 7]
    assert trie.depth_T.tolist() == [1, 1, 2, 3]
    assert trie.ancestry_TT.int().tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [1, 0, 1, 1]]
    assert trie.paths_CE.to_dense().sum(1).tolist() == [4, 3, 2]
