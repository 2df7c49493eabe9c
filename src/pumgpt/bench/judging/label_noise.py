"""What the labels themselves get wrong: products that show the same photo and are labelled otherwise.

No model that sees only the photo can be right about all of them. The share that it can be right about at best is the
ceiling of a suite. The products that baselines are fitted on count too: they are labelled by the same hands, and there
are more of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pumgpt.bench.stats.intervals import Measured, wilson
from pumgpt.bench.suites.items import Item
from pumgpt.tasks.evaluation import CATEGORY, Values, plain


@dataclass(frozen=True, slots=True)
class Ceiling:
    """One field, over the products that state it."""

    field: str
    asked: Measured
    """The best accuracy that the photo allows on the products that are asked about."""
    same_photo: Measured
    """The same over all products that share their photo with another one: what to expect if all photos were labelled as
    those are."""
    groups: int
    """Groups of identical photos whose labels conflict."""


@dataclass(frozen=True)
class LabelNoise:
    """Groups of products by their photos. `items` are asked about, `others` labelled too; `fields` are those that count."""

    items: Sequence[Item]
    others: Sequence[Item] = ()
    fields: tuple[str, ...] = ()

    @cached_property
    def groups(self) -> list[list[Item]]:
        """Products that share a photo with another; of products only, not of drawn pictures."""
        by_photo: dict[str, list[Item]] = {}
        for item in (*self.items, *self.others):
            if item.origin == "product" and item.photo_hash:
                by_photo.setdefault(item.photo_hash, []).append(item)
        return [group for group in by_photo.values() if len(group) > 1]

    @cached_property
    def conflicts(self) -> list[tuple[list[Item], list[str]]]:
        """Groups whose labels disagree, each with the fields that do."""
        disputed = [(group, [f for f in self.fields if len(_labels(group, f)) > 1]) for group in self.groups]
        return [(group, fields) for group, fields in disputed if fields]

    def other_labels(self, product: str, field: str) -> set[Values]:
        """The labels of products with the same photo, where they differ."""
        return self._others.get((product, field), set())

    @cached_property
    def _others(self) -> dict[tuple[str, str], set[Values]]:
        # For all products at once, since it is looked up for every wrong answer.
        return {
            (item.product.id, field): set(_labels(group, field)) - {plain(item.fields.get(field, ()))}
            for group, fields in self.conflicts
            for field in fields
            for item in group
        }

    def ceilings(self) -> list[Ceiling]:
        """One for each field that some product states."""
        by_photo: dict[str, list[Item]] = {}
        for item in self.items:
            if item.origin == "product":
                # A product without a photo hash is a group of its own.
                by_photo.setdefault(item.photo_hash or item.product.id, []).append(item)
        ceilings = []
        for field in self.fields:
            asked = _best([_labels(group, field) for group in by_photo.values()])
            shared = [_labels(group, field) for group in self.groups]
            # Where one product of a group states the field, nothing could conflict with it.
            same_photo = _best([labels for labels in shared if labels.total() > 1])
            if asked.count:
                num_conflicts = sum(field in fields for _, fields in self.conflicts)
                ceilings.append(Ceiling(field, asked, same_photo, num_conflicts))
        return ceilings


def _labels(group: Iterable[Item], field: str) -> Counter[Values]:
    """How often each value of a field is stated, capitals aside."""
    return Counter(plain(item.fields[field]) for item in group if field in item.fields)


def _best(groups: Sequence[Counter[Values]]) -> Measured:
    """The accuracy of the most frequent label of each photo."""
    # A model gives one answer to one photo: the best that it can do is the answer that most labels agree on.
    return wilson(sum(max(labels.values(), default=0) for labels in groups), sum(labels.total() for labels in groups))


def stated_fields(items: Iterable[Item], asked: Mapping[str, object]) -> list[str]:
    """The fields among `asked` that some product states, the category first."""
    names = dict.fromkeys(name for item in items for name in item.fields if name in asked)
    return sorted(names, key=lambda name: name != CATEGORY)
