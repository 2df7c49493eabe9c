"""Akeneo over its REST API: what is pushed, and what is left out."""

from __future__ import annotations

import json
from pathlib import Path

from akeneo_server import Gate
from akeneo_shop import enrich, filled, pull, record_file, run, value


def test_only_filled_values_differ_after_a_push(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    before = pull(config, tmp_path / "before")
    records = enrich(tmp_path / "before")
    assert run("akeneo", "push", records, config).exit_code == 0
    after = pull(config, tmp_path / "after")
    given = {
        record["id"]: {field["name"]: field["value"] for field in record["attributes"] if field["status"] == "filled"}
        for record in map(json.loads, records.read_text(encoding="utf-8").splitlines())
    }
    changed = 0
    for id_, record in after.items():
        new = {name: text for name, text in record["attributes"].items() if name not in before[id_]["attributes"]}
        as_text = {name: text if isinstance(text, str) else text[0] for name, text in new.items()}
        assert as_text.items() <= given[id_].items(), id_
        changed += len(new)
        kept = {**record, "attributes": before[id_]["attributes"]}
        for name in ("category", "categories"):
            if before[id_]["category"]:
                assert record[name] == before[id_][name]
            assert set(before[id_]["categories"] or ()) <= set(record["categories"] or ())
            kept[name] = before[id_][name]
        assert {**kept, "attributes": None} == {**before[id_], "attributes": None}
    assert changed >= 3
    assert after["bare/2"]["category"], "a category is filled where the channel's tree has none"
    assert "page_1" in after["bare/2"]["categories"]

    akeneo.sent.clear()
    again = run("akeneo", "push", records, config, "--json")
    assert again.exit_code == 0 and json.loads(again.stdout)["changed"] == 0
    assert akeneo.sent == []


def test_values_are_sent_as_codes_for_their_locale_and_scope(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    attributes = [filled("Colour", "Red"), filled("Material (materials)", "Cotton")]
    category = {"path": ["Tops", "Shirts (shirts)"], "status": "filled", "confidence": 0.9}
    records = record_file(tmp_path / "f.jsonl", {"id": "bare/2", "attributes": attributes, "category": category})
    assert run("akeneo", "push", records, config).exit_code == 0
    assert akeneo.sent == [
        (
            "/api/rest/v1/products",
            [
                {
                    "identifier": "bare/2",
                    "values": {"color": [value("red")], "materials": [value(["cotton"], None, "ecommerce")]},
                    "categories": ["page_1", "shirts"],
                }
            ],
        )
    ]


def test_a_value_that_the_shop_has_by_now_stays(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    records = record_file(tmp_path / "f.jsonl", {"id": "bare/2", "attributes": [filled("Colour", "Red")]})
    akeneo.seed("/products", {"identifier": "bare/2", "values": {"color": [value("blue")]}})
    result = run("akeneo", "push", records, config)
    assert "1 values were left out: there is a value already" in result.stderr and akeneo.sent == []
    assert run("akeneo", "push", records, config, "--overwrite-values").exit_code == 0
    assert akeneo.sent[0][1] == [{"identifier": "bare/2", "values": {"color": [value("red")]}}]


def test_what_has_no_place_is_left_out_and_counted(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    attributes = [filled("Colour", "Mauve"), filled("Fit", "Slim"), filled("Material (other_material)", "Tin")]
    category = {"path": ["Shoes"], "id": "shirts", "status": "filled", "confidence": 0.9}
    kept = {"name": "Colour", "value": "Blue", "confidence": None, "status": "kept"}
    records = record_file(
        tmp_path / "f.jsonl",
        {"id": "bare/2", "attributes": attributes, "category": category},
        {"id": "no such product", "attributes": [filled("Colour", "Red")]},
        {"id": "other-locale", "attributes": [kept]},
    )
    summary = json.loads(run("akeneo", "push", records, config, "--json").stdout)
    assert summary["changed"] == 0 and akeneo.sent == []
    assert summary["skipped"] == {
        "the attribute has no such option": 1,
        "Akeneo has no attribute of this name to fill": 1,
        "the product's family doesn't have the attribute": 1,
        "the channel's tree has no such category": 1,
        "the product isn't in Akeneo": 1,
    }


def test_what_variants_share_goes_to_their_product_model(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    records = record_file(
        tmp_path / "f.jsonl",
        *({"id": id_, "attributes": [filled("Material (materials)", "Cotton")]} for id_ in ("tee-red", "tee-blue")),
    )
    assert run("akeneo", "push", records, config).exit_code == 0
    assert [path for path, _ in akeneo.sent] == ["/api/rest/v1/product-models"]
    assert akeneo.stored("/product-models/tee")["values"]["materials"] == [value(["cotton"], None, "ecommerce")]
    assert "materials" not in akeneo.stored("/products/tee-red")["values"]


def test_what_variants_disagree_on_is_left_out(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    records = record_file(
        tmp_path / "f.jsonl",
        *(
            {"id": id_, "attributes": [filled("Material (materials)", material)]}
            for id_, material in (("tee-red", "Cotton"), ("tee-blue", "Linen"))
        ),
    )
    summary = json.loads(run("akeneo", "push", records, config, "--json").stdout)
    assert summary["skipped"] == {"its variants were filled differently": 1} and akeneo.sent == []


def test_a_refused_line_is_named_and_the_others_are_kept(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    akeneo.refused["bare/2"] = "Option is locked"
    records = record_file(
        tmp_path / "f.jsonl",
        {"id": "bare/2", "attributes": [filled("Colour", "Red")]},
        {"id": "other-locale", "attributes": [filled("Colour", "Red")]},
    )
    with records.open("a", encoding="utf-8") as file:
        file.write('{"half a')
    result = run("akeneo", "push", records, config)
    assert result.exit_code == 1 and "2 lines were refused" in result.stderr
    assert akeneo.stored("/products/other-locale")["values"]["color"] == [value("red")]
    refused = [json.loads(line) for line in (tmp_path / "f.refused.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(line["id"], line["status"]) for line in refused] == [("line 3", None), ("bare/2", 422)]
    assert refused[1]["error"] == "Validation failed.; values: Option is locked"


def test_a_dry_run_shows_what_would_be_sent(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    records = record_file(tmp_path / "f.jsonl", {"id": "bare/2", "attributes": [filled("Colour", "Red")]})
    result = run("akeneo", "push", records, config, "--dry-run")
    assert json.loads(result.stdout) == {"identifier": "bare/2", "values": {"color": [value("red")]}}
    assert akeneo.sent == []


def test_a_product_without_an_identifier_goes_by_its_uuid(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    uuid = akeneo.stored("/products/other-locale")["uuid"]
    records = record_file(tmp_path / "f.jsonl", {"id": uuid, "attributes": [filled("Colour", "Red")]})
    assert run("akeneo", "push", records, config).exit_code == 0
    assert akeneo.sent == [("/api/rest/v1/products-uuid", [{"uuid": uuid, "values": {"color": [value("red")]}}])]
    assert akeneo.stored("/products/other-locale")["values"]["color"] == [value("red")]


def test_a_table_is_no_record_of_what_was_filled(akeneo: Gate, config: Path, tmp_path: Path) -> None:
    (tmp_path / "filled.csv").write_text("id,pumgpt_colour\nbare/2,Red\n", encoding="utf-8")
    result = run("akeneo", "push", tmp_path / "filled.csv", config)
    assert result.exit_code == 2 and "let `pumgpt enrich` write to a .jsonl file" in result.stderr
    (tmp_path / "filled.jsonl").write_text('{"id": "bare/2", "title": "No record"}\n', encoding="utf-8")
    result = run("akeneo", "push", tmp_path / "filled.jsonl", config)
    assert result.exit_code == 1 and "has no record of `pumgpt enrich`" in result.stderr
