"""A chat template for language models that know nothing of photos.

Their own template takes texts alone. Ours goes before it: each message's parts become one text in which `<image>` stands
for a photo, and what follows is the model's own template, so that a tuned model is asked in the form that it was tuned on.
"""

from __future__ import annotations

_TO_TEXT = (
    "{%- set as_text = namespace(messages=[]) %}"
    "{%- for message in messages %}"
    "{%- if message['content'] is string %}{%- set as_text.messages = as_text.messages + [message] %}"
    "{%- else %}"
    "{%- set whole = namespace(text='') %}"
    "{%- for part in message['content'] %}"
    "{%- set whole.text = whole.text + ('<image>' if part['type'] == 'image' else part['text']) %}"
    "{%- endfor %}"
    "{%- set as_text.messages = as_text.messages + [{'role': message['role'], 'content': whole.text}] %}"
    "{%- endif %}"
    "{%- endfor %}"
    "{%- set messages = as_text.messages %}"
)

_WITHOUT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{ 'USER: ' if message['role'] == 'user' else 'ASSISTANT: ' }}{{ message['content'] }}{{ '\n' }}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}ASSISTANT:{%- endif %}"
)
"""For a tokenizer that brings none, as Vicuna's: its turns are `USER: ... ASSISTANT: ...`."""


def chat_template_for(own: str | None) -> str:
    """A template that takes photos, around a language model's own."""
    return _TO_TEXT + (own or _WITHOUT_TEMPLATE)
