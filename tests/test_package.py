"""What is installed: every file that the package reads, and commands that say which extra they need."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from pumgpt.cli.main import main

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "pumgpt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = ("matplotlib", "sklearn", "scipy", "rouge_score", "sacrebleu", "peft", "rapidocr", "onnxruntime", "ray")
"""Modules that `pip install pumgpt` alone doesn't bring."""
WITHOUT_EXTRAS = f"""
import sys
for name in {EXTRAS!r}:
    sys.modules[name] = None  # as if it weren't installed
from pumgpt.cli.main import main
raise SystemExit(main())
"""


def data_files() -> set[Path]:
    files = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(PACKAGE) for path in files if path.suffix not in (".py", ".pyc")}


def test_every_data_file_is_packaged() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["pumgpt"]
    packaged = {path.relative_to(PACKAGE) for pattern in patterns for path in PACKAGE.glob(pattern)}
    assert len(data_files()) > 20
    assert data_files() - packaged == set()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("setuptools") is None, reason="needs setuptools to build a wheel")
def test_the_wheel_holds_every_file(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, tmp_path)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", "dist", "."]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "dist").glob("pumgpt-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("pumgpt/")}
    code = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")}
    assert held == {f"pumgpt/{path.as_posix()}" for path in code | data_files()}


@pytest.mark.parametrize(
    ("command", "extra"),
    [("bench samples --out o", "bench"), ("train r.yaml", "train"), ("remember s.csv o", "train")],
)
def test_a_missing_extra_is_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, extra: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pumgpt.cli.options.find_spec", lambda name: None)
    result = CliRunner().invoke(main, command.split())
    assert result.exit_code == 2
    assert f"pip install 'pumgpt[{extra}]'" in result.stderr and result.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("extra", "distributions"),
    [
        ("bench", ("matplotlib", "scikit-learn", "scipy", "rouge-score", "sacrebleu")),
        ("train", ("matplotlib", "scikit-learn")),
    ],
)
def test_extras_hold_what_their_commands_ask_for(extra: str, distributions: tuple[str, ...]) -> None:
    listed = PROJECT["project"]["optional-dependencies"][extra]
    assert [name for name in distributions if not any(line.startswith(name) for line in listed)] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    ["ask photo.jpg --title Shirt --json", "enrich c.csv out.csv --report report.html", "curate c.csv out.jsonl"],
)
def test_commands_run_without_extras(tmp_path: Path, command: str) -> None:
    Image.new("RGB", (60, 80), "navy").save(tmp_path / "photo.jpg")
    (tmp_path / "c.csv").write_text("id,image,title,colour\n1,photo.jpg,Blue shirt,Blue\n", encoding="utf-8")
    run = [sys.executable, "-c", WITHOUT_EXTRAS, *command.split()]
    result = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
