"""The shape of the code: who imports whom, how long files are, what the command line's start costs."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src" / "pumgpt"

MAX_LINES = 450
HEAVY = (
    "torch",
    "transformers",
    "accelerate",
    "peft",
    "datasets",
    "pyarrow",
    "pandas",
    "scipy",
    "sklearn",
    "matplotlib",
    "openai",
)
"""What no command may load before it needs it."""

HELP = """
import json, sys
sys.argv = ["pumgpt", "--help"]
from pumgpt.cli.main import main
try:
    code = main()
except SystemExit as end:
    code = end.code
print(json.dumps({"code": code, "modules": sorted({name.partition(".")[0] for name in sys.modules})}), file=sys.stderr)
"""

VIOLATIONS = {
    "a layer imports upwards": ("catalog/product.py", "import pumgpt.understand", "Layers"),
    "neighbours import each other": ("tasks/__init__.py", "import pumgpt.backends.protocol", "Layers"),
    "a record needs PyTorch": ("catalog/product.py", "import torch", "Records, drawings and tasks"),
    "a room of the benchmark imports upwards": (
        "bench/stats/intervals.py",
        "import pumgpt.bench.judging.outcomes",
        "Rooms of the benchmark",
    ),
    "a package has no place": ("stray/__init__.py", "", "Layers"),
}


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the source tree in `root`."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_layer_imports_only_what_stands_below_it() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", VIOLATIONS)
def test_the_contracts_see_a_violation(name: str, tmp_path: Path) -> None:
    file, statement, contract = VIOLATIONS[name]
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(SOURCES, tmp_path / "src" / "pumgpt", ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    spoiled = tmp_path / "src" / "pumgpt" / file
    spoiled.parent.mkdir(exist_ok=True)
    with spoiled.open("a", encoding="utf-8") as stream:
        stream.write(f"\n{statement}\n")
    result = lint_imports(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    broken = [line for line in result.stdout.splitlines() if line.endswith("BROKEN")]
    assert [line for line in broken if line.startswith(contract)], result.stdout


def test_files_stay_readable() -> None:
    lengths = {
        str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines())
        for file in SOURCES.rglob("*.py")
    }
    assert len(lengths) > 10
    assert {file: count for file, count in lengths.items() if count > MAX_LINES} == {}


def test_help_loads_nothing_heavy() -> None:
    result = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)
    report = json.loads(result.stderr.splitlines()[-1])
    assert report["code"] in (0, None)
    assert "enrich" in result.stdout
    assert set(report["modules"]).isdisjoint(HEAVY), set(report["modules"]) & set(HEAVY)


def test_the_client_of_endpoints_is_loaded_with_the_first_endpoint() -> None:
    program = """
import sys
import pumgpt.curation.report, pumgpt.curation.experts.registry
from pumgpt.backends.load import load_backend
load_backend("fake")
assert "openai" not in sys.modules
load_backend("openai:m@http://localhost:1/v1")
assert "openai" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_help_takes_less_than_half_a_second() -> None:
    """Measured in processor time, which a busy machine hardly changes; the best of three."""
    assert min(_processor_seconds(HELP) for _ in range(3)) < 0.5


def _processor_seconds(program: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
