"""Answers on disk, by model revision, case and prompt: a killed run resumes, and nothing is asked or paid for twice.

A file only grows, one JSON line for each answer; half a line, which a killed run may leave, is skipped. Answers that
failed are not kept: the same command tries them again.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from pumgpt.backends.protocol import Answer, Backend, Request
from pumgpt.catalog.question import Question


@dataclass(frozen=True, slots=True)
class TimedAnswer:
    """An answer and its share of its batch's time."""

    answer: Answer
    seconds: float = 0.0


def answer_key(case_id: str, question: Question, request: Request, photo_hash: str) -> str:
    """What an answer depends on, beside the model: the case, what is shown, and every word of the prompt."""
    choices = None if question.choices is None else question.choices.values
    # Answers about the text alone stay valid when a photo changes.
    shown = photo_hash if request.photos else ""
    parts = (case_id, shown, request.listing, question.text, choices, question.max_new_tokens)
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:24]


class AnswerCache:
    """The answers of one model. Close it, or use it as a context."""

    def __init__(self, folder: Path, backend: Backend, restart: bool = False) -> None:
        # The readable part is shortened and its characters replaced, so two models may share it; the tag is unique.
        name = re.sub(r"[^\w.-]+", "_", f"{backend.name}-{backend.revision}")[:120]
        tag = hashlib.sha256(f"{backend.name}\n{backend.revision}".encode()).hexdigest()[:8]
        self.path = folder / f"{name}-{tag}.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        if restart:
            self.path.unlink(missing_ok=True)
        self._answers = _load(self.path)
        self._file = self.path.open("ab")
        # A killed run may have left half a line, which must not swallow the next one.
        if self.path.stat().st_size and not self.path.read_bytes().endswith(b"\n"):
            self._file.write(b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()

    def get(self, key: str) -> TimedAnswer | None:
        return self._answers.get(key)

    def put(self, answers: Iterable[tuple[str, TimedAnswer]]) -> None:
        """Keep the answers of a batch, in one write that outlives the program."""
        lines = []
        for key, timed in answers:
            if not is_failure(timed.answer):
                self._answers[key] = timed
                lines.append(json.dumps(_to_json(key, timed), ensure_ascii=False) + "\n")
        # Models may write lone surrogates, which UTF-8 can't encode; one odd character must not end the run.
        self._file.write("".join(lines).encode("utf-8", "replace"))
        self._file.flush()


def _to_json(key: str, timed: TimedAnswer) -> dict[str, Any]:
    answer = timed.answer
    return {
        "key": key,
        "text": answer.text,
        "probability": answer.probability,
        "cannot_tell": answer.cannot_tell,
        "ranked": answer.ranked,
        "written": answer.written,
        "num_tokens": answer.num_tokens,
        "known": answer.known,
        "by_class": answer.by_class,
        "seconds": round(timed.seconds, 6),
    }


def _load(path: Path) -> dict[str, TimedAnswer]:
    answers = {}
    # As bytes: a killed run may cut a line within a character, and then the file as a whole can't be decoded.
    for line in path.read_bytes().split(b"\n") if path.exists() else []:
        try:
            document = json.loads(line)
            ranked = tuple((str(value), float(share)) for value, share in document["ranked"])
            answer = Answer(
                text=document["text"],
                probability=document["probability"],
                cannot_tell=document["cannot_tell"],
                ranked=ranked,
                written=document["written"],
                num_tokens=document["num_tokens"],
                known=float(document.get("known", 1.0)),
                by_class=bool(document.get("by_class", False)),
            )
            answers[str(document["key"])] = TimedAnswer(answer, float(document["seconds"]))
        except (ValueError, KeyError, TypeError):  # half a line, or one of another program
            continue
    return answers


def is_failure(answer: Answer) -> bool:
    """Whether there was no reply at all. A reply that the backend could make nothing of is one, and its model's."""
    return answer.error is not None and answer.written is None


def checked(answer: object) -> Answer:
    """The answer as it may be scored; anything else becomes an error."""
    if not isinstance(answer, Answer) or not isinstance(answer.text, str):
        return Answer("", error=f"the backend gave {type(answer).__name__} instead of an answer")
    probability = _share(answer.probability)
    # Evidence maps are large and shown for a few failures only, which are asked again.
    return replace(answer, probability=probability, cannot_tell=_share(answer.cannot_tell) or 0.0, evidence=None)


def _share(number: object) -> float | None:
    """A probability, None for what is none."""
    if not isinstance(number, int | float) or not math.isfinite(number):
        return None
    return min(1.0, max(0.0, float(number)))
