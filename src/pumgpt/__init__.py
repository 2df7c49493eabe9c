"""PumGPT: a product photo in, a structured record out.

    import pumgpt
    found = pumgpt.load("nano").understand("photo.jpg", title="Shirt")

After `import pumgpt` the Auto classes and `pipeline("image-text-to-text")` of `transformers` open PumGPT checkpoints.
Importing this package costs milliseconds: everything heavy is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pumgpt.model.registration import register_when_needed

if TYPE_CHECKING:
    from pumgpt.model.configuration import PumGPTConfig
    from pumgpt.model.modeling import PumGPTForConditionalGeneration
    from pumgpt.model.processing import PumGPTProcessor

__all__ = ["PumGPTConfig", "PumGPTForConditionalGeneration", "PumGPTProcessor", "__version__", "load"]

_HOMES = {
    "PumGPTConfig": "pumgpt.model.configuration",
    "PumGPTForConditionalGeneration": "pumgpt.model.modeling",
    "PumGPTProcessor": "pumgpt.model.processing",
}


def load(spec: str = "nano", device: str | None = None) -> Any:
    """The model behind `spec` (`nano`, a folder, or a hub name), ready to be asked: `load().understand("photo.jpg")`.

    Raises `ModelError` where there is no such model.
    """
    from pumgpt.api import load as load_model

    return load_model(spec, device)


def __getattr__(name: str) -> Any:
    import importlib

    if name == "__version__":
        from importlib.metadata import version

        return version("pumgpt")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'pumgpt' has no attribute '{name}'")


register_when_needed()
