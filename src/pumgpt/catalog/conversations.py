"""Conversations about products as files that training programs read: `messages`, LLaVA, sharegpt.

    messages    {"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "..."}]}, ...],
                 "images": ["photos/1.jpg"]}                                        as TRL and transformers' chat templates
    llava       {"id": "1", "image": "photos/1.jpg", "conversations": [{"from": "human", "value": "<image>\\n..."}, ...]}
    sharegpt    {"conversations": [{"from": "human", "value": "<image>..."}, ...], "images": ["photos/1.jpg"]}

The ending chooses the frame: .jsonl for one object a line, .json for one list. Photos that a catalogue holds as bytes or names
by URL are written to a folder beside the file, as the programs that read it open files only; all paths are relative to the
file, or absolute where they were. https://llamafactory.readthedocs.io/en/latest/getting_started/data_preparation.html,
https://github.com/haotian-liu/LLaVA/blob/main/docs/Finetune_Custom_Data.md
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pumgpt.catalog.control_tokens import escape_control_tokens
from pumgpt.catalog.photos.decode import Fetch, format_of, open_photo, read_photo
from pumgpt.catalog.product import ImageRef
from pumgpt.errors import CatalogError, PhotoError, UsageError

_FRAMES = {".jsonl": ("", "\n", "\n"), ".json": ("[\n", ",\n", "\n]\n")}
"""Ending -> what stands before, between and after the objects."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Questions and answers about one product; the first question is asked with the photos, and with `listing` above it."""

    id: str
    images: tuple[ImageRef, ...]
    turns: tuple[tuple[str, str], ...]
    listing: str | None = None

    @property
    def shown(self) -> Sequence[tuple[str, str]]:
        """The turns with the listing in the first question. A control token in a text of the shop is escaped: who reads the
        file couldn't tell a title's `<image>` from a photo's.
        """
        (question, answer), *rest = self.turns
        turns = [(f"{self.listing}\n{question}" if self.listing else question, answer), *rest]
        return [(escape_control_tokens(question), escape_control_tokens(answer)) for question, answer in turns]


Form = Callable[[Conversation, list[str]], dict[str, Any]]


def write_training_file(
    path: Path,
    conversations: Iterable[Conversation],
    form: str,
    *,
    fetch: Fetch | None = None,
    report: Callable[[str, str], None] = lambda id_, reason: None,
) -> int:
    """Write `path` in one of `FORMS`; returns how many conversations it holds.

    A photo that can't be used is left out, and so is a conversation without a turn or without a photo; `report` gets the id
    and the reason. `fetch` gets photos by URL; without it none can be used. Raises `UsageError` for an unknown form or ending,
    `CatalogError` where the file can't be written or would be empty.
    """
    make, frame = FORMS.get(form), _FRAMES.get(path.suffix.lower())
    if make is None or frame is None:
        what = (
            f"form '{form}' is not known; it is one of {', '.join(FORMS)}"
            if make is None
            else "name a .jsonl or .json file"
        )
        raise UsageError(f"{path}: {what}")
    before, between, after = frame
    unfinished = path.with_name(
        f"{path.name}.new"
    )  # an error or Ctrl-C must not leave half a file under the right name
    photos = _PhotoFolder(path, fetch)
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(before)
            for conversation in conversations:
                if not conversation.turns:
                    continue
                placed = _placed(conversation, photos, report)
                if placed:
                    record = make(conversation, placed)
                    file.write((between if count else "") + json.dumps(record, ensure_ascii=False))
                    count += 1
            file.write(after)
        if not count:
            raise CatalogError(
                f"{path}: not written: no product has both a photo that can be used and something to teach "
                "(a title, a category or attributes)"
            )
        unfinished.replace(path)
    except OSError as error:
        raise CatalogError(
            f"{path}: can't be written ({error.strerror}); mend the path, its permissions or the disk"
        ) from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return count


def _placed(conversation: Conversation, photos: _PhotoFolder, report: Callable[[str, str], None]) -> list[str]:
    """The paths of the photos that can be used."""
    placed: list[str] = []
    for image in conversation.images:
        try:
            placed.append(photos.place(image))
        except PhotoError as error:
            report(conversation.id, str(error))
    if not conversation.images:
        report(conversation.id, "has no photo")
    return placed


class _PhotoFolder:
    """Where photos lie that have no file of their own."""

    def __init__(self, path: Path, fetch: Fetch | None) -> None:
        self._base, self._folder, self._count = path.parent, path.with_name(f"{path.stem}_photos"), 0
        self._fetch = fetch
        self._downloaded: dict[str, str] = {}

    def place(self, image: ImageRef) -> str:
        """The path of a photo, as the training file has it. Raises `PhotoError` where it can't be used."""
        open_photo(image, at_least_px=64, fetch=self._fetch)
        if image.data is None and image.path is not None:
            return self._path_of(Path(image.path))
        if image.data is None and image.url in self._downloaded:
            return self._downloaded[image.url]
        data = read_photo(image, fetch=self._fetch)
        self._folder.mkdir(exist_ok=True)
        self._count += 1
        file = self._folder / f"{self._count:07}{_ENDINGS.get(format_of(data) or '', '.jpg')}"
        file.write_bytes(data)
        place = file.relative_to(self._base).as_posix()
        if image.data is None and image.url is not None:
            self._downloaded[image.url] = place
        return place

    def _path_of(self, photo: Path) -> str:
        # The system follows links before '..', so that a path between two folders must be one of the real ones.
        folder, real = Path(os.path.realpath(self._base)), Path(os.path.realpath(photo.parent), photo.name)
        if photo.is_absolute() and not real.is_relative_to(folder):
            return str(photo)
        try:
            return Path(os.path.relpath(real, folder)).as_posix()
        except ValueError:  # on another drive of Windows
            return str(real)


_ENDINGS = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "GIF": ".gif",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "AVIF": ".avif",
}


def _messages(conversation: Conversation, images: list[str]) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    for number, (question, answer) in enumerate(conversation.shown):
        # Photos are shown once, with the first question; the later ones are about the same photos.
        photos = [{"type": "image"} for _ in images] if number == 0 else []
        messages.append({"role": "user", "content": [*photos, {"type": "text", "text": question}]})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    return {"messages": messages, "images": images}


def _llava(conversation: Conversation, images: list[str]) -> dict[str, Any]:
    shown = {"image": images[0] if len(images) == 1 else images} if images else {}
    return {"id": conversation.id, **shown, "conversations": _turns(conversation, "<image>\n" * len(images))}


def _sharegpt(conversation: Conversation, images: list[str]) -> dict[str, Any]:
    return {"conversations": _turns(conversation, "<image>" * len(images)), "images": images}


def _turns(conversation: Conversation, photos: str) -> list[dict[str, str]]:
    turns = []
    for number, (question, answer) in enumerate(conversation.shown):
        turns.append({"from": "human", "value": (photos if number == 0 else "") + question})
        turns.append({"from": "gpt", "value": answer})
    return turns


FORMS: dict[str, Form] = {"messages": _messages, "llava": _llava, "sharegpt": _sharegpt}
