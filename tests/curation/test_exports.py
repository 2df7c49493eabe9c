"""What systems export is curated in its own form: values go, every row, byte and element else stays."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from small_experts import LastWord

from pumgpt.catalog.formats.registry import read_catalog
from pumgpt.catalog.product import Product
from pumgpt.curation.cascade import Cascade
from pumgpt.curation.curator import Curator, Source
from pumgpt.curation.experts.base import Case, Expert
from pumgpt.curation.job import curate
from pumgpt.curation.records import SET_ASIDE, FailedValues
from pumgpt.curation.verdict import Verdict, Vote
from pumgpt.errors import CatalogError

EXPORTS = Path(__file__).parents[1] / "catalog" / "exports"
COLUMN = "pumgpt_verdicts"


class Against(Expert):
    """Holds some values for contradicted and all others for supported."""

    name, cost = "text", 0.0

    def __init__(self, *values: str) -> None:
        self.values = values

    def judge(self, cases: Sequence[Case]) -> list[list[Vote | None]]:
        return [[self._vote(claim.value) for claim in case.claims] for case in cases]

    def _vote(self, value: str) -> Vote:
        verdict = Verdict.CONTRADICTED if value in self.values else Verdict.SUPPORTED
        return Vote(self.name, verdict, 0.0 if value in self.values else 1.0)


def curated(
    source: Path, out: Path, *against: str, failed_values: FailedValues = FailedValues.DROP, columns: Sequence[str] = ()
) -> Path:
    whole = out.suffix == ".jsonl"
    names = frozenset(name.casefold() for name in columns)
    curator = Curator(
        Cascade([Against(*against)], LastWord()),
        Source(read_catalog(source), names),
        failed_values,
        whole_records=whole,
    )
    curate(curator, out, {"experts": "text"})
    return out


def table(path: Path, delimiter: str = ",") -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row for row in csv.reader(file, delimiter=delimiter) if row]


def test_shopify_loses_the_value_and_nothing_else(tmp_path: Path) -> None:
    source = EXPORTS / "shopify.csv"
    before, after = table(source), table(curated(source, tmp_path / "out.csv", "navy blue", "30°\ngentle", "Red"))
    assert after[0] == [*before[0], COLUMN]
    assert len(after) == len(before)
    color, care = (before[0].index(name) for name in before[0] if "metafields" in name)
    changed = {(r, c) for r, row in enumerate(before) for c, cell in enumerate(row) if after[r][c] != cell}
    bag = next(number for number, row in enumerate(before) if row[:1] == ["bag"])
    assert changed == {(1, care), (bag, color)}
    assert after[bag][color] == "sky" and after[1][care] == ""
    assert [v["value"] for v in json.loads(after[1][-1]) if v["verdict"] == "contradicted"] == ["Red", "30°\ngentle"]
    assert {row[-1] for number, row in enumerate(after) if number not in (0, 1, bag) and len(row) > 1} == {""}


def test_an_option_stays_as_it_tells_variants_apart(tmp_path: Path) -> None:
    after = table(curated(EXPORTS / "shopify.csv", tmp_path / "out.csv", "Red", "Blue"))
    place = after[0].index("Option1 Value")
    assert [row[place] for row in after[1:3]] == ["Red", "Blue"]


def test_columns_that_a_schema_names_lose_values_too(tmp_path: Path) -> None:
    out = curated(
        EXPORTS / "shopify.csv", tmp_path / "out.csv", "Own", failed_values=FailedValues.MOVE, columns=["vendor"]
    )
    (row,) = (dict(zip(table(out)[0], row, strict=True)) for row in table(out)[1:2])
    assert row["Vendor"] == "" and json.loads(row[SET_ASIDE]) == {"Vendor": "Own"}


@pytest.mark.parametrize("name", ["shopify.csv", "google.xml"])
def test_what_an_earlier_run_set_aside_stays(tmp_path: Path, name: str) -> None:
    values = {"shopify.csv": ("navy blue", "sky"), "google.xml": ("Navy", "White")}[name]
    first = curated(EXPORTS / name, tmp_path / f"first-{name}", values[0], failed_values=FailedValues.MOVE)
    second = curated(first, tmp_path / f"second-{name}", values[1], failed_values=FailedValues.MOVE)
    assert f'["{values[0]}", "{values[1]}"]' in second.read_text(encoding="utf-8").replace('""', '"')


def test_with_nothing_against_it_an_export_comes_back_as_it_was(tmp_path: Path) -> None:
    for name in ("shopify.csv", "shopify_new.csv", "google.tsv"):
        delimiter = "\t" if name.endswith(".tsv") else ","
        before = table(EXPORTS / name, delimiter)
        after = table(curated(EXPORTS / name, tmp_path / name), delimiter)
        assert [row[: len(old)] for row, old in zip(after, before, strict=True)] == before


def test_shopify_as_json_lines_and_parquet(tmp_path: Path) -> None:
    source = EXPORTS / "shopify.csv"
    column = next(name for name in read_catalog(source).columns if "color-pattern" in name)
    lines = curated(source, tmp_path / "out.jsonl", "navy blue").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)[column] for line in lines] == ["", "sky"]
    rows = pq.read_table(curated(source, tmp_path / "out.parquet", "navy blue")).to_pylist()
    handles = [row["Handle"] for row in rows]
    assert handles.count("tee") == 3 and len(rows) == sum(len(p.original.rows) for p in _products(source))
    assert [row[column] for row in rows if row["Handle"] == "bag"] == ["sky"]


def _products(source: Path) -> list[Any]:
    return [row for row in read_catalog(source) if isinstance(row, Product)]


def test_a_feed_as_text(tmp_path: Path) -> None:
    source = EXPORTS / "google.tsv"
    before, after = table(source, "\t"), table(curated(source, tmp_path / "out.tsv", "Navy", "Girls"), "\t")
    header = before[0]
    bag = dict(zip(after[0], after[2], strict=True))
    assert (bag["color"], bag["gender"], bag["age_group"]) == ("White", "", "kids")
    others = [place for place, name in enumerate(header) if name not in ("color", "gender")]
    assert all(after[r][p] == row[p] for r, row in enumerate(before) for p in others)


def test_a_feed_in_xml_is_the_same_but_for_the_value_and_the_verdicts(tmp_path: Path) -> None:
    source = EXPORTS / "google.xml"
    out = curated(source, tmp_path / "out.xml", "Navy", failed_values=FailedValues.MOVE)
    text, old = out.read_text(encoding="utf-8"), source.read_text(encoding="utf-8")
    assert "<g:color>White</g:color>" in text
    without_ours = "\n".join(line for line in text.splitlines() if "<pumgpt:" not in line)
    lines = old.replace("<g:color>Navy/White</g:color>", "<g:color>White</g:color>").splitlines()
    # The bare item has all on one line, our element with it.
    assert without_ours.splitlines() == [line for line in lines if "BARE-3" not in line]
    (bag,) = (row for row in read_catalog(out) if isinstance(row, Product) and row.id == "BAG-2")
    assert bag.attributes is not None and bag.attributes["colour"] == "White"
    again = curated(out, tmp_path / "again.xml", "White")
    assert again.read_text(encoding="utf-8").count("<pumgpt:pumgpt_verdicts") == 3, "those of an earlier run are gone"
    assert again.read_text(encoding="utf-8").count("Navy") == 1, "what it set aside is not"
    assert "<g:color>" not in again.read_text(encoding="utf-8")


def test_rows_that_were_not_judged_stay(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    text = "Handle,Title,Variant SKU,Fit (product.metafields.custom.fit)\na,A,1,slim\n,,2,\nb,B,3,wide\na,A,4,slim\nc,C,5\n"
    source.write_text(text, encoding="utf-8")
    out = curated(source, tmp_path / "out.csv", "slim")
    rows = [line.split(",")[:4] for line in out.read_text(encoding="utf-8").splitlines()[1:]]
    assert [row[:3] for row in rows] == [line.split(",")[:3] for line in text.splitlines()[1:]]
    assert [row[3] for row in rows[:4]] == ["", "", "wide", "slim"], (
        "the second 'a' is set aside, so it keeps its value"
    )


def test_a_feeds_ending_is_for_feeds(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"its ending '.xml' is not known"):
        curated(EXPORTS / "shopify.csv", tmp_path / "out.xml")
