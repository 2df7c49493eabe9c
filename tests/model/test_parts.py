"""Models out of public checkpoints, in the layout in which `transformers` writes them."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_models import BLOCKS, IMAGE_ID, LANGUAGE_MODELS, SIZE, VISION_MODELS, Checkpoints, pixels, prompt, text_config
from torch.testing import assert_close
from transformers import AutoModelForImageTextToText, AutoProcessor, pipeline

from pumgpt.errors import InjectionError, ModelError
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.parts import load_language_model, load_qformer, load_vision
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.model.prompt import render_prompt
from pumgpt.model.qformer import QFormer

SMALL = {"num_visual_tokens": 3, "adapter_dim": 8, "adapter_num_heads": 2}
GRIDS = {"resnet": (8, 8), "convnextv2": (16, 16)}


def build(
    checkpoints: Checkpoints, vision: str, language_model: str = "llama", **options: Any
) -> PumGPTForConditionalGeneration:
    return PumGPTForConditionalGeneration.from_parts(
        vision=checkpoints.vision(vision),
        qformer=checkpoints.vision("instructblip"),
        language_model=checkpoints.language_model(language_model),
        **{**SMALL, **options},
    )


@pytest.mark.parametrize("language_model", LANGUAGE_MODELS)
@pytest.mark.parametrize("vision", ["siglip", "clip", "dinov2", "blip2"])
def test_parts_make_a_model_of_the_ecosystem(
    vision: str, language_model: str, checkpoints: Checkpoints, processor: PumGPTProcessor, tmp_path: Path
) -> None:
    model = build(checkpoints, vision, language_model)
    inputs = {"input_ids": torch.tensor([prompt(5, "photo", 6)]), "pixel_values": pixels(1)}
    options = {"max_new_tokens": 3, "do_sample": False}
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    assert not list(tmp_path.glob("*.bin"))
    again = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert type(again) is PumGPTForConditionalGeneration
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    assert torch.equal(again.generate(**inputs, **options), model.generate(**inputs, **options))
    ask = pipeline("image-text-to-text", model=str(tmp_path))
    photo = Image.new("RGB", (40, 50), "red")
    messages = [
        {"role": "user", "content": [{"type": "image", "image": photo}, {"type": "text", "text": "what colour"}]}
    ]
    answer = ask(text=messages, max_new_tokens=3, do_sample=False, return_full_text=False)
    assert isinstance(answer[0]["generated_text"], str)


@pytest.mark.parametrize("vision", VISION_MODELS)
def test_a_tower_gives_the_patches_of_its_own_model(vision: str, checkpoints: Checkpoints) -> None:
    model = build(checkpoints, vision)
    photos = model.encode_photos(pixels(1), evidence=True)
    assert photos.evidence(torch.ones(3, 1, 3)).shape[1:] == GRIDS.get(vision, (4, 4))
    if vision in GRIDS or vision == "siglip2":
        return
    whole = getattr(
        transformers, json.loads((checkpoints.vision(vision) / "config.json").read_text())["architectures"][0]
    )
    own = whole.from_pretrained(checkpoints.vision(vision))
    with torch.no_grad():
        expected = getattr(own, "vision_model", own)(pixel_values=pixels(1)).last_hidden_state[:, -16:]
        assert_close(model.vision_tower(pixels(1)), expected)


@torch.no_grad()
def test_siglip2_cuts_photos_as_its_own_image_processor_does(checkpoints: Checkpoints) -> None:
    tower = build(checkpoints, "siglip2").vision_tower
    photo = Image.effect_noise((SIZE, SIZE), 80).convert("RGB")
    options = {"do_resize": True, "return_tensors": "pt", "patch_size": 8, "max_num_patches": 16}
    cut = transformers.Siglip2ImageProcessorPil()(photo, **options)
    plain = transformers.SiglipImageProcessorPil(size={"height": SIZE, "width": SIZE})(photo, return_tensors="pt")
    assert cut["spatial_shapes"].tolist() == [[4, 4]]
    assert_close(tower(plain["pixel_values"]), tower.model(**cut).last_hidden_state, rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("source", ["blip2", "instructblip"])
def test_the_qformer_is_the_original_on_queries_alone(source: str, checkpoints: Checkpoints) -> None:
    architecture = {"blip2": "Blip2ForConditionalGeneration", "instructblip": "InstructBlipForConditionalGeneration"}
    original = getattr(transformers, architecture[source]).from_pretrained(checkpoints.vision(source)).eval()
    loaded = load_qformer(checkpoints.vision(source))
    ours = QFormer(loaded.model.config, 6, loaded).eval()
    patches = torch.randn(2, 9, 16, generator=torch.Generator().manual_seed(3))
    arguments = {"query_embeds": original.query_tokens.expand(2, -1, -1), "encoder_hidden_states": patches}
    if source == "instructblip":
        arguments["input_ids"] = None
    assert_close(ours(patches).queries_BME, original.qformer(**arguments).last_hidden_state, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("nesting", ["model.", "blip."])
def test_both_namings_on_disk_are_read(nesting: str, checkpoints: Checkpoints, tmp_path: Path) -> None:
    source = checkpoints.vision("blip2")
    tensors = {f"{nesting}{name}": value for name, value in load_file(source / "model.safetensors").items()}
    save_file(tensors, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((source / "config.json").read_text())
    assert torch.equal(load_qformer(tmp_path).query_tokens, load_qformer(source).query_tokens)
    for name, value in load_vision(source).state_dict().items():
        assert torch.equal(load_vision(tmp_path).state_dict()[name], value), name


def test_only_the_files_of_the_part_are_read(checkpoints: Checkpoints, tmp_path: Path) -> None:
    """A vision tower out of shards, of which the one that holds the language model is absent."""
    source = checkpoints.vision("blip2")
    tensors = load_file(source / "model.safetensors")
    files = {name: "b.safetensors" if name.startswith("language_model") else "a.safetensors" for name in tensors}
    save_file(
        {name: value for name, value in tensors.items() if files[name] == "a.safetensors"}, tmp_path / "a.safetensors"
    )
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))
    (tmp_path / "config.json").write_text((source / "config.json").read_text())
    assert load_vision(tmp_path).config.hidden_size == BLOCKS["hidden_size"]
    assert load_qformer(tmp_path).query_tokens.shape == (1, 6, BLOCKS["hidden_size"])


def test_a_new_projection_is_made_and_logged(checkpoints: Checkpoints, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "pumgpt"):
        model = build(checkpoints, "resnet")
    assert isinstance(model.projection, torch.nn.Linear)
    assert "24 wide, the Q-Former reads 16" in caplog.text


def test_a_start_at_the_scale_of_text(checkpoints: Checkpoints) -> None:
    model = build(checkpoints, "siglip")
    visual = model.encode_photos(pixels(4)).visual_KBND
    embedded = model.get_input_embeddings().weight.pow(2).mean().sqrt()
    assert 0.3 < visual[0].pow(2).mean().sqrt() / embedded < 3


def test_modules_are_parts_too_and_the_placeholder_gets_room(checkpoints: Checkpoints) -> None:
    language_model = transformers.LlamaForCausalLM(text_config("llama"))
    rows = language_model.get_input_embeddings().num_embeddings
    vision, qformer = (VISION_MODELS[name]() for name in ("siglip-vision", "blip2"))
    weights = {name: value.clone() for name, value in language_model.state_dict().items()}
    model = PumGPTForConditionalGeneration.from_parts(
        vision=vision, qformer=qformer, language_model=language_model, **SMALL
    )
    assert model.config.image_token_id == rows
    assert model.get_input_embeddings().num_embeddings == rows + 1
    assert all(torch.equal(model.language_model.state_dict()[n][: len(v)], v) for n, v in weights.items())
    assert torch.equal(model.qformer.query_tokens, qformer.query_tokens)
    out = model(input_ids=torch.tensor([[5, rows, rows, rows, 6]]), pixel_values=pixels(1))
    assert out.logits.shape == (1, 5, rows + 1)


@pytest.mark.parametrize("bridge", ["queries", "mlp"])
def test_comparators_are_models_of_the_ecosystem(
    bridge: str, checkpoints: Checkpoints, processor: PumGPTProcessor, tmp_path: Path
) -> None:
    """Reloaded as they were, and the pipeline asks them with a processor that writes as many placeholders as they need."""
    model = build(checkpoints, "siglip", bridge=bridge)
    tokens = {"queries": 6, "mlp": 16}[bridge]
    assert model.bridge.num_tokens(16) == tokens
    model.save_pretrained(tmp_path)
    PumGPTProcessor(
        processor.image_processor, processor.tokenizer, tokens, chat_template=processor.chat_template
    ).save_pretrained(tmp_path)
    again = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert type(again.bridge) is type(model.bridge)
    assert again.state_dict().keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    photo = Image.new("RGB", (40, 50), "red")
    text = render_prompt(processor, 1, None, "what colour")
    inputs = AutoProcessor.from_pretrained(tmp_path)(images=photo, text=text, return_tensors="pt")
    assert int((inputs["input_ids"] == IMAGE_ID).sum()) == tokens
    assert_close(again(**inputs).logits, model(**inputs).logits, rtol=0, atol=0)
    options = {"max_new_tokens": 3, "min_new_tokens": 3, "do_sample": False}
    ids = model.generate(**inputs, **options)[0, inputs["input_ids"].shape[1] :]
    ask = pipeline("image-text-to-text", model=str(tmp_path))
    messages = [
        {"role": "user", "content": [{"type": "image", "image": photo}, {"type": "text", "text": "what colour"}]}
    ]
    told = ask(text=messages, return_full_text=False, **options)[0]["generated_text"]
    assert told.strip() == processor.tokenizer.decode(ids, skip_special_tokens=True).strip()


def test_tied_embeddings_survive(checkpoints: Checkpoints, tmp_path: Path) -> None:
    source = checkpoints.language_model("qwen3", tie_word_embeddings=True)
    model = PumGPTForConditionalGeneration.from_parts(
        vision=checkpoints.vision("siglip"), qformer=checkpoints.vision("blip2"), language_model=source, **SMALL
    )
    model.save_pretrained(tmp_path)
    again = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert again.get_output_embeddings().weight is again.get_input_embeddings().weight
    assert torch.equal(again.get_input_embeddings().weight, model.get_input_embeddings().weight)


def test_bfloat16_throughout(checkpoints: Checkpoints) -> None:
    model = build(checkpoints, "siglip", dtype=torch.bfloat16)
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert model(input_ids=torch.tensor([prompt(5, "photo", 6)]), pixel_values=pixels(1)).logits.isfinite().all()


def test_pickled_weights_are_refused(checkpoints: Checkpoints, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((checkpoints.vision("siglip") / "config.json").read_text())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="convert them"):
        load_vision(tmp_path)


def test_what_is_missing_is_named(checkpoints: Checkpoints, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"vision .*absent: there is no config.json"):
        load_vision(tmp_path / "absent")
    with pytest.raises(ModelError, match="a Q-Former comes from"):
        load_qformer(checkpoints.vision("siglip"))
    with pytest.raises(ModelError, match="no vision tower can be made"):
        load_vision(checkpoints.language_model("llama"))
    with pytest.raises(ModelError, match="no causal language model"):
        load_language_model(checkpoints.vision("dinov2"))
    tensors = load_file(checkpoints.vision("blip2") / "model.safetensors")
    kept = {name: value for name, value in tensors.items() if "vision_model.post_layernorm" not in name}
    save_file(kept, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text((checkpoints.vision("blip2") / "config.json").read_text())
    with pytest.raises(ModelError, match=r"lacks post_layernorm.bias and 1 more"):
        load_vision(tmp_path)


def test_a_language_model_is_refused_before_its_weights_are_read(tmp_path: Path) -> None:
    transformers.GemmaConfig(**BLOCKS, num_key_value_heads=1, head_dim=8, vocab_size=32).save_pretrained(tmp_path)
    with pytest.raises(InjectionError, match="GemmaDecoderLayer"):
        load_language_model(tmp_path)


def test_the_processor_opens_by_itself(processor: PumGPTProcessor, llama: Any, tmp_path: Path) -> None:
    llama.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    again = AutoProcessor.from_pretrained(tmp_path)
    assert type(again) is PumGPTProcessor
    photo = Image.new("RGB", (40, 50), "blue")
    content = [
        {"type": "image", "image": photo},
        {"type": "image", "image": photo},
        {"type": "text", "text": "what colour"},
    ]
    features = again.apply_chat_template(
        [{"role": "user", "content": content}],
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        add_generation_prompt=True,
    )
    assert features["pixel_values"].shape == (2, 3, SIZE, SIZE)
    assert int((features["input_ids"] == IMAGE_ID).sum()) == 6
    assert again.chat_template == processor.chat_template
