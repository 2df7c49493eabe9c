"""The experts that need a photo or a model, each over a working fake of what is behind it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from PIL.ImageColor import getrgb

from chat_server import Reply, Server, completion, serve
from pumgpt.backends.chat.endpoint import ChatEndpoint
from pumgpt.backends.protocol import CANNOT_TELL, Answer, Backend, Capabilities, Request
from pumgpt.catalog.photos.decode import open_photo
from pumgpt.catalog.product import ImageRef, Product
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.curation.experts.base import Case, ExpertOptions, claims_of
from pumgpt.curation.experts.inventory import MAX_ALTERNATIVES, Inventory
from pumgpt.curation.experts.judge import JudgeExpert, parse_judge_reply
from pumgpt.curation.experts.ocr import OcrExpert
from pumgpt.curation.experts.registry import make_experts
from pumgpt.curation.experts.similarity import Floats, SimilarityExpert
from pumgpt.curation.experts.text import TextExpert
from pumgpt.curation.experts.vlm import VlmExpert
from pumgpt.curation.verdict import Claim, Verdict, Vote
from pumgpt.errors import BackendError

SUPPORTED, CONTRADICTED, NOT_INFERABLE = Verdict
COLOURS = ("red", "blue", "green")


def photo(picture: Image.Image) -> tuple[ImageRef, ...]:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return (ImageRef(data=buffer.getvalue()),)


def shirt(colour: str, paint: str = "red", **extra: Any) -> Product:
    return Product("1", photo(Image.new("RGB", (16, 16), paint)), attributes={"colour": colour}, **extra)


def case(product: Product) -> Case:
    return Case(product, claims_of(product), lambda p: tuple(open_photo(ref) for ref in p.images))


CATALOGUE = [shirt(colour) for colour in COLOURS]


class PaintModel(Backend):
    """Knows a colour when it sees one; of other attributes it says that they can't be told."""

    name, revision = "paint", "0"

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        return [[self._answer(request, question) for question in request.questions] for request in requests]

    def _answer(self, request: Request, question: Any) -> Answer:
        if question.field != "colour":
            return Answer(CANNOT_TELL, cannot_tell=1.0)
        seen = request.photos[0].getpixel((0, 0))
        named = [value for value in question.choices.values if getrgb(value) == seen]
        if "Tell" in question.text:
            return Answer("", error="too shy")
        return Answer(named[0], 0.9, 0.1, ((named[0], 0.9),)) if named else Answer(CANNOT_TELL, cannot_tell=0.8)

    def logits(self, photos: Sequence[Image.Image], texts: Sequence[str]) -> Floats:
        named = [getrgb(text.removeprefix("a photo of a ").split()[0]) for text in texts]
        return np.array([[4.0 * (paint == p.getpixel((0, 0))) for paint in named] for p in photos], dtype=np.float32)


@pytest.mark.parametrize(("listed", "verdict"), [("red", SUPPORTED), ("blue", CONTRADICTED)])
def test_what_a_model_sees_is_held_against_the_listed_value(listed: str, verdict: Verdict) -> None:
    for expert in (VlmExpert(PaintModel(), num_phrasings=4), SimilarityExpert(PaintModel())):
        expert.prepare(CATALOGUE)
        ((vote,),) = expert.judge([case(shirt(listed))])
        assert vote is not None
        assert vote.verdict is verdict
        assert (vote.score > 0.5) is (verdict is SUPPORTED)


def test_a_model_is_asked_several_times_and_says_when_it_can_not_tell() -> None:
    expert = VlmExpert(PaintModel(), num_phrasings=4)
    expert.prepare(CATALOGUE)
    product = Product("1", shirt("red").images, attributes={"colour": "red", "year": "2012"})
    ((colour, year),) = expert.judge([case(product)])
    assert colour is not None and year is not None
    assert colour.evidence == {"said": "red", "agreed": "3 of 3", "model": "paint"}  # the fourth had no answer
    assert (year.verdict, year.evidence["said"]) == (NOT_INFERABLE, CANNOT_TELL)


