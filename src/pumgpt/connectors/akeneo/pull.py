"""Products out of Akeneo, into a folder that `pumgpt enrich` reads.

    products.jsonl     one product a line, with words for codes
    photos/            the media files that the products show
    schema.yaml        the attributes to fill, for --schema
    taxonomy.csv       the categories with their codes, for --taxonomy

One page of products is in memory at a time. An interrupted run goes on behind its last whole page.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pumgpt.catalog.formats.base import RejectedRow
from pumgpt.connectors.akeneo.client import AkeneoClient, Item
from pumgpt.connectors.akeneo.config import AkeneoConfig
from pumgpt.connectors.akeneo.structure import IMAGE, TEXTS, AkeneoAttribute, Structure
from pumgpt.connectors.akeneo.values import ProductModels, ValueReader
from pumgpt.errors import PhotoError
from pumgpt.jobs.journal import RunJournal
from pumgpt.jobs.summary import RunSummary

PRODUCTS, PHOTOS, SCHEMA, TAXONOMY = "products.jsonl", "photos", "schema.yaml", "taxonomy.csv"


@dataclass
class PullSummary(RunSummary):
    """The result of `pull` in numbers. `missing_photos` couldn't be downloaded; their products are there without them."""

    photos: int = 0
    missing_photos: int = 0

    counted: ClassVar[tuple[str, ...]] = ("rows", "photos", "missing_photos", "rejected")

    def to_json(self) -> dict[str, object]:
        return {**self.counts, **super().to_json()}


class PullJournal(RunJournal[PullSummary]):
    """The journal of a pull. What it has done up to is a place in Akeneo's list, not a row of a file."""

    summary_type = PullSummary

    @property
    def cursor(self) -> str | None:
        """The `search_after` of the next page; None before the first one."""
        return self.state.last_id

    def finish_page(self, cursor: str | None) -> None:
        """Keep the page. `cursor` is the next one's; None behind the last."""
        self.last_id = cursor
        self.commit(finished=cursor is None)


def pull(
    client: AkeneoClient,
    config: AkeneoConfig,
    folder: Path,
    *,
    restart: bool = False,
    warn: Callable[[str], None] = lambda line: None,
    progress: Callable[[PullSummary], None] = lambda summary: None,
) -> PullSummary:
    """Write the folder anew, or go on where an interrupted run stopped. `warn` gets a line for each missing photo.

    Raises `CatalogError` where Akeneo can't be asked, `UsageError` where the folder holds something else's products.
    """
    began = time.monotonic()
    structure = Structure.fetch(client, config)
    photos = folder / PHOTOS
    photos.mkdir(parents=True, exist_ok=True)
    # A shop that has no categories or no selects any more must not be read by its old ones.
    for path, write in ((folder / SCHEMA, structure.write_schema), (folder / TAXONOMY, structure.write_taxonomy)):
        if not write(path):
            path.unlink(missing_ok=True)
    asked = {"configuration": config.model_dump_json()}
    with PullJournal.open(folder / PRODUCTS, asked, restart) as journal:
        finished = journal.was_finished
    reader = ProductReader(config, structure, ProductModels(client))
    # A finished pull that is asked for again wants what is there now.
    with PullJournal.open(folder / PRODUCTS, asked, restart or finished) as journal:
        summary = journal.summary
        summary.warnings = list(structure.warnings)
        parameters = {"pagination_type": "search_after", "locales": config.locale}
        # Not `scope`: Akeneo then leaves out products without a category, which are the ones to fill.
        if journal.cursor is not None:
            parameters["search_after"] = journal.cursor
        try:
            for page in client.pages("/products", parameters):
                for item in page.items:
                    _write(journal, reader, item, client, folder, warn)
                journal.finish_page(None if page.next is None else page.next.get("search_after"))
                summary.seconds = time.monotonic() - began
                progress(summary)
        except KeyboardInterrupt:
            journal.rollback()
            summary = journal.summary
            summary.stopped = True
    return summary


def _write(
    journal: PullJournal,
    reader: ProductReader,
    item: Item,
    client: AkeneoClient,
    folder: Path,
    warn: Callable[[str], None],
) -> None:
    """One product and its photos."""
    summary = journal.summary
    record = reader.record(item)
    if not record["id"]:
        error = "has neither identifier nor uuid; give it an identifier in Akeneo"
        journal.reject(RejectedRow(summary.done + 1, None, error))
        return
    images = []
    for code in reader.photo_codes(item):
        place = f"{PHOTOS}/{_file_name(code)}"
        # Akeneo gives a media file that is replaced another code, so one that is here is the one that is there.
        if not (folder / place).exists():
            try:
                client.download(code, folder / place)
            except PhotoError as error:
                summary.missing_photos += 1
                warn(f"product {record['id']}: {error}")
                continue
        summary.photos += 1
        images.append(place)
    journal.write(str(record["id"]), {**record, "images": images})
    summary.rows += 1


@dataclass(frozen=True)
class ProductReader:
    """Reads Akeneo's products as records of a catalogue."""

    config: AkeneoConfig
    structure: Structure
    models: ProductModels

    def record(self, item: Item) -> Item:
        """One line of products.jsonl, but for its photos. `id` is None where nothing identifies the product."""
        item = self.models.inherited(item)
        values, reader = item.get("values") or {}, ValueReader(self.config, self.structure)
        title, description = self._title(item), self.structure.attributes.get(self.config.description or "description")
        category = self.structure.deepest(item.get("categories") or ())
        attributes = {
            attribute.name: text
            for code in values
            if (attribute := self.structure.attributes.get(code)) not in (None, title, description)
            and (text := reader.text(values, attribute))
        }
        return {
            "id": item.get("identifier") or item.get("uuid"),
            "title": None if title is None else reader.text(values, title),
            "description": None if description is None else reader.text(values, description),
            "category": list(category or ()),
            "attributes": attributes,
            "language": self.config.locale.partition("_")[0],
            **{name: item.get(name) for name in ("uuid", "family", "parent", "enabled", "categories", "updated")},
        }

    def photo_codes(self, item: Item) -> list[str]:
        """The media files of a product, the one that its family shows first."""
        item = self.models.inherited(item)
        attributes = self.structure.attributes
        codes = self.config.photos
        if codes is None:
            main = self._family(item).get("attribute_as_image")
            codes = tuple(
                sorted((a.code for a in attributes.values() if a.type == IMAGE), key=lambda code: code != main)
            )
        reader = ValueReader(self.config, self.structure)
        found = (reader.data(item.get("values") or {}, attributes[code]) for code in codes)
        return list(dict.fromkeys(code for code in found if isinstance(code, str)))

    def _title(self, item: Item) -> AkeneoAttribute | None:
        code = self.config.title or self._family(item).get("attribute_as_label") or ""
        attribute = self.structure.attributes.get(code)
        # The label of a family may be its identifier, which is no title.
        return attribute if attribute is not None and attribute.type in TEXTS else None

    def _family(self, item: Item) -> Mapping[str, str]:
        return self.structure.families.get(item.get("family") or "", {})


def _file_name(code: str) -> str:
    """A media file's code, '1/5/1/a/151adb_shirt.jpg', as one name that can't lead out of the folder."""
    name = re.sub(r"[^\w.-]+", "_", code).lstrip(".")
    # A long one keeps both ends: the code begins with a digest and ends with what it is.
    return name if len(name) <= 150 else name[:75] + name[-75:]
