"""Text of a shop in a prompt is text: no part of it is a control token, and without any its tokens are as ever."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import SIZE, TEMPLATE
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, SiglipImageProcessorPil

from pumgpt.model.card import resolve_checkpoint
from pumgpt.model.plain_text import control_tokens, encode_padded, encode_plain, has_control_tokens
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.model.prompt import render_prompt

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] | trim }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>{% endif %}"
)
MARKS = [
    "<image>",
    "<s>",
    "</s>",
    "<pad>",
    "<unk>",
    "<end>",
    "<user>",
    "<|im_start|>",
    "<|im_end|>",
    "<think>",
    "<|image_pad|>",
]
TEXTS = ["Title: blue cotton shirt", "What is the colour?", "USER: red shoe ASSISTANT: <image> </s>", "a\nb"] * 20


def _processor(inner: Tokenizer, template: str, *special: str) -> PumGPTProcessor:
    names = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokens = PreTrainedTokenizerFast(tokenizer_object=inner, additional_special_tokens=list(special), **names)
    tokens.chat_template = template
    images = SiglipImageProcessorPil(size={"height": SIZE, "width": SIZE})
    return PumGPTProcessor(images, tokens, num_visual_tokens=3, chat_template=template)


def _nano() -> PumGPTProcessor:
    return PumGPTProcessor.from_pretrained(resolve_checkpoint("nano"))


def _byte_level() -> PumGPTProcessor:
    """As Qwen's: bytes, ChatML, and `<think>`, which is an added token and not a special one."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    inner.train_from_iterator(TEXTS, trainer)
    inner.add_tokens([AddedToken("<think>", normalized=False)])
    return _processor(inner, CHATML, "<|im_start|>", "<|im_end|>", "<image>")


def _sentence_piece() -> PumGPTProcessor:
    """As Vicuna's and T5's: a space before the text, and the control tokens among the words of the vocabulary."""
    words = [
        "<pad>",
        "<s>",
        "</s>",
        "<unk>",
        "<image>",
        "\u2581",
        *map(chr, range(33, 127)),
        "\n",
        "\u2581Title",
        "\u2581shirt",
    ]
    pieces = [(word, -float(len(words) - place)) for place, word in enumerate(words)]
    inner = Tokenizer(models.Unigram(pieces, unk_id=3))
    inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    inner.decoder = decoders.Metaspace(prepend_scheme="first")
    return _processor(inner, TEMPLATE, "<image>")


BASES = {"nano": _nano, "byte level": _byte_level, "sentence piece": _sentence_piece}


@pytest.fixture(scope="module", params=BASES)
def base(request: pytest.FixtureRequest) -> PumGPTProcessor:
    return BASES[request.param]()


def _random_listing(rng: random.Random) -> str:
    letters = "ab Z 9.,:;!?-/|()<>[]{}\"'\u00e4\u00df\u00e9\u4e2d\u0639\U0001f9e6\n\t _"
    return "Title: " + "".join(rng.choice(letters) for _ in range(rng.randrange(60)))


def _special_ids(processor: PumGPTProcessor, ids: list[int]) -> list[int]:
    special = set(control_tokens(processor.tokenizer).values()) - {processor.tokenizer.unk_token_id}
    return [token for token in ids if token in special]


def test_without_control_tokens_the_prompt_is_the_rendered_chat(base: PumGPTProcessor) -> None:
    rng = random.Random(0)
    for _ in range(200):
        listing = _random_listing(rng)
        assert not has_control_tokens(base.tokenizer, listing)
        rendered = render_prompt(base, 2, listing, "Which?").replace("<image>", "<image>" * base.num_visual_tokens)
        assert base.prompt_ids(2, listing, "Which?") == base.tokenizer(rendered, add_special_tokens=False)["input_ids"]
        assert (
            encode_plain(base.tokenizer, [listing]) == base.tokenizer([listing], add_special_tokens=False)["input_ids"]
        )


def test_a_prompt_has_the_templates_control_tokens_alone(base: PumGPTProcessor) -> None:
    rng = random.Random(1)
    plain = _special_ids(base, base.prompt_ids(2, "Title: x", "Which?"))
    assert plain.count(base.image_token_id) == 2 * base.num_visual_tokens
    for mark in MARKS:
        for listing in (f"Title: {mark} frame", f"Title: a{mark}{mark}b", _random_listing(rng) + mark):
            assert _special_ids(base, base.prompt_ids(2, listing, f"Is {mark} in it?")) == plain, listing


def test_nothing_of_the_text_is_lost(base: PumGPTProcessor) -> None:
    for mark in MARKS:
        listing = f"Title: print{mark}frame {mark} x"
        rendered = render_prompt(base, 1, listing, "Which?")
        start = rendered.index("Title")
        told = base.tokenizer.decode(base.prompt_ids(1, listing, "Which?"))
        assert "".join(rendered[start:].split()) in "".join(told.split())
        # As it goes on behind a photo, without a space that nobody wrote.
        assert "<image>Title" in told


def test_pieces_around_a_text_are_those_of_a_tokenizer_that_knows_no_control_token() -> None:
    """The listing between nano's turn marks, encoded by the same vocabulary and merges without the added tokens."""
    processor = _nano()
    bare = json.loads(processor.tokenizer.backend_tokenizer.to_str())
    bare["added_tokens"] = []
    words = Tokenizer.from_str(json.dumps(bare))
    rng = random.Random(2)
    for _ in range(200):
        text = _random_listing(rng) + rng.choice(MARKS) + _random_listing(rng)
        ids = processor.prompt_ids(1, text, "Which?")
        user, *middle, assistant = ids
        assert [user, assistant] == processor.tokenizer.convert_tokens_to_ids(["<user>", "<assistant>"])
        assert middle[processor.num_visual_tokens :] == words.encode(f"{text}\nWhich?").ids


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(MARKS), st.text(max_size=6)), max_size=8).map("".join))
def test_an_answer_is_text_and_comes_back_as_it_was(text: str) -> None:
    tokenizer = _TOKENIZER
    (ids,) = encode_plain(tokenizer, [text])
    assert not set(ids) & set(control_tokens(tokenizer).values())
    assert tokenizer.decode(ids) == text


_TOKENIZER: Any = _nano().tokenizer


def test_padded_texts_hold_no_control_tokens() -> None:
    tokens = encode_padded(_TOKENIZER, ["red <image> shirt <end>", "shoe"], 16)
    assert _TOKENIZER.convert_tokens_to_ids("<image>") not in tokens["input_ids"].flatten()
    assert tokens["attention_mask"][1].tolist()[0] == 1, "padding is on the right"
    assert tokens["attention_mask"][1].tolist()[-1] == 0
