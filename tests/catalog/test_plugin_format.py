"""A format that is not ours goes through `enrich` and `curate`, file in, file out, and no line of ours knows it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from pumgpt.catalog.formats.registry import PLUGINS

_PRODUCTS = """id: 1
title: Red cotton tee
colour: Red

id: 2
title: Blue mug
colour: Green
"""
_SCHEMA = "attributes:\n  - name: colour\n    values: [Red, Blue, Green]\n"


def _by_register(site: Path) -> list[str]:
    lines = (
        "from block_format import BlockFormat",
        "from pumgpt.catalog.formats.registry import register",
        "register(BlockFormat())",
        "from pumgpt.cli.main import main",
        "main()",
    )
    return ["-c", "; ".join(lines)]


def _by_entry_point(site: Path, target: str = "block_format:BlockFormat") -> list[str]:
    """Lay down what pip leaves of an installed package."""
    info = site / "pumgpt_blocks-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pumgpt-blocks\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{PLUGINS}]\nblocks = {target}\n")
    return ["-m", "pumgpt"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder that Python imports from, with the format's file in it."""
    folder = tmp_path / "site"
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("block_format.py"), folder)
    (tmp_path / "in.blocks").write_text(_PRODUCTS)
    (tmp_path / "schema.yaml").write_text(_SCHEMA)
    return folder


def _run(site: Path, start: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, *start, *arguments],
        cwd=site.parent,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("bring", [_by_register, _by_entry_point])
def test_a_format_from_outside_is_filled_and_curated(site: Path, bring: Callable[[Path], list[str]]) -> None:
    start = bring(site)
    done = _run(
        site,
        start,
        "enrich",
        "in.blocks",
        "out.blocks",
        "--model",
        "fake",
        "--schema",
        "schema.yaml",
        "--precision",
        "0",
    )
    assert done.returncode == 0, done.stderr
    first, second = (site.parent / "out.blocks").read_text().strip().split("\n\n")
    assert first.startswith(_PRODUCTS.split("\n\n", maxsplit=1)[0]) and second.startswith("id: 2\n")
    assert "pumgpt_colour_status: filled" in first and "pumgpt_colour: " in second

    done = _run(
        site, start, "curate", "in.blocks", "curated.blocks", "--experts", "text", "--schema", "schema.yaml", "--json"
    )
    assert done.returncode == 0, done.stderr
    curated = [
        dict(line.split(": ", 1) for line in block.splitlines())
        for block in (site.parent / "curated.blocks").read_text().strip().split("\n\n")
    ]
    verdicts = [json.loads(row["pumgpt_verdicts"]) for row in curated]
    assert [[(v["name"], v["value"]) for v in row] for row in verdicts] == [[("colour", "Red")], [("colour", "Green")]]
    assert curated[0]["colour"] == "Red" and "colour" not in curated[1], "a mug that its title calls blue is not green"


def test_any_catalogue_can_become_one_and_it_any_other(site: Path) -> None:
    start = _by_entry_point(site)
    (site.parent / "in.csv").write_text("id,title\n7,Tee\n")
    for source, out in (("in.csv", "from_csv.blocks"), ("in.blocks", "out.csv"), ("in.blocks", "out.parquet")):
        done = _run(site, start, "enrich", source, out, "--model", "fake")
        assert done.returncode == 0, done.stderr
    assert (site.parent / "from_csv.blocks").read_text().startswith("id: 7\ntitle: Tee\n")
    assert (site.parent / "out.csv").read_text().startswith("id,title,colour,pumgpt_caption,")


_COUNTING = """
import sys
from block_format import BlockFormat
from pumgpt.catalog.formats.registry import register
from pumgpt.cli.main import main

class Counted(BlockFormat):
    def read(self, path, column_map=None):
        print("opened", path, file=sys.stderr)
        return super().read(path, column_map)

register(Counted())
main()
"""


@pytest.mark.parametrize(
    "command",
    [
        "enrich in.blocks out.csv --model fake --report report.html",
        "enrich in.blocks out.csv --model fake --dry-run",
        "curate in.blocks out.csv --experts text,statistics --schema schema.yaml --report report.html",
        "convert in.blocks out.jsonl --to messages",
        "duplicates in.blocks",
    ],
)
def test_a_catalogue_is_opened_once_a_run(site: Path, command: str) -> None:
    Image.new("RGB", (16, 16), "red").save(site.parent / "a.png")
    (site.parent / "in.blocks").write_text(_PRODUCTS.replace("id: 1\n", "id: 1\nimage: a.png\n"))
    done = _run(site, ["-c", _COUNTING], *command.split())
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("opened in.blocks") == 1


@pytest.mark.parametrize(
    ("target", "words"), [("missing_module:Blocks", "No module named 'missing_module'"), ("json:loads", "is no Format")]
)
def test_a_broken_plugin_is_one_clear_line(site: Path, target: str, words: str) -> None:
    start = _by_entry_point(site, target)
    done = _run(site, start, "enrich", "in.blocks", "out.blocks", "--model", "fake")
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith("pumgpt: error: plug-in 'blocks' (pumgpt.formats)") and words in line
    assert _run(site, start, "--help").returncode == 0, "only a command that reads a catalogue loads it"
