from __future__ import annotations

import io
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image
from rich.console import Console

from pumgpt.catalog.understanding import AnswerField, ModelInfo, Understanding
from pumgpt.cli.ask_view import view
from pumgpt.cli.main import main

SCHEMA = "attributes:\n  - name: colour\n    values: [Blue, Red]\n  - name: fabric\n"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    Image.new("RGB", (32, 48), "navy").save(tmp_path / "good.jpg")
    (tmp_path / "schema.yaml").write_text(SCHEMA, encoding="utf-8")
    (tmp_path / "in.csv").write_text("id,image,title\n1,good.jpg,Blue shirt\n2,missing.jpg,\n", encoding="utf-8")
    return tmp_path


def test_python_can_run_it_where_no_script_is_found() -> None:
    command = [sys.executable, "-m", "pumgpt", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("Usage: pumgpt [OPTIONS]") and "enrich" in result.stdout


def test_ask_prints_one_json_document_alone(shop: Path) -> None:
    result = run(
        "ask", shop / "good.jpg", "--model", "fake", "--schema", shop / "schema.yaml", "--json", "--precision", 0
    )
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["id"] == "good"
    assert [field["name"] for field in found["attributes"]] == ["colour", "fabric"]
    assert "evidence" not in found["category"]


def test_ask_gives_evidence_on_request(shop: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(shop / "grainy.png")
    words = (
        "ask",
        shop / "grainy.png",
        "--model",
        "fake",
        "--schema",
        shop / "schema.yaml",
        "--precision",
        0,
        "--json",
    )
    found = json.loads(run(*words, "--evidence").stdout)
    # The fake's answers hang on every pixel, so that each cell that is covered may change them.
    maps = [field["evidence"] for field in found["attributes"] if "evidence" in field]
    assert maps and {(entry["kind"], entry["image"]) for entry in maps} == {("occlusion", 0)}
    assert all(0.1 <= np.max(entry["grid"]) <= 1 and np.min(entry["grid"]) >= 0 for entry in maps)


def test_ask_shows_a_person_everything(shop: Path) -> None:
    result = run(
        "ask",
        shop / "good.jpg",
        "--model",
        "fake",
        "--title",
        "My shirt",
        "--question",
        "Is it warm?",
        "--precision",
        0,
    )
    assert result.exit_code == 0
    for text in ("My shirt", "Is it warm?", "%", "filled", "fake 0"):
        assert text in result.stdout


def test_ask_shows_no_percentage_beside_a_question_without_an_answer() -> None:
    answers = [
        AnswerField(
            question="Who is it for?", answer=None, confidence=0.43, status="abstained", reason="not sure enough"
        ),
        AnswerField(question="What colour is it?", answer="Red", confidence=0.91, status="filled"),
    ]
    record = Understanding(id="1", answers=answers, model=ModelInfo(name="m", revision="r"))
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(view(record))
    text = console.export_text()
    assert "cannot be inferred (not sure enough)" in text and "43 %" not in text
    assert "91 %" in text


def test_several_photos_are_one_product(shop: Path) -> None:
    (shop / "broken.jpg").write_bytes(b"nothing")
    result = run("ask", shop / "good.jpg", shop / "broken.jpg", "--model", "fake", "--json")
    assert result.exit_code == 0
    assert "photo 2" in json.loads(result.stdout)["warnings"][0]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["ask", "missing.jpg", "--model", "fake"], 1, "missing.jpg"),
        (["ask", "good.jpg", "--model", "nobody"], 1, "nobody"),
        (["ask", "good.jpg", "--model", "fake", "--task", "colour"], 2, "unknown task 'colour'"),
        (["ask", "good.jpg", "--model", "fake", "--task", "attributes"], 2, "--schema"),
        (["ask", "good.jpg", "--model", "fake", "--schema", "missing.yaml"], 1, "missing.yaml"),
        (["ask"], 2, "IMAGE"),
        (["ask", "good.jpg", "--precision", "2"], 2, "--precision"),
        (["enrich", "missing.csv", "out.jsonl", "--model", "fake"], 1, "missing.csv"),
        (["enrich", "in.csv", "out.docx", "--model", "fake"], 1, "out.docx"),
        (["enrich", "in.csv", "in.csv", "--model", "fake"], 2, "input"),
        (["enrich", "in.csv", "out.jsonl", "--model", "fake", "--workers", "2"], 2, "--engine ray"),
        (["enrich", "in.csv", "out.jsonl", "--model", "fake", "--tasks", "caption,colour"], 2, "colour"),
        (["enrich", "in.csv", "-", "--model", "fake"], 2, "name a file"),
        (["enrich", "-", "out.jsonl", "--model", "fake"], 2, "name a file"),
        (["curate", "in.csv", "-"], 2, "name a file"),
        (["convert", "in.csv", "-", "--to", "llava"], 2, "name a file"),
        (["ask", "good.jpg", "--device", "cuda:99"], 2, "--device cuda:99"),
        (["ask", "good.jpg", "--device", "gpu"], 2, "--device gpu"),
        (["info", "nobody"], 1, "nobody"),
        (["train", "missing.yaml"], 1, "missing.yaml"),
        (["unknown"], 2, "unknown"),
    ],
)
def test_an_error_is_one_line_and_a_code(
    shop: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, words: str
) -> None:
    monkeypatch.chdir(shop)
    result = run(*arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("pumgpt: error: ")
    assert words in line
    assert not list(shop.glob("out*")) and not (shop / "-").exists()


def test_enrich_writes_and_tells(shop: Path) -> None:
    out, page = shop / "out.jsonl", shop / "r.html"
    result = run("enrich", shop / "in.csv", out, "--model", "fake", "--schema", shop / "schema.yaml", "--report", page)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "set aside" in result.stderr
    assert len(out.read_text(encoding="utf-8").splitlines()) == 1
    assert page.read_text(encoding="utf-8").count("<article") == 1


def test_enrich_says_field_by_field_what_was_filled_and_at_which_precision(shop: Path) -> None:
    given = ("--model", "fake", "--schema", shop / "schema.yaml", "--precision", 0.4)
    together = run("enrich", shop / "in.csv", shop / "all.jsonl", *given)
    assert "40% right on validation" in " ".join(together.stderr.split())
    each = run("enrich", shop / "in.csv", shop / "each.jsonl", *given, "--precision-of", "each")
    assert "confidence of 0.4 or more" in " ".join(each.stderr.split())
    assert run("enrich", shop / "in.csv", shop / "no.jsonl", *given, "--precision-of", "some").exit_code == 2


def test_enrich_prints_its_summary_as_one_json_document(shop: Path) -> None:
    result = run("enrich", shop / "in.csv", shop / "out.jsonl", "--model", "fake", "--json")
    summary = json.loads(result.stdout)
    assert (summary["rows"], summary["rejected"]) == (1, 1)


def test_enrich_that_could_use_no_row_has_done_nothing(shop: Path) -> None:
    (shop / "in.csv").write_text("id,image\n1,missing.jpg\n", encoding="utf-8")
    result = run("enrich", shop / "in.csv", shop / "out.jsonl", "--model", "fake")
    assert result.exit_code == 1
    assert "out.rejected.jsonl" in result.stderr.splitlines()[-1]


def test_dry_run_says_what_would_be_asked_and_writes_nothing(shop: Path) -> None:
    before = sorted(shop.iterdir())
    result = run("enrich", shop / "in.csv", shop / "out.jsonl", "--model", "fake", "--dry-run")
    assert result.exit_code == 0
    assert "Title: Blue shirt" in result.stdout
    assert "row 2 (id 2)" in result.stdout
    assert sorted(shop.iterdir()) == before


def difficult_photos(folder: Path) -> None:
    """Every photo that the first release promises to live with: those with a good name have to be answered."""
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (64, 48, 3), dtype=np.uint8))
    noise.save(folder / "whole.jpg")
    (folder / "bad-truncated.jpg").write_bytes((folder / "whole.jpg").read_bytes()[:700])
    Image.new("1", (20_000, 20_000)).save(folder / "bad-huge.png")
    (folder / "bad-text.jpg").write_text("hello", encoding="utf-8")
    (folder / "bad-empty.jpg").write_bytes(b"")
    noise.convert("CMYK").save(folder / "good-cmyk.jpg")
    Image.fromarray(rng.integers(0, 65536, (40, 40), dtype=np.uint16)).save(folder / "good-16bit.png")
    noise.save(folder / "good-animated.gif", save_all=True, append_images=[noise.rotate(90)])
    exif = Image.Exif()
    exif[0x0112] = 6
    noise.save(folder / "good-rotated.jpg", exif=exif)
    (folder / "whole.jpg").unlink()