class ShelfModel(Backend):
    """Knows categories, and no attribute but the colour."""

    name, revision = "shelf", "0"
    capabilities = Capabilities(
        taxonomy=Taxonomy.of([("Footwear", "Shoes", "Clogs"), ("Footwear", "Shoes", "Boots"), ("Bags", "Totes")]),
        schema=AttributeSchema((AttributeSpec("colour"),)),
    )

    def answer(self, requests: Sequence[Request], *, evidence: bool = False) -> list[list[Answer]]:
        ranked = (("Footwear > Shoes > Boots", 0.6), ("Bags > Totes", 0.2))
        known = Answer("Footwear > Shoes > Boots", 0.75, 0.2, ranked)
        unknown = Answer(CANNOT_TELL, 0.0, 1.0)
        return [[known if q.task == "category" else unknown for q in request.questions] for request in requests]


@pytest.mark.parametrize(
    ("value", "score", "verdict"), [("boots", 0.6, SUPPORTED), ("Shoes", 0.6, SUPPORTED), ("Totes", 0.2, CONTRADICTED)]
)
def test_a_value_that_the_model_knows_as_a_category_is_asked_as_one(value: str, score: float, verdict: Verdict) -> None:
    expert = VlmExpert(ShelfModel())
    catalogue = [
        Product(str(n), shirt("red").images, attributes={"type": kind, "shade": "Totes"})
        for n, kind in enumerate((value, "Clogs", "Totes", "Hat"))
    ]
    expert.prepare(catalogue)
    ((vote, _),) = expert.judge([case(catalogue[0])])
    assert vote is not None
    assert (vote.verdict, vote.score) == (verdict, pytest.approx(score))
    assert vote.evidence["said"] in ("boots", "Shoes", "Boots")


def test_an_attribute_that_only_looks_like_a_category_is_asked_as_an_attribute() -> None:
    expert = VlmExpert(ShelfModel())
    catalogue = [
        Product(str(n), shirt("red").images, attributes={"colour": "Totes", "theme": theme})
        for n, theme in enumerate(("Boots", "Cats", "Sea", "Stars"))
    ]
    expert.prepare(catalogue)
    ((colour, theme),) = expert.judge([case(catalogue[0])])
    assert colour is not None and theme is not None
    assert colour.verdict is NOT_INFERABLE, "learned as an attribute, whatever its values"
    assert theme.verdict is NOT_INFERABLE, "most of its values are no categories"


def test_without_a_photo_or_another_value_there_is_no_vote() -> None:
    bare, alone = Product("1", attributes={"colour": "red"}), SimilarityExpert(PaintModel())
    for expert in (VlmExpert(PaintModel()), SimilarityExpert(PaintModel()), OcrExpert(TextExpert())):
        assert expert.judge([case(bare)]) == [[None]]
    assert alone.judge([case(shirt("red"))]) == [[None]]  # nothing was counted: red has no rival


class Listener:
    """Remembers what is compared with photos."""

    name = "listener"

    def logits(self, photos: Sequence[Image.Image], texts: Sequence[str]) -> Floats:
        self.heard = set(texts)
        return np.zeros((len(photos), len(texts)), dtype=np.float32)


def test_a_value_is_compared_in_a_phrase_that_does_not_give_it_away() -> None:
    listener = Listener()
    expert = SimilarityExpert(listener)
    catalogue = [
        Product(colour, shirt(colour).images, category=("Apparel", kind), attributes={"colour": colour, "type": kind})
        for colour, kind in (("red", "Dress"), ("blue", "Shirt"))
    ]
    expert.prepare(catalogue)
    expert.judge([case(catalogue[0])])
    assert listener.heard == {
        "a photo of a red Dress",
        "a photo of a blue Dress",
        "a photo of a Dress",
        "a photo of a Shirt",
    }
    bare = Product("3", catalogue[0].images, attributes={"colour": "red"})
    expert.judge([case(bare)])
    assert listener.heard == {"a photo of a red", "a photo of a blue"}


