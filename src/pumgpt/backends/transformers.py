"""Any image-text-to-text model of `transformers` behind the backend protocol: LLaVA, Qwen3-VL, SmolVLM, BLIP-2, ...

Each is asked in the chat template that its processor brings; the two that have none, BLIP-2 and InstructBLIP, in the
form that their papers use.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch

from pumgpt.backends.chat.answers import NUM_RANKED, read_answer
from pumgpt.backends.chat.prompt import SPARE_TOKENS, SYSTEM, prompt_text, too_many_choices
from pumgpt.backends.chat.reply import ChatReply, TokenProbability
from pumgpt.backends.protocol import CANNOT_TELL, Answer, Backend, Question, Request
from pumgpt.backends.registry import LoadOptions
from pumgpt.backends.runtime import no_progress_bar, select_device, select_dtype
from pumgpt.catalog.control_tokens import escape_control_tokens
from pumgpt.errors import ModelError, first_line
from pumgpt.model.card import resolve_checkpoint, revision_of
from pumgpt.model.plain_text import control_tokens

ONE_PHOTO = frozenset({"blip-2", "instructblip"})
"""Models that see exactly one photo: of several the first, and they can't be asked without any."""
_SHORT = f"Answer with the answer alone, or: {CANNOT_TELL}."


class TransformersBackend(Backend):
    """Asks one question at a time: the answer depends on nothing else, whatever padding would do to it."""

    def __init__(self, model: Any, processor: Any, name: str, revision: str) -> None:
        self.model = model.train(False)
        self.processor = processor
        self._control_tokens = _control_tokens(processor)
        self.name = name
        self.revision = revision

    @classmethod
    def load(cls, folder: Path, device: str | None = None) -> Self:
        """The model and processor in `folder`. Raises `ModelError` where they can't be loaded."""
        from transformers import AutoModelForImageTextToText, AutoProcessor

        device = select_device(device)
        try:
            with no_progress_bar():
                model: Any = AutoModelForImageTextToText.from_pretrained(folder, dtype=select_dtype(device))
                processor = AutoProcessor.from_pretrained(folder)
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise ModelError(
                f"{folder}: can't be loaded as an image-text-to-text model: {first_line(error)}"
            ) from error
        return cls(model.to(device), processor, folder.name, revision_of(folder))

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        """See `Backend.answer`. There is no evidence."""
        return [[self._ask(request, question) for question in request.questions] for request in requests]

    def _ask(self, request: Request, question: Question) -> Answer:
        refused = too_many_choices(question) or self._lacks(request)
        if refused is not None:
            return Answer("", error=refused)
        try:
            # One question's failure is its own: the rest of the catalogue goes on.
            return read_answer(self._reply(request, question), question)
        except (RuntimeError, ValueError, IndexError) as error:  # out of memory, a prompt longer than the model reads
            return Answer("", error=f"{self.name}: {first_line(error)}")

    def _lacks(self, request: Request) -> str | None:
        if self.model.config.model_type in ONE_PHOTO and not request.photos:
            return f"{self.name} can't be asked without a photo"
        return None

    @torch.inference_mode()
    def _reply(self, request: Request, question: Question) -> ChatReply:
        shown = request.photos[:1] if self.model.config.model_type in ONE_PHOTO else request.photos
        photos = [photo.convert("RGB") for photo in shown]
        text = escape_control_tokens(prompt_text(request.listing, question), self._control_tokens)
        prompt = self._prompt(len(photos), text)
        inputs = self.processor(images=photos or None, text=prompt, return_tensors="pt")
        inputs = inputs.to(self.model.device, self.model.dtype)
        written = self.model.generate(
            **inputs,
            max_new_tokens=question.max_new_tokens + SPARE_TOKENS,
            do_sample=False,
            output_logits=True,
            return_dict_in_generate=True,
        )
        count = len(written.logits)  # some classes give the prompt back too, some the new tokens alone
        tokens = written.sequences[0, -count:].tolist()
        text = self.processor.decode(tokens, skip_special_tokens=True)
        chances = [self._chance(token, logits[0]) for token, logits in zip(tokens, written.logits, strict=True)]
        return ChatReply(text.strip(), tuple(chances), inputs["input_ids"].shape[1] + count)

    def _chance(self, token: int, logits_V: torch.Tensor) -> TokenProbability:
        shares_V = logits_V.float().softmax(-1)
        best = shares_V.topk(min(NUM_RANKED, len(shares_V)))
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return TokenProbability(self._text(token), float(shares_V[token]), tuple((self._text(i), p) for i, p in pairs))

    def _text(self, token: int) -> str:
        return str(self.processor.decode([token], skip_special_tokens=True))

    def _prompt(self, num_photos: int, text: str) -> str:
        if self.processor.chat_template:
            photos = [{"type": "image"} for _ in range(num_photos)]
            content = [*photos, {"type": "text", "text": f"{SYSTEM}\n\n{text}"}]
            chat = [{"role": "user", "content": content}]
            return str(self.processor.apply_chat_template(chat, add_generation_prompt=True))
        if self.model.config.model_type == "blip-2":
            return f"Question: {text}\n{_SHORT} Answer:"
        if self.model.config.model_type == "instructblip":
            return f"{text}\n{_SHORT}"
        raise ValueError("its processor brings no chat template; save the checkpoint with one")


def _control_tokens(processor: Any) -> tuple[str, ...]:
    """What the processor, which gets prompts as one string, doesn't take for text: its placeholders (`image_token`, ...) and
    the control tokens of its tokenizers, of which InstructBLIP has two.
    """
    parts = vars(processor)
    placeholders = [part for name, part in parts.items() if name.endswith("_token") and isinstance(part, str)]
    tokenizers = [part for name, part in parts.items() if name.endswith("tokenizer")]
    return tuple(dict.fromkeys([*placeholders, *(token for part in tokenizers for token in control_tokens(part))]))


def load_transformers(source: str, options: LoadOptions) -> TransformersBackend:
    """The checkpoint in the folder `source`, or of that hub name. It is asked one question at a time: no batch size."""
    return TransformersBackend.load(resolve_checkpoint(source), options.device)
