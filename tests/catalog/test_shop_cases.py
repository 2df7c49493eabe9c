"""The small inputs of ../shared/cases, each as a shop would bring it, through the commands.

Every folder is copied, read by `look`, filled by `enrich` and held to what is right for it. What is held here by files of the
development data is held elsewhere by tests with inputs of their own.
"""

from __future__ import annotations

import csv
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from shop_cases import CASES, ENCODINGS, HELD_BY_ONE_TEST, ROWS_SET_ASIDE, Row

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.photos.hosts import DownloadLimits
from pumgpt.catalog.product import Product
from pumgpt.cli.main import main

pytestmark = pytest.mark.shared


@pytest.fixture
def cases(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy that may be written into, as the working folder."""
    folder = shared_data.parent / "cases"
    if not folder.is_dir():
        pytest.skip("needs the cases in ../shared/cases")
    shutil.copytree(folder, tmp_path / "cases", copy_function=shutil.copyfile)
    for copied in (tmp_path / "cases").rglob("*"):
        copied.chmod(0o755 if copied.is_dir() else 0o644)
    monkeypatch.setattr("pumgpt.catalog.photos.url_cache.default_folder", lambda: tmp_path / "cache")
    monkeypatch.chdir(tmp_path / "cases")
    return tmp_path / "cases"


def _run(*arguments: object) -> Result:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def _look(path: str) -> dict[str, Any]:
    result = _run("look", path, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def _json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8-sig").splitlines()] if path.exists() else []


def test_every_case_has_a_test(cases: Path) -> None:
    held = {*CASES, *HELD_BY_ONE_TEST}
    assert {path.name for path in cases.iterdir() if path.is_dir()} == {name.split("/")[0] for name in held}
    tables = {
        path.relative_to(cases).as_posix()
        for ending in ("csv", "tsv", "jsonl", "parquet", "xml")
        for path in cases.rglob(f"*.{ending}")
    }
    assert tables <= held


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_read(cases: Path, name: str) -> None:
    case, document = CASES[name], _look(name)
    read = [
        Row(
            row["id"],
            row["title"],
            row["description"],
            " ".join(photo["name"] for photo in row["photos"]),
            " > ".join(row["category"]) if row["category"] else None,
            row["attributes"],
        )
        for row in document["examples"]
    ]
    assert read == case.rows
    assert document["carried"] == [*case.carried]
    assert len(document["warnings"]) == len(case.said), document["warnings"]
    assert all(words in warning for words, warning in zip(case.said, document["warnings"], strict=True))
    assert document["photos"]["missing"] == sum("missing.jpg" in row.photos for row in case.rows)


@pytest.mark.parametrize("name", CASES)
def test_a_file_is_filled_and_comes_back(cases: Path, name: str, tmp_path: Path) -> None:
    source = cases / name
    out = tmp_path / f"out{source.suffix}"
    assert _run("enrich", name, out, "--model", "fake", "--precision", "0").exit_code == 0
    refused = [line["error"] for line in _json_lines(tmp_path / "out.rejected.jsonl")]
    expected = ROWS_SET_ASIDE.get(name, [])
    assert len(refused) == len(expected)
    assert all(words in error for words, error in zip(expected, refused, strict=True))
    if source.suffix in (".csv", ".tsv", ".txt"):
        text = source.read_text(ENCODINGS.get(name, "utf-8-sig"))
        if name == "misc/php_backslash.csv":
            text = text.replace('\\"', '""')  # as other programs quote a quote
        _assert_cells_come_back(text, out.read_text("utf-8-sig"), num_lost=int(name == "misc/ids.csv"))
    elif source.suffix == ".xml":
        before, after = source.read_bytes(), out.read_bytes()
        places = [after.find(part) for part in before.split(b"</item>" if b"</item>" in before else b"</entry>")]
        assert -1 not in places and places == sorted(places), "but for elements at the end of an item it is the same"
    elif source.suffix == ".jsonl":
        usable = [row.id for row in CASES[name].rows if row.photos != "missing.jpg"]
        assert [record["id"] for record in _json_lines(out)] == usable
    elif source.is_dir():
        before, after = ([row.original for row in read_catalog(path)] for path in (source, out))
        assert [{name: new[name] for name in old} for old, new in zip(before, after, strict=True)] == before
    else:
        _assert_columns_come_back(source, out)


def _assert_cells_come_back(before: str, after: str, num_lost: int) -> None:
    """Every cell of the source stands in its place, but for blank ones that the title fills: a blue shirt is blue."""
    delimiter = max("\t;,", key=before.splitlines()[-1].count)
    old, new = (
        list(csv.reader(text.splitlines(), delimiter=delimiter, skipinitialspace=True)) for text in (before, after)
    )
    assert len(new) == len(old) - num_lost
    for cells, filled in zip(old, new, strict=False):
        text = " ".join(cells).casefold()
        stated = [cell or (new if new.casefold() in text else "") for cell, new in zip(cells, filled, strict=False)]
        assert filled[: len(cells)] == stated


def _assert_columns_come_back(source: Path, out: Path) -> None:
    """The columns of a Parquet file with their types and values, for the rows that were answered."""
    before, after = pq.read_table(source), pq.read_table(out)
    answered = set(after["id"].to_pylist())
    rows = [row for row in before.to_pylist() if row["id"] in answered]
    assert after.select(before.column_names).to_pylist() == rows
    assert [after.schema.field(name).type for name in before.column_names] == before.schema.types


def test_the_class_labels_of_a_parquet_file_are_names(cases: Path) -> None:
    """Its photos are on another machine, so each row is set aside, and the file is one error."""
    assert [row["category"] for row in _look("classlabel/ds.parquet")["examples"]] == [["Shirts"], ["Kurtas"]]
    refused = _run("enrich", "classlabel/ds.parquet", "out.jsonl", "--model", "fake")
    assert refused.exit_code == 1
    assert "none of the 2 rows could be used; out.rejected.jsonl says why" in refused.output


def test_types_of_json(cases: Path) -> None:
    rows = [row for row in read_catalog(Path("types/t.jsonl")) if isinstance(row, Product)]
    assert [row.id for row in rows[:6]] == ["0017", "90.75", "90.750", "8001234567890123456", "5", "True"]
    assert (rows[0].category, rows[0].category_id) == (("504020",), "504020")
    assert rows[2].category == ("Apparel", "504020")
    assert rows[3].attributes == {"size": "42", "waterproof": "True", "weight": "1.5"}
    assert (rows[4].title, rows[4].description) == ("1984", "A shirt")
    assert rows[6].attributes == {"Color": "Blue"}
    photos = {row.id: [image.url or image.path or "bytes" for image in row.images] for row in rows}
    local = str(Path("types/a.jpg"))
    assert all(photos[id_] == [local] for id_ in ("0017", "7", "8", "10", "15", "16", "17"))
    assert photos["9"] == ["http://127.0.0.1:9/x.jpg"]
    assert photos["11"] == ["/srv/photos/0.jpg"]
    assert photos["12"] == photos["13"] == ["https://cdn.example.com/a.jpg"]
    assert (photos["14"], photos["18"], photos["19"]) == (["bytes"], ["types/sub\\a.jpg"], [])
    assert len(rows) == 19


def test_ids_that_became_floats_come_back_as_they_were(cases: Path) -> None:
    _run("enrich", "types/float_ids.parquet", "out.jsonl", "--model", "fake")
    assert [record["id"] for record in _json_lines(Path("out.jsonl"))] == ["1001", "1003"]


@pytest.mark.parametrize("name", ["quantities/titles.jsonl", "feet_inches/shop.jsonl"])
def test_quantities_are_judged(cases: Path, name: str) -> None:
    """The verdicts of EXPECTED.txt, and of `feet_inches` those that follow from its two lines."""
    assert _run("curate", name, "out.jsonl", "--experts", "text").exit_code == 0
    found = {
        record["id"]: (verdict["verdict"], verdict["score"])
        for record in _json_lines(Path("out.jsonl"))
        for verdict in record["verdicts"]
    }
    if name.startswith("quantities"):
        stated = [line.partition(": ") for line in Path("quantities/EXPECTED.txt").read_text().splitlines()]
        right = {id_: text.rpartition(": ")[2] for id_, _, text in stated if id_.isdigit()}
        assert len(right) == 20
        assert found["9"][1] == found["10"][1], "'500 ml' and '500ml' weigh the same"
    else:
        contradicted, unknown = ("1", "2", "7", "12"), ("11",)
        right = {str(number): "supported" for number in range(1, 14)}
        right |= dict.fromkeys(contradicted, "contradicted") | dict.fromkeys(unknown, "not_inferable")
    assert {id_: verdict for id_, (verdict, _) in found.items()} == right


@pytest.mark.parametrize("name", ["swatches", "recolour"])
def test_other_colours_are_other_products(cases: Path, name: str) -> None:
    found = json.loads(_run("duplicates", f"{name}/catalog.csv", "--json").stdout)
    assert found["groups"] == [] and found["rows"] == len(CASES[f"{name}/catalog.csv"].rows)


def test_conversations_have_as_many_placeholders_as_photos(cases: Path) -> None:
    result = _run("convert", "convert/cat.jsonl", "convert/out.json", "--to", "llava")
    assert "id 3: has no photo" in result.output
    assert "id 4: convert/missing.jpg: there is no such file" in result.output
    assert "2 rows were left out" in result.output
    written = json.loads(Path("convert/out.json").read_text())
    photos = {row["id"]: [row["image"]] if isinstance(row["image"], str) else list(row["image"]) for row in written}
    assert photos == {"1": ["a.jpg", "b.jpg"], "2": ["a.jpg"], "5": ["a.jpg"]}
    for row in written:
        text = "".join(turn["value"] for turn in row["conversations"])
        assert text.count("<image>") == len(photos[row["id"]])
        assert not any(token in text for token in ("<video>", "<|im_end|>", "</s>"))


def test_paths_lead_from_the_written_file(cases: Path) -> None:
    result = _run("convert", "convert_paths/cat.jsonl", "convert_paths/sub/train.json", "--to", "llava", "--overwrite")
    assert result.exit_code == 0, result.output
    (row,) = json.loads(Path("convert_paths/sub/train.json").read_text())
    assert row["image"] == "../a.jpg"


def test_photos_of_every_kind_are_opened_but_one(cases: Path) -> None:
    result = _run("enrich", "images", "out.jsonl", "--model", "fake")
    assert "passes by what is no photo (2 in all, x.jp2 the first)" in result.output
    (refused,) = _json_lines(Path("out.rejected.jsonl"))
    assert refused["error"].startswith("images/trunc.jpg: is broken or cut off")
    assert "get it again from its source" in refused["error"]
    assert len(_json_lines(Path("out.jsonl"))) == 26
    for name in ("x.jp2", "x.svg"):
        named = _run("ask", f"images/{name}", "--model", "fake")
        assert named.exit_code == 1 and named.output.count("\n") == 1 and f"images/{name}: " in named.output


@pytest.mark.slow
def test_pictures_of_nothing_get_no_answer(cases: Path) -> None:
    assert _run("enrich", "ood/c.csv", "out.jsonl").exit_code == 0
    for record in _json_lines(Path("out.jsonl")):
        assert record["category"]["status"] == "abstained", record["id"]
        assert {field["status"] for field in record["attributes"]} == {"abstained"}, record["id"]
        assert record["caption"]["text"] is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("shopify_google_columns/shop.csv", [{"gender": "unisex", "age group": "kids"}, {"gender": "unisex"}]),
        ("woo_attributes/woo.csv", [{"colour": "Green"}]),
    ],
)
def test_what_the_shop_says_elsewhere_is_kept(cases: Path, name: str, stated: list[dict[str, str]]) -> None:
    assert _run("enrich", name, "out.jsonl", "--precision", "0").exit_code == 0
    assert _run("enrich", name, "out.csv", "--precision", "0").exit_code == 0
    with Path("out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for record, row, values in zip(_json_lines(Path("out.jsonl")), rows, stated, strict=True):
        fields = {field["name"]: field for field in record["attributes"]}
        for attribute, value in values.items():
            assert fields[attribute]["value"] == value
            assert fields[attribute]["status"] in ("kept", "conflict")
            made = [cell for column, cell in row.items() if column.casefold().startswith(f"{attribute} (product")]
            assert not any(made), "nothing is filled beside it"


@contextmanager
def _serve_silence() -> Iterator[tuple[int, list[socket.socket]]]:
    """The port of a host that accepts connections and never answers, and the connections."""
    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=128) as silent:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    accepted.append(silent.accept()[0])

        thread = threading.Thread(target=accept)
        thread.start()
        yield silent.getsockname()[1], accepted
        silent.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in accepted:
        connection.close()


def test_a_silent_host_is_given_up(cases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen photos cost no more requests than the limit and those under way; here each is waited for 0.3 s, not 15."""
    limits = DownloadLimits()
    monkeypatch.setattr(
        "pumgpt.catalog.photos.download.DownloadLimits", lambda: DownloadLimits(read_s=0.3, backoff_s=0.01)
    )
    with _serve_silence() as (port, accepted):
        table = Path("hang/c16.jsonl")
        table.write_text(table.read_text().replace(":8765/", f":{port}/"))
        result = _run("enrich", table, "out.jsonl", "--model", "fake", "--allow-private-urls")
    assert result.exit_code == 1
    errors = [line["error"] for line in _json_lines(Path("out.rejected.jsonl"))]
    assert len(errors) == 16 and all("did not answer" in error for error in errors)
    assert len(accepted) <= limits.unanswered_requests + limits.connections_per_host


@pytest.mark.slow
def test_prompts_of_unequal_length_are_answered_in_a_batch_as_alone(cases: Path) -> None:
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor

    from pumgpt.model.card import resolve_checkpoint

    folder = resolve_checkpoint("nano")
    model, processor = (kind.from_pretrained(folder) for kind in (AutoModelForImageTextToText, AutoProcessor))
    photo = Image.open("comma_list/front.jpg").convert("RGB")
    questions = ("What is the colour?", "Where in the catalogue does it go?", "Describe the product.")
    contents = [[{"type": "image"}, {"type": "text", "text": question}] for question in questions]
    prompts = [
        processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        for content in contents
    ]

    def answers(texts: list[str]) -> list[str]:
        inputs = processor(images=[photo] * len(texts), text=texts, padding=True, return_tensors="pt")
        output = model.generate(**inputs, max_new_tokens=12, do_sample=False)
        return list(processor.batch_decode(output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True))

    assert answers(prompts) == [answers([prompt])[0] for prompt in prompts]
    assert len({len(processor.tokenizer(prompt)["input_ids"]) for prompt in prompts}) == 3
