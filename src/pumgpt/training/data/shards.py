"""From a curated catalogue to training data: conversations in Parquet shards that `datasets` and `pumgpt train` read.

    summary = write_shards([Path("curated.jsonl")], Path("shards"), ShardRecipe(open_domain=Path("captions.jsonl")))

There are two passes over the catalogue. First listings that look like one (equal content, photo or title, or the same group
id) are joined to groups, and categories and values are counted. Then every product becomes conversations:

- a whole group is in `train` or in `validation`, so that nothing is learned that is asked about later;
- of frequent categories some products are passed by, those of rare ones come several times, with other questions;
- the task that is furthest behind its share is the likeliest to be asked next;
- where the schema has translations, some attributes are asked for and answered in another language;
- between the products stand conversations about open-domain photos, as many as were asked for.

Beside `messages`, in the form of chat templates, each row keeps the product's own columns, so that `pumgpt train` draws questions
of its own, anew in each epoch. The same catalogue, recipe and seed give the same files.
"""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pumgpt.catalog.conversations import Conversation
from pumgpt.catalog.formats.base import CatalogReader
from pumgpt.catalog.formats.column_map import ColumnMap
from pumgpt.catalog.formats.registry import open_catalog
from pumgpt.catalog.photos.decode import Fetch, open_photo, read_photo
from pumgpt.catalog.product import Product
from pumgpt.catalog.vocabulary.category_ids import CategoryIds
from pumgpt.catalog.vocabulary.schema import AttributeSchema
from pumgpt.errors import CatalogError, PhotoError, UsageError
from pumgpt.tasks.base import Example
from pumgpt.tasks.context import TaskContext
from pumgpt.tasks.mixture import MixtureWeights, default_tasks, draw_examples
from pumgpt.tasks.registry import TASKS
from pumgpt.training.data.survey import Survey

SPLITS = ("train", "validation")
OPEN_DOMAIN = MixtureWeights(tasks={"caption": 0.7, "caption_completion": 0.3}, listing={"absent": 1.0})
ROWS_AT_ONCE = 200

_MESSAGE = pa.struct(
    [("role", pa.string()), ("content", pa.list_(pa.struct([("type", pa.string()), ("text", pa.string())])))]
)
_PHOTO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_COLUMNS = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("group", pa.string()),
        ("title", pa.string()),
        ("description", pa.string()),
        ("category", pa.list_(pa.string())),
        ("attributes", pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))),
        ("images", pa.list_(_PHOTO)),
        ("tasks", pa.list_(pa.string())),
        ("messages", pa.list_(_MESSAGE)),
    ]
)
"""The columns of a shard. `tasks` names the task of each question, `group` what must not be torn apart."""


def _feature(kind: pa.DataType) -> Any:
    """A column's type as `datasets` writes it. A list in brackets, which the releases before 4.0 read too."""
    if kind == _PHOTO:
        return {"_type": "Image"}
    if pa.types.is_list(kind):
        return [_feature(kind.value_type)]
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    return {"dtype": str(kind), "_type": "Value"}


# With this `datasets` gives photos as pictures, not as their bytes.
_FEATURES = {"info": {"features": {field.name: _feature(field.type) for field in _COLUMNS}}}
SCHEMA = _COLUMNS.with_metadata({"huggingface": json.dumps(_FEATURES)})


@dataclass(frozen=True)
class ShardRecipe:
    """What shards are made of. Shares are 0 to 1; raises `UsageError` for others."""

    held_out: float = 0.05
    """Share of the groups that become `validation`."""
    open_domain: Path | None = None
    """Photos of anything, with a caption as the title, or one on each line of the description."""
    open_domain_share: float = 0.2
    """Its share of the rows of `train`."""
    questions: int = 4
    """The most that one conversation asks."""
    evenness: float = 0.5
    """0 leaves categories as frequent as they are, 1 makes all alike, as far as `survey.MOST_COPIES` allows."""
    other_languages: float = 0.2
    """Share of the attribute questions in another language, of those that the schema translates."""
    tasks: Mapping[str, float] = field(default_factory=default_tasks)
    rows_per_shard: int = 5000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("held_out", "open_domain_share", "evenness", "other_languages"):
            if not 0 <= getattr(self, name) <= 1 or (name == "open_domain_share" and self.open_domain_share == 1):
                raise UsageError(f"{name.replace('_', '-')} must be a share from 0 to 1, not {getattr(self, name)}")


@dataclass
class ShardSummary:
    """What was written, by split, and what wasn't."""

    rows: Counter[str] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)
    """Questions of `train` by task, open-domain ones left out."""
    open_domain: int = 0
    groups: int = 0
    """Groups of more than one listing."""
    left_out: int = 0
    """Rows that can't be read, or whose photo can't, or that have nothing to teach."""
    files: list[Path] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    """What the user should know of the catalogues as a whole."""


