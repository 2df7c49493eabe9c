"""What makes the architecture what it is: replaced hidden states, and all that must not change what comes of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import transformers
from tiny_models import IMAGE_ID, TEXT, VISION, pixels, prompt, tiny_model
from torch.testing import assert_close
from transformers import DynamicCache
from visual_cache import visual_cache

from pumgpt.errors import InjectionError, ModelError
from pumgpt.model.encoded_photos import EncodedPhotos
from pumgpt.model.injection import decoder_layers, install
from pumgpt.model.layer_attention import attention_to
from pumgpt.model.modeling import PumGPTForConditionalGeneration

Model = PumGPTForConditionalGeneration
CLOSE: dict[str, float] = {"rtol": 1e-4, "atol": 1e-5}


@torch.no_grad()
def logits(model: Model, rows: list[list[int]], **inputs: Any) -> torch.Tensor:
    return model(input_ids=torch.tensor(rows), **inputs).logits


def test_a_photo_changes_the_answer(model: Model) -> None:
    row = [prompt(5, "photo", 6, 7)]
    assert not torch.allclose(
        logits(model, row, pixel_values=pixels(1))[:, 4:],
        logits(model, row, pixel_values=pixels(1, 1))[:, 4:],
        atol=1e-3,
    )


@torch.no_grad()
def test_replaced_hidden_states_are_private_keys_and_values(model: Model) -> None:
    """Text before, two photos, text after: the visual tokens run as placeholders, and as keys and values alone."""
    row = prompt(5, 6, "photo", "photo", 7, 8, 9)
    photos = model.encode_photos(pixels(2))
    replaced = logits(model, [row], photos=photos)[:, 8:]
    before = model.language_model(
        input_ids=torch.tensor([row[:2]]), past_key_values=DynamicCache(config=model.config.text_config)
    )
    cache = visual_cache(model, photos, torch.tensor([[0, 1]]), start=torch.tensor([2]), cache=before.past_key_values)
    after = model.language_model(input_ids=torch.tensor([row[8:]]), past_key_values=cache)
    assert_close(after.logits, replaced, **CLOSE)


@torch.no_grad()
def test_visual_keys_start_where_each_row_says(model: Model) -> None:
    photos = model.encode_photos(pixels(2))
    both = visual_cache(model, photos, torch.tensor([[0], [1]]), start=torch.tensor([0, 4]))
    alone = visual_cache(model, photos, torch.tensor([[1]]), start=torch.tensor([4]))
    for layer_of_both, layer_alone in zip(both.layers, alone.layers, strict=True):
        assert_close(layer_of_both.keys[1:], layer_alone.keys)
        assert_close(layer_of_both.values[1:], layer_alone.values)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_batch_of_one_is_a_batch_of_many(model: Model, side: str) -> None:
    rows = [prompt(5, "photo", 6), prompt(7, 8, "photo", 9, 10, "photo", 11)]
    width = max(map(len, rows))
    left = side == "left"
    pads = [[0] * (width - len(row)) for row in rows]
    ones = [[1] * len(row) for row in rows]

    def padded(contents: list[list[int]]) -> torch.Tensor:
        return torch.tensor([pad + row if left else row + pad for row, pad in zip(contents, pads, strict=True)])

    mask = padded(ones)
    positions = (mask.cumsum(1) - 1).clamp_min(0)
    with torch.no_grad():
        many = model(input_ids=padded(rows), pixel_values=pixels(3), attention_mask=mask, position_ids=positions).logits
    for index, (row, photos) in enumerate(zip(rows, (pixels(3)[:1], pixels(3)[1:]), strict=True)):
        assert_close(many[index][mask[index].bool()], logits(model, [row], pixel_values=photos)[0], **CLOSE)


@torch.no_grad()
def test_cached_decoding_is_a_full_pass(model: Model) -> None:
    row = prompt(5, "photo", 6, 7, 8)
    full = logits(model, [row], pixel_values=pixels(1))
    first = model(input_ids=torch.tensor([row[:5]]), pixel_values=pixels(1), use_cache=True)
    cache = first.past_key_values
    rest = [model(input_ids=torch.tensor([[token]]), past_key_values=cache).logits for token in row[5:]]
    assert_close(torch.cat([first.logits, *rest], 1), full, **CLOSE)


def test_generate_needs_no_cache(model: Model) -> None:
    inputs = {"input_ids": torch.tensor([prompt(5, "photo", 6)]), "pixel_values": pixels(1)}
    options = {"max_new_tokens": 6, "min_new_tokens": 6, "do_sample": False, "suppress_tokens": [IMAGE_ID]}
    cached = model.generate(**inputs, **options, use_cache=True)
    assert cached.shape[1] == 11
    assert torch.equal(cached, model.generate(**inputs, **options, use_cache=False))


def test_masked_placeholders_leave_the_bare_language_model(model: Model) -> None:
    row = torch.tensor([prompt(5, 6, "photo", 7, 8)])
    text = row != IMAGE_ID
    positions = torch.arange(row.shape[1])[None]
    with torch.no_grad():
        masked = model(
            input_ids=row, pixel_values=pixels(1), attention_mask=text.long(), position_ids=positions
        ).logits[text]
        bare = model.language_model(input_ids=row[text][None], position_ids=positions[text][None]).logits[0]
    assert_close(masked, bare, **CLOSE)


def test_one_photo_in_several_rows_is_the_photo_repeated(llama: Model) -> None:
    rows = [prompt(5, "photo", 6), prompt(7, "photo", 8)]
    repeated = logits(llama, rows, pixel_values=pixels(1).expand(2, -1, -1, -1))
    assert_close(logits(llama, rows, pixel_values=pixels(1), photo_index=torch.tensor([0, 0])), repeated, **CLOSE)


def test_no_photo_is_a_valid_prompt(llama: Model) -> None:
    row = [prompt(5, 6, 7)]
    assert_close(logits(llama, row), llama.language_model(input_ids=torch.tensor(row)).logits)


@torch.no_grad()
def test_fewer_visual_tokens_are_the_first_latents(llama: Model) -> None:
    shorter = copy.deepcopy(llama)
    for adapter in shorter.bridge.adapters:
        adapter.latents = torch.nn.Parameter(adapter.latents[:2].clone())
    row = [prompt(5, "photo", 6, blocks=2)]
    few = llama.encode_photos(pixels(1), num_visual_tokens=2).visual_KBND
    assert_close(few, shorter.encode_photos(pixels(1)).visual_KBND)
    assert_close(few, llama.encode_photos(pixels(1)).visual_KBND[:, :, :2], **CLOSE)
    assert_close(logits(llama, row, pixel_values=pixels(1)), logits(llama, row, photos=EncodedPhotos(few)), **CLOSE)


@pytest.mark.parametrize(
    ("row", "count"), [(prompt(5, "photo", 6), 2), (prompt(5, "photo", 6, blocks=4), 1), ([5, 6], 1)]
)
def test_prompts_that_do_not_fit_their_photos_are_refused(llama: Model, row: list[int], count: int) -> None:
    with pytest.raises(ModelError, match="placeholders for"):
        logits(llama, [row], pixel_values=pixels(count))


@torch.no_grad()
def test_evidence_is_a_distribution_over_the_grid(llama: Model) -> None:
    photos = llama.encode_photos(pixels(2), evidence=True)
    assert photos.alpha_KBNM is not None
    assert photos.alpha_KBNM.shape == (3, 2, 3, 6)
    assert_close(photos.alpha_KBNM.sum(-1), torch.ones(3, 2, 3))
    maps = photos.evidence(torch.rand(3, 2, 3))
    assert maps.shape == (2, 4, 4)
    assert_close(maps.sum((1, 2)), torch.ones(2))
    assert_close(photos.visual_KBND, llama.encode_photos(pixels(2)).visual_KBND)


@torch.no_grad()
def test_evidence_follows_the_token_that_was_attended_to(llama: Model) -> None:
    """All attention on one token at one layer: the map is that token's own, through its alpha."""
    photos = llama.encode_photos(pixels(1), evidence=True)
    assert photos.alpha_KBNM is not None and photos.attention_BMP is not None
    attention = torch.zeros(3, 1, 3)
    attention[1, 0, 2] = 0.25
    own = photos.alpha_KBNM[1, 0, 2] @ photos.attention_BMP[0]
    assert_close(photos.evidence(attention)[0].flatten(), own / own.sum())


