"""Make the Auto classes of `transformers` know PumGPT when they are first needed, and not a second earlier.

Importing the Auto classes costs seconds, which `pumgpt --help` must not pay; yet after `import pumgpt` they have to open our
checkpoints, whoever imports them, before or after us. So if they are not there yet, `register_when_needed` watches the
imports of `transformers`, and registers as soon as the first one that brought in the Auto classes is complete. Not
earlier: in the middle of it, half of what our model is made of exists only in part.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from threading import get_ident
from types import ModuleType

AUTO_CLASSES = "transformers.models.auto.configuration_auto"
"""Loaded with every Auto class, model and processor of `transformers`."""

WATCHED = ("transformers", "pumgpt.model")
"""Packages whose imports must be complete before we register; ours is registered once it is loaded itself."""


def register_when_needed() -> None:
    """Register now where the Auto classes are loaded already, else right after they are."""
    if AUTO_CLASSES in sys.modules:
        _register()
    elif not any(isinstance(finder, ImportWatch) for finder in sys.meta_path):
        sys.meta_path.insert(0, ImportWatch())


def _register() -> None:
    importlib.import_module("pumgpt.model.auto")


class ImportWatch:
    """Finds modules as Python does, counts how deeply the watched ones are nested in each other, and leaves for good when
    it has registered.
    """

    def __init__(self) -> None:
        self._depth: dict[int, int] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the other finders give, its loader watched for one import."""
        if not fullname.startswith(WATCHED):
            return None
        others = (finder for finder in list(sys.meta_path) if finder is not self)
        specs = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((found for found in specs if found is not None), None)
        if spec is not None and spec.loader is not None:
            self._watch(spec)
        return spec

    def _watch(self, spec: ModuleSpec) -> None:
        """Have `spec.loader` tell us when its module is complete. The loader is itself again afterwards, as `inspect` and
        `importlib.resources` ask it for more than we'd care to imitate.
        """
        loader = spec.loader
        assert loader is not None
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            loader.exec_module = execute  # type: ignore[method-assign]
            thread = get_ident()
            self._depth[thread] = self._depth.get(thread, 0) + 1
            try:
                execute(module)
            finally:
                self._depth[thread] -= 1
            if not self._depth[thread] and AUTO_CLASSES in sys.modules and self in sys.meta_path:
                sys.meta_path.remove(self)
                _register()

        loader.exec_module = exec_module  # type: ignore[method-assign]
