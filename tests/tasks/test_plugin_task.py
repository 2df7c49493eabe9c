"""A task is one file, its template and its test: one from outside the package runs everywhere without a change in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pumgpt.errors import UsageError
from pumgpt.samples import seeds, write_catalog
from pumgpt.tasks.caption import CaptionTask
from pumgpt.tasks.registry import register

PLUGIN = Path(__file__).parent / "plugin"
SUITE = """\
name: departments
version: 1
products: samples
conditions: [image only, with title]
tasks: [category, department]
foreign_pictures: 0
blank_pictures: 0
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some drawn products with their labels."""
    folder = tmp_path_factory.mktemp("shop")
    write_catalog(folder, seeds.DEMO[:8])
    lines = [json.loads(line) for line in (folder / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    listed = [line | {"images": [{"path": f"photos/{line['id']}.jpg"}]} for line in lines]
    found = [line for line in listed if (folder / line["images"][0]["path"]).exists()]
    (folder / "listed.jsonl").write_text("".join(json.dumps(line) + "\n" for line in found), encoding="utf-8")
    (folder / "departments.yaml").write_text(SUITE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which a package with the task is installed."""
    info = tmp_path_factory.mktemp("site") / "department-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: department\nVersion: 1.0\n", encoding="utf-8")
    points = "[pumgpt.tasks]\ndepartment = department:DepartmentTask\n"
    (info / "entry_points.txt").write_text(points, encoding="utf-8")
    path = os.pathsep.join([str(PLUGIN), str(info.parent), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path}


def pumgpt(folder: Path, environment: dict[str, str], *arguments: object) -> str:
    program = [sys.executable, "-m", "pumgpt", *map(str, arguments)]
    done = subprocess.run(program, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_teaches(shop: Path, installed: dict[str, str]) -> None:
    summary = json.loads(pumgpt(shop, installed, "shards", "listed.jsonl", "shards", "--json"))
    assert summary["questions"]["department"] > 0


def test_it_is_asked_of_a_model(shop: Path, installed: dict[str, str]) -> None:
    """Its answers stand in the record as those to other questions do."""
    command = ("enrich", "listed.jsonl", "out.jsonl", "--tasks", "department", "--model", "fake")
    pumgpt(shop, installed, *command)
    records = [json.loads(line) for line in (shop / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {answer["question"] for record in records for answer in record["answers"]} == {"Which department?"}


@pytest.mark.slow
def test_nano_answers_it(shop: Path, installed: dict[str, str]) -> None:
    photo = min((shop / "photos").iterdir())
    record = json.loads(pumgpt(shop, installed, "ask", photo, "--task", "department", "--precision", "0", "--json"))
    (answer,) = record["answers"]
    assert answer["question"] == "Which department?"
    assert answer["answer"] and 0 < answer["confidence"] <= 1, "a closed answer, scored along its choices"


def test_it_is_measured(shop: Path, installed: dict[str, str]) -> None:
    models = ("--model", "fake", "--model", "majority")
    pumgpt(shop, installed, "bench", "departments.yaml", *models, "--limit", "3", "--out", "out")
    results = json.loads((shop / "out" / "results.json").read_text(encoding="utf-8"))
    scores = results["scores"]["image only"]["department"]
    assert scores["accuracy"]["fake"]["count"] == 3
    assert scores["accuracy"]["majority"]["value"] > 0
    assert "macro-F1" in scores


def test_without_the_package_the_task_is_unknown(shop: Path) -> None:
    program = [sys.executable, "-m", "pumgpt", "bench", "departments.yaml", "--model", "fake", "--out", "none"]
    done = subprocess.run(program, cwd=shop, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "unknown task 'department'" in done.stderr


def test_a_package_that_is_broken_is_named(shop: Path, installed: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "department.py").write_text("raise RuntimeError('half installed')\n", encoding="utf-8")
    environment = installed | {"PYTHONPATH": os.pathsep.join([str(tmp_path), installed["PYTHONPATH"]])}
    program = [sys.executable, "-m", "pumgpt", "bench", "samples", "--model", "fake", "--out", "broken"]
    done = subprocess.run(program, cwd=shop, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and done.stderr.count("\n") == 1
    assert "'department' (department:DepartmentTask) can't be loaded: RuntimeError: half installed" in done.stderr


def test_two_tasks_of_one_name_are_refused() -> None:
    class Other(CaptionTask):
        pass

    with pytest.raises(UsageError, match="there is a task 'caption' already"):
        register(Other())
