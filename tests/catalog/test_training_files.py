"""Conversations in the forms that training programs read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pumgpt.catalog.conversations import FORMS, Conversation, write_training_file
from pumgpt.catalog.product import ImageRef
from pumgpt.errors import CatalogError, UsageError

_TURNS = (("What is it?", "A tee"), ("Which colour?", "cannot be inferred"))


def _written(path: Path, form: str, *conversations: Conversation) -> list[dict[str, Any]]:
    assert write_training_file(path, conversations, form) == len(conversations)
    text = path.read_text(encoding="utf-8")
    return json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_the_three_forms(tmp_path: Path, ending: str) -> None:
    photos = (ImageRef(path=str(tmp_path / "a.jpg")), ImageRef(url="https://x.example/b.jpg"))
    told = Conversation("1", photos, _TURNS, "Title: 🧦")
    path = tmp_path / f"train.{ending}"
    (messages,) = _written(path, "messages", told)
    assert messages["images"] == ["a.jpg", "https://x.example/b.jpg"]
    assert [turn["role"] for turn in messages["messages"]] == ["user", "assistant"] * 2
    first = messages["messages"][0]["content"]
    assert [part["type"] for part in first] == ["image", "image", "text"]
    assert first[-1]["text"] == "Title: 🧦\nWhat is it?"
    assert messages["messages"][2]["content"] == [{"type": "text", "text": "Which colour?"}]
    (llava,) = _written(path, "llava", told)
    assert (llava["id"], llava["image"]) == ("1", ["a.jpg", "https://x.example/b.jpg"])
    assert llava["conversations"][0] == {"from": "human", "value": "<image>\n<image>\nTitle: 🧦\nWhat is it?"}
    assert llava["conversations"][3] == {"from": "gpt", "value": "cannot be inferred"}
    (sharegpt,) = _written(path, "sharegpt", told)
    assert sharegpt["conversations"][0]["value"].count("<image>") == len(sharegpt["images"]) == 2


@pytest.mark.parametrize("form", FORMS)
def test_every_placeholder_has_its_photo(tmp_path: Path, form: str) -> None:
    several = [Conversation(str(n), tuple(ImageRef(data=b"%d" % k) for k in range(n)), _TURNS) for n in range(3)]
    for number, record in enumerate(_written(tmp_path / "train.jsonl", form, *several)):
        text = json.dumps(record)
        assert text.count("<image>") + text.count('{"type": "image"}') == number
    photos = sorted((tmp_path / "train_photos").iterdir())
    assert [photo.read_bytes() for photo in photos] == [b"0", b"0", b"1"]


@pytest.mark.parametrize("form", FORMS)
def test_a_placeholder_in_a_listing_is_text(tmp_path: Path, form: str) -> None:
    turns = (("Which <image> is it?", "White <image>"), ("And </s>?", "<|im_end|>"))
    shown = Conversation("1", (ImageRef(path="/far/a.jpg"),), turns, "Title: Print <image> frame")
    (record,) = _written(tmp_path / "train.json", form, shown)
    text = json.dumps(record)
    assert text.count("<image>") + text.count('{"type": "image"}') == 1
    assert "Title: Print < image> frame" in text and "White < image>" in text
    assert "</s>" not in text and "<|im_end|>" not in text


def test_one_photo_is_no_list_in_llava(tmp_path: Path) -> None:
    none, one = Conversation("1", (), _TURNS), Conversation("2", (ImageRef(path="/far/a.jpg"),), _TURNS)
    first, second = _written(tmp_path / "train.json", "llava", none, one)
    assert "image" not in first
    assert second["image"] == "/far/a.jpg"


def test_nothing_to_teach(tmp_path: Path) -> None:
    assert write_training_file(tmp_path / "a.json", [Conversation("1", (), ())], "llava") == 0
    assert json.loads((tmp_path / "a.json").read_text()) == []
    assert write_training_file(tmp_path / "a.jsonl", [], "llava") == 0
    assert (tmp_path / "a.jsonl").read_bytes() == b""


def test_what_can_not_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one of messages, llava, sharegpt"):
        write_training_file(tmp_path / "a.json", [], "alpaca")
    with pytest.raises(UsageError, match=r"\.jsonl or \.json"):
        write_training_file(tmp_path / "a.csv", [], "llava")
    (tmp_path / "file").touch()
    with pytest.raises(CatalogError, match="can't be written"):
        write_training_file(tmp_path / "file" / "a.json", [], "llava")
