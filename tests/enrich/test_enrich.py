from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from pumgpt.backends.calibration import Calibration, FieldCalibration
from pumgpt.backends.fake import FakeBackend
from pumgpt.backends.protocol import Answer, Request
from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.enrich.job import enrich
from pumgpt.enrich.preview import preview
from pumgpt.enrich.summary import Summary
from pumgpt.errors import CatalogError, UsageError
from pumgpt.understand.plan import Plan, make_plan

SCHEMA = AttributeSchema((AttributeSpec("colour", ("Blue", "Red")), AttributeSpec("fabric")))
NUM_ROWS = 12


def plan(**changes: object) -> Plan:
    return make_plan(FakeBackend(), schema=SCHEMA, precision=0.4, **changes)  # type: ignore[arg-type]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A catalogue of twelve rows; row 3 has a broken photo, row 5 none, row 7 a good and a missing one."""
    lines = ["id,image,title,colour note"]
    for row in range(1, NUM_ROWS + 1):
        Image.new("RGB", (16, 16), (row * 20, 80, 120)).save(tmp_path / f"{row}.png")
        photo = {3: "broken.jpg", 5: "", 7: "7.png|missing.png"}.get(row, f"{row}.png")
        lines.append(f"{row},{photo},Thing {row},as is")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more")
    (tmp_path / "in.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class StoppingBackend(FakeBackend):
    """Is interrupted while it answers its n-th batch."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().answer(requests, evidence=evidence)


class FailingBackend(FakeBackend):
    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        return [[Answer("", error="out of memory") for _ in request.questions] for request in requests]


def test_one_answer_for_each_readable_row_in_order(shop: Path) -> None:
    summary = enrich(read_catalog(shop / "in.csv"), shop / "out.jsonl", FakeBackend(), plan(), batch_products=5)
    found = records(shop / "out.jsonl")
    assert [row["id"] for row in found] == ["1", "2", *map(str, range(4, NUM_ROWS + 1))]
    assert (summary.rows, summary.rejected) == (11, 1)
    (rejected,) = records(shop / "out.rejected.jsonl")
    assert (rejected["row"], rejected["id"]) == (3, "3")
    assert "broken.jpg" in str(rejected["error"])
    statuses = [field["status"] for row in found for field in [row["category"], *row["attributes"]]]  # type: ignore[misc]
    assert summary.filled == statuses.count("filled") > 0
    assert summary.abstained == statuses.count("abstained") > 0


def test_a_missing_photo_beside_a_good_one_and_no_photo_at_all_are_warnings(shop: Path) -> None:
    enrich(read_catalog(shop / "in.csv"), shop / "out.jsonl", FakeBackend(), plan())
    warnings = {row["id"]: row["warnings"] for row in records(shop / "out.jsonl")}
    assert len(warnings["7"]) == 1  # type: ignore[arg-type]
    assert "photo 2" in warnings["7"][0] and "missing.png" in warnings["7"][0]  # type: ignore[index]
    assert warnings["5"] == ["no photo: answered from the text alone"]
    assert warnings["1"] == []


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_interrupted_and_resumed_equals_never_interrupted(shop: Path, ending: str) -> None:
    whole, parts = shop / f"whole.{ending}", shop / f"parts.{ending}"
    enrich(read_catalog(shop / "in.csv"), whole, FakeBackend(), plan(), batch_products=2)
    stopped = enrich(read_catalog(shop / "in.csv"), parts, StoppingBackend(2), plan(), batch_products=2)
    assert stopped.stopped
    assert stopped.done == 4
    resumed = enrich(read_catalog(shop / "in.csv"), parts, FakeBackend(), plan(), batch_products=2)
    assert (resumed.resumed, resumed.done) == (4, NUM_ROWS)
    if ending == "parquet":
        assert pq.read_table(parts).equals(pq.read_table(whole))
    else:
        assert parts.read_bytes() == whole.read_bytes()
    assert (shop / "parts.rejected.jsonl").read_bytes() == (shop / "whole.rejected.jsonl").read_bytes()


def test_what_a_kill_left_behind_the_last_commit_does_not_count(shop: Path) -> None:
    whole, parts = shop / "whole.jsonl", shop / "parts.jsonl"
    enrich(read_catalog(shop / "in.csv"), whole, FakeBackend(), plan(), batch_products=2)
    enrich(read_catalog(shop / "in.csv"), parts, StoppingBackend(2), plan(), batch_products=2)
    with parts.open("ab") as file:
        file.write(b'{"id": "5", "capt')
    enrich(read_catalog(shop / "in.csv"), parts, FakeBackend(), plan(), batch_products=2)
    assert parts.read_bytes() == whole.read_bytes()


def test_a_finished_run_given_again_does_nothing_and_more_rows_go_on(shop: Path) -> None:
    enrich(read_catalog(shop / "in.csv"), shop / "out.jsonl", FakeBackend(), plan(), limit=4)
    again = enrich(read_catalog(shop / "in.csv"), shop / "out.jsonl", StoppingBackend(0), plan(), limit=4)
    assert (again.done, again.resumed, again.stopped) == (4, 4, False)
    assert enrich(read_catalog(shop / "in.csv"), shop / "out.jsonl", FakeBackend(), plan()).done == NUM_ROWS
    assert enrich(read_catalog(shop / "in.csv"), shop / "out.jsonl", FakeBackend(), plan(), limit=4).done == NUM_ROWS


def test_a_finished_table_is_left_alone_until_there_is_more(shop: Path) -> None:
    out = shop / "out.csv"
    enrich(read_catalog(shop / "in.csv"), out, FakeBackend(), plan(), limit=4)
    whole = out.read_bytes()
    out.write_bytes(b"mended by hand")
    enrich(read_catalog(shop / "in.csv"), out, FakeBackend(), plan(), limit=4)
    assert out.read_bytes() == b"mended by hand"
    out.unlink()
    enrich(read_catalog(shop / "in.csv"), out, FakeBackend(), plan(), limit=4)
    assert out.read_bytes() == whole
    enrich(read_catalog(shop / "in.csv"), out, FakeBackend(), plan())
    assert out.read_bytes().startswith(whole) and len(out.read_bytes()) > len(whole)


def test_another_question_or_a_foreign_output_is_refused_until_restart(shop: Path) -> None:
    out = shop / "out.jsonl"
    out.write_text("not ours\n", encoding="utf-8")
    with pytest.raises(UsageError, match="is there already"):
        enrich(read_catalog(shop / "in.csv"), out, FakeBackend(), plan())
    assert out.read_text(encoding="utf-8") == "not ours\n"
    enrich(read_catalog(shop / "in.csv"), out, FakeBackend(), plan(), restart=True)
    with pytest.raises(UsageError, match=r"another precision.*--restart"):
        enrich(read_catalog(shop / "in.csv"), out, FakeBackend(), replace(plan(), precision=0.7))
    with pytest.raises(UsageError, match=r"another precision.*--restart"):
        enrich(read_catalog(shop / "in.csv"), out, FakeBackend(), replace(plan(), precision_of="each"))


def test_a_summary_counts_each_field_and_says_what_filled_ones_are_worth(shop: Path) -> None:
    curve = FieldCalibration(precision=[(0.0, 0.93, 1.0)], count=1_000_000)
    asked = replace(plan(), calibration=Calibration(fields={"attribute:colour": curve}), precision=0.0)
    summary = enrich(read_catalog(shop / "in.csv"), shop / "out.jsonl", FakeBackend(), asked)
    by_name = {count.name: count for count in summary.fields}
    filled = [r for r in records(shop / "out.jsonl") if r["attributes"][0]["status"] == "filled"]  # type: ignore[index]
    assert (by_name["colour"].asked, by_name["colour"].filled) == (summary.rows, len(filled)) == (11, 11)
    assert by_name["colour"].precision == pytest.approx(0.93, abs=1e-4)
    assert by_name["colour"].worth == "93 of 100 such are right"
    assert by_name["fabric"].precision is None and by_name["fabric"].worth == ""
    assert "every field" in (summary.target or "")
    again = enrich(read_catalog(shop / "in.csv"), shop / "out.jsonl", FakeBackend(), asked)
    assert {count.name: count for count in again.fields} == by_name  # out of the state file
    assert again.to_json()["fields"]["colour"] == {"asked": 11, "filled": 11, "precision": 0.93}


def test_another_catalogue_is_not_mixed_into_the_output(shop: Path) -> None:
    enrich(read_catalog(shop / "in.csv"), shop / "out.jsonl", FakeBackend(), plan(), limit=4)
    header = "id,image\n"
    for rows in ("a,1.png\nb,1.png\nc,1.png\nd,1.png\ne,1.png\n", "1,1.png\n", ""):
        (shop / "in.csv").write_text(header + rows, encoding="utf-8")
        with pytest.raises(UsageError, match="not the catalogue"):
            enrich(read_catalog(shop / "in.csv"), shop / "out.jsonl", FakeBackend(), plan())


def test_a_table_is_never_made_with_rows_of_another_catalogue(shop: Path) -> None:
    enrich(read_catalog(shop / "in.csv"), shop / "out.csv", FakeBackend(), plan(), limit=4)
    before = (shop / "out.csv").read_bytes()
    (shop / "in.csv").write_text("id,image\na,1.png\nb,1.png\nc,1.png\n4,1.png\n5,1.png\n", encoding="utf-8")
    with pytest.raises(UsageError, match="not the catalogue"):
        enrich(read_catalog(shop / "in.csv"), shop / "out.csv", FakeBackend(), plan())
    assert (shop / "out.csv").read_bytes() == before


def test_the_input_is_never_the_output(shop: Path) -> None:
    before = (shop / "in.csv").read_bytes()
    with pytest.raises(UsageError, match="input"):
        enrich(read_catalog(shop / "in.csv"), shop / "in.csv", FakeBackend(), plan(), restart=True)
    assert (shop / "in.csv").read_bytes() == before


def test_csv_comes_back_in_its_own_columns(shop: Path) -> None:
    enrich(read_catalog(shop / "in.csv"), shop / "out.csv", FakeBackend(), plan())
    rows = list(csv.DictReader(io.StringIO((shop / "out.csv").read_text(encoding="utf-8"))))
    assert len(rows) == NUM_ROWS - 1
    assert rows[0]["colour note"] == "as is"
    assert {"pumgpt_caption", "pumgpt_category", "pumgpt_colour", "pumgpt_colour_confidence"} <= set(rows[0])


@pytest.mark.parametrize(
    ("task", "present", "absent"),
    [("caption", "pumgpt_caption", "pumgpt_category"), ("attributes", "pumgpt_colour", "pumgpt_caption")],
)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_was_not_asked_has_no_columns(shop: Path, task: str, present: str, absent: str, ending: str) -> None:
    out = shop / f"out.{ending}"
    enrich(read_catalog(shop / "in.csv"), out, FakeBackend(), plan(tasks=[task]))
    names = (
        pq.read_schema(out).names if ending == "parquet" else out.read_text(encoding="utf-8").splitlines()[0].split(",")
    )
    assert present in names
    assert not [name for name in names if name.startswith((absent, "pumgpt_category"))]


def test_a_product_without_any_answer_is_set_aside(shop: Path) -> None:
    summary = enrich(read_catalog(shop / "in.csv"), shop / "out.jsonl", FailingBackend(), plan(), limit=2)
    assert (summary.rows, summary.rejected) == (0, 2)
    assert "out of memory" in str(records(shop / "out.rejected.jsonl")[0]["error"])


def test_batches_change_nothing(shop: Path) -> None:
    for size in (1, 5, 64):
        enrich(read_catalog(shop / "in.csv"), shop / f"by{size}.jsonl", FakeBackend(), plan(), batch_products=size)
    assert (shop / "by1.jsonl").read_bytes() == (shop / "by5.jsonl").read_bytes() == (shop / "by64.jsonl").read_bytes()


def test_progress_tells_every_batch(shop: Path) -> None:
    seen: list[int] = []

    def note(summary: Summary) -> None:
        seen.append(summary.done)

    enrich(read_catalog(shop / "in.csv"), shop / "out.jsonl", FakeBackend(), plan(), batch_products=5, progress=note)
    assert seen == [5, 10, 12]


def test_a_header_alone_is_an_empty_output_and_an_empty_file_an_error(shop: Path) -> None:
    (shop / "header.csv").write_text("id,image\n", encoding="utf-8")
    assert enrich(read_catalog(shop / "header.csv"), shop / "out.jsonl", FakeBackend(), plan()).done == 0
    assert (shop / "out.jsonl").read_bytes() == b""
    (shop / "empty.csv").write_bytes(b"")
    with pytest.raises(CatalogError, match=r"empty\.csv"):
        enrich(read_catalog(shop / "empty.csv"), shop / "out2.jsonl", FakeBackend(), plan())


def test_a_preview_writes_nothing(shop: Path) -> None:
    before = sorted(shop.iterdir())
    found = preview(read_catalog(shop / "in.csv"), plan())
    assert (found.rows, len(found.rejected), found.photos, found.photos_missing, found.without_photo) == (
        11,
        1,
        10,
        1,
        1,
    )
    assert found.first is not None and found.first.listing == "Title: Thing 1"
    assert sorted(shop.iterdir()) == before


def test_a_report_of_an_interrupted_run_has_every_product_once(shop: Path) -> None:
    asked = replace(plan(), evidence="occlusion")
    report, out = shop / "r.html", shop / "out.jsonl"
    enrich(read_catalog(shop / "in.csv"), out, StoppingBackend(2), asked, batch_products=2, report_path=report)
    assert not report.exists()
    enrich(read_catalog(shop / "in.csv"), out, FakeBackend(), asked, batch_products=2, report_path=report)
    page = report.read_text(encoding="utf-8")
    assert [page.count(f">Thing {row}</h2>") for row in range(1, NUM_ROWS + 1)] == [1, 1, 0, *[1] * 9]
    assert not list(shop.glob("r.html.*"))
