"""What README, curation.md and pumbench.md tell people to type, typed one after the other on drawn products."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pumgpt.cli.main import main
from pumgpt.samples import draw_product
from pumgpt.samples.seeds import TESTS

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<body>.*?)^```", re.DOTALL | re.MULTILINE)
SHORTER = {
    "bench": ("--limit", "2"),
    "train": ("--set", "trainer.max_steps=1", "--set", "trainer.per_device_train_batch_size=2"),
}
"""Added to a command that would take minutes."""
COLUMNS = ("id", "image", "title", "category", "colour", "gender")


def blocks(page: str, language: str, containing: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = [block["body"] for block in BLOCK.finditer(text) if block["language"] == language]
    return [body for body in found if containing in body]


def run(line: str) -> Result:
    _, *words = shlex.split(line, comments=True)
    return CliRunner().invoke(main, [*words, *SHORTER.get(words[0], ())])


def run_block(body: str) -> None:
    for line in body.replace("\\\n", " ").splitlines():
        result = run(line)
        assert result.exit_code == 0, f"{line}: {result.output}"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the pages speak of: a catalogue twice, captions, a schema, a suite of one's own."""
    rows: list[dict[str, Any]] = []
    for seed in TESTS[:8]:
        photo, drawn = draw_product(seed, size_px=96)
        photo.save(tmp_path / f"{seed}.jpg")
        told = drawn.attributes or {}
        attributes = {name: str(told.get(name) or "") for name in ("colour", "gender")}
        category = " > ".join(drawn.category or ())
        rows.append({"id": str(seed), "image": f"{seed}.jpg", "title": drawn.title, "category": category, **attributes})
    for name in ("catalog", "labelled", "mine", "earlier"):
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows({**row, "id": f"{name}-{row['id']}"} for row in rows)
    listed = [{**row, "images": [row.pop("image")], "attributes": {"colour": row.pop("colour")}} for row in rows]
    write_lines(tmp_path / "shop.jsonl", listed)
    scene = {"title": None, "category": None, "attributes": None, "description": "Something lies on a table."}
    write_lines(tmp_path / "captions.jsonl", [{**row, **scene, "id": f"scene-{row['id']}"} for row in listed])
    (tmp_path / "schema.yaml").write_text("attributes:\n  - name: colour\n  - name: gender\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_lines(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


@pytest.mark.slow
def test_the_readme_cleans_a_catalogue_and_measures_a_model(shop: Path) -> None:
    (body,) = blocks("README.md", "bash", "pumgpt curate")
    run_block(body)
    assert (shop / "curated.jsonl").read_text(encoding="utf-8").count("verdict") >= 8
    assert list((shop / "shards").glob("train-*.parquet"))
    assert json.loads((shop / "bench" / "results.json").read_text(encoding="utf-8"))["suite"]["products"] == 2


@pytest.mark.slow
def test_curation_leads_to_a_trained_model(shop: Path) -> None:
    first, second = blocks("docs/curation.md", "bash", "pumgpt curate")
    run_block(first)
    assert (shop / "report.html").is_file()
    (shop / "curated.jsonl").unlink()
    for line in second.splitlines():
        # The second catalogue goes to the same file: a new folder, as a reader has it, has no state of the first.
        result = run(f"{line} --restart" if line.startswith("pumgpt curate") else line)
        assert result.exit_code == 0, f"{line}: {result.output}"
    assert list(shop.glob("runs/adapt-stream/*.safetensors"))


@pytest.mark.slow
def test_the_readme_trains_on_labels_and_fills_with_the_result(shop: Path) -> None:
    """In a folder without the repository's files: the recipe comes with the package."""
    (body,) = blocks("README.md", "bash", "pumgpt train")
    run_block(body)
    assert list((shop / "runs" / "adapt").glob("*.safetensors"))
    assert len((shop / "filled.csv").read_text(encoding="utf-8").splitlines()) == 1 + 8


def test_a_suite_of_ones_own(shop: Path) -> None:
    (suite,) = blocks("docs/pumbench.md", "yaml", "name: mine")
    (shop / "mine.yaml").write_text(suite, encoding="utf-8")
    (line,) = re.findall(r"`(pumgpt bench mine.yaml[^`]*)`", (ROOT / "docs/pumbench.md").read_text(encoding="utf-8"))
    result = run(line.replace("--model nano", "--model fake"))
    assert result.exit_code == 0, result.output
    document = json.loads((shop / "out" / "results.json").read_text(encoding="utf-8"))
    assert document["suite"]["name"] == "mine" and set(document["scores"]) == {"image only", "with title"}


@pytest.mark.slow
def test_the_samples_say_whose_kind_they_are(shop: Path) -> None:
    (body,) = blocks("docs/pumbench.md", "bash", "pumgpt bench samples")
    result = run(body.splitlines()[0].replace("--model nano", "--model fake"))
    assert result.exit_code == 0, result.output
    for text in (result.stdout, (shop / "out" / "report.md").read_text(), (shop / "out" / "report.html").read_text()):
        assert "Nano was also trained on drawings of these kinds" in " ".join(text.split())
