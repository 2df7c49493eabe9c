"""From the text of `--model` to a backend."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pumgpt.backends.calibration import Calibration
from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import Backend
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.errors import ModelError, first_line
from pumgpt.model.card import CALIBRATION_FILE, MEMORY_FILE, CheckpointCard, read_card, read_config, resolve_checkpoint

if TYPE_CHECKING:
    from pumgpt.backends.pumgpt.backend import PumGPTEngine


def load_backend(spec: str, device: str | None = None, batch_size: int | None = None) -> Backend:
    """The backend behind `spec`: `nano`, a folder, a hub name, or `openai:NAME@BASE_URL`. `fake` is for tests.

    A folder or hub name may hold a PumGPT, any image-text-to-text model of `transformers`, a CLIP or a SigLIP. Raises
    `ModelError` where there is no such model or it is of another kind, `UsageError` for no endpoint's address.
    """
    if spec == "fake":
        return FakeBackend()
    if spec.startswith("openai:"):
        from pumgpt.backends.chat.backend import OpenAIBackend
        from pumgpt.backends.chat.endpoint import ChatEndpoint

        return OpenAIBackend(ChatEndpoint.parse(spec))
    folder = resolve_checkpoint(spec)
    kind = read_config(folder).get("model_type")
    if kind == "pumgpt":
        return load_engine(folder, device)
    return _load_other(spec, folder, str(kind), device)


def _load_other(spec: str, folder: Path, kind: str, device: str | None) -> Backend:
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    from pumgpt.backends.contrastive import KINDS, ContrastiveBackend
    from pumgpt.backends.transformers import TransformersBackend

    with _no_progress_bar():
        if kind in KINDS:
            return ContrastiveBackend.load(folder, revision_of(folder), device)
        if kind in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES:
            return TransformersBackend.load(folder, revision_of(folder), device)
    raise ModelError(
        f"--model {spec}: its model_type is '{kind}'; give a PumGPT, an image-text-to-text model, a CLIP or a SigLIP"
    )


def load_engine(folder: Path, device: str | None = None) -> PumGPTEngine:
    """An engine for the PumGPT checkpoint in `folder`, with the taxonomy, schema and calibration that it brings."""
    import torch

    from pumgpt.backends.pumgpt.backend import PumGPTEngine
    from pumgpt.backends.pumgpt.memory import Memory
    from pumgpt.model.modeling import PumGPTForConditionalGeneration
    from pumgpt.model.processing import PumGPTProcessor

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    # Processors without bf16 instructions compute in it five times slower than in fp32.
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    try:
        with _no_progress_bar():
            model: Any = PumGPTForConditionalGeneration.from_pretrained(folder, dtype=dtype)
            model.to(device)
            processor = PumGPTProcessor.from_pretrained(folder)
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{folder}: can't be loaded: {first_line(error)}") from error
    card = read_card(folder)
    engine: Any = PumGPTEngine(model, processor, card.name, revision_of(folder))
    engine.default_taxonomy, engine.default_schema = _vocabulary(card)
    calibration = folder / CALIBRATION_FILE
    engine.calibration = Calibration.load(calibration) if calibration.is_file() else None
    memory = Memory.load(folder)
    engine.memory = None if memory is None else memory.to(device)
    loaded: PumGPTEngine = engine
    return loaded


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """`transformers` draws a bar over a load of half a second; it is not worth a line of a person's terminal."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _vocabulary(card: CheckpointCard) -> tuple[Taxonomy | None, AttributeSchema | None]:
    taxonomy = Taxonomy.of(card.category_paths) if card.categories else None
    specs = tuple(AttributeSpec(name, tuple(values) or None) for name, values in card.attributes.items())
    return taxonomy, AttributeSchema(specs) if specs else None


def revision_of(folder: Path) -> str:
    """Twelve hex digits that change with the weights and with what is remembered."""
    digest = hashlib.sha256()
    for path in [*sorted(folder.glob("*.safetensors")), *sorted(folder.glob(MEMORY_FILE))]:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:12]
