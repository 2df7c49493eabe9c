"""Is a garment's season seen in it, or read from how large its picture is stored?

    python experiments/resolution_leak/run.py --data ../shared/data

Prints, of the fashion products: the seasons of the training photos by the size at which they are stored; how often a model
is right about season and year on test that knows nothing of a photo but that size; and what nano says of test photos that
are stored larger than 60x80, as they are and brought down to that, by its confidence. `--without-nano` leaves the last out.
"""

from __future__ import annotations

import argparse
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

from pumgpt.backends.load import load_backend
from pumgpt.bench.stats.intervals import proportion
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import AttributeField, Understanding
from pumgpt.errors import BackendError
from pumgpt.understand.ask import understand
from pumgpt.understand.intake import Intake
from pumgpt.understand.plan import make_plan

FIELDS = ("season", "year")
SMALL = (60, 80)
"""The size of three quarters of the photos."""
CONFIDENCES = ((0.0, 0.5), (0.5, 0.9), (0.9, 1.01))
BATCH = 32
Size = tuple[int, int]


@dataclass(frozen=True)
class StoredPhoto:
    """A photo as its file has it, and its product's labels."""

    size: Size
    labels: Mapping[str, str]
    content: bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--limit", type=int, default=300, help="photos that the model is asked about")
    parser.add_argument("--without-nano", action="store_true")
    options = parser.parse_args()
    # Labels and sizes are enough of the training photos; their bytes would fill the memory.
    train = [(photo.size, photo.labels) for photo in read_photos(options.data, "train")]
    test = list(read_photos(options.data, "test"))
    report_sizes(train)
    report_size_only(train, test)
    if not options.without_nano:
        # Of a photo that is small already nothing changes.
        large = [photo for photo in test if photo.size[0] * photo.size[1] > SMALL[0] * SMALL[1]]
        print(f"{len(large)} of {len(test):,} test photos are stored larger than {SMALL[0]}x{SMALL[1]}")
        report_model(options.model, large[:: max(1, len(large) // options.limit)][: options.limit])


def read_photos(data: Path, split: str) -> Iterator[StoredPhoto]:
    for path in sorted((data / "fashion").glob(f"{split}-*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(batch_size=512, columns=["attributes", "image"]):
            for row in batch.to_pylist():
                # The header alone: decoding would take minutes and add nothing.
                size = Image.open(io.BytesIO(row["image"]["bytes"])).size
                labels = {pair["name"]: pair["value"] for pair in row["attributes"] or ()}
                yield StoredPhoto(size, labels, row["image"]["bytes"])


def report_sizes(train: Sequence[tuple[Size, Mapping[str, str]]]) -> None:
    """Which seasons the training photos of each size have."""
    counts: dict[Size, Counter[str]] = {}
    for size, labels in train:
        if "season" in labels:
            counts.setdefault(size, Counter())[labels["season"]] += 1
    print(f"season by stored size, {len(train):,} training photos")
    for size, seasons in sorted(counts.items(), key=lambda pair: -pair[1].total())[:4]:
        shares = ", ".join(f"{name} {count / seasons.total():.3f}" for name, count in seasons.most_common())
        print(f"  {size[0]}x{size[1]} ({seasons.total():,}): {shares}")


def report_size_only(train: Sequence[tuple[Size, Mapping[str, str]]], test: Sequence[StoredPhoto]) -> None:
    """Always the most frequent label of the size, beside the most frequent one of all."""
    for field in FIELDS:
        labelled = [(size, labels[field]) for size, labels in train if field in labels]
        by_size: dict[Size, Counter[str]] = {}
        for size, label in labelled:
            by_size.setdefault(size, Counter())[label] += 1
        ((constant, _),) = Counter(label for _, label in labelled).most_common(1)
        answers = {size: counts.most_common(1)[0][0] for size, counts in by_size.items()}
        asked = [photo for photo in test if field in photo.labels]
        knows = proportion([answers.get(photo.size, constant) == photo.labels[field] for photo in asked])
        blind = proportion([constant == photo.labels[field] for photo in asked])
        print(f"{field} on test, by the size alone {knows}; always {constant} {blind}")


def report_model(name: str, photos: Sequence[StoredPhoto]) -> None:
    """What the model says of photos as they are stored, and of the same photos brought down to `SMALL`."""
    stored = [Image.open(io.BytesIO(photo.content)).convert("RGB") for photo in photos]
    small = [photo.resize(SMALL, Image.Resampling.LANCZOS) for photo in stored]
    backend = load_backend(name)
    plan = make_plan(backend, tasks=["attributes"], precision=0)

    def fill(pictures: Sequence[Image.Image]) -> list[Understanding]:
        intakes = [Intake(Product(str(number)), (picture,)) for number, picture in enumerate(pictures)]
        starts = range(0, len(intakes), BATCH)
        return [answered(one) for start in starts for one in understand(backend, plan, intakes[start : start + BATCH])]

    as_stored, shrunk = fill(stored), fill(small)
    print(f"{name} {backend.revision}, {len(photos)} of these photos, every field filled")
    for field in [one.name for one in as_stored[0].attributes or ()]:
        pairs = [(value_of(one, field), value_of(other, field)) for one, other in zip(as_stored, shrunk, strict=True)]
        report_field(field, pairs, [photo.labels.get(field) for photo in photos])


def report_field(
    name: str, pairs: Sequence[tuple[AttributeField, AttributeField]], labels: Sequence[str | None]
) -> None:
    for what, side in (("as stored", 0), ("brought down", 1)):
        answers = [pair[side].value for pair in pairs]
        verdicts = [answer == label for answer, label in zip(answers, labels, strict=True) if label is not None]
        said = ", ".join(f"{value} {count}" for value, count in Counter(map(str, answers)).most_common(4))
        print(f"  {name}, {what}: right {proportion(verdicts)}; said {said}")
    print(f"  {name}, changed: {proportion([one.value != other.value for one, other in pairs])}")
    for low, high in CONFIDENCES:
        within = [one.value != other.value for one, other in pairs if low <= (one.confidence or 0.0) < high]
        print(f"    at a confidence of {low:g} to {min(high, 1.0):g}: {proportion(within)}", flush=True)


def answered(record: Understanding | BackendError) -> Understanding:
    """Raises the error that stands in a record's place: a figure must not leave photos out."""
    if isinstance(record, BackendError):
        raise record
    return record


def value_of(record: Understanding, name: str) -> AttributeField:
    return next(one for one in record.attributes or () if one.name == name)


if __name__ == "__main__":
    main()
