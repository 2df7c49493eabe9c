"""The linear classifier of remembered products says what regularised least squares says, and forgets whom it is told to."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from pumgpt.backends.protocol import Choices
from pumgpt.backends.pumgpt.linear_probe import RIDGES, LinearProbe
from pumgpt.backends.pumgpt.memory import Memory

KEYS = F.normalize(torch.randn(40, 6, generator=torch.Generator().manual_seed(0)), dim=-1)
LABELS = torch.arange(40) % 3


def test_it_minimises_the_squared_error_with_a_penalty_on_its_weights() -> None:
    probe = LinearProbe.fit(KEYS, LABELS, 3, ridge=0.3)
    weight = probe.weight_DC.clone().requires_grad_()
    error = (F.pad(KEYS, (0, 1), value=1.0) @ weight - F.one_hot(LABELS, 3)).square().sum()
    (error + 0.3 * weight.square().sum()).backward()
    assert weight.grad is not None and weight.grad.abs().max() < 1e-4


def test_products_that_are_left_out_have_taught_nothing() -> None:
    probe, left_out = LinearProbe.fit(KEYS, LABELS, 3, RIDGES[0]), torch.tensor([4, 17, 30])
    rest = torch.ones(40, dtype=torch.bool)
    rest[left_out] = False
    without = LinearProbe.fit(KEYS[rest], LABELS[rest], 3, RIDGES[0])
    torch.testing.assert_close(probe.scores_without(KEYS[4], left_out), without.scores(KEYS[4:5])[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(probe.scores_without(KEYS[5], left_out[:0]), probe.scores(KEYS[5:6])[0])


def test_it_tells_kinds_apart_that_neighbours_do_not() -> None:
    """Two kinds that differ in one direction only, in which they vary less than in all others."""
    generator = torch.Generator().manual_seed(1)
    kind = torch.arange(300) % 2
    features = torch.randn(300, 40, generator=generator)
    features[:, 0] = kind * 1.2 + 0.3 * torch.randn(300, generator=generator)
    labels = [{"kind": ("hard", "soft")[number]} for number in kind.tolist()]
    memory = Memory.of(features[:200], labels[:200], {})
    choices = Choices(("hard", "soft"))
    near = memory.neighbours(features[200:])
    rows = torch.arange(100)
    classified = near.classified(rows, "kind", choices, 0.3, 16.0)
    counted = near.counts(rows, "kind", choices, 0.05)
    right = [float((said.argmax(1) == kind[200:]).float().mean()) for said in (classified, counted)]
    assert right[0] > 0.9 and right[0] > right[1] + 0.05


def test_it_has_less_to_say_where_nothing_is_alike() -> None:
    memory = Memory.of(KEYS, [{"kind": ("a", "b", "c")[number]} for number in LABELS.tolist()], {})
    near = memory.neighbours(torch.stack([KEYS[0], torch.full((6,), torch.nan)]))
    said = near.classified(torch.tensor([0, 1]), "kind", Choices(("a", "b", "c", "d")), 1.0, 8.0)
    assert said[0].sum() > 0.99 and said[0, 3] == 0
    assert not said[1].any()
    assert not near.classified(torch.tensor([0]), "kind", Choices(("e",)), 1.0, 8.0).any()


def test_few_products_span_few_directions() -> None:
    """What lies across the products that are remembered says nothing of a new photo."""
    generator = torch.Generator().manual_seed(2)
    features = torch.randn(5, 64, generator=generator)
    memory = Memory.of(features, [{"kind": "a"}] * 5, {})
    assert memory.projection_VD.shape == (64, 4)
    again = memory.keys_of(features)
    torch.testing.assert_close(again, memory.keys_ND, atol=1e-4, rtol=0)