def test_difficult_photos_get_their_answer_or_their_line(tmp_path: Path) -> None:
    difficult_photos(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    rows = [f"{name},{name}," for name in [*names, "bad-missing.jpg"]]
    catalog = "id,image,title\n" + "\n".join([*rows, "good-without,,Crème brûlée torch"]) + "\n"
    (tmp_path / "latin.csv").write_bytes(catalog.encode("latin-1"))
    result = run("enrich", tmp_path / "latin.csv", tmp_path / "out.jsonl", "--model", "fake")
    assert result.exit_code == 0
    assert "Traceback" not in result.stderr
    assert result.stderr.count("is not UTF-8; such lines are read as Windows-1252") == 1
    answered = [json.loads(line)["id"] for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    rejected = [json.loads(line) for line in (tmp_path / "out.rejected.jsonl").read_text(encoding="utf-8").splitlines()]
    assert answered == [*(name for name in names if name.startswith("good")), "good-without"]
    assert [row["id"] for row in rejected] == [*(name for name in names if name.startswith("bad")), "bad-missing.jpg"]
    assert all(row["id"] in row["error"] and "\n" not in row["error"] for row in rejected)


def test_an_empty_catalogue_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    result = run("enrich", tmp_path / "empty.csv", tmp_path / "out.jsonl", "--model", "fake")
    assert result.exit_code == 1
    assert "empty.csv" in result.stderr and len(result.stderr.splitlines()) == 1


def checkpoint(folder: Path) -> Path:
    """A checkpoint folder with two small tensors, written by hand."""
    header = {
        "model.vision_model.w": {"dtype": "BF16", "shape": [3, 4], "data_offsets": [0, 24]},
        "model.language_model.w": {"dtype": "BF16", "shape": [5], "data_offsets": [24, 34]},
    }
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(34))
    (folder / "config.json").write_text('{"model_type": "pumgpt"}', encoding="utf-8")
    card = {"name": "tiny", "tasks": ["caption"], "categories": [["A", "B"]], "attributes": {"colour": ["Blue"]}}
    (folder / "pumgpt.json").write_text(
        json.dumps({**card, "quality": {"category": {"path": 0.871}}}), encoding="utf-8"
    )
    return folder


def test_info_reads_a_checkpoint_without_loading_it(tmp_path: Path) -> None:
    facts = json.loads(run("info", checkpoint(tmp_path), "--json").stdout)
    assert facts["parameters"] == {"total": 17, "vision_model": 12, "language_model": 5}
    assert facts["path"] == str(tmp_path)
    assert (facts["tasks"], facts["categories"], facts["attributes"]) == (["caption"], ["A > B"], {"colour": ["Blue"]})
    assert facts["files"]["config.json"] == len('{"model_type": "pumgpt"}')
    assert "category.path: 0.871" in run("info", tmp_path).stdout


def test_info_names_weights_that_are_cut_off(tmp_path: Path) -> None:
    path = checkpoint(tmp_path) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:20])
    result = run("info", tmp_path)
    assert result.exit_code == 1
    assert "model.safetensors" in result.stderr


