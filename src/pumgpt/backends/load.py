"""From the text of `--model` to a backend."""

from __future__ import annotations

from pathlib import Path

from pumgpt.backends.protocol import Backend
from pumgpt.backends.registry import LoadOptions, MemoryUse, find_loader
from pumgpt.errors import ModelError
from pumgpt.model.card import read_config, resolve_checkpoint


def load_backend(
    spec: str, device: str | None = None, batch_size: int | None = None, memory: MemoryUse = "all"
) -> Backend:
    """The backend behind `spec`: the name of a shipped checkpoint, a folder, a hub name, or `SCHEME:REST` with a
    registered scheme, such as `openai:NAME@BASE_URL`. `fake` is for tests.

    A folder or hub name may hold a PumGPT, any image-text-to-text model of `transformers`, a CLIP, a SigLIP, or what a
    registered loader takes. `batch_size` is how many photos go through the model at once; with `memory` "none" a PumGPT
    answers without what it remembers of labelled products and of ImageNet. Raises `ModelError` where
    there is no such model or it is of another kind, `UsageError` where an endpoint's address is missing.
    """
    options = LoadOptions(device, batch_size, memory)
    scheme, _, rest = spec.partition(":")
    # A folder named like a scheme stays reachable by its bare name.
    if (loader := find_loader(scheme)) is not None and not Path(spec).is_dir():
        return loader(rest, options)
    folder = resolve_checkpoint(spec)
    model_type = str(read_config(folder).get("model_type"))
    loader = find_loader(model_type)
    if loader is None and _is_image_text_to_text(model_type):
        loader = find_loader("transformers")
    if loader is None:
        raise ModelError(
            f"--model {spec}: its model_type is '{model_type}'; give a PumGPT, an image-text-to-text model, a CLIP or a "
            "SigLIP, or register a backend for it"
        )
    return loader(str(folder), options)


def _is_image_text_to_text(model_type: str) -> bool:
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    return model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
