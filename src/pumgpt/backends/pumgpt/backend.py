"""PumGPT's own model as a backend: encode a product once, ask many questions about it.

Photos go through vision tower, Q-Former and bridge once each, however many requests show them. The prefix that all questions
of a request share (photos, listing) is prefilled once; the questions of many products then extend it, and are scored or
generated, in batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from PIL.Image import Image
from torch import Tensor

from pumgpt.backends.calibration import Calibration
from pumgpt.backends.protocol import Answer, Backend, Capabilities, Request
from pumgpt.backends.pumgpt.batch import PendingQuestion, PhotoSigns, SessionPhotos, weigh_neighbours
from pumgpt.backends.pumgpt.beam import BEAM_WIDTH, AnswerTree, score_by_beam
from pumgpt.backends.pumgpt.closed_answers import answers_by_class, ranked_answers
from pumgpt.backends.pumgpt.decoder import Decoder, PrefixCache
from pumgpt.backends.pumgpt.general_knowledge import GeneralKnowledge
from pumgpt.backends.pumgpt.kinds import KnownKinds, mean_features
from pumgpt.backends.pumgpt.memory import Memory
from pumgpt.backends.pumgpt.trie import TokenTrie
from pumgpt.backends.registry import LoadOptions
from pumgpt.backends.runtime import no_progress_bar, select_device, select_dtype
from pumgpt.catalog.question import CANNOT_TELL, Choices
from pumgpt.catalog.vocabulary.applicability import Applicability
from pumgpt.catalog.vocabulary.imagenet import NUM_CLASSES
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.errors import ModelError, first_line
from pumgpt.model.card import CALIBRATION_FILE, category_maps, read_card, resolve_checkpoint, revision_of
from pumgpt.model.encoded_photos import EncodedPhotos
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.plain_text import encode_plain
from pumgpt.model.processing import PumGPTProcessor

PHOTOS_AT_ONCE = 32
QUESTIONS_AT_ONCE = 64
TRIE_TOKENS_AT_ONCE = 12_288
"""A long list of choices is scored for fewer questions at once, so that a pass stays this small."""
BEAM_QUESTIONS_AT_ONCE = 16
NUM_RANKED = 5
NO_CHOICES = Choices(())

_Item = TypeVar("_Item")


class PumGPTBackend(Backend):
    """A PumGPT checkpoint.

    `memory` holds labelled products that have a say in closed answers. `kinds` tells whether a product is of a kind that the
    model has learnt, and `general` answers for the others by the classes of ImageNet, where the model has a transfer tower.
    `photos_at_once` is how many photos go through the vision tower in one pass; answers don't depend on it.
    `num_visual_tokens` may be smaller than the model's own.
    """

    max_exact_choices = 1_000
    """Up to so many choices all are scored; of more the likeliest are found by a beam of `beam_width`."""
    beam_width = BEAM_WIDTH
    num_ranked = NUM_RANKED
    """So many of the choices are returned, the likeliest first."""

    def __init__(
        self,
        model: PumGPTForConditionalGeneration,
        processor: PumGPTProcessor,
        name: str,
        revision: str,
        capabilities: Capabilities | None = None,
        *,
        memory: Memory | None = None,
        kinds: KnownKinds | None = None,
        general: GeneralKnowledge | None = None,
        photos_at_once: int | None = None,
        num_visual_tokens: int | None = None,
    ) -> None:
        self.model = model.train(False)
        self.processor = processor
        self.name = name
        self.revision = revision
        self.capabilities = capabilities or Capabilities(gives_evidence=True)
        self.memory = memory
        self.kinds = kinds
        self.general = general
        self.photos_at_once = photos_at_once or PHOTOS_AT_ONCE
        self.num_visual_tokens = num_visual_tokens or processor.num_visual_tokens
        tokenizer = processor.tokenizer
        end = model.generation_config.eos_token_id or tokenizer.eos_token_id
        self.end_token_ids: list[int] = [end] if isinstance(end, int) else list(end)
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else self.end_token_ids[0]
        self.decoder = Decoder(model, pad, self.end_token_ids)
        # Choices that nobody holds any more, such as those of one product, leave with their trie.
        self._tries: WeakKeyDictionary[Choices, TokenTrie] = WeakKeyDictionary()
        self._trees: dict[Choices, AnswerTree] = {}
        self._learned_choices: WeakKeyDictionary[Choices, Choices] = WeakKeyDictionary()
        self._in_session = False
        self._session_photos: SessionPhotos | None = None

    @classmethod
    def load(
        cls, folder: Path, device: str | None = None, photos_at_once: int | None = None, remembers: bool = True
    ) -> Self:
        """The checkpoint in `folder`, with the taxonomy, schema, calibration and memory that it brings.

        Unless it `remembers`, neither its memory nor the classes of its backbone count. Raises `ModelError` where it can't be
        loaded.
        """
        device = select_device(device)
        try:
            with no_progress_bar():
                model: Any = PumGPTForConditionalGeneration.from_pretrained(folder, dtype=select_dtype(device))
                model.to(device)
                model.fuse_norms()
                processor = PumGPTProcessor.from_pretrained(folder)
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelError(f"{folder}: can't be loaded: {first_line(error)}") from error
        card = read_card(folder)
        specs = tuple(AttributeSpec(name, tuple(values) or None) for name, values in card.attributes.items())
        calibration = Calibration.load(folder / CALIBRATION_FILE) if (folder / CALIBRATION_FILE).is_file() else None
        knows_imagenet = remembers and model.config.transfer_classes == NUM_CLASSES
        capabilities = Capabilities(
            taxonomy=Taxonomy.of(card.category_paths) if card.categories else None,
            category_maps=category_maps(folder),
            schema=AttributeSchema(specs) if specs else None,
            applicability=Applicability.of(card.applicability) if card.applicability else None,
            calibration=calibration,
            knows_imagenet=knows_imagenet,
            training_data=tuple(map(str, card.training_data)),
            gives_evidence=True,
        )
        memory, kinds = Memory.load(folder) if remembers else None, KnownKinds.load(folder)
        general = GeneralKnowledge((calibration or Calibration()).class_temperature) if knows_imagenet else None
        return cls(
            model,
            processor,
            card.name,
            # Answers without it are those of another model, and are neither resumed nor cached as the same.
            revision_of(folder) + ("" if remembers else "-without-memory"),
            capabilities,
            memory=None if memory is None else memory.to(device),
            kinds=None if kinds is None else kinds.to(device),
            general=general,
            photos_at_once=photos_at_once,
        )

    @contextmanager
    def session(self) -> Iterator[None]:
        """Within this, a call of `answer` about none but photos of the call before it doesn't encode them again."""
        self._in_session = True
        try:
            yield
        finally:
            self._in_session, self._session_photos = False, None

    @torch.inference_mode()
    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        """See `Backend.answer`."""
        # A request without questions has no prompt that could hold its photos, so it takes no row of the batch.
        asked = [request for request in requests if request.questions]
        found = iter(self._answer_asked(asked, evidence) if asked else ())
        return [next(found) if request.questions else [] for request in requests]

    def _answer_asked(self, requests: Sequence[Request], evidence: bool) -> list[list[Answer]]:
        """Answers to requests of which each has a question."""
        photos, shown = self._encode(requests, evidence)
        prefix, pending = self._prefill(requests, photos, shown)
        signs = self._signs(photos, shown)
        answers: list[list[Answer]] = [[Answer("")] * len(request.questions) for request in requests]
        # Suffixes of about one length make batches with little padding.
        pending.sort(key=lambda row: len(row.suffix))
        by_choices: dict[Choices | None, list[PendingQuestion]] = {}
        for row in pending:
            by_choices.setdefault(row.question.choices, []).append(row)
        for choices, group in by_choices.items():
            for batch in _batches(group, self._questions_at_once(choices)):
                rows = torch.tensor([row.request for row in batch], device=self.model.device)
                attention = evidence and photos is not None
                # Rows of one request take the same row of the prefix: its keys and values were computed once.
                prompts = self.decoder.extend(prefix.select(rows), [row.suffix for row in batch], attention)
                found = (
                    self._generate(prompts, batch) if choices is None else self._choose(prompts, batch, choices, signs)
                )
                maps = self._evidence(photos, prompts, batch, shown)
                for row, answer, evidence_maps in zip(batch, found, maps, strict=True):
                    num_tokens = row.prompt_length + (answer.num_tokens or 0)
                    # Classes of ImageNet answer for kinds that were not learnt.
                    known = 1.0 if answer.by_class else float(signs.known_R[row.request])
                    answers[row.request][row.position] = replace(
                        answer, evidence=evidence_maps, num_tokens=num_tokens, known=known
                    )
        return answers

    def _encode(
        self, requests: Sequence[Request], evidence: bool
    ) -> tuple[EncodedPhotos | None, list[tuple[int, ...]]]:
        """Encode each photo once; the second value says which of them each request shows."""
        distinct = {id(photo): photo for request in requests for photo in request.photos}
        if not distinct:
            return None, [() for _ in requests]
        kept = self._session_photos
        if kept is None or not (kept.index.keys() >= distinct.keys() and kept.evidence >= evidence):
            # Elastic N is the layerwise bridge's; the others have the one number of visual tokens.
            count = self.num_visual_tokens if self.model.config.bridge == "layerwise" else None
            parts = [
                self.model.encode_photos(self._pixels(batch), count, evidence=evidence)
                for batch in _batches(list(distinct.values()), self.photos_at_once)
            ]
            index = {key: number for number, key in enumerate(distinct)}
            kept = SessionPhotos(tuple(distinct.values()), EncodedPhotos.concatenate(parts), index, evidence)
            if self._in_session:
                self._session_photos = kept
        return kept.encoded, [tuple(kept.index[id(photo)] for photo in request.photos) for request in requests]

    @torch.inference_mode()
    def photo_features(self, photos: Sequence[Image]) -> Tensor:
        """The features (P, V) by which a `Memory` finds similar photos, one row for each photo."""
        batches = _batches(photos, self.photos_at_once)
        return torch.cat([self.model.photo_features(self._pixels(batch)).float() for batch in batches])

    @torch.inference_mode()
    def class_logits(self, photos: Sequence[Image]) -> Tensor:
        """What the frozen backbone makes of the classes that it was pretrained on (P, K), one row for each photo."""
        if self.model.transfer is None:
            raise ModelError(
                f"{self.name}: has no transfer tower, whose classes could be told; export one with --transfer"
            )
        batches = _batches(photos, self.photos_at_once)
        return torch.cat([self.model.transfer(self._pixels(batch)).logits_BK.float() for batch in batches])

    def _pixels(self, photos: Sequence[Image]) -> Tensor:
        pixels: Tensor = self.processor.image_processor(photos, return_tensors="pt")["pixel_values"]
        return pixels.to(self.model.device)

    def _prefill(
        self, requests: Sequence[Request], photos: EncodedPhotos | None, shown: Sequence[tuple[int, ...]]
    ) -> tuple[PrefixCache, list[PendingQuestion]]:
        """Prefill what the questions of each request share: a row for each request."""
        num_visual_tokens = photos.visual_KBND.shape[2] if photos is not None else None
        prefixes: list[tuple[int, ...]] = []
        pending: list[PendingQuestion] = []
        for number, request in enumerate(requests):
            num_photos, listing = len(request.photos), request.listing
            prompts = [
                tuple(self.processor.prompt_ids(num_photos, listing, question.text, num_visual_tokens))
                for question in request.questions
            ]
            # One token is kept back for each question: evidence is the attention of a suffix's last token.
            length = _common_length(prompts, keep=1)
            prefix = prompts[0][:length]
            prefixes.append(prefix)
            placeholders = tuple(i for i, token in enumerate(prefix) if token == self.model.config.image_token_id)
            pending.extend(
                PendingQuestion(
                    number, position, question, prompt[length:], len(prompt), placeholders, listing is not None
                )
                for position, (question, prompt) in enumerate(zip(request.questions, prompts, strict=True))
            )
        return self._prefill_shared(prefixes, photos, shown), pending

    def _prefill_shared(
        self, prefixes: Sequence[Sequence[int]], photos: EncodedPhotos | None, shown: Sequence[tuple[int, ...]]
    ) -> PrefixCache:
        """Prefill a prefix for each request. Requests about the same photos share what their prefixes begin with, the photos
        above all: it is run once for all of them.
        """
        groups: dict[tuple[int, ...], list[int]] = {}
        for number, photo_index in enumerate(shown):
            groups.setdefault(photo_index, []).append(number)
        lengths = [_common_length([prefixes[number] for number in group]) for group in groups.values()]
        placeholder = self.model.config.image_token_id
        # Photos go in with the first part alone, so no placeholder may be left for the second.
        can_split = all(
            length and placeholder not in prefixes[number][length:]
            for group, length in zip(groups.values(), lengths, strict=True)
            for number in group
        )
        if len(groups) == len(prefixes) or not can_split:
            return self.decoder.prefill(prefixes, photos, self._photo_index(shown))
        heads = [prefixes[group[0]][:length] for group, length in zip(groups.values(), lengths, strict=True)]
        shared = self.decoder.prefill(heads, photos, self._photo_index(list(groups)))
        head_of = {number: head for head, group in enumerate(groups.values()) for number in group}
        head_of_row = [head_of[number] for number in range(len(prefixes))]
        rests = [prefix[lengths[head] :] for prefix, head in zip(prefixes, head_of_row, strict=True)]
        return self.decoder.extend(shared.select(torch.tensor(head_of_row, device=self.model.device)), rests)

    def _photo_index(self, shown: Sequence[tuple[int, ...]]) -> Tensor:
        """Which photos are shown, in the order of their placeholders."""
        return torch.tensor([photo for photos in shown for photo in photos], dtype=torch.long, device=self.model.device)

    def _signs(self, photos: EncodedPhotos | None, shown: Sequence[tuple[int, ...]]) -> PhotoSigns:
        """What is known of the photos of each request besides the model's own answers."""
        signs = PhotoSigns(torch.ones(len(shown), device=self.model.device))
        if photos is None:
            return signs
        if photos.features_BV is not None:
            features_RV = mean_features(photos.features_BV, shown)
            if self.kinds is not None:
                signs = replace(signs, known_R=self.kinds.known(features_RV))
            if self.memory is not None:
                signs = replace(signs, neighbours=self.memory.neighbours(features_RV))
        if self.general is not None and photos.class_logits_BK is not None:
            classes_PK = self.general.probabilities(photos.class_logits_BK)
            signs = replace(signs, classes_RK=mean_features(classes_PK, shown).nan_to_num(0.0))
        return signs

    def _questions_at_once(self, choices: Choices | None) -> int:
        if choices is None:
            return QUESTIONS_AT_ONCE
        choices = self._learned(choices)
        if len(choices.values) > self.max_exact_choices:
            return BEAM_QUESTIONS_AT_ONCE
        return max(1, min(QUESTIONS_AT_ONCE, TRIE_TOKENS_AT_ONCE // max(1, self._trie(choices).num_nodes)))

    def _choose(
        self, prompts: PrefixCache, rows: Sequence[PendingQuestion], choices: Choices, signs: PhotoSigns
    ) -> list[Answer]:
        """Answers to a closed question, normalised over its choices and `CANNOT_TELL`."""
        learned = self._learned(choices)
        shares_RC = self._scores(prompts, learned).softmax(-1)
        if signs.neighbours is not None:
            shares_RC = weigh_neighbours(shares_RC, rows, learned, signs.neighbours)
        own = ranked_answers(shares_RC, learned, self.num_ranked)
        if signs.classes_RK is None or self.general is None or not choices.class_places:
            return own
        requests = torch.tensor([row.request for row in rows], device=shares_RC.device)
        # What the model refuses is no more of a kind that it has learnt than what its towers never saw.
        known_R = signs.known_R[requests] * (1 - shares_RC[:, -1])
        general_RC = self.general.shares(signs.classes_RK[requests], choices)
        return answers_by_class(own, shares_RC, general_RC, known_R, choices)

    def _scores(self, prompts: PrefixCache, choices: Choices) -> Tensor:
        """Log-probabilities (R, C + 1) of the choices and, last, of `CANNOT_TELL`."""
        if len(choices.values) <= self.max_exact_choices:
            return self.decoder.score(prompts, self._trie(choices))
        if choices not in self._trees:
            tree = AnswerTree.build(self._token_ids(choices.values), self.end_token_ids[0])
            self._trees[choices] = tree.to(self.model.device)
        found = score_by_beam(self.decoder, prompts, self._trees[choices], self.beam_width)
        return torch.cat([found, self.decoder.score(prompts, self._trie(None))], 1)

    def _learned(self, choices: Choices) -> Choices:
        """Those of the choices that the model itself is asked for."""
        if choices.num_learned is None:
            return choices
        if choices not in self._learned_choices:
            self._learned_choices[choices] = Choices(choices.learned)
        return self._learned_choices[choices]

    def _trie(self, choices: Choices | None) -> TokenTrie:
        """The trie of some choices and of `CANNOT_TELL`, kept; of `CANNOT_TELL` alone for None."""
        choices = choices or NO_CHOICES
        if choices not in self._tries:
            token_ids = self._token_ids((*choices.values, CANNOT_TELL))
            self._tries[choices] = TokenTrie.build(token_ids, self.end_token_ids[0]).to(self.model.device)
        return self._tries[choices]

    def _token_ids(self, values: Sequence[str]) -> list[list[int]]:
        return encode_plain(self.processor.tokenizer, values)

    def _generate(self, prompts: PrefixCache, rows: Sequence[PendingQuestion]) -> list[Answer]:
        """Open answers, and how probable a refusal was."""
        # Not normalised over choices, of which there are none: the plain probability of the words.
        refusals = self.decoder.score(prompts, self._trie(None)).exp()[:, 0].tolist()
        generated = self.decoder.generate(prompts, [row.question.max_new_tokens for row in rows])
        texts = self.processor.tokenizer.batch_decode([text.token_ids for text in generated], skip_special_tokens=True)
        return [
            Answer(text.strip(), found.probability, refusal, num_tokens=len(found.token_ids))
            for text, found, refusal in zip(texts, generated, refusals, strict=True)
        ]

    def _evidence(
        self,
        photos: EncodedPhotos | None,
        prompts: PrefixCache,
        rows: Sequence[PendingQuestion],
        shown: Sequence[tuple[int, ...]],
    ) -> list[tuple[NDArray[np.float32], ...] | None]:
        """For each row an attention map over each of its photos. None where there is none, or it wasn't asked for."""
        if photos is None or prompts.attention_RLS is None:
            return [None] * len(rows)
        count, device = photos.visual_KBND.shape[2], self.model.device
        photos_of_row = [shown[row.request] for row in rows]
        attention_LBN = [
            attention_LS[:, torch.tensor(row.placeholders, dtype=torch.long, device=device)].unflatten(
                1, (len(index), count)
            )
            for attention_LS, row, index in zip(prompts.attention_RLS, rows, photos_of_row, strict=True)
        ]
        shown_photos = photos.select(self._photo_index(photos_of_row))
        maps = iter(shown_photos.evidence(torch.cat(attention_LBN, 1)).cpu().numpy())
        return [tuple(islice(maps, len(index))) or None for index in photos_of_row]


def load_pumgpt(source: str, options: LoadOptions) -> PumGPTBackend:
    """The PumGPT checkpoint that ships under the name `source`, or lies in that folder or hub repository."""
    folder = resolve_checkpoint(source)
    return PumGPTBackend.load(folder, options.device, options.batch_size, remembers=options.memory == "all")


def _batches(items: Sequence[_Item], size: int) -> Iterable[list[_Item]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _common_length(prompts: Sequence[Sequence[int]], keep: int = 0) -> int:
    """How many tokens all prompts begin with alike; each keeps `keep` tokens at least for itself."""
    shortest = min(len(prompt) for prompt in prompts) - keep
    for position in range(shortest):
        if any(prompt[position] != prompts[0][position] for prompt in prompts):
            return position
    return shortest
