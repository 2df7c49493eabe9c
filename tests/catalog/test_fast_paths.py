"""What is written out for speed gives what the standard library gives."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pumgpt.catalog.formats.csv import Dialect, RecordWriter
from pumgpt.catalog.formats.csv_records import MAX_RECORD_LINES, BrokenRecord, read_records
from pumgpt.catalog.formats.filled import FilledColumns
from pumgpt.catalog.photo_list import path_of
from pumgpt.catalog.understanding import (
    AnswerField,
    AttributeField,
    CaptionField,
    CategoryField,
    Evidence,
    ModelInfo,
    Understanding,
)

_CELLS = st.text(st.sampled_from(list('ab ,;\t"\r\n|é漢')), max_size=6)


@given(st.lists(st.lists(_CELLS, min_size=1, max_size=4), max_size=4), st.sampled_from([",", ";", "\t"]))
@example([[""], ["", ""], ['"'], ["a\rb"]], ",")
def test_records_are_written_as_the_csv_module_does(records: list[list[str]], delimiter: str) -> None:
    expected = io.StringIO()
    csv.writer(expected, delimiter=delimiter, lineterminator="\r\n").writerows(records)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "out.csv")
        writer = RecordWriter(path, Dialect(delimiter, "\r\n"))
        for record in records:
            writer.write(record)
        writer.close()
        assert path.read_bytes().decode() == expected.getvalue()


@given(st.lists(st.text(st.sampled_from(list("a.:\\/ \0é")), max_size=4), max_size=4).map("/".join))
@example("./a.jpg")
@example("/a.jpg")
@example("a//b.jpg")
@example("../a.jpg")
@example("a/")
def test_a_path_is_joined_as_pathlib_does(name: str) -> None:
    for base in (Path("shop"), Path("/data/shop"), Path(), Path("/")):
        assert path_of(name, base) == str(base / name)


@given(st.floats(0, 1) | st.sampled_from([1e-5, 0.00005, 0.99995, 1.0, 0.0, -0.0]) | st.floats())
def test_a_confidence_is_written_as_its_number(confidence: float) -> None:
    columns = FilledColumns((), ())
    said = Understanding(
        id="1", caption=CaptionField(text="a", confidence=confidence), model=ModelInfo(name="a", revision="0")
    )
    number, text = (told["pumgpt_caption_confidence"] for told in (columns.answers(said), columns.cells(said)))
    assert text == str(number)


def test_json_without_evidence_is_that_of_an_answer_which_has_none() -> None:
    def told(evidence: Evidence | None) -> Understanding:
        return Understanding(
            id="1",
            category=CategoryField(path=["A"], status="filled", evidence=evidence),
            attributes=[AttributeField(name="colour", value="Blue", status="filled", evidence=evidence)],
            answers=[AnswerField(question="Is it?", answer="Yes", status="filled", evidence=evidence)],
            model=ModelInfo(name="a", revision="0"),
        )

    seen = told(Evidence(image=0, grid=[[1.0]]))
    assert seen.to_json(evidence=False) == told(None).to_json() != seen.to_json()


@pytest.mark.parametrize("num_lines", [MAX_RECORD_LINES, MAX_RECORD_LINES + 1])
def test_a_record_may_run_over_so_many_lines(num_lines: int) -> None:
    lines = ['1,"\n', *["a\n"] * (num_lines - 2), 'end"\n', "2,b\n"]
    found = list(read_records(lines, ","))
    assert isinstance(found[0], BrokenRecord) == (num_lines > MAX_RECORD_LINES)
    assert found[-1] == ["2", "b"]
