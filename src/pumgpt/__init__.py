"""PumGPT: a product photo in, a structured record out.

    import pumgpt
    found = pumgpt.load("nano").understand("photo.jpg", title="Shirt")

After `import pumgpt` the Auto classes and `pipeline("image-text-to-text")` of `transformers` open PumGPT checkpoints.
Importing this package costs milliseconds: everything heavy is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pumgpt.model.registration import register_when_needed

if TYPE_CHECKING:
    from pumgpt.api import (
        AnswerField,
        AttributeField,
        AttributeSchema,
        AttributeSpec,
        BackendError,
        CaptionField,
        CatalogError,
        CategoryChoice,
        CategoryField,
        CorrectionField,
        Evidence,
        ImageRef,
        InjectionError,
        Model,
        ModelError,
        ModelInfo,
        PhotoError,
        Product,
        PumGPTError,
        RecipeError,
        SchemaError,
        Summary,
        Taxonomy,
        Understanding,
        UsageError,
        load,
    )
    from pumgpt.model.configuration import PumGPTConfig
    from pumgpt.model.modeling import PumGPTForConditionalGeneration
    from pumgpt.model.processing import PumGPTProcessor

    __version__: str

_MODEL_CLASSES = {
    "PumGPTConfig": "pumgpt.model.configuration",
    "PumGPTForConditionalGeneration": "pumgpt.model.modeling",
    "PumGPTProcessor": "pumgpt.model.processing",
}

# `enrich` is left to `pumgpt.api`: here it would be hidden by the package of that name once anything of it is imported.
__all__ = [
    "AnswerField",
    "AttributeField",
    "AttributeSchema",
    "AttributeSpec",
    "BackendError",
    "CaptionField",
    "CatalogError",
    "CategoryChoice",
    "CategoryField",
    "CorrectionField",
    "Evidence",
    "ImageRef",
    "InjectionError",
    "Model",
    "ModelError",
    "ModelInfo",
    "PhotoError",
    "Product",
    "PumGPTConfig",
    "PumGPTError",
    "PumGPTForConditionalGeneration",
    "PumGPTProcessor",
    "RecipeError",
    "SchemaError",
    "Summary",
    "Taxonomy",
    "Understanding",
    "UsageError",
    "__version__",
    "load",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("pumgpt")
    if name in __all__:
        return getattr(import_module(_MODEL_CLASSES.get(name, "pumgpt.api")), name)
    raise AttributeError(f"module 'pumgpt' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


register_when_needed()