@torch.no_grad()
def test_evidence_of_patches_is_the_attention_to_them() -> None:
    photos = tiny_model(bridge="mlp").encode_photos(pixels(1), evidence=True)
    attention = torch.zeros(3, 1, 16)
    attention[:, 0, 5] = 0.5
    assert photos.evidence(attention).flatten().tolist() == [float(place == 5) for place in range(16)]


@torch.no_grad()
def test_a_layer_s_attention_is_told_from_hidden_states_and_keys(model: Model) -> None:
    """What the language model's own eager attention says of its last position, padding left out."""
    row, mask = torch.tensor([[5, 6, 0, 7, 8, 9]]), torch.tensor([[1, 1, 0, 1, 1, 1]])
    positions = torch.tensor([[0, 1, 1, 2, 3, 4]])
    language_model = copy.deepcopy(model.language_model)
    language_model.set_attn_implementation("eager")
    options = {"output_attentions": True, "output_hidden_states": True, "use_cache": True}
    found = language_model.model(input_ids=row, attention_mask=mask, position_ids=positions, **options)
    rotation = language_model.model.rotary_emb(found.hidden_states[0], positions[:, -1:])
    layers = zip(decoder_layers(language_model), found.past_key_values.layers, strict=True)
    for index, (layer, cached) in enumerate(layers):
        told = attention_to(layer, found.hidden_states[index][:, -1], cached.keys, mask.bool(), rotation)
        assert_close(told, found.attentions[index][:, :, -1].mean(1), **CLOSE)
        assert told[0, 2] == 0


