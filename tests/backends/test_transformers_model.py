"""Any image-text-to-text model as a backend: five families with tiny random weights, each in its own template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tiny_chat_models import FAMILIES, build

from pumgpt.backends.load import load_backend
from pumgpt.backends.protocol import Answer, Backend, Choices, Question, Request
from pumgpt.backends.transformers import TransformersBackend
from pumgpt.errors import ModelError

COLOURS = Choices(("Blue", "Red"))
OPEN = Question("question", "What is it?", max_new_tokens=4)
CLOSED = Question("attribute_qa", "What is the colour?", "colour", COLOURS, 4)
RED, BLUE = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (40, 30), "blue")


@pytest.fixture(scope="module", params=FAMILIES)
def backend(request: pytest.FixtureRequest) -> TransformersBackend:
    if request.param == "smolvlm":
        pytest.importorskip("num2words", reason="SmolVLM's processor needs num2words")
    return TransformersBackend(*build(request.param), request.param, "1")


def ask(backend: Backend, *photos: Image.Image, question: Question = OPEN, listing: str | None = None) -> Answer:
    ((answer,),) = backend.answer([Request(photos, (question,), listing)])
    return answer


def test_photo_and_listing_reach_the_model(backend: TransformersBackend) -> None:
    assert isinstance(backend, Backend)
    plain = ask(backend, RED)
    assert plain.error is None and plain.written
    assert 0 < (plain.probability or 0) < 1
    assert plain == ask(backend, RED), "greedy: the same every time"
    assert plain != ask(backend, BLUE)
    assert plain != ask(backend, RED, listing="Title: Acme shirt")


def test_an_answer_depends_on_its_own_question_alone(backend: TransformersBackend) -> None:
    both = Request((RED,), (CLOSED, OPEN), "Title: x")
    together = backend.answer([both, Request((BLUE,), (OPEN,))])
    assert together[0][0] == ask(backend, RED, question=CLOSED, listing="Title: x")
    assert together[0][1] == ask(backend, RED, listing="Title: x")
    assert together[1][0] == ask(backend, BLUE)


def test_babble_is_none_of_the_choices_and_stands_as_it_was_written(backend: TransformersBackend) -> None:
    answer = ask(backend, RED, question=CLOSED)
    assert answer.text == "" and "not (only) one of the choices" in str(answer.error)
    assert answer.written


def test_its_own_template_is_used(backend: TransformersBackend) -> None:
    prompt = backend._prompt(1, "What is it?")
    marks = {"llava": "ASSISTANT:", "qwen3_vl": "<|im_start|>assistant", "smolvlm": "Assistant:", "blip-2": "Question:"}
    assert marks.get(backend.name, "What is it?") in prompt


def test_no_photo_and_several(backend: TransformersBackend) -> None:
    none, two = ask(backend), ask(backend, RED, BLUE)
    assert two.error is None
    if backend.name in ("blip-2", "instructblip"):
        assert "without a photo" in str(none.error)
        assert two == ask(backend, RED), "they see one photo only"
    else:
        assert none.error is None
        assert two != ask(backend, RED)


def test_a_listing_holds_no_control_tokens(backend: TransformersBackend) -> None:
    """Placeholders and turn marks of every family in a title: the model is shown as many of them as without."""
    processor = backend.processor
    special = [token for token in processor.tokenizer.get_vocab() if len(token) > 2]
    listing = f"Title: a {' '.join(['<image>', '<|image_pad|>', '</s>', *special])} frame"
    plain, marked = (_shown_ids(backend, text) for text in ("Title: a frame", listing))
    for token in special:
        number = processor.tokenizer.convert_tokens_to_ids(token)
        assert marked.count(number) == plain.count(number), token
        assert f"{token[0]} {token[1:]}" in processor.tokenizer.decode(marked)


def _shown_ids(backend: TransformersBackend, listing: str) -> list[int]:
    """The prompt's token ids as they reach the model."""
    shown: list[list[int]] = []

    def keep(module: Any, inputs: Any) -> None:
        shown.append(inputs[0].flatten().tolist())

    hook = backend.model.get_input_embeddings().register_forward_pre_hook(keep)
    try:
        assert ask(backend, RED, listing=listing).error is None
    finally:
        hook.remove()
    return shown[0]


def test_too_many_choices_are_refused_with_a_reason() -> None:
    backend = TransformersBackend(*build("llava"), "llava", "1")
    many = Question("category", "Which category?", "category", Choices(tuple(map(str, range(700)))))
    assert "700 choices" in str(ask(backend, RED, question=many).error)


def test_a_model_that_learned_an_answer_gives_it_with_its_probability() -> None:
    """The output layer is set so that 'Red' and the end come out, whatever is asked."""
    model, processor = build("llava")
    tokens = processor.tokenizer("Red")["input_ids"] + [processor.tokenizer.eos_token_id]
    backend = TransformersBackend(_Rigged(model, tokens), processor, "rigged", "1")
    answer = ask(backend, RED, question=CLOSED)
    assert (answer.text, answer.error, answer.written) == ("Red", None, "Red")
    assert answer.probability == pytest.approx(1.0, abs=1e-3)


class _Rigged(torch.nn.Module):
    """The real model, whose output layer gives one token after the other."""

    def __init__(self, model: Any, tokens: list[int]) -> None:
        super().__init__()
        self.inner, self.tokens = model, tokens
        self.config, self.device, self.dtype = model.config, model.device, model.dtype

    def generate(self, **options: Any) -> Any:
        rest = iter(self.tokens)

        def force(module: Any, inputs: Any, logits: torch.Tensor) -> torch.Tensor:
            forced = torch.full_like(logits, -20.0)
            forced[..., next(rest)] = 20.0
            return forced

        hook = self.inner.lm_head.register_forward_hook(force)
        try:
            return self.inner.generate(**options)
        finally:
            hook.remove()


def test_a_folder_is_loaded_by_its_kind(tmp_path: Path) -> None:
    model, processor = build("llava")
    model.save_pretrained(tmp_path / "llava")
    processor.save_pretrained(tmp_path / "llava")
    loaded = load_backend(str(tmp_path / "llava"), "cpu")
    assert isinstance(loaded, TransformersBackend)
    assert (loaded.name, len(loaded.revision)) == ("llava", 12)
    assert ask(loaded, RED) == ask(TransformersBackend(model, processor, "llava", "1"), RED)


def test_another_kind_of_model_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    with pytest.raises(ModelError, match="'bert'"):
        load_backend(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "llava"}', encoding="utf-8")
    with pytest.raises(ModelError, match="can't be loaded"):
        load_backend(str(tmp_path))
