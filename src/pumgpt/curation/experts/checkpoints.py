"""Checkpoints that several experts ask: each is loaded once, as long as one of them holds it."""

from __future__ import annotations

from weakref import WeakValueDictionary

from pumgpt.backends.load import load_backend
from pumgpt.backends.protocol import Backend
from pumgpt.backends.pumgpt.backend import PumGPTBackend

_loaded: WeakValueDictionary[str, PumGPTBackend] = WeakValueDictionary()


def load_shared(spec: str) -> Backend:
    """The backend behind `spec`, as `load_backend` has it; the same object for every expert, if it is a PumGPT."""
    backend: Backend = _loaded.get(spec) or load_backend(spec)
    if isinstance(backend, PumGPTBackend):
        _loaded[spec] = backend
    return backend
