"""What a measurement hands to a model: photos, and a title where the condition says so; nothing that tells the answer.

Ids are row numbers, file names and sources are left out: in some sets they hold the label.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL.Image import Image

from pumgpt.bench.baselines.predictions import Prediction
from pumgpt.bench.suites.sets import IMAGE_ONLY, Condition, MeasuredSet
from pumgpt.bench.suites.truth import complete_path

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@dataclass(frozen=True, slots=True)
class Prepared:
    """A set made ready: what the model gets, what is true of it, and how its products were called."""

    photos: Path
    titled: Path
    truth: Path
    original_ids: tuple[str, ...]

    def input_for(self, condition: Condition) -> Path:
        return self.photos if condition == IMAGE_ONLY else self.titled

    def renumber(self, predictions: Mapping[str, Prediction]) -> dict[str, Prediction]:
        """Predictions by original id, by row number."""
        pairs = ((str(row), predictions.get(original)) for row, original in enumerate(self.original_ids))
        return {row: prediction for row, prediction in pairs if prediction is not None}


def prepare(measured: MeasuredSet, data: Path, folder: Path, limit: int | None = None) -> Prepared:
    """Write the inputs of a set and its truth to `folder`; the first `limit` products only where that is given."""
    table = pa.concat_tables([pq.read_table(file) for file in measured.test_files(data)]).slice(0, limit)
    rows = pa.array([str(row) for row in range(table.num_rows)])
    images = pa.array([_anonymous(image) for image in table["image"].to_pylist()], _IMAGE)
    known = _known_paths(measured.train_files(data))
    categories = [complete_path(tuple(path), known) if path else None for path in table["category"].to_pylist()]
    folder.mkdir(parents=True, exist_ok=True)
    prepared = Prepared(
        folder / f"{measured.name}-photos.parquet",
        folder / f"{measured.name}-titled.parquet",
        folder / f"{measured.name}-truth.parquet",
        tuple(table["id"].to_pylist()),
    )
    pq.write_table(pa.table({"id": rows, "image": images}), prepared.photos)
    pq.write_table(pa.table({"id": rows, "title": table["title"], "image": images}), prepared.titled)
    truth = {
        "id": rows,
        "title": table["title"],
        "category": pa.array(categories, pa.list_(pa.string())),
        "attributes": table["attributes"],
    }
    pq.write_table(pa.table(truth), prepared.truth)
    return prepared


def _known_paths(files: Iterable[Path]) -> set[tuple[str, ...]]:
    columns = (pq.read_table(file, columns=["category"])["category"] for file in files)
    return {tuple(path) for column in columns for path in column.to_pylist() if path}


def _anonymous(image: dict[str, Any] | None) -> dict[str, Any] | None:
    return {"bytes": image["bytes"], "path": None} if image else None


def write_photos(pictures: Iterable[Image], path: Path) -> Sequence[str]:
    """Write drawn pictures as a catalogue without any text; gives the ids."""
    encoded = []
    for picture in pictures:
        buffer = io.BytesIO()
        picture.convert("RGB").save(buffer, "PNG")
        encoded.append({"bytes": buffer.getvalue(), "path": None})
    ids = [str(row) for row in range(len(encoded))]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": ids, "image": pa.array(encoded, _IMAGE)}), path)
    return ids
