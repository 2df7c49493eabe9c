"""Tiny models, a tokenizer, a processor and tiny public checkpoints, made once for all tests of the model."""

from __future__ import annotations

import pytest
from tiny_models import LANGUAGE_MODELS, SIZE, SPECIAL, TEMPLATE, WORDS, Checkpoints, tiny_model
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, SiglipImageProcessorPil

from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor


@pytest.fixture(scope="session", params=list(LANGUAGE_MODELS))
def model(request: pytest.FixtureRequest) -> PumGPTForConditionalGeneration:
    """One tiny model for each language model; tests must not change it."""
    return tiny_model(request.param)


@pytest.fixture(scope="session")
def llama() -> PumGPTForConditionalGeneration:
    """One tiny model; tests must not change it."""
    return tiny_model("llama")


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer of whole words."""
    tokens = Tokenizer(models.WordLevel({word: i for i, word in enumerate(SPECIAL + WORDS)}, unk_token="<unk>"))
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokens,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=["<image>"],
    )


@pytest.fixture(scope="session")
def processor(tokenizer: PreTrainedTokenizerFast) -> PumGPTProcessor:
    """A processor for the tiny models."""
    image_processor = SiglipImageProcessorPil(size={"height": SIZE, "width": SIZE})
    return PumGPTProcessor(image_processor, tokenizer, num_visual_tokens=3, chat_template=TEMPLATE)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory, tokenizer: PreTrainedTokenizerFast) -> Checkpoints:
    """Tiny public checkpoints, by name."""
    return Checkpoints(tmp_path_factory.mktemp("checkpoints"), tokenizer)
