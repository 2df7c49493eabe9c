"""`pumgpt curate` as a person runs it: files in, files out, one line where it can't."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from pumgpt.cli.main import main

PUMGPT = [sys.executable, "-c", "from pumgpt.cli.main import main; main()"]
SCHEMA = """
attributes:
  - {name: colour, values: [Red, Blue, Black], translations: {de: {Red: Rot}}}
  - {name: length, unit: cm}
"""


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["curate", *map(str, words)])


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (32, 32), "red").save(tmp_path / "red.png")
    rows = [
        {
            "id": 1,
            "title": "Red shirt, 40 mm buttons",
            "attributes": {"colour": "Red", "length": "4 cm", "year": "2012"},
        },
        {"id": 2, "title": "Blue shirt", "attributes": [{"name": "colour", "value": "Red"}], "image": "red.png"},
        {"id": 3, "attributes": {"colour": "Red"}},
        {"id": 4, "title": "No values"},
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n", encoding="utf-8")
    (tmp_path / "schema.yaml").write_text(SCHEMA, encoding="utf-8")
    return tmp_path


def test_a_catalogue_goes_in_and_verdicts_come_out(shop: Path) -> None:
    words = ("in.jsonl", "out.jsonl", "--experts", "text", "--schema", "schema.yaml", "--report", "r.html", "--json")
    done = run(*words)
    assert done.exit_code == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["rows"], summary["rejected"], summary["values"]) == (4, 1, 5)
    rows = records(shop / "out.jsonl")
    assert [row["id"] for row in rows] == [1, 2, 3, 4]
    verdicts = [{v["name"]: v["verdict"] for v in row["verdicts"]} for row in rows]
    assert verdicts[0] == {"colour": "supported", "length": "supported", "year": "not_inferable"}
    assert verdicts[1:] == [{"colour": "contradicted"}, {"colour": "not_inferable"}, {}]
    assert rows[0]["attributes"] == {"colour": "Red", "length": "4 cm"}
    assert rows[1]["attributes"] == []
    assert set(rows[0]["verdicts"][0]) == {"name", "value", "verdict", "score", "expert", "evidence", "votes"}
    assert rows[0]["verdicts"][0]["evidence"]["words"] == "Red"
    assert rows[2]["verdicts"][0]["expert"] == "none"
    assert [row["row"] for row in records(shop / "out.rejected.jsonl")] == [5]
    page = (shop / "r.html").read_text(encoding="utf-8")
    assert "Red shirt, 40 mm buttons" in page and "data:image/jpeg" in page and "http" not in page


def test_a_table_keeps_its_columns(shop: Path) -> None:
    (shop / "in.csv").write_text("id,title,colour,price\n1,Red shirt,Red,9.90\n2,Blue shirt,Red,1\n", encoding="utf-8")
    done = run("in.csv", "out.csv", "--experts", "text", "--schema", "schema.yaml", "--values", "move")
    assert done.exit_code == 0, done.stderr
    with (shop / "out.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert (first["colour"], first["price"], first["attributes_set_aside"]) == ("Red", "9.90", "")
    assert (second["colour"], json.loads(second["attributes_set_aside"])) == ("", {"colour": "Red"})
    assert json.loads(second["pumgpt_verdicts"])[0]["verdict"] == "contradicted"


def test_without_a_model_text_and_statistics_judge(shop: Path) -> None:
    done = run("in.jsonl", "out.jsonl", "--experts", "text,statistics", "--json")
    assert done.exit_code == 0, done.stderr
    assert list(json.loads(done.stdout)["experts"]) == ["text", "statistics"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("in.jsonl", "out.jsonl", "--experts", "oracle"), 2, "unknown expert 'oracle'; there are text"),
        (("in.jsonl", "out.jsonl", "--experts", ""), 2, "no expert is named"),
        (("in.jsonl", "out.jsonl", "--experts", "judge"), 2, "give --judge openai:NAME@BASE_URL"),
        (("in.jsonl", "out.jsonl", "--workers", "2"), 2, "--engine ray"),
        (("in.jsonl", "in.jsonl", "--experts", "text"), 2, "is the input too"),
        (("nowhere.jsonl", "out.jsonl", "--experts", "text"), 1, "nowhere.jsonl"),
    ],
)
def test_what_can_not_be_done_is_said_in_one_line(shop: Path, words: tuple[str, ...], code: int, said: str) -> None:
    done = run(*words)
    assert done.exit_code == code, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("pumgpt: error:") and said in line


@pytest.mark.slow
@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
def test_killed_and_started_again_it_ends_with_the_same_output(
    tmp_path: Path, kill: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [
        {
            "id": n,
            "title": f"Shirt {n} red cotton 4 cm",
            "attributes": {"colour": "Red", "length": f"{n % 9} cm", "x": "y"},
        }
        for n in range(2_000)
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert run("in.jsonl", "whole.jsonl", "--experts", "text").exit_code == 0
    words = [*PUMGPT, "curate", "in.jsonl", "parts.jsonl", "--experts", "text"]
    process = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if (tmp_path / "parts.jsonl").exists() and (tmp_path / "parts.jsonl").stat().st_size > 0:
            os.kill(process.pid, kill)
            break
        time.sleep(0.01)
    assert process.wait() in (130, -signal.SIGKILL)
    assert (tmp_path / "parts.jsonl").stat().st_size < (tmp_path / "whole.jsonl").stat().st_size
    assert run("in.jsonl", "parts.jsonl", "--experts", "text").exit_code == 0
    assert (tmp_path / "parts.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
