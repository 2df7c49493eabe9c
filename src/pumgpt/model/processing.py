"""Photos and text to what the model takes: pixels, and a prompt with n placeholders for each photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from transformers import AutoImageProcessor, AutoTokenizer, BatchFeature, ProcessorMixin

from pumgpt.errors import ModelError
from pumgpt.model.chat import chat_template_for
from pumgpt.model.plain_text import encode_continuation, has_control_tokens
from pumgpt.model.prompt import render_prompt, user_text

IMAGE_TOKEN = "<image>"
_TEXT_SLOT = "\N{WORD JOINER}text\N{WORD JOINER}"
"""Stands for the user's text in a rendered template."""


class PumGPTProcessor(ProcessorMixin):
    """An image processor and a tokenizer of `transformers`, and the number of placeholders of a photo.

    In a text, `<image>` stands for one photo; it is written out to `num_visual_tokens` placeholders. A smaller number may
    be asked for in a call (elastic N). `prompt_ids` takes the text of a listing as plain text, whatever it holds.

    The tokenizer pads on the left, since `generate` goes on at the right end of each row.
    """

    def __init__(
        self,
        image_processor: Any = None,
        tokenizer: Any = None,
        num_visual_tokens: int = 8,
        chat_template: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.num_visual_tokens = num_visual_tokens
        self.image_token = IMAGE_TOKEN
        self.image_token_id = tokenizer.convert_tokens_to_ids(IMAGE_TOKEN)
        if self.image_token_id is None or self.image_token_id == tokenizer.unk_token_id:
            raise ModelError(f"the tokenizer has no {IMAGE_TOKEN} token; add it as a special token first")
        tokenizer.padding_side = "left"
        super().__init__(image_processor, tokenizer, chat_template=chat_template)

    @classmethod
    def from_parts(
        cls, vision: Any, tokenizer: Any, num_visual_tokens: int = 8, chat_template: str | None = None
    ) -> Self:
        """The processor of a model that `PumGPTForConditionalGeneration.from_parts` builds of the same checkpoints.

        Args:
            vision: folder, hub name, or a loaded image processor.
            tokenizer: folder or hub name of the language model, or a loaded tokenizer; the placeholder is added to it.
            num_visual_tokens: N, for each photo, as the model has it. Of the comparators it is all that they show: M, the
                number of queries, for bridge `queries`; every patch for `mlp`.
            chat_template: by default the tokenizer's own, made to take photos.

        Raises `ModelError` where there is no image processor or tokenizer to be read.
        """
        tokenizer = load_tokenizer(tokenizer)
        images = load_image_processor(vision)
        return cls(images, tokenizer, num_visual_tokens, chat_template or chat_template_for(tokenizer.chat_template))

    def __call__(
        self,
        images: Any = None,
        text: str | list[str] | None = None,
        num_visual_tokens: int | None = None,
        **kwargs: Any,
    ) -> BatchFeature:
        """Tokenize `text` and turn `images` (flat or nested lists, in the order of their `<image>`) into pixels.

        Returns `input_ids`, `attention_mask` (R, S) and, with photos, `pixel_values` (B, C, H, W).
        """
        return_tensors = kwargs.pop("return_tensors", None)
        # `transformers` groups options by modality; photos have none here.
        kwargs.pop("images_kwargs", None)
        features: dict[str, Any] = {}
        photos = flatten_photos(images)
        if text is not None:
            texts = [text] if isinstance(text, str) else list(text)
            if images is not None and (found := sum(t.count(IMAGE_TOKEN) for t in texts)) != len(photos):
                raise ModelError(
                    f"the text has {found} {IMAGE_TOKEN}, but {len(photos)} photos were given; write {IMAGE_TOKEN} once "
                    "for each photo, or give chat messages, in which the template does: [{'role': 'user', 'content': "
                    "[{'type': 'image', 'image': photo}, {'type': 'text', 'text': question}]}]"
                )
            expanded = [self._expand(t, num_visual_tokens) for t in texts]
            features |= self.tokenizer(expanded, return_tensors=return_tensors, **_text_options(kwargs))
        if photos:
            features |= self.image_processor(photos, return_tensors=return_tensors or "pt")
        return BatchFeature(features)

    def prompt_ids(
        self, num_photos: int, listing: str | None, question: str, num_visual_tokens: int | None = None
    ) -> list[int]:
        """The token ids of the prompt that asks `question`, up to where the answer begins, with placeholders for photos."""
        text = user_text(listing, question)
        if not has_control_tokens(self.tokenizer, text):
            prompt = self._expand(render_prompt(self, num_photos, listing, question), num_visual_tokens)
            ids: list[int] = self.tokenizer(prompt, add_special_tokens=False)["input_ids"]
            return ids
        # The template is rendered around a slot and encoded in pieces, so that its own tokens alone are control tokens.
        prompt = self._expand(render_prompt(self, num_photos, None, _TEXT_SLOT), num_visual_tokens)
        before, *behind = prompt.split(_TEXT_SLOT)
        ids = list(self.tokenizer(before, add_special_tokens=False)["input_ids"])
        for piece in behind:
            ids += encode_continuation(self.tokenizer, text, plain=True)
            ids += encode_continuation(self.tokenizer, piece, plain=False)
        return ids

    def _expand(self, text: str, num_visual_tokens: int | None) -> str:
        """`text` with all the placeholders of each photo."""
        return text.replace(IMAGE_TOKEN, IMAGE_TOKEN * (num_visual_tokens or self.num_visual_tokens))

    @property
    def model_input_names(self) -> list[str]:
        return ["input_ids", "attention_mask", "pixel_values"]


def load_image_processor(source: Any) -> Any:
    """The image processor of `source` (a folder, a hub name, or one that is loaded already).

    Raises `ModelError` where there is none.
    """
    if not isinstance(source, str | Path):
        return source
    try:
        return AutoImageProcessor.from_pretrained(source, backend="pil")
    except (OSError, ValueError) as error:
        raise ModelError(
            f"image processor {source}: there is none that can be read; give a folder with a preprocessor_config.json"
        ) from error


def load_tokenizer(source: Any) -> Any:
    """The tokenizer of `source` (a folder, a hub name, or one that is loaded already), with the placeholder in it.

    The placeholder is added at the end where it is missing, so that whoever calls this for the same tokenizer gets the same id.
    """
    if isinstance(source, str | Path):
        try:
            source = AutoTokenizer.from_pretrained(source)
        except (OSError, ValueError) as error:
            raise ModelError(
                f"tokenizer {source}: there is none that can be read; name another with tokenizer=..."
            ) from error
    if IMAGE_TOKEN not in source.get_vocab():
        source.add_special_tokens({"additional_special_tokens": [IMAGE_TOKEN]}, replace_extra_special_tokens=False)
    return source


def flatten_photos(images: Any) -> list[Any]:
    """Photos in order, out of one photo, a list, or a list for each text."""
    if images is None:
        return []
    if isinstance(images, list | tuple):
        return [photo for item in images for photo in flatten_photos(item)]
    return [images]


def _text_options(kwargs: dict[str, Any]) -> dict[str, Any]:
    options = {**kwargs.pop("text_kwargs", {}), **kwargs}
    options.setdefault("return_token_type_ids", False)
    return {name: value for name, value in options.items() if name in _TEXT_OPTIONS}


_TEXT_OPTIONS = frozenset(
    {"add_special_tokens", "padding", "truncation", "max_length", "pad_to_multiple_of", "padding_side"}
    | {"return_token_type_ids", "return_attention_mask", "return_offsets_mapping"}
)
