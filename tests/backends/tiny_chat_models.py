"""Tiny vision-language models of five families with random weights, each with its own processor and chat template."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

SIZE = 32
SPECIAL = ["<pad>", "<s>", "</s>", "<unk>"]
CHARACTERS = [chr(code) for code in range(32, 127)] + ["\n"]
BLOCKS = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
VISION = {**BLOCKS, "image_size": SIZE, "patch_size": 8}
QFORMER = {**BLOCKS, "encoder_hidden_size": 16, "vocab_size": 120, "cross_attention_frequency": 1}

LLAVA_CHAT = (
    "{% for m in messages %}{{ m['role'].upper() }}: {% for part in m['content'] %}{% if part['type'] == 'image' %}<image>\n"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %} {% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
QWEN_CHAT = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% for part in m['content'] %}{% if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SMOL_CHAT = (
    "<|im_start|>{% for m in messages %}{{ m['role'] | capitalize }}:{% for part in m['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %} {{ part['text'] }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)


def tokenizer(*special: str) -> PreTrainedTokenizerFast:
    """One token for each character and each special token."""
    words = [*SPECIAL, *special, *CHARACTERS]
    inner = Tokenizer(models.BPE({word: place for place, word in enumerate(words)}, [], unk_token="<unk>"))
    inner.decoder = decoders.Fuse()
    names = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    return PreTrainedTokenizerFast(tokenizer_object=inner, additional_special_tokens=list(special), **names)


def text_sizes(tokens: PreTrainedTokenizerFast, **more: Any) -> dict[str, Any]:
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    return {
        **BLOCKS,
        "num_key_value_heads": 1,
        "vocab_size": len(tokens),
        "max_position_embeddings": 4096,
        **ids,
        **more,
    }


def llava() -> tuple[Any, Any]:
    tokens = tokenizer("<image>")
    photos = CLIPImageProcessorPil(size={"height": SIZE, "width": SIZE}, crop_size={"height": SIZE, "width": SIZE})
    processor = transformers.LlavaProcessor(
        photos, tokens, patch_size=8, vision_feature_select_strategy="full", chat_template=LLAVA_CHAT
    )
    config = transformers.LlavaConfig(
        vision_config={"model_type": "siglip_vision_model", **VISION},
        text_config={"model_type": "llama", **text_sizes(tokens)},
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        vision_feature_select_strategy="full",
    )
    return transformers.LlavaForConditionalGeneration(config), processor


def blip_2() -> tuple[Any, Any]:
    tokens = tokenizer("<image>")
    photos = BlipImageProcessorPil(size={"height": SIZE, "width": SIZE})
    processor = transformers.Blip2Processor(photos, tokens, num_query_tokens=4)
    text = {"model_type": "opt", "hidden_size": 16, "ffn_dim": 32, "word_embed_proj_dim": 16, "num_hidden_layers": 1}
    config = transformers.Blip2Config(
        vision_config=dict(VISION),
        qformer_config=dict(QFORMER),
        text_config={**text, "vocab_size": len(tokens), "num_attention_heads": 2, "pad_token_id": 0, "eos_token_id": 2},
        num_query_tokens=4,
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
    )
    return transformers.Blip2ForConditionalGeneration(config), processor


def instructblip() -> tuple[Any, Any]:
    tokens = tokenizer("<image>")
    photos = BlipImageProcessorPil(size={"height": SIZE, "width": SIZE})
    processor = transformers.InstructBlipProcessor(photos, tokens, tokenizer(), num_query_tokens=4)
    config = transformers.InstructBlipConfig(
        vision_config=dict(VISION),
        qformer_config={**QFORMER, "max_position_embeddings": 4096},
        text_config={"model_type": "llama", **text_sizes(tokens)},
        num_query_tokens=4,
        image_token_index=tokens.convert_tokens_to_ids("<image>"),
    )
    return transformers.InstructBlipForConditionalGeneration(config), processor


class _ForPhotos:
    """Video processors need torchvision; photos don't, so that here a processor does without one."""

    def check_argument_for_proper_class(self, name: str, argument: Any) -> Any:
        if name == "video_processor":
            return type(argument)
        return super().check_argument_for_proper_class(name, argument)  # type: ignore[misc]


class _QwenForPhotos(_ForPhotos, transformers.Qwen3VLProcessor):
    pass


def qwen3_vl() -> tuple[Any, Any]:
    tokens = tokenizer(
        "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"
    )
    photos = Qwen2VLImageProcessorPil(patch_size=8, size={"shortest_edge": 256, "longest_edge": 4096})
    processor = _QwenForPhotos(photos, tokens, SimpleNamespace(), chat_template=QWEN_CHAT)
    vision = {
        "depth": 1,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_heads": 2,
        "patch_size": 8,
        "out_hidden_size": 16,
    }
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    config = transformers.Qwen3VLConfig(
        vision_config={**vision, "num_position_embeddings": 16, "deepstack_visual_indexes": [0]},
        text_config=text_sizes(tokens, head_dim=8, rope_parameters=rope),
        image_token_id=tokens.convert_tokens_to_ids("<|image_pad|>"),
        video_token_id=tokens.convert_tokens_to_ids("<|video_pad|>"),
        vision_start_token_id=tokens.convert_tokens_to_ids("<|vision_start|>"),
        vision_end_token_id=tokens.convert_tokens_to_ids("<|vision_end|>"),
    )
    return transformers.Qwen3VLForConditionalGeneration(config), processor


class _SmolForPhotos(_ForPhotos, transformers.SmolVLMProcessor):
    pass


def smolvlm() -> tuple[Any, Any]:
    """Its processor needs the package num2words."""
    tokens = tokenizer("<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", "<|im_start|>")
    edge = {"longest_edge": SIZE}
    photos = SmolVLMImageProcessorPil(size=edge, max_image_size=edge, do_image_splitting=False)
    frames = SimpleNamespace(num_frames=1, fps=1)
    processor = _SmolForPhotos(photos, tokens, frames, image_seq_len=4, chat_template=SMOL_CHAT)
    config = transformers.SmolVLMConfig(
        vision_config=dict(VISION),
        text_config={"model_type": "llama", **text_sizes(tokens)},
        scale_factor=2,
        image_token_id=tokens.convert_tokens_to_ids("<image>"),
        pad_token_id=0,
    )
    return transformers.SmolVLMForConditionalGeneration(config), processor


FAMILIES = {"llava": llava, "blip-2": blip_2, "instructblip": instructblip, "qwen3_vl": qwen3_vl, "smolvlm": smolvlm}


def build(family: str) -> tuple[Any, Any]:
    """Model and processor, the weights large enough that photo and words matter."""
    torch.manual_seed(0)
    model, processor = FAMILIES[family]()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.3)
    return model.eval(), processor
