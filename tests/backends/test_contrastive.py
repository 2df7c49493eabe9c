"""Zero-shot CLIP and SigLIP as backends, with tiny random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from PIL import Image
from tiny_chat_models import BLOCKS, SIZE, VISION, tokenizer
from tokenizers.processors import TemplateProcessing
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from pumgpt.backends.contrastive import ContrastiveBackend, DualEncoder, describe
from pumgpt.backends.load import load_backend
from pumgpt.backends.protocol import Backend, Choices, Question, Request

COLOURS = Choices(("Blue", "Red", "Green"))
QUESTION = Question("attribute_qa", "What is the colour?", "colour", COLOURS)
RED, BLUE = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (40, 30), "blue")


def build(kind: str) -> tuple[Any, Any]:
    torch.manual_seed(0)
    tokens = tokenizer()
    tokens.model_max_length = 64
    # CLIP reads a text at its end token; an id of 2 would make it look for the highest id instead, as old checkpoints want
    tokens.backend_tokenizer.post_processor = TemplateProcessing(single="$A <unk>", special_tokens=[("<unk>", 3)])
    text = {
        **BLOCKS,
        "vocab_size": len(tokens),
        "max_position_embeddings": 64,
        "bos_token_id": 1,
        "eos_token_id": 3,
        "pad_token_id": 0,
    }
    size = {"height": SIZE, "width": SIZE}
    if kind == "clip":
        config = transformers.CLIPConfig(vision_config=dict(VISION), text_config=text, projection_dim=8)
        processor: Any = transformers.CLIPProcessor(CLIPImageProcessorPil(size=size, crop_size=size), tokens)
        model: Any = transformers.CLIPModel(config)
    else:
        config = transformers.SiglipConfig(vision_config=dict(VISION), text_config=text)
        processor = transformers.SiglipProcessor(SiglipImageProcessorPil(size=size), tokens)
        model = transformers.SiglipModel(config)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.3)
    return model.eval(), processor


def wrapped(model: Any, processor: Any, name: str) -> ContrastiveBackend:
    return ContrastiveBackend(DualEncoder(model, processor.tokenizer, processor.image_processor, name), "1")


@pytest.fixture(scope="module", params=["clip", "siglip"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def processor(kind: str) -> Any:
    return build(kind)[1]


@pytest.fixture(scope="module")
def backend(kind: str, processor: Any) -> ContrastiveBackend:
    return wrapped(build(kind)[0], processor, kind)


def test_its_shares_are_those_of_the_model_itself(backend: ContrastiveBackend, processor: Any) -> None:
    assert isinstance(backend, Backend)
    ((answer,),) = backend.answer([Request((RED,), (QUESTION,))])
    texts = [describe("colour", value) for value in COLOURS.values]
    padding: Any = "max_length" if backend.name == "siglip" else True
    inputs = processor(text=texts, images=[RED], padding=padding, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        theirs = backend.encoder.model(**inputs).logits_per_image.softmax(-1)[0]
    assert dict(answer.ranked) == pytest.approx(dict(zip(COLOURS.values, theirs.tolist(), strict=True)), abs=1e-4)
    assert answer.text == COLOURS.values[int(theirs.argmax())]
    assert answer.cannot_tell == 0.0


def test_the_photo_decides_and_several_count_as_their_mean(backend: ContrastiveBackend) -> None:
    red, blue, both = (
        backend.answer([Request(photos, (QUESTION,))])[0][0] for photos in ((RED,), (BLUE,), (RED, BLUE))
    )
    assert red.ranked != blue.ranked != both.ranked
    turned = backend.answer([Request((BLUE, RED), (QUESTION,))])[0][0]
    assert dict(turned.ranked) == pytest.approx(dict(both.ranked), abs=1e-5)


def test_what_it_can_not_answer_it_says(backend: ContrastiveBackend) -> None:
    questions = (
        Question("caption", "Describe the product."),
        Question("attribute_qa", "Which size?", "size"),
        QUESTION,
    )
    answers = backend.answer([Request((RED,), questions), Request((), (QUESTION,))])
    assert [answer.error is None for answer in answers[0]] == [False, False, True]
    assert "there is none" in str(answers[1][0].error)


def test_a_category_is_described_by_its_last_levels() -> None:
    assert describe("category", "Apparel > Topwear > Shirts") == "a photo of Shirts, Topwear"


def test_a_folder_is_loaded_by_its_kind(tmp_path: Path) -> None:
    model, processor = build("siglip")
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    loaded = load_backend(str(tmp_path), "cpu")
    assert isinstance(loaded, ContrastiveBackend)
    request = Request((RED,), (QUESTION,))
    direct = wrapped(model, processor, "siglip").answer([request])[0][0]
    assert loaded.answer([request])[0][0].text == direct.text


def test_a_control_token_in_a_text_is_text(backend: ContrastiveBackend) -> None:
    """CLIP reads a text at its first end token: all that follows would count for nothing."""
    one, other = backend.encoder.embed_texts(["a <unk> red shirt", "a <unk> blue shoe"])
    assert not torch.allclose(one, other, atol=1e-4)
