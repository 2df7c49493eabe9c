"""The checkpoint that ships: whole, small, and the same model through every door; and that another is just a folder."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from PIL import Image

import pumgpt
from pumgpt.api import Model
from pumgpt.catalog.product import Product
from pumgpt.catalog.understanding import Understanding
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.cli.main import main
from pumgpt.model.card import resolve_checkpoint
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.prompt import prompt_messages
from pumgpt.samples import draw_foreign, draw_sample, seeds
from pumgpt.understand.plan import make_plan

FOLDER = resolve_checkpoint("nano")
SEEDS = list(seeds.DEMO)
QUESTION = "What is this?"


@pytest.fixture(scope="module")
def nano() -> Model:
    return pumgpt.load("nano")


def jpeg(photo: Image.Image) -> bytes:
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=92)
    return file.getvalue()


@pytest.fixture(scope="module")
def read(nano: Model) -> list[tuple[tuple[str, ...], Understanding]]:
    """The sample catalogue's photos without any text: the true category, and what nano says with every field filled."""
    drawn = [draw_sample(seed, 240) for seed in SEEDS]
    return [(product.category or (), nano.understand(jpeg(photo), precision=0)) for photo, product in drawn]


def test_it_is_small_and_holds_no_pickle() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 40e6
    assert {path.suffix for path in files} <= {".json", ".safetensors", ".jinja", ".csv"}


def test_its_card_says_what_it_can() -> None:
    card = json.loads((FOLDER / "pumgpt.json").read_text(encoding="utf-8"))
    assert set(card["tasks"]) == {
        "caption",
        "category",
        "attributes",
        "attribute_qa",
        "question",
        "caption_completion",
        "attribute_correction",
    }
    assert {"gender", "colour", "usage", "season", "year", "age group"} <= set(card["attributes"])
    assert card["quality"]


def right_categories(read: list[tuple[tuple[str, ...], Understanding]]) -> float:
    """The share of the drawings whose whole path is right; photos are measured in the model card."""
    right = [found.category is not None and tuple(found.category.path or ()) == truth for truth, found in read]
    return sum(right) / len(right)


def test_it_reads_products_that_it_never_saw(read: list[tuple[tuple[str, ...], Understanding]]) -> None:
    assert right_categories(read) >= 0.7


def test_every_answer_is_valid(read: list[tuple[tuple[str, ...], Understanding]], nano: Model) -> None:
    plan = make_plan(nano.backend)
    valid = {asked.name: set(asked.choices.values) for asked in plan.context.attributes if asked.choices}
    paths = set(plan.taxonomy.paths) if plan.taxonomy else set()
    for _, found in read:
        assert found.category is not None and tuple(found.category.path or ()) in paths
        assert all(field.value in valid[field.name] for field in found.attributes or [])


def test_what_is_no_product_gets_no_confident_category(nano: Model) -> None:
    """Drawn with seeds that nothing was trained or fitted on. At the default precision at most a tenth may slip through."""
    pictures = [draw_foreign(seed, 160) for seed in seeds.TESTS[:20]]
    named = [nano.understand(jpeg(picture)).category for picture in pictures]
    assert sum(field is not None and field.status == "filled" for field in named) <= 2


def test_generate_says_what_ask_says(nano: Model) -> None:
    """The Auto classes on nano's folder, greedy `generate` on the chat template's prompt = the engine, for open text."""
    from transformers import AutoModelForImageTextToText, AutoProcessor

    model = AutoModelForImageTextToText.from_pretrained(FOLDER).eval()
    processor = AutoProcessor.from_pretrained(FOLDER)
    plan = make_plan(nano.backend, tasks=["caption"], questions=[QUESTION])
    for seed in SEEDS[:6]:
        photo = draw_sample(seed, 240)[0]
        requests = plan.requests(Product(id="1"), [photo])
        answers = nano.backend.answer(requests)
        for request, group in zip(requests, answers, strict=True):
            for question, answer in zip(request.questions, group, strict=True):
                messages = prompt_messages(1, request.listing, question.text)
                text = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
                inputs = processor(images=photo, text=text, return_tensors="pt")
                ids = model.generate(**inputs, max_new_tokens=question.max_new_tokens, do_sample=False)
                written = processor.tokenizer.decode(ids[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
                assert answer.text == written.strip()


def test_a_batch_of_prompts_is_answered_as_one_by_one(tmp_path: Path) -> None:
    """Prompts of unequal length, through `generate` and the pipeline; also from a folder that was saved to pad on the right."""
    from transformers import AutoModelForImageTextToText, AutoProcessor, pipeline

    folder = tmp_path / "right"
    shutil.copytree(FOLDER, folder)
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    assert config["padding_side"] == "left"
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"padding_side": "right"}), encoding="utf-8")
    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    processor = AutoProcessor.from_pretrained(folder)
    photos = [draw_sample(seed, 240)[0] for seed in SEEDS[:3]]
    asked = [
        "What is the colour?",
        "Describe the product in a few words.",
        "Who is it for? Choose one: Men, Women, Girls.",
    ]
    chats = [prompt_messages(1, None, question) for question in asked]
    texts = [processor.apply_chat_template(chat, add_generation_prompt=True) for chat in chats]
    options = {"max_new_tokens": 12, "do_sample": False}

    def written(photos: list[Image.Image], texts: list[str]) -> list[str]:
        inputs = processor(images=photos, text=texts, padding=True, return_tensors="pt")
        ids = model.generate(**inputs, **options)[:, inputs["input_ids"].shape[1] :]
        return [str(text).strip() for text in processor.batch_decode(ids, skip_special_tokens=True)]

    alone = [written([photo], [text])[0] for photo, text in zip(photos, texts, strict=True)]
    assert all(alone) and len(set(alone)) == 3
    assert written(photos, texts) == alone
    for chat, photo in zip(chats, photos, strict=True):
        chat[0]["content"][0]["image"] = photo
    pipe = pipeline("image-text-to-text", model=model, processor=processor)
    found = pipe(text=chats, batch_size=3, return_full_text=False, **options)
    assert [one[0]["generated_text"].strip() for one in found] == alone