def start(*arguments: object, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from pumgpt.cli.main import main; main()", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)  # type: ignore[call-overload,no-any-return]


def test_ctrl_c_keeps_what_was_done_and_the_same_command_goes_on(tmp_path: Path) -> None:
    num_rows = 3000
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    lines = [f"{row},a.png,Thing {row}\n" for row in range(num_rows)]
    (tmp_path / "in.csv").write_text("id,image,title\n" + "".join(lines), encoding="utf-8")
    command = ["enrich", tmp_path / "in.csv", tmp_path / "out.jsonl", "--model", "fake", "--limit", num_rows]
    process = start(*command)
    state = tmp_path / "out.jsonl.state.json"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (state.exists() and json.loads(state.read_bytes())["counts"].get("rows")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    done = len((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines())
    assert process.returncode == 130
    assert 0 < done < num_rows
    assert stderr.splitlines()[-1] == f"pumgpt: stopped after {done} rows; the same command goes on"
    assert stdout == "" and "Traceback" not in stderr
    resumed = run(*command[:-1], done + 40)
    assert resumed.exit_code == 0
    run("enrich", tmp_path / "in.csv", tmp_path / "whole.jsonl", "--model", "fake", "--limit", done + 40)
    assert (tmp_path / "out.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    checkpoint(tmp_path)
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(
        [sys.executable, "-c", "from pumgpt.cli.main import main; main()", "info", str(tmp_path), "--json"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert process.returncode == 1
    assert process.stderr == ""
