"""Categories that name their parents, as paths. One that hangs from itself, or from nothing, has no path: it is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from pumgpt.catalog.vocabulary.taxonomy import CategoryPath


@dataclass(frozen=True)
class Tree:
    """`names` and `parents` by id; a root has no parent."""

    names: Mapping[str, str]
    parents: Mapping[str, str]

    def paths(self) -> Iterator[tuple[str, CategoryPath]]:
        """(id, path) of every category that hangs from a root, in the order of `names`."""
        for id_ in self.names:
            ancestors = self._ancestors(id_)
            if ancestors is not None:
                yield id_, tuple(self.names[ancestor] for ancestor in reversed(ancestors))

    @cached_property
    def troubles(self) -> list[str]:
        """What was left out, one line for each kind."""
        circle = next((found for id_ in self.names if (found := self._circle(id_))), None)
        lost = [id_ for id_ in self.names if self._ancestors(id_) is None]
        orphans = [id_ for id_ in lost if self._missing_parent(id_) is not None]
        found = []
        if circle is not None:
            shown = " > ".join(self.names[id_] for id_ in (*circle, circle[0]))
            found.append(
                f"{len(lost) - len(orphans)} categories stand in a circle, or below one, and are left out ({shown}); "
                "mend their parents"
            )
        if orphans:
            missing = self._missing_parent(orphans[0])
            found.append(
                f"{len(orphans)} categories hang from a parent that isn't there, and are left out ('{missing}' of "
                f"'{self.names[orphans[0]]}'); mend their parents"
            )
        return found

    def _climb(self, id_: str) -> list[str]:
        """A category and what lies above it, until a root, a gap, or itself again."""
        seen: dict[str, None] = {}
        at: str | None = id_
        while at is not None and at not in seen and at in self.names:
            seen[at] = None
            at = self.parents.get(at)
        return list(seen)

    def _ancestors(self, id_: str) -> list[str] | None:
        climbed = self._climb(id_)
        return climbed if climbed[-1] not in self.parents else None

    def _missing_parent(self, id_: str) -> str | None:
        parent = self.parents.get(self._climb(id_)[-1])
        return parent if parent is not None and parent not in self.names else None

    def _circle(self, id_: str) -> list[str] | None:
        climbed = self._climb(id_)
        parent = self.parents.get(climbed[-1])
        return list(reversed(climbed[climbed.index(parent) :])) if parent in climbed else None
