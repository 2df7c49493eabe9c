"""`pumgpt duplicates` and `pumgpt convert`: a catalogue's copies, and its labels for other programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pumgpt.cli.main import main
from pumgpt.samples import draw_product, seeds


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Five listings: 1 and 2 alike to the byte, 3 with the photo of 1 in another size, 4 with nearly its title, 5 broken."""
    photo, _ = draw_product(seeds.DEMO[0])
    photo.save(tmp_path / "a.png")
    photo.resize((photo.width // 2, photo.height // 2)).save(tmp_path / "small.png")
    (tmp_path / "in.csv").write_text(
        "id,image,title,category\n"
        "1,a.png,Soft blue cotton shirt,Apparel > Shirts\n"
        "2,a.png,Soft blue cotton shirt,Apparel > Shirts\n"
        "3,small.png,Something else,Apparel > Shirts\n"
        '4,,"Cotton shirt, soft, blue",Apparel > Shirts\n'
        ",a.png,No id,\n",
        encoding="utf-8",
    )
    return tmp_path


def test_copies_are_listed_by_what_gives_them_away(shop: Path) -> None:
    found = run("duplicates", shop / "in.csv", "--json")
    assert found.exit_code == 0
    told = json.loads(found.stdout)
    assert (told["rows"], told["rejected"]) == (4, 1)
    assert told["groups"] == [
        {"kind": "exact", "ids": ["1", "2"]},
        {"kind": "photo", "ids": ["1", "2", "3"]},
        {"kind": "title", "ids": ["1", "2", "4"]},
    ]
    assert "row 5" in found.stderr


def test_without_photos_the_text_alone_counts(shop: Path) -> None:
    lines = run("duplicates", shop / "in.csv", "--without-photos").stdout.splitlines()
    assert lines == ["exact\t1\t2", "title\t1\t2\t4"]


def test_a_catalogue_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,title\n1,Nameless,x\n", encoding="utf-8")
    done = run("duplicates", tmp_path / "in.csv")
    assert done.exit_code == 1
    assert "none of its 1 rows" in done.stderr


@pytest.mark.parametrize(
    ("form", "ending", "key"), [("messages", "jsonl", "messages"), ("llava", "json", "conversations")]
)
def test_labels_become_conversations(shop: Path, form: str, ending: str, key: str) -> None:
    out = shop / f"out.{ending}"
    done = run("convert", shop / "in.csv", out, "--to", form, "--json")
    assert done.exit_code == 0
    counts = {"rows": 4, "rejected": 1, "left_out": 1, "conversations": 3}
    assert json.loads(done.stdout) == {**counts, "out": str(out)}
    assert "id 4: has no photo" in done.stderr
    text = out.read_text(encoding="utf-8")
    records = json.loads(text) if ending == "json" else [json.loads(line) for line in text.splitlines()]
    assert len(records) == 3
    assert all(record[key] for record in records)


def test_of_a_catalogue_without_one_good_row_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("id,title\n1,A,a\n2,B,b\n", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    out.write_text("from before", encoding="utf-8")
    result = run("convert", tmp_path / "in.csv", out, "--to", "llava", "--overwrite")
    assert result.exit_code == 1 and "none of its 2 rows can be read" in result.output
    assert out.read_text(encoding="utf-8") == "from before" and len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("form", ["messages", "llava", "sharegpt"])
def test_a_listings_placeholder_is_none_of_a_photo(shop: Path, form: str) -> None:
    text = (shop / "in.csv").read_text(encoding="utf-8")
    header, *rows = text.replace("Soft blue", "Print <image> </s>").replace("> Shirts", "> Shirts <image>").splitlines()
    text = "\n".join([f"{header},colour", *(f"{row},Blue <image>" for row in rows)])
    (shop / "in.csv").write_text(text, encoding="utf-8")
    done = run("convert", shop / "in.csv", shop / "out.jsonl", "--to", form)
    assert done.exit_code == 0
    records = [json.loads(line) for line in (shop / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    for record in records:
        photos = record.get("images", [record["image"]] if "image" in record else [])
        line = json.dumps(record)
        assert line.count("<image>") + line.count('{"type": "image"}') == len(photos)
    assert any("< image>" in json.dumps(record) for record in records)


def test_a_file_that_is_there_is_not_replaced_unasked(shop: Path) -> None:
    out = shop / "out.jsonl"
    out.write_text("precious", encoding="utf-8")
    refused = run("convert", shop / "in.csv", out, "--to", "sharegpt")
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr
    assert out.read_text(encoding="utf-8") == "precious"
    assert run("convert", shop / "in.csv", out, "--to", "sharegpt", "--overwrite").exit_code == 0
    assert "conversations" in out.read_text(encoding="utf-8")
