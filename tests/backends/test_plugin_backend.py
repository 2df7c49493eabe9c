"""A backend from outside the package, by `register` and by entry point: every command takes it like one of ours."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from pumgpt.backends import LoadOptions, register
from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.load import load_backend
from pumgpt.backends.protocol import Answer, Backend, Capabilities, Request
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.cli.main import main
from pumgpt.errors import ModelError

PLUGIN = """
from pumgpt.backends import LoadOptions
from pumgpt.backends.protocol import Answer, Backend, Capabilities
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy


class Shelf(Backend):
    name, revision = "shelf", "1"

    def __init__(self, source):
        self.capabilities = Capabilities(taxonomy=Taxonomy.of([(source, "Left"), (source, "Right")]))

    def answer(self, requests, *, evidence=False):
        return [[first(question) for question in request.questions] for request in requests]


def first(question):
    if question.choices is None:
        return Answer("a thing", 1.0)
    return Answer(question.choices.values[0], 1.0, ranked=((question.choices.values[0], 1.0),))


def load(source: str, options: LoadOptions):
    return Shelf(source)
"""


class Parrot(Backend):
    """Knows two categories and one attribute, and always answers the first choice."""

    name, revision = "parrot", "1"
    capabilities = Capabilities(
        taxonomy=Taxonomy.of([("Cage", "Bird"), ("Cage", "Seed")]),
        schema=AttributeSchema((AttributeSpec("colour", ("Green", "Red")),)),
    )

    def __init__(self, source: str, options: LoadOptions) -> None:
        self.source, self.options = source, options

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        return [
            [
                Answer("polly", 1.0)
                if question.choices is None
                else Answer(question.choices.values[0], 1.0, ranked=((question.choices.values[0], 1.0),))
                for question in request.questions
            ]
            for request in requests
        ]


@pytest.fixture
def parrot() -> str:
    register("parrot", Parrot)
    return "parrot:amazon"


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed package with an entry point."""
    site = tmp_path / "site"
    info = site / "shelf_backend-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "shelf_backend.py").write_text(textwrap.dedent(PLUGIN), encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shelf-backend\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[pumgpt.backends]\nshelf = shelf_backend:load\nbroken = shelf_backend:absent\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(site)
    return "shelf:Hall"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    Image.new("RGB", (32, 48), "navy").save(tmp_path / "good.jpg")
    (tmp_path / "in.csv").write_text("id,image,title\n1,good.jpg,Blue shirt\n", encoding="utf-8")
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize(("name", "category"), [("parrot", ["Cage", "Bird"]), ("shelf", ["Hall", "Left"])])
def test_every_command_takes_a_backend_from_outside(
    name: str, category: list[str], shop: Path, request: pytest.FixtureRequest
) -> None:
    spec = request.getfixturevalue(name)
    asked = run("ask", shop / "good.jpg", "--model", spec, "--json")
    assert asked.exit_code == 0, asked.output
    assert json.loads(asked.stdout)["category"]["path"] == category
    assert json.loads(asked.stdout)["model"]["name"] == name
    enriched = run("enrich", shop / "in.csv", shop / "out.jsonl", "--model", spec)
    assert enriched.exit_code == 0, enriched.output
    assert json.loads((shop / "out.jsonl").read_text(encoding="utf-8"))["category"]["path"] == category
    bench = run("bench", "samples", "--model", spec, "--limit", 2, "--out", shop / "bench", "--json")
    assert bench.exit_code == 0, bench.output
    assert [model["name"] for model in json.loads(bench.stdout)["models"]] == [spec]


def test_a_loader_gets_what_follows_the_scheme_and_how_it_is_to_run(parrot: str) -> None:
    loaded = load_backend("parrot:amazon@http://h:1", "cpu", 7)
    assert isinstance(loaded, Parrot)
    assert (loaded.source, loaded.options) == ("amazon@http://h:1", LoadOptions("cpu", 7))


def test_a_checkpoint_is_loaded_by_its_model_type(parrot: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "parrot"}', encoding="utf-8")
    loaded = load_backend(str(tmp_path))
    assert isinstance(loaded, Parrot) and loaded.source == str(tmp_path)


def test_a_folder_named_like_a_scheme_is_a_folder(parrot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fake").mkdir()
    (tmp_path / "fake" / "config.json").write_text('{"model_type": "parrot"}', encoding="utf-8")
    assert isinstance(load_backend("fake"), FakeBackend)
    monkeypatch.chdir(tmp_path)
    assert isinstance(load_backend("fake"), Parrot)


def test_what_can_not_be_loaded_is_named(shelf: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"backend 'broken' can't be imported from shelf_backend:absent"):
        load_backend("broken:x")
    (tmp_path / "config.json").write_text('{"model_type": "martian"}', encoding="utf-8")
    with pytest.raises(ModelError, match=r"its model_type is 'martian'.*register a backend"):
        load_backend(str(tmp_path))
    with pytest.raises(ModelError, match="no such model or folder"):
        load_backend("absent:x")
    with pytest.raises(ModelError, match="no model is named"):
        load_backend("clip")