def write_shards(
    catalogs: Sequence[Path],
    out: Path,
    recipe: ShardRecipe,
    schema: AttributeSchema | None = None,
    fetch: Fetch | None = None,
    column_map: ColumnMap | None = None,
    category_ids: CategoryIds | None = None,
    progress: Callable[[ShardSummary], None] = lambda summary: None,
) -> ShardSummary:
    """Write `out/train-00000.parquet`, ... and `out/validation-00000.parquet`, ...; the folder appears when all is there.

    Raises `CatalogError` where a catalogue can't be read, where `out` has something in it already, or where nothing in the
    catalogues can be taught.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise CatalogError(f"{out}: is there already; name another folder, or empty it")
    survey = Survey(schema)
    readers = [open_catalog(path, column_map, category_ids) for path in catalogs]
    for key, product in _products(readers):
        survey.add(key, product, fetch)
    survey.close()
    # Who watches the folder must not take half a set for a whole one.
    unfinished = out.with_name(f"{out.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    summary = ShardSummary(groups=len(set(survey.group_of.values())))
    writers = {split: _Shards(unfinished, split, recipe.rows_per_shard) for split in SPLITS}
    others = _OpenDomain(recipe, fetch)
    try:
        for split, row in _rows(_products(readers), survey, recipe, schema, fetch, summary):
            writers[split].write(row)
            summary.rows[split] += 1
            if split == "train":
                for other in others.due(summary.rows["train"]):
                    writers["train"].write(other)
                    summary.rows["train"] += 1
                    summary.open_domain += 1
            progress(summary)
    finally:
        for writer in writers.values():
            writer.close()
    if not summary.rows:
        shutil.rmtree(unfinished)
        raise CatalogError(
            f"{', '.join(map(str, catalogs))}: nothing to teach: no row has a title, category or attributes"
        )
    if out.exists():
        out.rmdir()
    unfinished.rename(out)
    summary.warnings = [warning for reader in readers for warning in reader.warnings]
    summary.files = [out / file.name for writer in writers.values() for file in writer.files]
    return summary


def _products(readers: Sequence[CatalogReader]) -> Iterator[tuple[str, Product]]:
    """All products, each with a name that no other has."""
    for number, reader in enumerate(readers):
        for row in reader:
            if isinstance(row, Product):
                yield f"{number}/{row.id}", row


def _rows(
    products: Iterable[tuple[str, Product]],
    survey: Survey,
    recipe: ShardRecipe,
    schema: AttributeSchema | None,
    fetch: Fetch | None,
    summary: ShardSummary,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Split and row of all conversations about products."""
    context, behind = survey.context, {split: _Behind(recipe.tasks) for split in SPLITS}
    for key, product in products:
        group = survey.group_of.get(key, key)
        split = "validation" if _chance(recipe.seed, "split", group) < recipe.held_out else "train"
        # Validation stays as it is in the catalogue: it measures, it doesn't teach.
        wanted = survey.copies(product.category, recipe.evenness) if split == "train" else 1.0
        copies = int(wanted) + (_chance(recipe.seed, "copies", key) < wanted % 1)
        try:
            photos = [{"bytes": read_photo(ref, fetch=fetch), "path": None} for ref in product.images] if copies else []
            # Bytes that came are no photo yet.
            for ref in product.images if copies else ():
                open_photo(ref, at_least_px=64, fetch=fetch)
        except PhotoError:
            summary.left_out += 1
            continue
        for copy in range(copies):
            # Of its own, so that one more product in the catalogue changes no other's questions.
            rng = random.Random(f"{recipe.seed} {key} {copy}")
            weights = MixtureWeights(tasks=behind[split].weights())
            listing, examples = draw_examples(product, context, rng, weights, recipe.questions)
            if not examples:
                summary.left_out += 1
                break
            behind[split].count(examples)
            turns = [_turn(example, product, schema, rng, recipe.other_languages) for example in examples]
            if split == "train":
                summary.tasks.update(example.question.task for example in examples)
            yield (
                split,
                _row(product, group, photos, examples, Conversation(product.id, product.images, tuple(turns), listing)),
            )


class _Behind:
    """How far each task is behind its share of the questions."""

    def __init__(self, shares: Mapping[str, float]) -> None:
        whole = sum(shares.values())
        self._shares = {task: share / whole for task, share in shares.items() if share > 0}
        self._counts: Counter[str] = Counter()

    def weights(self) -> dict[str, float]:
        asked = sum(self._counts.values()) + 1
        return {task: max(share * asked - self._counts[task], 0.01 * share) for task, share in self._shares.items()}

    def count(self, examples: Iterable[Example]) -> None:
        self._counts.update(example.question.task for example in examples)


