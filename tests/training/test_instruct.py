"""What an answer weighs in the loss of stages 3 and 4."""

from __future__ import annotations

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
from pumgpt.training.objectives.answers import answer_loss
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
