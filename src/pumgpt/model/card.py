"""A checkpoint folder, read without loading the model: where it is, what it holds, what was measured."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from collections import Counter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pumgpt.catalog.vocabulary.category_ids import CategoryIds
from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy
from pumgpt.errors import ModelError, first_line

SHIPPED = Path(__file__).resolve().parents[1] / "checkpoints"
"""Checkpoints that come with the package, by name."""

CARD_FILE = "pumgpt.json"
CALIBRATION_FILE = "calibration.json"
MEMORY_FILE = "memory/memory.safetensors"
"""Not beside the weights: whoever loads all weights that lie in a folder must not come across it."""
KINDS_FILE = "kinds/kinds.safetensors"
"""Likewise."""
CATEGORY_MAPS = "category_maps"
"""Folder of CSV files, each a map from the checkpoint's categories to those of a public taxonomy."""


class CheckpointCard(BaseModel):
    """`pumgpt.json`: a checkpoint's name, vocabulary and measured quality."""

    model_config = ConfigDict(extra="allow")

    name: str
    revision: str = "unknown"
    tasks: list[str] = []
    categories: list[str | list[str]] = []
    """Paths, as lists or written 'A > B > C'."""
    attributes: dict[str, list[str]] = {}
    applicability: dict[str, list[str]] = {}
    """Which attributes the products of a category have: 'A > B' -> their names, also for all below. Written by
    `scripts/fit_applicability.py`."""
    quality: dict[str, Any] = {}
    training_data: list[Any] = []

    @property
    def category_paths(self) -> list[tuple[str, ...]]:
        return [
            tuple(level.strip() for level in path.split(">")) if isinstance(path, str) else tuple(path)
            for path in self.categories
        ]


def resolve_checkpoint(model: str) -> Path:
    """The folder of a model: a shipped one by name, a folder, or a hub name, which is fetched or found in its cache.

    Raises `ModelError` where there is none.
    """
    if not model:
        raise ModelError("--model: no model is named; give the name of a shipped one, a folder or a hub name")
    shipped = SHIPPED / model
    if "/" not in model and (shipped / "config.json").is_file():
        return shipped
    folder = Path(model).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ModelError(f"--model {model}: the folder holds no config.json; give the folder of a checkpoint")
        return folder
    if model.count("/") == 1 and not model.startswith((".", "/", "~")):
        return _from_hub(model)
    names = ", ".join(sorted(path.parent.name for path in SHIPPED.glob("*/config.json"))) or "none in this copy"
    raise ModelError(f"--model {model}: no such model or folder; shipped are: {names}")


def _from_hub(model: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(model, allow_patterns=["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model", "*.csv"])
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ModelError(f"--model {model}: not a folder, and the hub did not give it ({first_line(error)})") from error


def read_card(folder: Path) -> CheckpointCard:
    """The card of a checkpoint; one with the folder's name alone where it has none. Raises `ModelError`."""
    path = folder / CARD_FILE
    if not path.is_file():
        return CheckpointCard(name=folder.name)
    try:
        return CheckpointCard.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise ModelError(f"{path}: is not a checkpoint's card ({first_line(error)})") from error


def category_maps(folder: Path) -> tuple[Path, ...]:
    """The maps from a checkpoint's categories to those of public taxonomies."""
    return tuple(sorted((folder / CATEGORY_MAPS).glob("*.csv")))


def category_ids(taxonomy: Path | None = None) -> CategoryIds:
    """What the ids mean that a shop gives as categories, where no model is asked: in its own taxonomy, else by the names in
    the maps that come with the package. Raises `SchemaError`.
    """
    maps = [path for folder in sorted(SHIPPED.iterdir()) for path in category_maps(folder)]
    return CategoryIds(None if taxonomy is None else load_taxonomy(taxonomy), tuple(maps))


def copy_category_maps(source: Path, target: Path) -> None:
    """Give the maps of one checkpoint to another that was made from it."""
    for path in category_maps(source):
        (target / CATEGORY_MAPS).mkdir(exist_ok=True)
        shutil.copyfile(path, target / CATEGORY_MAPS / path.name)


def revision_of(folder: Path) -> str:
    """Twelve hex digits that change with the weights, the memory and the known kinds of a checkpoint."""
    digest = hashlib.sha256()
    for path in [*sorted(folder.glob("*.safetensors")), *(folder / name for name in (MEMORY_FILE, KINDS_FILE))]:
        if not path.is_file():
            continue
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:12]


def count_parameters(folder: Path) -> dict[str, int]:
    """Parameters by the first part of their name, from the headers of the safetensors files."""
    counts: Counter[str] = Counter()
    for path in sorted(folder.glob("*.safetensors")):
        for name, tensor in _read_header(path).items():
            size = 1
            for length in tensor["shape"]:
                size *= length
            counts[_part(name)] += size
    return dict(counts)


def count_remembered(folder: Path) -> int:
    """Products in a checkpoint's memory, from the header of its file."""
    path = folder / MEMORY_FILE
    return int(_read_header(path)["keys"]["shape"][0]) if path.is_file() else 0


def _part(name: str) -> str:
    """'model.language_model.layers.0...' -> 'language_model'."""
    parts = [part for part in name.split(".") if part != "model"]
    return parts[0] if parts else name


def _read_header(path: Path) -> dict[str, Any]:
    """A safetensors file begins with the length of a JSON header (8 bytes, little-endian) and that header."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > path.stat().st_size:
                raise ValueError("its header is longer than the file")
            header: dict[str, Any] = json.loads(file.read(length))
    except (OSError, ValueError, struct.error) as error:
        raise ModelError(
            f"{path}: is not a safetensors file, or cut off ({first_line(error)}); get it again"
        ) from error
    header.pop("__metadata__", None)
    return header


def read_config(folder: Path) -> dict[str, Any]:
    """`config.json` as it stands."""
    path = folder / "config.json"
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: can't be read ({first_line(error)}); get the checkpoint again") from error
    return config