def test_one_product_alone_is_judged_as_among_others() -> None:
    expert = VlmExpert(PaintModel())
    expert.prepare(CATALOGUE)
    cases = [case(shirt("red", "blue")), case(Product("2", attributes={"x": "y"})), case(shirt("green", "green"))]
    assert expert.judge(cases) == [expert.judge([one])[0] for one in cases]


def test_the_inventory_is_bounded_and_the_commonest_come_first() -> None:
    inventory = Inventory()
    inventory.count([*CATALOGUE, *CATALOGUE[2:], *(shirt(f"shade {n}") for n in range(50))])
    alternatives = inventory.alternatives(Claim("Colour", "Red"))
    assert alternatives[0] == "green" and "red" not in alternatives and len(alternatives) == MAX_ALTERNATIVES


def test_words_on_the_photo_are_read_and_boxed() -> None:
    pytest.importorskip("rapidocr")
    picture = Image.new("RGB", (480, 320), "white")
    ImageDraw.Draw(picture).text((40, 120), "ORGANIC COFFEE 250 g", fill="black", font=ImageFont.load_default(36))
    product = Product("1", photo(picture), attributes={"Net content": "0.25 kg", "Flavor": "Vanilla"})
    ((content, flavour),) = OcrExpert(TextExpert()).judge([case(product)])
    assert content is not None and flavour is not None
    assert (content.verdict, flavour.verdict) == (SUPPORTED, NOT_INFERABLE)
    left, top, right, bottom = content.evidence["box"]
    assert 0 < left < 0.2 and 0.25 < top < bottom < 0.6 and 0.6 < right <= 1
    blank = Product("1", photo(Image.new("RGB", (64, 64), "white")), attributes={"Flavor": "Vanilla"})
    assert OcrExpert(TextExpert()).judge([case(blank)]) == [[None]]


def printed(text: str, turned: bool = False) -> Image.Image:
    picture = Image.new("RGB", (480, 320), "white")
    ImageDraw.Draw(picture).text((240, 160), text, fill="black", font=ImageFont.load_default(72), anchor="mm")
    return picture.rotate(180) if turned else picture


@pytest.fixture(scope="module")
def ocr() -> OcrExpert:
    pytest.importorskip("rapidocr")
    return OcrExpert(TextExpert())


@pytest.mark.parametrize("text", ["99", "66", "69", "96", "806", "NOON", "250 g", "COFFEE"])
def test_upright_print_is_read_as_it_stands(ocr: OcrExpert, text: str) -> None:
    (line,) = ocr.reader.read(printed(text))
    assert line.text == text


@pytest.mark.parametrize("text", ["NOON", "250 g", "COFFEE", "Organic Tea", "MOM WOW"])
def test_print_that_is_upside_down_is_turned(ocr: OcrExpert, text: str) -> None:
    (upright,), (line,) = ocr.reader.read(printed(text)), ocr.reader.read(printed(text, turned=True))
    assert line.text == text
    assert upright.box == pytest.approx([1 - line.box[side] for side in (2, 3, 0, 1)], abs=0.03)


@pytest.mark.parametrize(
    ("title", "value", "is_judged"),
    [
        ("Coffee", "Vanilla", True),
        ("Café für Größe", "Crème brûlée", True),
        ("咖啡", "香草", True),
        ("Coffee", "Ваниль", False),
        ("Coffee", "فانيليا", False),
        ("Coffee", "וניל", False),
        ("Кофе", "Vanilla", False),
    ],
)
def test_what_can_not_be_read_is_no_evidence(ocr: OcrExpert, title: str, value: str, is_judged: bool) -> None:
    product = Product("1", photo(printed("COFFEE")), title=title, attributes={"Flavor": value})
    ((vote,),) = ocr.judge([case(product)])
    assert (vote is not None) is is_judged


def test_what_is_read_speaks_for_a_value_whatever_the_script_of_the_title(ocr: OcrExpert) -> None:
    product = Product("1", photo(printed("250 g")), title="Кофе", attributes={"Net content": "0.25 kg"})
    ((vote,),) = ocr.judge([case(product)])
    assert vote is not None and vote.verdict is SUPPORTED


