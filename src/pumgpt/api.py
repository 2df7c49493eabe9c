"""What Python users import: a model to be asked, a catalogue to be filled, the records and the errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pumgpt.backends.protocol import Backend
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.model.card import resolve_checkpoint


class Model:
    """A model that is ready to be asked from Python."""

    def __init__(self, backend: Backend, path: Path | None = None) -> None:
        self.backend = backend
        self.path = path

    def understand(self, *photos: str | Path | bytes, title: str | None = None, **plan: Any) -> Understanding:
        """Caption, category and attributes of one product, shown in `photos` (paths or encoded bytes).

        `plan` takes what `pumgpt.understand.plan.make_plan` takes: `tasks`, `taxonomy`, `schema`, `questions`, `precision`.
        Raises `PhotoError` for a photo that can't be used.
        """
        from pumgpt.understand.ask import understand_one
        from pumgpt.understand.intake import take_in
        from pumgpt.understand.plan import make_plan

        refs = tuple(ImageRef(data=p) if isinstance(p, bytes) else ImageRef(path=str(p)) for p in photos)
        product = Product(id="1", images=refs, title=title)
        return understand_one(self.backend, make_plan(self.backend, **plan), take_in(product))


def load(spec: str = "nano", device: str | None = None) -> Model:
    """The model behind `spec` (`nano`, a folder, a hub name, `openai:NAME@BASE_URL`), ready to be asked.

    Raises `ModelError` where there is no such model.
    """
    from pumgpt.backends.load import load_backend

    path = None if spec == "fake" or spec.startswith("openai:") else resolve_checkpoint(spec)
    return Model(load_backend(spec, device), path)
