"""How a curation is done, before anything is loaded: the same in this process and in every worker of Ray."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from pumgpt.catalog.formats.base import CatalogReader
from pumgpt.catalog.formats.jsonl import JSON_LINES
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.download import PhotoDownloads
from pumgpt.curation.cascade import Cascade
from pumgpt.curation.curator import Curator, Source
from pumgpt.curation.experts.registry import FOR_PHOTOS, Tools, fingerprint, make_experts
from pumgpt.curation.fusion import Fusion
from pumgpt.curation.listing import Failing
from pumgpt.jobs.journal import Fingerprint


@dataclass(frozen=True)
class CurationRecipe:
    """Which experts judge which catalogue, and what becomes of values that fail; it can be pickled."""

    in_path: Path
    out_path: Path
    experts: tuple[str, ...]
    tools: Tools = field(default_factory=Tools)
    failing: Failing = Failing.DROP
    fusion: Fusion = field(default_factory=Fusion.load)
    allow_private_urls: bool = False
    """Whether photos may be fetched from this machine's own network."""

    def open(self, reader: CatalogReader | None = None) -> Source:
        """The catalogue, with the columns that hold attributes; `reader` where it is open already."""
        schema = self.tools.schema
        names = frozenset(name.casefold() for name in schema.names) if schema else frozenset[str]()
        return Source(reader or read_catalog(self.in_path), names)

    @property
    def fingerprint(self) -> Fingerprint:
        return {
            **fingerprint(self.experts, self.tools),
            "fusion": hashlib.sha256(repr(self.fusion).encode()).hexdigest()[:16],
            "setting of --values": str(self.failing),
        }

    @property
    def _in_place(self) -> bool:
        return self.out_path.suffix.lower() in JSON_LINES

    @property
    def answers_path(self) -> Path:
        """Where a run leaves the verdicts of each row, as JSON lines."""
        return self.out_path if self._in_place else self.out_path.with_name(f"{self.out_path.name}.answers.jsonl")

    def make(self, source: Source | None = None) -> Curator:
        """Load the experts. Without a `source` the catalogue is opened anew, as workers of Ray do: a reader doesn't travel."""
        cascade = Cascade(make_experts(self.experts, self.tools), self.fusion, for_photos=FOR_PHOTOS)
        downloads = PhotoDownloads(allow_private=self.allow_private_urls)
        return Curator(cascade, source or self.open(), self.failing, whole_records=self._in_place, downloads=downloads)