def test_evidence_that_was_not_kept_is_named(llama: Model) -> None:
    with pytest.raises(ModelError, match="without evidence"):
        llama.encode_photos(pixels(1)).evidence(torch.ones(3, 1, 3))


@pytest.mark.parametrize(
    ("name", "layer"),
    [("Mamba", "MambaBlock|keeps its layers"), ("GPT2", "keeps its layers elsewhere"), ("Gemma", "GemmaDecoderLayer")],
)
def test_layers_that_cannot_be_injected_into_are_named(name: str, layer: str) -> None:
    sizes = {key: TEXT[key] for key in ("hidden_size", "num_hidden_layers", "vocab_size", "num_attention_heads")}
    other = getattr(transformers, f"{name}LMHeadModel" if name == "GPT2" else f"{name}ForCausalLM")
    model = other(getattr(transformers, f"{name}Config")(**sizes))
    with pytest.raises(InjectionError, match=layer) as caught:
        install(model)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_layer_is_injected_into(model: Model) -> None:
    assert len(decoder_layers(model.language_model)) == len(model.bridge.adapters) == TEXT["num_hidden_layers"]


def _loss(model: Model) -> torch.Tensor:
    row = torch.tensor([prompt(5, "photo", 6, 7)])
    labels = row.masked_fill(row == IMAGE_ID, -100)
    loss: torch.Tensor = model(input_ids=row, pixel_values=pixels(1), labels=labels).loss
    return loss


RESNET = {"model_type": "resnet", "embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}


@pytest.mark.parametrize("vision", [{"model_type": "siglip_vision_model", **VISION}, {**RESNET, "out_indices": [1, 2]}])
def test_only_the_adapters_change_in_a_training_step(vision: dict[str, Any]) -> None:
    model = tiny_model(vision_config=vision)
    for name, weight in model.named_parameters():
        weight.requires_grad_(name.startswith("bridge."))
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    _loss(model).backward()
    for adapter in model.bridge.adapters:
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in adapter.parameters())
    optimizer.step()
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith("bridge.") for name in changed)


def test_gradient_checkpointing_gives_the_same_gradients() -> None:
    gradients = []
    for checkpointing in (False, True):
        model = tiny_model().train()
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
            assert any(getattr(module, "gradient_checkpointing", False) for module in model.modules())
        _loss(model).backward()
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        assert_close(gradients[1][name], gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("bridge", ["queries", "mlp"])
def test_comparators_enter_at_layer_0_only(bridge: str) -> None:
    model = tiny_model(bridge=bridge)
    photos = model.encode_photos(pixels(1))
    count = {"queries": 6, "mlp": 16}[bridge]
    assert photos.visual_KBND.shape == (1, 1, count, TEXT["hidden_size"])
    row = [prompt(5, "photo", 6, 7, blocks=count)]
    embeds = model.get_input_embeddings()(torch.tensor(row))
    embeds[:, 1 : 1 + count] = photos.visual_KBND[0]
    assert_close(logits(model, row, pixel_values=pixels(1)), model.language_model(inputs_embeds=embeds).logits, **CLOSE)
    generated = model.generate(input_ids=torch.tensor(row), pixel_values=pixels(1), max_new_tokens=2, do_sample=False)
    assert generated.shape[1] > len(row[0])
