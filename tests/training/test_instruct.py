"""What an answer weighs in the loss of stages 3 and 4."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import CANNOT_TELL
from pumgpt.model.card import resolve_checkpoint
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.samples import draw_parquet
from pumgpt.tasks.mixture import MixtureWeights
from pumgpt.training.data.instructions import InstructionCollator, PromptSettings
from pumgpt.training.data.labels import build_context
from pumgpt.training.data.products import PhotoCache, read_file
from pumgpt.training.objectives.answers import FormerModel, answer_loss
from pumgpt.training.objectives.heads import IGNORED


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> list[Product]:
    file = tmp_path_factory.mktemp("drawn") / "products.parquet"
    draw_parquet(file, range(6), size_px=64)
    return list(read_file(file))


def test_of_an_answer_from_a_list_the_sum_counts_and_of_open_text_the_mean(products: list[Product]) -> None:
    nano = resolve_checkpoint("nano")
    model = PumGPTForConditionalGeneration.from_pretrained(nano).eval()
    processor = PumGPTProcessor.from_pretrained(nano)
    mixture = MixtureWeights(tasks={"category": 1.0, "caption": 1.0}, listing={"absent": 1.0})
    settings = PromptSettings(build_context(products, ["colour"], 1), mixture, 2, 0.0, {1: 1.0})
    batch = InstructionCollator(PhotoCache(64), processor, settings, 64, None, num_buckets=2)(products)
    with torch.no_grad():
        visual = model.encode_photos(batch["pixel_values"]).visual_KBND
        ours = sum(answer_loss(model, visual, bucket) for bucket in batch["buckets"])
        expected = torch.zeros(())
        lengths: dict[str, list[int]] = {"sum": [], "mean": []}
        for bucket in batch["buckets"]:
            for row, photo in enumerate(bucket["photo_index"].tolist()):
                kept = bucket["attention_mask"][row].bool()
                ids, labels = bucket["input_ids"][row][kept], bucket["labels"][row][kept]
                logits = model(input_ids=ids[None], pixel_values=batch["pixel_values"][photo : photo + 1]).logits[0]
                losses = F.cross_entropy(logits[:-1], labels[1:], reduction="none", ignore_index=IGNORED)
                asked = int((labels != IGNORED).sum())
                answer = processor.tokenizer.decode(labels[labels != IGNORED])
                # A drawn caption is a title, which never has the mark of a path.
                kind = "sum" if " > " in answer or answer.startswith(CANNOT_TELL) else "mean"
                lengths[kind].append(asked)
                expected += losses.sum() if kind == "sum" else losses.sum() / asked
    assert lengths["sum"] and lengths["mean"] and min(lengths["sum"]) > 1
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)


def test_retained_answers_are_learned_from_the_model_as_it_was(products: list[Product]) -> None:
    """While it has not moved, its own probabilities pull it nowhere; the label of the other task does."""
    nano = resolve_checkpoint("nano")
    model = PumGPTForConditionalGeneration.from_pretrained(nano).eval()
    former = PumGPTForConditionalGeneration.from_pretrained(nano).eval().requires_grad_(False)
    processor = PumGPTProcessor.from_pretrained(nano)
    model.requires_grad_(False)
    model.language_model.requires_grad_(True)
    pulls = {}
    for task in ("category", "caption"):
        mixture = MixtureWeights(tasks={task: 1.0}, listing={"absent": 1.0})
        settings = PromptSettings(
            build_context(products, ["colour"], 1), mixture, 1, 0.0, {1: 1.0}, retained=("category",)
        )
        batch = InstructionCollator(PhotoCache(64), processor, settings, 64, None, num_buckets=1)(products)
        (bucket,) = batch["buckets"]
        assert bucket["retained"].all() == (task == "category")
        visual = model.encode_photos(batch["pixel_values"]).visual_KBND
        model.zero_grad()
        answer_loss(model, visual, bucket, former=FormerModel(former, visual)).backward()
        gradients = [p.grad.abs().max() for p in model.language_model.parameters() if p.grad is not None]
        pulls[task] = float(torch.stack(gradients).max())
    assert pulls["category"] < 1e-3 < pulls["caption"]


def test_control_tokens_of_a_product_are_text_in_training(products: list[Product]) -> None:
    """Two steps on products whose titles and labels hold them: a row has the placeholders of its photos, one turn of each
    side and one end, and learns to write '<image>' in letters.
    """
    nano = resolve_checkpoint("nano")
    model = PumGPTForConditionalGeneration.from_pretrained(nano)
    processor = PumGPTProcessor.from_pretrained(nano)
    marked = [
        replace(product, title="Print <image> <end> <user> frame", attributes={"colour": "White <image>"})
        for product in products
    ]
    mixture = MixtureWeights(tasks={"attribute_qa": 1.0, "caption": 1.0}, listing={"present": 1.0})
    settings = PromptSettings(build_context(marked, ["colour"], 1), mixture, 2, 0.0, {1: 1.0})
    views, length = None, 16
    collator = InstructionCollator(
        PhotoCache(64), processor, settings, 64, views, num_buckets=2, contrast_length=length
    )
    control = [
        processor.tokenizer.convert_tokens_to_ids(token) for token in ("<image>", "<user>", "<assistant>", "<end>")
    ]
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    learned = []
    for _ in range(2):
        batch = collator(marked)
        for bucket in batch["buckets"]:
            for ids, labels in zip(bucket["input_ids"], bucket["labels"], strict=True):
                counts = [int((ids == token).sum()) for token in control]
                assert counts == [processor.num_visual_tokens, 1, 1, 1]
                learned.append(processor.tokenizer.decode(labels[labels != IGNORED]))
        assert not torch.isin(batch["text_ids"], torch.tensor(control)).any()
        visual = model.encode_photos(batch["pixel_values"]).visual_KBND
        loss = sum((answer_loss(model, visual, bucket) for bucket in batch["buckets"]), torch.zeros(()))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        assert torch.isfinite(loss)
    assert any("White <image><end>" in text for text in learned)


def test_padding_in_training_is_on_the_right(products: list[Product]) -> None:
    """The processor pads on the left, for `generate`; rows and texts of a batch begin at the first position all the same."""
    processor = PumGPTProcessor.from_pretrained(resolve_checkpoint("nano"))
    assert processor.tokenizer.padding_side == "left"
    titled = [replace(product, title="Shirt " * (number + 1)) for number, product in enumerate(products)]
    mixture = MixtureWeights(tasks={"caption": 1.0, "category": 1.0})
    settings = PromptSettings(build_context(titled, ["colour"], 1), mixture, 2, 0.0, {1: 1.0})
    batch = InstructionCollator(PhotoCache(64), processor, settings, 64, None, num_buckets=1, contrast_length=16)(
        titled
    )
    for mask in (batch["buckets"][0]["attention_mask"], batch["text_mask"]):
        assert mask[:, 0].all() and not mask.all()
        assert (mask.diff(dim=1) <= 0).all()
