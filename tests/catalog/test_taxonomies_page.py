"""What docs/taxonomies.md tells people to type, typed, on the examples."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from pumgpt.cli.main import main

_DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<body>.*?)^```", re.DOTALL | re.MULTILINE)


def _blocks(language: str) -> list[str]:
    page = (_DOCS / "taxonomies.md").read_text(encoding="utf-8")
    return [block["body"] for block in _BLOCK.finditer(page) if block["language"] == language]


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(_DOCS / "examples", tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", [line for block in _blocks("bash") for line in block.splitlines()])
def test_commands(examples: Path, line: str) -> None:
    program, *arguments = shlex.split(line)
    result = CliRunner().invoke(main, arguments)
    assert (program, result.exit_code) == ("pumgpt", 0), result.output
    if "migrate" in arguments:
        assert (examples / "carried.csv").read_text().splitlines()[1:] == [
            "2001,Slim jeans,Clothing > Pants > Jeans",
            "2002,White trainers,C-2001",
            "2003,Linen shirt,Clothing/Tops/Shirts",
            "2004,Red handbag,Accessories > Bags > Handbags",
        ]
        assert "was split into 2" in (examples / "carried.left.jsonl").read_text()


@pytest.mark.parametrize("block", _blocks("python"))
def test_python(examples: Path, block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, "taxonomies.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "'split': 1" in printed and "moved (('Clothing', 'Pants', 'Jeans'),)" in printed
