"""From the text of `--model` to a backend. Placeholder: it knows the fake only."""

from __future__ import annotations

from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import Backend
from pumgpt.errors import ModelError


def load_backend(spec: str, device: str | None = None, batch_size: int | None = None) -> Backend:
    """The backend behind `spec`: `nano`, a folder, a hub name, or `openai:NAME@BASE_URL`.

    `fake` is for tests. Raises `ModelError` where there is no such model.
    """
    if spec == "fake":
        return FakeBackend()
    raise ModelError(
        f"--model {spec}: no such model; give nano, a checkpoint's folder, a hub name or openai:NAME@BASE_URL"
    )
