"""Groups by pairs, held against walking through the pairs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pumgpt.catalog.groups import DisjointSets

_PAIRS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=20)


@given(_PAIRS)
def test_groups_are_what_can_be_reached(pairs: list[tuple[int, int]]) -> None:
    sets = DisjointSets[int]()
    for a, b in pairs:
        sets.join(a, b)
    reached = {member: {member} for pair in pairs for member in pair}
    for _ in reached:
        for a, b in pairs:
            together = reached[a] | reached[b]
            for member in together:
                reached[member] = together
    expected = sorted({tuple(sorted(group)) for group in reached.values()})
    assert list(sets.groups()) == expected
    assert all(sets.find(member) == min(group) for member, group in reached.items())
    assert set(sets) == set(reached)
