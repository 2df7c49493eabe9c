"""Which loader serves which model: the backends of this package, those registered at run time, and those of other
installed packages.

A loader is found by the scheme of `--model SCHEME:REST`, or by the `model_type` in the `config.json` of a checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Literal

from pumgpt.errors import ModelError, first_line

if TYPE_CHECKING:
    from pumgpt.backends.protocol import Backend

ENTRY_POINT_GROUP = "pumgpt.backends"


MemoryUse = Literal["all", "none"]


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a model is to run. A loader may ignore what doesn't apply to it."""

    device: str | None = None
    """`cpu`, `cuda`, `cuda:1`, `mps`; None for the best there is."""
    batch_size: int | None = None
    """Photos in one pass of the model; None for the backend's default."""
    memory: MemoryUse = "all"
    """`none`: neither labelled products that a checkpoint remembers nor the classes of ImageNet have a say in its answers."""


Loader = Callable[[str, LoadOptions], "Backend"]
"""Makes a backend of what follows the scheme in `--model SCHEME:REST`, or of a checkpoint's folder."""

# Entry points rather than functions, so that naming a backend imports neither it nor PyTorch.
_BUILT_IN = {
    name: EntryPoint(name, target, ENTRY_POINT_GROUP)
    for name, target in {
        "fake": "pumgpt.backends.fake:load_fake",
        "openai": "pumgpt.backends.chat.backend:load_openai",
        "pumgpt": "pumgpt.backends.pumgpt.backend:load_pumgpt",
        "clip": "pumgpt.backends.contrastive:load_contrastive",
        "siglip": "pumgpt.backends.contrastive:load_contrastive",
        "siglip2": "pumgpt.backends.contrastive:load_contrastive",
        "transformers": "pumgpt.backends.transformers:load_transformers",
    }.items()
}
_registered: dict[str, Loader] = {}


def register(name: str, loader: Loader) -> None:
    """Use `loader` for `--model NAME:REST` and for checkpoints whose `config.json` says `model_type: NAME`.

    Replaces a loader of that name, one of this package included. Another installed package can do without this call: it
    declares an entry point NAME in the group `pumgpt.backends`.
    """
    _registered[name] = loader


def find_loader(name: str) -> Loader | None:
    """The loader registered under `name`, None where there is none. Raises `ModelError` for one that can't be imported."""
    if name in _registered:
        return _registered[name]
    # Our own names come first: installing a package must not change which model `--model NAME` means.
    entry = _BUILT_IN.get(name) or next(iter(entry_points(group=ENTRY_POINT_GROUP, name=name)), None)
    if entry is None:
        return None
    try:
        loader: Loader = entry.load()
    except (ImportError, AttributeError) as error:
        raise ModelError(f"backend '{name}' can't be imported from {entry.value}: {first_line(error)}") from error
    return loader
