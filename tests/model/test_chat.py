"""A processor made of public parts: photos in the template of a language model that knows none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from tiny_models import Checkpoints
from transformers import AutoProcessor, PreTrainedTokenizerFast, SiglipImageProcessorPil

from pumgpt.errors import ModelError
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.model.prompt import render_prompt

TEXT_ONLY = (
    "{% for message in messages %}<s>{{ message['role'] + ' ' + message['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant {% endif %}"
)
"""As the templates of chat models are: `content` is taken to be a text."""


def vision_folder(checkpoints: Checkpoints, tmp_path: Path) -> Path:
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(tmp_path / "vision")
    return tmp_path / "vision"


def test_the_language_models_own_template_takes_photos(checkpoints: Checkpoints, tmp_path: Path) -> None:
    folder = checkpoints.language_model("qwen3")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    tokenizer.chat_template = TEXT_ONLY
    processor = PumGPTProcessor.from_parts(vision_folder(checkpoints, tmp_path), tokenizer, num_visual_tokens=3)
    assert render_prompt(processor, 2, None, "what colour") == "<s>user <image><image>what colour</s><s>assistant "
    plain = [{"role": "user", "content": "what colour"}]
    assert processor.apply_chat_template(plain) == tokenizer.apply_chat_template(plain, tokenize=False)


def test_without_a_template_the_turns_are_named(checkpoints: Checkpoints, tmp_path: Path) -> None:
    folder = checkpoints.language_model("llama")
    processor = PumGPTProcessor.from_parts(vision_folder(checkpoints, tmp_path), folder)
    assert render_prompt(processor, 1, None, "what colour") == "USER: <image>what colour\nASSISTANT:"


def test_model_and_processor_of_the_same_parts_fit(checkpoints: Checkpoints, tmp_path: Path) -> None:
    folder = checkpoints.language_model("mistral")
    model = PumGPTForConditionalGeneration.from_parts(
        vision=checkpoints.vision("siglip"),
        qformer=checkpoints.vision("blip2"),
        language_model=folder,
        num_visual_tokens=3,
        adapter_dim=8,
        adapter_num_heads=2,
    )
    processor = PumGPTProcessor.from_parts(vision_folder(checkpoints, tmp_path), folder, num_visual_tokens=3)
    assert processor.image_token_id == model.config.image_token_id
    processor.save_pretrained(tmp_path / "whole")
    again = AutoProcessor.from_pretrained(tmp_path / "whole")
    for made in (processor, again):
        text = render_prompt(made, 1, None, "what colour")
        inputs = made(images=Image.new("RGB", (40, 50), "red"), text=text, return_tensors="pt")
        assert torch.isfinite(model(**inputs).logits).all()
        assert int((inputs["input_ids"] == model.config.image_token_id).sum()) == 3


def test_a_folder_without_an_image_processor_is_named(checkpoints: Checkpoints, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"preprocessor_config\.json"):
        PumGPTProcessor.from_parts(tmp_path, checkpoints.language_model("llama"))
