from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from small_experts import LastWord, PaintExpert, WordExpert

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.curation import curator as curator_module
from pumgpt.curation.cascade import Cascade
from pumgpt.curation.curator import Curator, Source
from pumgpt.curation.experts.base import Case, claims_of
from pumgpt.curation.job import curate
from pumgpt.curation.records import SET_ASIDE, FailedValues, curated_record, with_columns
from pumgpt.curation.summary import CurationSummary
from pumgpt.curation.verdict import Claim, Verdict, Vote
from pumgpt.errors import UsageError

NUM_ROWS = 40
ASKED = {"experts": "text, similarity"}


def make(
    source: Path,
    failed_values: FailedValues = FailedValues.DROP,
    *,
    words: WordExpert | None = None,
    table: bool = False,
) -> Curator:
    cascade = Cascade([PaintExpert(), words or WordExpert()], LastWord())
    return Curator(
        cascade, Source(read_catalog(source), frozenset({"colour", "size"})), failed_values, whole_records=not table
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Forty rows in JSON lines: every fifth a list of pairs, every seventh without a photo; rows 3 and 4 can't be read."""
    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.png")
    lines = []
    for row in range(1, NUM_ROWS + 1):
        attributes: Any = {"colour": "Red" if row % 2 else "Blue", "size": ["S", "M"], "weight": 3}
        if row % 5 == 0:
            attributes = [{"name": n, "value": v, "source": "erp"} for n, v in attributes.items()]
        image = {0: "", 1: "missing.png"}.get(row % 7, "red.png")
        record = {"id": f"p{row}", "title": f"Thing {row} M", "image": image, "attributes": attributes, "note": None}
        lines.append(json.dumps(record))
    lines[2], lines[3] = "{broken", lines[0]
    (tmp_path / "in.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class Stopping(WordExpert):
    """Is interrupted in its n-th batch."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().judge(cases)


def test_every_listed_value_has_one_verdict_and_no_row_is_lost(shop: Path) -> None:
    words = WordExpert()
    summary = curate(make(shop / "in.jsonl", words=words), shop / "out.jsonl", ASKED)
    rows, before = records(shop / "out.jsonl"), {row["id"]: row for row in records_of_input(shop)}
    assert [row["id"] for row in rows] == [f"p{row}" for row in range(1, NUM_ROWS + 1) if row not in (3, 4)]
    assert [row["row"] for row in records(shop / "out.rejected.jsonl")] == [3, 4]
    for row in rows:
        claims = claims_of(Product.from_record(before[row["id"]]))
        assert [(v["name"], v["value"]) for v in row["verdicts"]] == [(claim.name, claim.value) for claim in claims]
        assert {v["verdict"] for v in row["verdicts"]} <= set(Verdict)
        assert list(row["verdicts"][0]) == ["name", "value", "verdict", "score", "expert", "evidence", "votes"]
    assert (summary.rows, summary.rejected, summary.values) == (38, 2, 38 * 4)
    assert summary.unusable_photos == sum(row % 7 == 1 and row not in (3, 4) for row in range(1, NUM_ROWS + 1))
    assert words.seen == 38


def records_of_input(shop: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (shop / "in.jsonl").read_text().splitlines() if line != "{broken"]


def test_failing_values_go_and_the_rest_keeps_its_shape(shop: Path) -> None:
    curate(make(shop / "in.jsonl"), shop / "out.jsonl", ASKED)
    by_id = {row["id"]: row for row in records(shop / "out.jsonl")}
    assert by_id["p2"]["attributes"] == {"size": ["M"]}  # the photo is red, the title says M and nothing of a weight
    assert by_id["p9"]["attributes"] == {"colour": "Red", "size": ["M"]}
    assert by_id["p5"]["attributes"] == [
        {"name": "colour", "value": "Red", "source": "erp"},
        {"name": "size", "value": ["M"], "source": "erp"},
    ]
    assert by_id["p2"]["note"] is None and by_id["p2"]["image"] == "red.png"


def test_failing_values_can_be_moved_aside_or_kept(shop: Path) -> None:
    curate(make(shop / "in.jsonl", FailedValues.MOVE), shop / "moved.jsonl", ASKED)
    curate(make(shop / "in.jsonl", FailedValues.KEEP), shop / "kept.jsonl", ASKED)
    moved = {row["id"]: row for row in records(shop / "moved.jsonl")}
    assert moved["p2"][SET_ASIDE] == {"colour": "Blue", "size": ["S"], "weight": 3}
    assert moved["p5"][SET_ASIDE] == [
        {"name": "size", "value": ["S"], "source": "erp"},
        {"name": "weight", "value": 3, "source": "erp"},
    ]
    before = {row["id"]: row for row in records_of_input(shop)}
    for row in records(shop / "kept.jsonl"):
        assert {name: value for name, value in row.items() if name != "verdicts"} == before[row["id"]]


def test_what_was_moved_aside_before_stays(shop: Path) -> None:
    record = {"id": "1", "title": "x", "attributes": {"colour": "Red"}, SET_ASIDE: {"colour": "Blue", "size": "S"}}
    (shop / "again.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    curate(make(shop / "again.jsonl", FailedValues.MOVE), shop / "out.jsonl", ASKED)
    assert records(shop / "out.jsonl")[0][SET_ASIDE] == {"colour": ["Blue", "Red"], "size": "S"}


def name_of(claim: Claim) -> str:
    return claim.name


VALUES = st.text("ab", min_size=1, max_size=2) | st.integers(0, 3)
GIVEN = VALUES | st.none() | st.just("") | st.lists(VALUES | st.none(), max_size=3)
OBJECTS = st.dictionaries(st.text("xyz", min_size=1, max_size=2), GIVEN, max_size=4)
PAIRS = st.lists(st.fixed_dictionaries({"name": st.sampled_from("xyz"), "value": GIVEN}), max_size=5)


@given(OBJECTS | PAIRS, st.randoms())
def test_supported_values_stay_and_failing_ones_move_whatever_the_shape(attributes: Any, coin: Any) -> None:
    product = Product.from_record({"id": "1", "attributes": attributes})
    claims = claims_of(product)
    verdicts = [{"name": c.name, "value": c.value, "verdict": coin.choice(list(Verdict))} for c in claims]
    after = curated_record(product, verdicts, FailedValues.MOVE)
    kept, moved = (Product.from_record({"id": "1", "attributes": after.get(n)}) for n in ("attributes", SET_ASIDE))
    for part, is_kept in ((kept, True), (moved, False)):
        expected = [c for c, v in zip(claims, verdicts, strict=True) if (v["verdict"] == "supported") is is_kept]
        assert sorted(claims_of(part), key=name_of) == sorted(expected, key=name_of)  # in order within an attribute
    assert type(after["attributes"]) is type(attributes)


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_interrupted_and_resumed_equals_never_interrupted(
    shop: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curator_module, "BATCH_ROWS_WITH_PHOTOS", 5)
    table = ending != "jsonl"
    whole, parts = shop / f"whole.{ending}", shop / f"parts.{ending}"
    curate(make(shop / "in.jsonl", table=table), whole, ASKED)
    stopped = curate(make(shop / "in.jsonl", words=Stopping(2), table=table), parts, ASKED)
    assert (stopped.stopped, stopped.done) == (True, 10)
    resumed = curate(make(shop / "in.jsonl", table=table), parts, ASKED)
    assert (resumed.resumed, resumed.done) == (10, NUM_ROWS)
    if ending == "parquet":
        assert pq.read_table(parts).equals(pq.read_table(whole))
    else:
        assert parts.read_bytes() == whole.read_bytes()
    assert (shop / "parts.rejected.jsonl").read_bytes() == (shop / "whole.rejected.jsonl").read_bytes()


def test_what_a_kill_left_behind_the_last_commit_does_not_count(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curator_module, "BATCH_ROWS_WITH_PHOTOS", 5)
    curate(make(shop / "in.jsonl"), shop / "whole.jsonl", ASKED)
    curate(make(shop / "in.jsonl", words=Stopping(2)), shop / "parts.jsonl", ASKED)
    with (shop / "parts.jsonl").open("ab") as file:
        file.write(b'{"id": "p11", "ti')
    curate(make(shop / "in.jsonl"), shop / "parts.jsonl", ASKED)
    assert (shop / "parts.jsonl").read_bytes() == (shop / "whole.jsonl").read_bytes()


def test_a_run_killed_before_its_first_row_goes_on(shop: Path) -> None:
    """Its output may be there, empty, beside its state."""
    stopped = curate(make(shop / "in.jsonl", words=Stopping(0)), shop / "out.jsonl", ASKED)
    assert stopped.done == 0
    assert curate(make(shop / "in.jsonl"), shop / "out.jsonl", ASKED).done == NUM_ROWS


def test_a_limit_gives_the_beginning_of_the_whole_and_goes_on_from_there(shop: Path) -> None:
    curate(make(shop / "in.jsonl"), shop / "whole.jsonl", ASKED)
    assert curate(make(shop / "in.jsonl"), shop / "out.jsonl", ASKED, limit=7).done == 7
    assert (shop / "whole.jsonl").read_bytes().startswith((shop / "out.jsonl").read_bytes())
    again = curate(make(shop / "in.jsonl", words=Stopping(0)), shop / "out.jsonl", ASKED, limit=7)
    assert (again.done, again.stopped) == (7, False)
    curate(make(shop / "in.jsonl"), shop / "out.jsonl", ASKED)
    assert (shop / "out.jsonl").read_bytes() == (shop / "whole.jsonl").read_bytes()


def test_another_question_another_catalogue_and_a_foreign_output_are_refused(shop: Path) -> None:
    out = shop / "out.jsonl"
    out.write_text("not ours\n", encoding="utf-8")
    with pytest.raises(UsageError, match="is there already"):
        curate(make(shop / "in.jsonl"), out, ASKED)
    curate(make(shop / "in.jsonl"), out, ASKED, restart=True, limit=5)
    with pytest.raises(UsageError, match=r"another experts.*--restart"):
        curate(make(shop / "in.jsonl"), out, {"experts": "text"})
    (shop / "in.jsonl").write_text('{"id": "other"}\n' * 6, encoding="utf-8")
    with pytest.raises(UsageError, match="not the catalogue"):
        curate(make(shop / "in.jsonl"), out, ASKED)


def test_csv_columns_that_the_schema_names_are_listed_values(shop: Path) -> None:
    (shop / "in.csv").write_text("id,title,Colour,size,other\n1,Red M,Red,S|M,x\n2,Red,Blue,,y\n", encoding="utf-8")
    summary = curate(make(shop / "in.csv", FailedValues.MOVE, table=True), shop / "out.csv", ASKED)
    first, second = csv.DictReader(io.StringIO((shop / "out.csv").read_text(encoding="utf-8")))
    assert (first["Colour"], first["size"], first["other"]) == ("Red", "M", "x")
    assert (second["Colour"], second["size"], json.loads(second[SET_ASIDE])) == ("", "", {"Colour": "Blue"})
    assert [v["verdict"] for v in json.loads(first["pumgpt_verdicts"])] == ["supported", "not_inferable", "supported"]
    assert summary.values == 4


def test_parquet_keeps_its_types_and_its_photos(shop: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG")
    pairs = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))
    schema = pa.schema(
        [("id", pa.int64()), ("image", pa.binary()), ("attributes", pairs), ("price", pa.decimal128(8, 2))]
    )
    listed = [[{"name": "colour", "value": "Red"}, {"name": "colour", "value": "Blue"}], None]
    table = pa.table([[1, 2], [buffer.getvalue()] * 2, listed, [3, None]], schema=schema)
    pq.write_table(table, shop / "in.parquet")
    curate(make(shop / "in.parquet", table=True), shop / "out.parquet", ASKED)
    out = pq.read_table(shop / "out.parquet")
    assert out.schema.names == [*schema.names, "pumgpt_verdicts"]
    assert out.drop_columns(["pumgpt_verdicts", "attributes"]).equals(table.drop_columns(["attributes"]))
    assert out.column("attributes").to_pylist() == [[{"name": "colour", "value": "Red"}], None]
    summary = curate(make(shop / "in.parquet"), shop / "out.jsonl", ASKED)
    assert records(shop / "out.jsonl")[0]["price"] == "3.00"
    assert any("can't hold the photos' bytes" in warning for warning in summary.warnings)


def test_a_table_of_json_lines_can_be_read_again(shop: Path) -> None:
    curate(make(shop / "in.jsonl", table=True), shop / "out.parquet", ASKED)
    again = {row.id: row for row in Source(read_catalog(shop / "out.parquet"))}
    assert len(again) == NUM_ROWS - 2
    assert again["p2"].attributes == {"size": "M"}


def test_a_catalogue_without_values_says_so(shop: Path) -> None:
    (shop / "bare.jsonl").write_text('{"id": 1, "title": "Red"}\n', encoding="utf-8")
    summary = curate(make(shop / "bare.jsonl"), shop / "out.jsonl", ASKED)
    assert records(shop / "out.jsonl") == [{"id": 1, "title": "Red", "verdicts": []}]
    assert any("no row lists a value" in warning for warning in summary.warnings)


def test_counts_survive_their_file() -> None:
    summary = CurationSummary(rows=3, rejected=1)
    summary.verdicts["supported"], summary.asked["text"], summary.spared["judge"] = 4, 5, 2
    again = CurationSummary.from_counts(json.loads(json.dumps(summary.counts)))
    assert (again.counts, again.resumed, again.values) == (summary.counts, 4, 4)


def test_only_named_columns_become_attributes() -> None:
    product = Product("1", extra={"Size": "S | M", "note": "S", "colour": " "}, attributes={"colour": "Red"})
    assert with_columns(product, {"size", "colour"}).attributes == {"colour": "Red", "Size": ["S", "M"]}