def _turn(
    example: Example, product: Product, schema: AttributeSchema | None, rng: random.Random, share: float
) -> tuple[str, str]:
    """Question and answer, now and then in another language: of one that the template doesn't speak the attribute's name asks."""
    question = example.question
    spec = schema.get(question.field) if schema is not None and question.field else None
    if spec is None or question.task != "attribute_qa" or rng.random() >= share:
        return question.text, example.answer
    spoken = [
        (language, spec.names[language], values[example.answer])
        for language, values in sorted(spec.translations.items())
        if language in spec.names and example.answer in values
    ]
    if not spoken:
        return question.text, example.answer
    language, name, answer = rng.choice(spoken)
    return TASKS[question.task].template.draw_in(language, rng, name=name) or f"{name}?", answer


def _row(
    product: Product, group: str, photos: list[dict[str, Any]], examples: Sequence[Example], conversation: Conversation
) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    for number, (question, answer) in enumerate(conversation.shown):
        shown = [{"type": "image", "text": None} for _ in photos] if number == 0 else []
        messages.append({"role": "user", "content": [*shown, {"type": "text", "text": question}]})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    values = (product.attributes or {}).items()
    listed = [(name, one) for name, value in values for one in ([value] if isinstance(value, str) else value)]
    return {
        "id": product.id,
        "source": product.source,
        "group": group,
        "title": product.title,
        "description": product.description,
        "category": None if product.category is None else list(product.category),
        "attributes": [{"name": name, "value": value} for name, value in listed],
        "images": photos,
        "tasks": [example.question.task for example in examples],
        "messages": messages,
    }


class _OpenDomain:
    """Conversations about photos of anything, in turn, begun again after the last."""

    def __init__(self, recipe: ShardRecipe, fetch: Fetch | None) -> None:
        self._recipe, self._written = recipe, 0
        self._rows = iter(()) if recipe.open_domain is None else self._endless(recipe.open_domain, fetch)

    def due(self, written: int) -> Iterator[dict[str, Any]]:
        """As many rows as keep the share, after `written` rows, these included."""
        share = self._recipe.open_domain_share
        products = written - self._written
        count = max(int(products * share / (1 - share)) - self._written, 0)
        for row in islice(self._rows, count):
            self._written += 1
            yield row

    def _endless(self, path: Path, fetch: Fetch | None) -> Iterator[dict[str, Any]]:
        # A round has its own captions and questions; a photo with several captions thus shows them all in time.
        for round_ in cycle(range(1_000_000)):
            found = False
            for key, product in _products([open_catalog(path)]):
                rng = random.Random(f"{self._recipe.seed} open {key} {round_}")
                captions = [line.strip() for line in (product.title or product.description or "").splitlines()]
                titled = replace(product, title=rng.choice(list(filter(None, captions)) or [""]), description=None)
                _, examples = draw_examples(titled, TaskContext(), rng, OPEN_DOMAIN, 1)
                try:
                    photos = [{"bytes": read_photo(ref, fetch=fetch), "path": None} for ref in product.images]
                except PhotoError:
                    continue
                if examples and photos:
                    found = True
                    turns = tuple((example.question.text, example.answer) for example in examples)
                    yield _row(titled, f"open/{product.id}", photos, examples, Conversation(product.id, (), turns))
            if not found:
                raise CatalogError(
                    f"{path}: has no photo with a caption as title or description; name another open-domain file"
                )


class _Shards:
    """One split, file by file."""

    def __init__(self, folder: Path, split: str, rows_per_shard: int) -> None:
        self.files: list[Path] = []
        self._folder, self._split, self._most = folder, split, rows_per_shard
        self._waiting: list[dict[str, Any]] = []
        self._writer: pq.ParquetWriter | None = None
        self._in_file = 0

    def write(self, row: dict[str, Any]) -> None:
        self._waiting.append(row)
        self._in_file += 1
        if len(self._waiting) >= ROWS_AT_ONCE or self._in_file >= self._most:
            self._flush()
        if self._in_file >= self._most:
            self.close()

    def close(self) -> None:
        self._flush()
        if self._writer is not None:
            self._writer.close()
        self._writer, self._in_file = None, 0

    def _flush(self) -> None:
        if not self._waiting:
            return
        if self._writer is None:
            self.files.append(self._folder / f"{self._split}-{len(self.files):05}.parquet")
            self._writer = pq.ParquetWriter(self.files[-1], SCHEMA)
        self._writer.write_table(pa.Table.from_pylist(self._waiting, schema=SCHEMA))
        self._waiting = []


def _chance(seed: int, what: str, key: str) -> float:
    """A number from 0 to 1 that belongs to this key alone."""
    return int.from_bytes(blake2b(f"{seed} {what} {key}".encode(), digest_size=8).digest(), "big") / 2**64
