"""The engine: encode a product once, ask many questions of it.

Photos go through vision tower, Q-Former and bridge once each, however many requests show them. The beginning that all
questions of a request share (photos, listing) is read once; questions of many products are then read, scored and
decoded together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image
from torch import Tensor

from pumgpt.backends.protocol import Answer, Request
from pumgpt.backends.pumgpt.beam import WIDTH, AnswerTree, score_by_beam
from pumgpt.backends.pumgpt.decoder import Decoder, Reading
from pumgpt.backends.pumgpt.memory import Memory, Recollection
from pumgpt.backends.pumgpt.trie import TokenTrie
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.model.modeling import EncodedPhotos, PumGPTForConditionalGeneration
from pumgpt.model.processing import IMAGE_TOKEN, PumGPTProcessor
from pumgpt.model.prompt import render_prompt

PHOTOS_AT_ONCE = 32
QUESTIONS_AT_ONCE = 64
TREE_TOKENS_AT_ONCE = 12_288
BEAM_QUESTIONS_AT_ONCE = 16
NUM_RANKED = 5

_Item = TypeVar("_Item")
_Told = tuple[str, float, float, tuple[tuple[str, float], ...], int]
"""Text, probability, that of `CANNOT_TELL`, ranked choices, tokens written."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One question on its way: where its answer goes, and its prompt behind what its request shares."""

    request: int
    place: int
    question: Question
    rest: tuple[int, ...]
    num_tokens: int
    """Of the whole prompt."""
    slots: tuple[int, ...]
    """Where in what is shared the placeholders of the photos stand."""
    listed: bool
    """Whether the listing's text is shown."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """What photos were encoded to, and at which place each stands by its id, which stays its own while it is held here."""

    photos: tuple[Image, ...]
    encoded: EncodedPhotos
    places: dict[int, int]
    evidence: bool


class PumGPTEngine:
    """A PumGPT model behind the backend protocol."""

    gives_evidence = True
    most_exact = 1_000
    """Up to so many choices all are scored; of more the likeliest are found by a beam of `beam_width`."""
    beam_width = WIDTH
    num_ranked = NUM_RANKED
    """So many of the choices are named, the likeliest first."""
    memory: Memory | None = None
    """Labelled products that have a say in closed answers."""

    def __init__(
        self,
        model: PumGPTForConditionalGeneration,
        processor: PumGPTProcessor,
        name: str,
        revision: str,
        num_visual_tokens: int | None = None,
    ) -> None:
        self.model = model.train(False)
        self.processor = processor
        self.name = name
        self.revision = revision
        self.num_visual_tokens = num_visual_tokens or processor.num_visual_tokens
        tokenizer = processor.tokenizer
        self.end_token_ids = _as_list(model.generation_config.eos_token_id or tokenizer.eos_token_id)
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else self.end_token_ids[0]
        self.decoder = Decoder(model, pad, self.end_token_ids)
        self._tries: dict[Choices | None, TokenTrie] = {}
        self._trees: dict[Choices, AnswerTree] = {}
        self._keeps_photos = False
        self._kept: _Kept | None = None

    @contextmanager
    def photos_kept(self) -> Iterator[None]:
        """Within this, a call of `answer` about none but photos of the call before it doesn't encode them again."""
        self._keeps_photos = True
        try:
            yield
        finally:
            self._keeps_photos, self._kept = False, None

    @torch.inference_mode()
    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        """See `Backend.answer`."""
        if not any(request.questions for request in requests):
            return [[] for _ in requests]
        photos, index = self._encode([photo for request in requests for photo in request.photos], evidence)
        shown = [[index[id(photo)] for photo in request.photos] for request in requests]
        answers: list[list[Answer]] = [[Answer("")] * len(request.questions) for request in requests]
        reading, rows = self._read(requests, photos, shown)
        recollection = self._recall(photos, shown)
        rows.sort(key=lambda row: len(row.rest))
        for choices, group in _by_choices(rows).items():
            for batch in _batches(group, QUESTIONS_AT_ONCE if choices is None else self._rows_at_once(choices)):
                selected = reading.select(torch.tensor([row.request for row in batch], device=self.model.device))
                looking = evidence and photos is not None
                ready = self.decoder.go_on(selected, [row.rest for row in batch], attention=looking)
                maps = self._maps(photos, ready, [(shown[row.request], row.slots) for row in batch])
                found = (
                    self._write(ready, batch) if choices is None else self._choose(ready, batch, choices, recollection)
                )
                for row, (text, probability, cannot_tell, ranked, num_written), looks in zip(
                    batch, found, maps, strict=True
                ):
                    answers[row.request][row.place] = Answer(
                        text, probability, cannot_tell, ranked, looks, num_tokens=row.num_tokens + num_written
                    )
        return answers

    def _encode(self, photos: Sequence[Image], evidence: bool) -> tuple[EncodedPhotos | None, dict[int, int]]:
        """Encode each photo once; says at which place each stands."""
        distinct = {id(photo): photo for photo in photos}
        if not distinct:
            return None, {}
        kept = self._kept
        if kept is not None and kept.places.keys() >= distinct.keys() and kept.evidence >= evidence:
            return kept.encoded, kept.places
        parts = []
        for batch in _batches(list(distinct.values()), PHOTOS_AT_ONCE):
            pixels = self._pixels(batch)
            count = self._visual_tokens(pixels)
            parts.append(self.model.encode_photos(pixels, count, evidence=evidence))
        encoded, places = _join(parts), {key: place for place, key in enumerate(distinct)}
        if self._keeps_photos:
            self._kept = _Kept(tuple(distinct.values()), encoded, places, evidence)
        return encoded, places

    @torch.inference_mode()
    def photo_features(self, photos: Sequence[Image]) -> Tensor:
        """By what photos that look alike are found: (P, V), one row for each."""
        batches = _batches(photos, PHOTOS_AT_ONCE)
        return torch.cat([self.model.photo_features(self._pixels(batch)).float() for batch in batches])

    def _pixels(self, photos: Sequence[Image]) -> Tensor:
        pixels: Tensor = self.processor.image_processor(photos, return_tensors="pt")["pixel_values"]
        return pixels.to(self.model.device)

    def _visual_tokens(self, pixels: Tensor) -> int | None:
        return self.num_visual_tokens if self.model.config.bridge == "layerwise" else None

    def _read(
        self, requests: Sequence[Request], photos: EncodedPhotos | None, shown: Sequence[Sequence[int]]
    ) -> tuple[Reading, list[_Row]]:
        """Read what the questions of each request share."""
        count = photos.visual_KBND.shape[2] if photos is not None else 0
        beginnings: list[tuple[int, ...]] = []
        rows: list[_Row] = []
        for number, request in enumerate(requests):
            prompts = [self._tokens(request, question, count) for question in request.questions]
            length = _common_length(prompts, keep=1)
            beginning = prompts[0][:length] if prompts else (self.decoder.pad_token_id,)
            beginnings.append(beginning)
            slots = tuple(slot for slot, token in enumerate(beginning) if token == self.model.config.image_token_id)
            rows.extend(
                _Row(number, place, question, prompt[length:], len(prompt), slots, request.listing is not None)
                for place, (question, prompt) in enumerate(zip(request.questions, prompts, strict=True))
            )
        return self._read_beginnings(beginnings, photos, shown), rows

    def _read_beginnings(
        self, beginnings: Sequence[Sequence[int]], photos: EncodedPhotos | None, shown: Sequence[Sequence[int]]
    ) -> Reading:
        """Read the beginning of each request. What requests about the same photos begin with alike, their photos above all, is
        read once for all of them.
        """
        groups: dict[tuple[int, ...], list[int]] = {}
        for number, places in enumerate(shown):
            groups.setdefault(tuple(places), []).append(number)
        lengths = [_common_length([beginnings[number] for number in group]) for group in groups.values()]
        placeholder = self.model.config.image_token_id
        alike = all(
            length and placeholder not in beginnings[number][length:]
            for group, length in zip(groups.values(), lengths, strict=True)
            for number in group
        )
        if len(groups) == len(beginnings) or not alike:
            return self.decoder.read(beginnings, photos, self._index(shown))
        heads = [beginnings[group[0]][:length] for group, length in zip(groups.values(), lengths, strict=True)]
        reading = self.decoder.read(heads, photos, self._index(list(groups)))
        head_of = {number: head for head, group in enumerate(groups.values()) for number in group}
        heads_of_requests = [head_of[number] for number in range(len(beginnings))]
        rests = [beginning[lengths[head] :] for beginning, head in zip(beginnings, heads_of_requests, strict=True)]
        return self.decoder.go_on(reading.select(torch.tensor(heads_of_requests, device=self.model.device)), rests)

    def _index(self, shown: Sequence[Sequence[int]]) -> Tensor:
        """Which photos are shown, in the order of their placeholders."""
        places = [place for photos in shown for place in photos]
        return torch.tensor(places, dtype=torch.long, device=self.model.device)

    def _tokens(self, request: Request, question: Question, count: int) -> tuple[int, ...]:
        prompt = render_prompt(self.processor, len(request.photos), request.listing, question.text)
        expanded = prompt.replace(IMAGE_TOKEN, IMAGE_TOKEN * count)
        return tuple(self.processor.tokenizer(expanded, add_special_tokens=False)["input_ids"])

    def _maps(
        self, photos: EncodedPhotos | None, reading: Reading, shown: Sequence[tuple[Sequence[int], Sequence[int]]]
    ) -> list[tuple[NDArray[np.float32], ...] | None]:
        """Where the model looked for each row's answer: a map for each of its photos. None where it wasn't asked.

        `shown` holds for each row which photos it shows, and the slots of their placeholders.
        """
        if photos is None or reading.attention_RLS is None:
            return [None] * len(shown)
        count, device = photos.visual_KBND.shape[2], reading.attention_RLS.device
        looks_LBN = [
            attention_LS[:, torch.tensor(slots, dtype=torch.long, device=device)].unflatten(1, (len(places), count))
            for attention_LS, (places, slots) in zip(reading.attention_RLS, shown, strict=True)
        ]
        index = torch.tensor([place for places, _ in shown for place in places], dtype=torch.long, device=device)
        grids = iter(photos.select(index).evidence(torch.cat(looks_LBN, 1)).cpu().numpy())
        return [tuple(islice(grids, len(places))) or None for places, _ in shown]

    def _trie(self, choices: Choices | None) -> TokenTrie:
        """The trie of some choices and of `CANNOT_TELL`, kept; of `CANNOT_TELL` alone for None."""
        if choices not in self._tries:
            encoded = self._encoded((*(choices.values if choices else ()), CANNOT_TELL))
            self._tries[choices] = TokenTrie.build(encoded, self.end_token_ids[0]).to(self.model.device)
        return self._tries[choices]

    def _tree(self, choices: Choices) -> AnswerTree:
        """The tree of many choices, kept."""
        if choices not in self._trees:
            tree = AnswerTree.build(self._encoded(choices.values), self.end_token_ids[0])
            self._trees[choices] = tree.to(self.model.device)
        return self._trees[choices]

    def _encoded(self, values: Sequence[str]) -> list[list[int]]:
        encoded: list[list[int]] = self.processor.tokenizer(list(values), add_special_tokens=False)["input_ids"]
        return encoded

    def _rows_at_once(self, choices: Choices) -> int:
        if len(choices.values) > self.most_exact:
            return BEAM_QUESTIONS_AT_ONCE
        return max(1, min(QUESTIONS_AT_ONCE, TREE_TOKENS_AT_ONCE // max(1, self._trie(choices).num_nodes)))

    def _scores(self, reading: Reading, choices: Choices) -> Tensor:
        """Log-probabilities (R, C + 1) of the choices and, last, of `CANNOT_TELL`."""
        if len(choices.values) <= self.most_exact:
            return self.decoder.score(reading, self._trie(choices))
        found = score_by_beam(self.decoder, reading, self._tree(choices), self.beam_width)
        return torch.cat([found, self.decoder.score(reading, self._trie(None))], 1)

    def _recall(self, photos: EncodedPhotos | None, shown: Sequence[Sequence[int]]) -> Recollection | None:
        """What is remembered near the photos of each request."""
        if self.memory is None or photos is None or photos.features_BV is None:
            return None
        nothing_V = torch.full_like(photos.features_BV[0], torch.nan)
        return self.memory.recall(
            torch.stack([photos.features_BV[list(places)].mean(0) if places else nothing_V for places in shown])
        )

    def _choose(
        self, reading: Reading, rows: Sequence[_Row], choices: Choices, recollection: Recollection | None
    ) -> list[_Told]:
        """Answers of a closed question, normalised over its choices and `CANNOT_TELL`."""
        shares_RC = self._scores(reading, choices).softmax(-1)
        if recollection is not None:
            shares_RC = _weighed(shares_RC, rows, choices, recollection)
        top = shares_RC[:, :-1].topk(min(self.num_ranked, len(choices.values)), dim=-1)
        found = []
        for row, refusal in enumerate(shares_RC[:, -1].tolist()):
            places, shares = top.indices[row].tolist(), top.values[row].tolist()
            ranked = tuple((choices.values[place], share) for place, share in zip(places, shares, strict=True))
            told = float(shares_RC[row, :-1].sum())
            text = ranked[0][0] if ranked[0][1] >= refusal else CANNOT_TELL
            found.append((text, ranked[0][1] / told if told > 0 else 0.0, refusal, ranked, 0))
        return found

    def _write(self, reading: Reading, rows: Sequence[_Row]) -> list[_Told]:
        """Open answers, decoded greedily, and how probable a refusal was."""
        refusals = self.decoder.score(reading, self._trie(None)).exp()[:, 0].tolist()
        written = self.decoder.write(reading, [row.question.max_new_tokens for row in rows])
        texts = self.processor.tokenizer.batch_decode([tokens for tokens, _ in written], skip_special_tokens=True)
        return [
            (text.strip(), probability, refusal, (), len(tokens))
            for text, (tokens, probability), refusal in zip(texts, written, refusals, strict=True)
        ]


def _weighed(shares_RC: Tensor, rows: Sequence[_Row], choices: Choices, recollection: Recollection) -> Tensor:
    """The shares, with what is remembered; of all rows of one field at once."""
    groups: dict[tuple[str, bool], list[int]] = {}
    for place, row in enumerate(rows):
        if row.question.field is not None:
            groups.setdefault((row.question.field, row.listed), []).append(place)
    shares_RC = shares_RC.clone()
    for (name, listed), places in groups.items():
        requests = torch.tensor([rows[place].request for place in places], device=shares_RC.device)
        shares_RC[places] = recollection.weigh(shares_RC[places], requests, name, choices, listed)
    return shares_RC


def _as_list(value: int | Sequence[int]) -> list[int]:
    return [value] if isinstance(value, int) else list(value)


def _batches(items: Sequence[_Item], size: int) -> Iterable[list[_Item]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _by_choices(rows: Iterable[_Row]) -> dict[Choices | None, list[_Row]]:
    groups: dict[Choices | None, list[_Row]] = {}
    for row in rows:
        groups.setdefault(row.question.choices, []).append(row)
    return groups


def _common_length(prompts: Sequence[Sequence[int]], keep: int = 0) -> int:
    """How many tokens all prompts begin with alike; each keeps `keep` tokens at least for itself."""
    shortest = min((len(prompt) for prompt in prompts), default=keep) - keep
    for place in range(shortest):
        if any(prompt[place] != prompts[0][place] for prompt in prompts):
            return place
    return shortest


def _join(parts: Sequence[EncodedPhotos]) -> EncodedPhotos:
    def cat(name: str, dim: int) -> Any:
        tensors = [getattr(part, name) for part in parts]
        return None if tensors[0] is None else torch.cat(tensors, dim)

    return EncodedPhotos(
        cat("visual_KBND", 1),
        cat("queries_BME", 0),
        cat("alpha_KBNM", 1),
        cat("attention_BMP", 0),
        parts[0].grid,
        features_BV=cat("features_BV", 0),
    )