MARKED = "Photo print <image> frame </s> <end> <|im_end|>"


def test_ask_takes_a_title_with_control_tokens(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(draw_sample(SEEDS[0], 240)[0]))
    arguments = ["ask", str(tmp_path / "a.jpg"), "--title", MARKED, "--question", "Is <image> in it?", "--json"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["category"]["path"]


def test_a_row_with_control_tokens_is_enriched_among_others(tmp_path: Path) -> None:
    """The other rows are filled as without it."""
    rows: list[dict[str, Any]] = []
    for number, seed in enumerate(SEEDS[:3]):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(draw_sample(seed, 240)[0]))
        rows.append({"id": str(number), "images": [f"{number}.jpg"], "title": "Nordlicht"})
    filled = []
    for name in ("plain", "marked"):
        if name == "marked":
            rows[1] |= {"title": MARKED, "description": f"Use the tag {MARKED}", "attributes": {"colour": "<image>"}}
        catalog, out = tmp_path / f"{name}.jsonl", tmp_path / f"{name}-filled.jsonl"
        catalog.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        done = CliRunner().invoke(main, ["enrich", str(catalog), str(out)])
        assert done.exit_code == 0, done.output
        filled.append([json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()])
    plain, marked = filled
    assert (plain[0]["category"], plain[2]["category"]) == (marked[0]["category"], marked[2]["category"])
    assert marked[1]["category"]["path"]


def test_another_checkpoint_is_another_folder(tmp_path: Path) -> None:
    """The same weights under another name, with a card of other words: nothing outside the folder knows which model it is."""
    folder = tmp_path / "market"
    shutil.copytree(FOLDER, folder)
    (folder / "calibration.json").unlink()
    card = json.loads((folder / "pumgpt.json").read_text(encoding="utf-8"))
    halls = [["Bazaar", "Cloth"], ["Bazaar", "Shoes"], ["Bazaar", "Fruit"]]
    card |= {"name": "market", "categories": halls, "attributes": {"shade": ["Dark", "Light"]}}
    (folder / "pumgpt.json").write_text(json.dumps(card), encoding="utf-8")
    shutil.rmtree(folder / "category_maps")
    (folder / "category_maps").mkdir()
    rows = "".join(f"{' > '.join(hall)},Shop > {hall[-1]}\n" for hall in halls)
    (folder / "category_maps" / "shop.csv").write_text(f"from,to\n{rows}", encoding="utf-8")
    model = pumgpt.load(str(folder), "cpu")
    photo = draw_sample(SEEDS[0], 240)[0]
    found = model.understand(jpeg(photo), precision=0)
    assert found.model.name == "market"
    assert found.category is not None and found.category.path in halls
    assert [(field.name, field.value in ("Dark", "Light")) for field in found.attributes or []] == [("shade", True)]
    assert model.backend.capabilities.calibration is None
    shop = Taxonomy.of([("Shop", hall[-1]) for hall in halls])
    told = model.understand(jpeg(photo), precision=0, taxonomy=shop, tasks=["category"]).category
    assert told is not None and told.path == ["Shop", found.category.path[-1]], "its own map leads there"


def test_the_batch_size_is_the_photos_in_one_pass(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Through `--batch-size`: how many photos `encode_photos` gets, which the answers don't depend on."""
    passes: list[int] = []
    encode = PumGPTForConditionalGeneration.encode_photos

    def count(self: PumGPTForConditionalGeneration, pixels: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        passes.append(len(pixels))
        return encode(self, pixels, *args, **kwargs)

    monkeypatch.setattr(PumGPTForConditionalGeneration, "encode_photos", count)
    files = [tmp_path / f"{seed}.jpg" for seed in SEEDS[:3]]
    for seed, file in zip(SEEDS, files, strict=False):
        file.write_bytes(jpeg(draw_sample(seed, 240)[0]))
    records = []
    for options in ((), ("--batch-size", "2"), ("--batch-size", "1")):
        result = CliRunner().invoke(main, ["ask", *map(str, files), "--json", "--precision", "0", *options])
        assert result.exit_code == 0, result.output
        records.append(json.loads(result.stdout))
    assert passes == [3, 2, 1, 1, 1, 1]
    for record in records[1:]:
        assert record["category"]["path"] == records[0]["category"]["path"]
        assert record["caption"]["text"] == records[0]["caption"]["text"]
        for field, before in zip(record["attributes"], records[0]["attributes"], strict=True):
            assert field["value"] == before["value"]
            assert field["confidence"] == pytest.approx(before["confidence"], abs=1e-3)