def test_scripts_that_are_not_read_are_said_once() -> None:
    pytest.importorskip("rapidocr")
    expert = OcrExpert(TextExpert())
    products = [
        Product(value, photo(printed("COFFEE")), attributes={"Flavor": value})
        for value in ("Ваниль", "Шоколад", "Ω", "فانيليا")
    ]
    expert.judge([case(product) for product in products])
    assert [line.split()[2] for line in expert.warnings] == ["Arabic", "Cyrillic"]


def judgement(body: dict[str, Any]) -> Reply:
    """Says of red things that they are red, of nothing else anything; garbage where the title asks for it."""
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else content[-1]["text"]
    record = json.loads(text.splitlines()[1])
    if record["title"] == "garbage":
        return completion("I'd rather not say")
    verdict = "supported" if record["listed value"] in (record["title"] or "") else "not_inferable"
    answer = {"verdict": verdict, "confidence": 0.8, "reason": "the title"}
    return completion(f"Sure: {json.dumps(answer)}")


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(judgement) as running:
        yield running


def judge_of(base_url: str) -> JudgeExpert:
    return JudgeExpert(ChatEndpoint("judge", base_url, "", timeout_s=5, num_tries=1))


def test_a_judge_answers_over_http_with_a_reason(server: Server) -> None:
    cases = [case(shirt("red", title=title)) for title in ("red shirt", "shirt", "garbage", 'red"} ---- {"')]
    votes = [row[0] for row in judge_of(server.base_url).judge(cases)]
    assert [vote and (vote.verdict, round(vote.score, 2)) for vote in votes] == [
        (SUPPORTED, 0.8),
        (NOT_INFERABLE, 0.2),
        None,
        (SUPPORTED, 0.8),
    ]
    assert votes[0] == Vote("judge", SUPPORTED, 0.8, {"reason": "the title", "model": "judge"})
    assert any(part["type"] == "image_url" for part in server.calls[0]["messages"][-1]["content"])


def test_an_endpoint_that_is_not_there_is_said() -> None:
    with pytest.raises(BackendError, match=r"127\.0\.0\.1"):
        judge_of("http://127.0.0.1:9/v1").judge([case(shirt("red"))])


@pytest.mark.parametrize(
    "text", ["", "{}", '{"verdict": "perhaps"}', '{"verdict": "supported", "confidence": 7}', "{{"]
)
def test_a_reply_of_another_form_is_none(text: str) -> None:
    assert parse_judge_reply(text) is None


def test_a_clip_of_random_weights_is_loaded_by_its_folder_and_compares(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers

    from pumgpt.curation.experts.encoders import load_encoder

    words = {word: place for place, word in enumerate(("<pad>", "<start>", "<end>", *COLOURS))}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>").save_pretrained(tmp_path)
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {
        **small,
        "vocab_size": 6,
        "max_position_embeddings": 8,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }
    vision = {**small, "image_size": 32, "patch_size": 8}
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)
    transformers.CLIPModel(config).save_pretrained(tmp_path)
    size = {"height": 32, "width": 32}
    transformers.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=size).save_pretrained(tmp_path)
    encoder = load_encoder(str(tmp_path))
    photos = [Image.new("RGB", (40, 30), colour) for colour in COLOURS]
    both = encoder.logits(photos, COLOURS)
    assert both.shape == (3, 3)
    assert np.allclose(both[1], encoder.logits(photos[1:2], COLOURS)[0], atol=1e-4)


@pytest.mark.slow
def test_experts_that_ask_one_model_load_it_once() -> None:
    similarity, vlm = make_experts(("similarity", "vlm"), ExpertOptions())
    assert isinstance(similarity, SimilarityExpert) and isinstance(vlm, VlmExpert)
    assert similarity.encoder.backend is vlm.backend  # type: ignore[attr-defined]
    (votes,) = similarity.judge([case(shirt("red"))])
    assert len(votes) == 1
