"""Attribute schemas: what is read, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.errors import SchemaError, UsageError

_EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "schema.yaml"


def _load(folder: Path, text: str, name: str = "schema.yaml") -> AttributeSchema:
    (folder / name).write_text(text, encoding="utf-8")
    return AttributeSchema.load(folder / name)


def test_values_stay_as_they_are_written(tmp_path: Path) -> None:
    text = "attributes:\n  - {name: size, values: [No, 007, 1.10, 2012-01-01, ~]}\n  - {name: on, question: }\n"
    assert _load(tmp_path, text).attributes == (
        AttributeSpec("size", ("No", "007", "1.10", "2012-01-01", "~")),
        AttributeSpec("on"),
    )


def test_json_of_our_own_and_of_shopify(tmp_path: Path) -> None:
    own = _load(tmp_path, '{"attributes": [{"name": "colour", "values": ["Red"]}]}', "own.json")
    release = (
        '{"version": "1", "attributes": [{"id": "gid://x/1", "name": "Colour", "handle": "colour", '
        '"description": "", "extended_attributes": [], "values": [{"id": "gid://x/2", "name": "Red", "handle": "r"}]}]}'
    )
    assert own.attributes == (AttributeSpec("colour", ("Red",)),)
    assert _load(tmp_path, release, "attributes.json").attributes == (AttributeSpec("Colour", ("Red",)),)


def test_get_and_select() -> None:
    schema = AttributeSchema((AttributeSpec("Colour"), AttributeSpec("fabric")))
    assert schema.get("colour") == AttributeSpec("Colour")
    assert schema.get("size") is None
    assert schema.select(["fabric", "COLOUR"]).names == ("fabric", "Colour")
    with pytest.raises(UsageError, match="no attribute 'size'; it has Colour, fabric"):
        schema.select(["size"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file"),
        ("- colour\n", "the file"),
        ("attributes: []\n", "at least one attribute"),
        ("attributes:\n  - {name: colour, vals: [Red]}\n", "attributes.0.vals"),
        ("attributes:\n  - {values: [Red]}\n", "attributes.0.name"),
        ("attributes:\n  - {name: colour, values: []}\n", "'colour' has an empty list"),
        ("attributes:\n  - {name: colour, values: [Red, '']}\n", "'colour' has an empty value"),
        ("attributes:\n  - {name: colour, values: [Red, red]}\n", "'colour' lists 'red' twice"),
        ("attributes:\n  - {name: colour}\n  - {name: Colour}\n", "'colour' stands there twice"),
        ("attributes:\n  - {name: ' '}\n", "empty name"),
        ("attributes: [\n", "can't be read as YAML"),
    ],
)
def test_errors_name_file_and_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SchemaError) as caught:
        _load(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "schema.yaml"))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"attributes: [Gr\xfc\xdfe]")
    (tmp_path / "cut.json").write_text('{"attributes": [')
    for name, words in (("latin.yaml", "not UTF-8"), ("cut.json", "YAML or JSON"), ("none.yaml", "No such file")):
        with pytest.raises(SchemaError, match=words):
            AttributeSchema.load(tmp_path / name)


def test_the_documented_example_loads() -> None:
    schema = AttributeSchema.load(_EXAMPLE)
    assert schema.names == ("colour", "gender", "sleeve length", "fabric")
    assert schema.attributes[-1].values is None


@pytest.mark.shared
def test_the_shopify_release_loads(shared_data: Path) -> None:
    schema = AttributeSchema.load(shared_data / "taxonomy" / "shopify" / "attributes.json")
    assert len(schema.attributes) == 1953
    assert "Autonomous system" in (schema.select(["AI application"]).attributes[0].values or ())
