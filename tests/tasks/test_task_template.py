from __future__ import annotations

import random
from collections import Counter

import pytest

from pumgpt.errors import SchemaError
from pumgpt.tasks.registry import TASKS
from pumgpt.tasks.template import parse_template

GOOD = """
task: t
version: 1
about: for tests
phrasings: {open: ["What is the {name}?", "Which {name}?", "{name}?"]}
"""


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (GOOD + "colour: red\n", "colour"),
        (GOOD.replace("version: 1", "version: zero"), "version"),
        (GOOD.replace("Which {name}?", "Which {value}?"), "Which {value}?"),
        (GOOD.replace("Which {name}?", "{name}?"), "twice"),
        ("task: t\nversion: 1\nabout: a\nphrasings: {open: []}", "open"),
        ("task: [", "YAML"),
    ],
)
def test_faults_are_named(text: str, part: str) -> None:
    with pytest.raises(SchemaError, match=r"here\.yaml") as caught:
        parse_template(text, "here.yaml")
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_canonical_phrasing_is_asked_most() -> None:
    template = parse_template(GOOD, "here.yaml")
    rng = random.Random(0)
    counts = Counter(template.draw("open", rng, name="size") for _ in range(300))
    assert set(counts) == {"What is the size?", "Which size?", "size?"}
    assert counts.most_common(1)[0][0] == template.canonical("open", name="size") == "What is the size?"


def test_a_language_falls_back_to_what_it_is_a_kind_of() -> None:
    template = TASKS["attribute_qa"].template
    rng = random.Random(0)
    assert template.draw_in("de-AT", rng, name="Farbe") in {p.format(name="Farbe") for p in template.translated["de"]}
    assert template.draw_in("zh-CN", rng, name="颜色") in {p.format(name="颜色") for p in template.translated["zh"]}
    assert template.draw_in("tlh", rng, name="Farbe") is None


@pytest.mark.parametrize("name", TASKS)
def test_shipped_templates(name: str) -> None:
    template = TASKS[name].template
    assert template.task == name
    assert TASKS[name].version == template.version
    for phrasings in template.phrasings.values():
        assert len(phrasings) > 1
        assert len(phrasings[0].split()) < 12
