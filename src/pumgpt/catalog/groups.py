"""Things that hang together by pairs: listings of one product, variants of one item."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

Key = TypeVar("Key", int, str)


class DisjointSets(Generic[Key]):
    """Sets that grow together as pairs are joined (union-find). A set is known by its smallest member."""

    def __init__(self) -> None:
        self._parents: dict[Key, Key] = {}

    def join(self, first: Key, second: Key) -> None:
        """Make the sets of two members one. A member that wasn't there yet is a set of its own before."""
        smaller, larger = sorted((self.find(first), self.find(second)))
        self._parents[larger] = smaller

    def find(self, member: Key) -> Key:
        """The smallest member of the set that `member` is in."""
        parents = self._parents
        while parents.setdefault(member, member) != member:
            # Point every second member at its grandparent: chains stay short however the pairs come.
            parents[member] = parents[parents[member]]
            member = parents[member]
        return member

    def __iter__(self) -> Iterator[Key]:
        """All members, in the order in which they came."""
        return iter(tuple(self._parents))

    def groups(self) -> Iterator[tuple[Key, ...]]:
        """The sets, each sorted, ordered by their smallest member."""
        found: dict[Key, list[Key]] = {}
        for member in sorted(self._parents):
            found.setdefault(self.find(member), []).append(member)
        yield from map(tuple, found.values())
