"""Conversations in the forms that training programs read."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import datasets
import pytest
from photo_host import serve_photos
from PIL import Image

from pumgpt.catalog.conversations import FORMS, Conversation, write_training_file
from pumgpt.catalog.photos.download import PhotoDownloads
from pumgpt.catalog.product import ImageRef
from pumgpt.errors import CatalogError, UsageError

_TURNS = (("What is it?", "A tee"), ("Which colour?", "cannot be inferred"))


def _photo(path: Path, colour: str = "navy") -> ImageRef:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), colour).save(path)
    return ImageRef(path=str(path))


def _data(colour: str, kind: str = "PNG") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (16, 16), colour).save(data, kind)
    return data.getvalue()


def _written(path: Path, form: str, *conversations: Conversation) -> list[dict[str, Any]]:
    assert write_training_file(path, conversations, form) == len(conversations)
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_the_three_forms(tmp_path: Path, ending: str) -> None:
    photos = (_photo(tmp_path / "a.jpg"), _photo(tmp_path / "more" / "b.jpg"))
    told = Conversation("1", photos, _TURNS, "Title: 🧦")
    path = tmp_path / f"train.{ending}"
    (messages,) = _written(path, "messages", told)
    assert messages["images"] == ["a.jpg", "more/b.jpg"]
    assert [turn["role"] for turn in messages["messages"]] == ["user", "assistant"] * 2
    first = messages["messages"][0]["content"]
    assert [part["type"] for part in first] == ["image", "image", "text"]
    assert first[-1]["text"] == "Title: 🧦\nWhat is it?"
    assert messages["messages"][2]["content"] == [{"type": "text", "text": "Which colour?"}]
    (llava,) = _written(path, "llava", told)
    assert (llava["id"], llava["image"]) == ("1", ["a.jpg", "more/b.jpg"])
    assert llava["conversations"][0] == {"from": "human", "value": "<image>\n<image>\nTitle: 🧦\nWhat is it?"}
    assert llava["conversations"][3] == {"from": "gpt", "value": "cannot be inferred"}
    (sharegpt,) = _written(path, "sharegpt", told)
    assert sharegpt["conversations"][0]["value"].count("<image>") == len(sharegpt["images"]) == 2


@pytest.mark.parametrize("form", FORMS)
def test_every_placeholder_has_its_photo(tmp_path: Path, form: str) -> None:
    """Photos that are bytes or broken among them, and placeholders in the texts."""
    good, broken = ImageRef(data=_data("red")), ImageRef(data=b"no photo")
    turns = (("What <image> is it?", "A <image> tee"), ("<image>", "</s>"))
    several = [
        Conversation("1", (good, broken, ImageRef(data=_data("blue", "WEBP"))), turns),
        Conversation("2", (broken, good), turns, "Title: <image><image>"),
    ]
    records = _written(tmp_path / "train.jsonl", form, *several)
    for record, count in zip(records, (2, 1), strict=True):
        images = record["images"] if "images" in record else record["image"]
        assert len([images] if isinstance(images, str) else images) == count
        text = json.dumps(record)
        assert text.count("<image>") + text.count('{"type": "image"}') == count
    names = [photo.name for photo in sorted((tmp_path / "train_photos").iterdir())]
    assert names == ["0000001.png", "0000002.webp", "0000003.png"], "called after what they are"


@pytest.mark.parametrize("form", FORMS)
def test_a_placeholder_in_a_listing_is_text(tmp_path: Path, form: str) -> None:
    turns = (("Which <image> is it?", "White <image>"), ("And </s>?", "<|im_end|>"))
    shown = Conversation("1", (_photo(tmp_path / "a.jpg"),), turns, "Title: Print <image> frame")
    (record,) = _written(tmp_path / "train.json", form, shown)
    text = json.dumps(record)
    assert text.count("<image>") + text.count('{"type": "image"}') == 1
    assert "Title: Print < image> frame" in text and "White < image>" in text
    assert "</s>" not in text and "<|im_end|>" not in text


def test_one_photo_is_no_list_in_llava(tmp_path: Path) -> None:
    (record,) = _written(tmp_path / "train.json", "llava", Conversation("2", (_photo(tmp_path / "a.jpg"),), _TURNS))
    assert record["image"] == "a.jpg"


@pytest.mark.parametrize("form", FORMS)
def test_paths_lead_from_the_file_to_the_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    _photo(tmp_path / "shop" / "photos" / "a.jpg")
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "shop" / "link").symlink_to(tmp_path / "elsewhere" / "deep", target_is_directory=True)
    monkeypatch.chdir(tmp_path / "shop")
    for image in (ImageRef(path="photos/a.jpg"), ImageRef(path=str(tmp_path / "shop" / "photos" / "a.jpg"))):
        for path in (
            Path("train.json"),
            Path("photos/train.json"),
            Path("new/sub/train.json"),
            Path("link/train.json"),
        ):
            (record,) = _written(path, form, Conversation("1", (image,), _TURNS))
            place = record["image"] if form == "llava" else record["images"][0]
            assert (path.parent / place).samefile("photos/a.jpg"), f"{place} from {path}"
            assert not Path(place).is_absolute() or Path(image.path or "").is_absolute()


def test_photos_by_url_are_downloaded_or_refused(tmp_path: Path) -> None:
    reports: list[tuple[str, str]] = []
    with serve_photos() as host, PhotoDownloads(tmp_path / "cache", allow_private=True) as downloads:
        images = (ImageRef(url=host.url("/a.png")), ImageRef(url=host.url("/status?404")))
        shown = [Conversation(id_, images, _TURNS) for id_ in ("1", "2")]
        for fetch, count in ((downloads, 2), (None, 0)):
            reports.clear()
            path = tmp_path / f"train{count}.json"
            if not count:
                with pytest.raises(CatalogError, match="no product has both a photo that can be used and"):
                    write_training_file(path, shown, "sharegpt", fetch=fetch, report=lambda *told: reports.append(told))
                assert not path.exists() and "not fetched here" in reports[0][1]
                continue
            assert (
                write_training_file(path, shown, "sharegpt", fetch=fetch, report=lambda *told: reports.append(told))
                == 2
            )
            assert [record["images"] for record in json.loads(path.read_text())] == [["train2_photos/0000001.png"]] * 2
            assert [id_ for id_, reason in reports] == ["1", "2"] and all("404" in reason for _, reason in reports)
    assert Image.open(tmp_path / "train2_photos" / "0000001.png").size


def test_datasets_loads_every_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative paths are those from the file, so the library is run in its folder."""
    monkeypatch.chdir(tmp_path)
    datasets.disable_progress_bars()
    shown = [
        Conversation("1", (_photo(tmp_path / "a.jpg"), _photo(tmp_path / "b.jpg")), _TURNS),
        Conversation("2", (ImageRef(data=_data("red")),), _TURNS[:1]),
    ]
    for form in ("messages", "sharegpt"):
        for ending in ("json", "jsonl"):
            write_training_file(tmp_path / f"{form}.{ending}", shown, form)
            file = str(tmp_path / f"{form}.{ending}")
            loaded = datasets.load_dataset("json", data_files=file, split="train", cache_dir=str(tmp_path / "cache"))
            loaded = loaded.cast_column("images", datasets.List(datasets.Image()))
            assert [[picture.size for picture in row["images"]] for row in loaded] == [[(16, 16)] * 2, [(16, 16)]]
            turns = [row["conversations"] if form == "sharegpt" else row["messages"] for row in loaded]
            assert [len(row) for row in turns] == [4, 2]


def test_nothing_to_teach(tmp_path: Path) -> None:
    """A file without a conversation would only fail later; the one that is there stays."""
    (tmp_path / "a.json").write_text("before")
    broken = Conversation("2", (ImageRef(path=str(tmp_path / "gone.jpg")),), _TURNS)
    reports: list[tuple[str, str]] = []
    for shown in ([], [Conversation("1", (), ())], [Conversation("1", (), _TURNS), broken]):
        with pytest.raises(CatalogError, match=r"a\.json: not written"):
            write_training_file(tmp_path / "a.json", shown, "llava", report=lambda *told: reports.append(told))
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"] and (tmp_path / "a.json").read_text() == "before"
    assert reports[0] == ("1", "has no photo")
    assert reports[1][0] == "2" and "gone.jpg: there is no such file" in reports[1][1]


def test_what_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one of messages, llava, sharegpt"):
        write_training_file(tmp_path / "a.json", [], "alpaca")
    with pytest.raises(UsageError, match=r"\.jsonl or \.json"):
        write_training_file(tmp_path / "a.csv", [], "llava")
    (tmp_path / "file").touch()
    with pytest.raises(CatalogError, match="can't be written"):
        write_training_file(tmp_path / "file" / "a.json", [], "llava")
