"""Make a trained checkpoint ready to ship: half-precision weights, its card, nothing of the training run.

    python scripts/export_checkpoint.py runs/nano/4-adapters src/pumgpt/checkpoints/nano --name pumgpt-nano

Weights are stored in fp16 and the configuration says fp32, so that every loader computes in fp32, as processors without
half-precision instructions must. `--quality FILE` puts measured figures (JSON) on the card; `--transfer FOLDER` puts a frozen
backbone and its classifier, as scripts/import_efficientnet_lite.py leaves them, beside the tower that was trained.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file

from pumgpt.model.card import CALIBRATION_FILE, CARD_FILE, MEMORY_FILE, copy_category_maps, revision_of
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.parts import load_vision
from pumgpt.model.processing import PumGPTProcessor

LARGEST_MB = 40


STAGES = (7, 8)
"""Of the frozen backbone: the maps whose means are its features; its classifier reads the last."""


def with_transfer(model: PumGPTForConditionalGeneration, folder: Path) -> PumGPTForConditionalGeneration:
    """The model, with the backbone and the classifier in `folder` as its transfer tower."""
    classifier = load_file(folder / "classifier.safetensors")
    backbone = load_vision(str(folder), STAGES)
    config = copy.deepcopy(model.config)
    config.transfer_config, config.transfer_classes = backbone.config, len(classifier["weight"])
    joined = PumGPTForConditionalGeneration(config)
    state = model.state_dict()
    state |= {f"transfer.model.{name}": value for name, value in backbone.state_dict().items()}
    state |= {f"transfer.classifier.{name}": value for name, value in classifier.items()}
    joined.load_state_dict(state)
    joined.generation_config = model.generation_config
    return joined


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a trained checkpoint ready to ship.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--quality", type=Path, help="measured figures for the card")
    parser.add_argument(
        "--vocabulary-of", type=Path, help="the checkpoint that this one learned on from, on a part of the data"
    )
    parser.add_argument(
        "--transfer", type=Path, help="folder of a frozen backbone for retrieval and kinds never learned"
    )
    parser.add_argument("--photo-px", type=int, help="side of the photos that the processor makes")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    model = PumGPTForConditionalGeneration.from_pretrained(options.checkpoint, dtype=torch.float32)
    if options.transfer:
        model = with_transfer(model, options.transfer)
    weights = {name: t.half() if t.is_floating_point() else t for name, t in model.state_dict().items()}
    model.save_pretrained(options.out, state_dict=weights)
    processor = PumGPTProcessor.from_pretrained(options.checkpoint)
    if options.photo_px:
        processor.image_processor.size = {"height": options.photo_px, "width": options.photo_px}
    processor.save_pretrained(options.out)
    (options.out / "model.safetensors").chmod(0o644)
    for name in (CALIBRATION_FILE, MEMORY_FILE):
        if (options.checkpoint / name).is_file():
            (options.out / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(options.checkpoint / name, options.out / name)
    copy_category_maps(options.vocabulary_of or options.checkpoint, options.out)
    card = json.loads((options.checkpoint / CARD_FILE).read_text(encoding="utf-8"))
    if options.vocabulary_of:
        # A part of the data has a part of the vocabulary; what was learned before is still known.
        former = json.loads((options.vocabulary_of / CARD_FILE).read_text(encoding="utf-8"))
        card |= {name: former[name] for name in ("categories", "attributes", "tasks", "training_data")}
    card |= {"name": options.name, "revision": revision_of(options.out)}
    if options.quality:
        card["quality"] = json.loads(options.quality.read_text(encoding="utf-8"))
    (options.out / CARD_FILE).write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    size_mb = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file()) / 1e6
    print(f"{options.out}: {size_mb:.1f} MB, revision {card['revision']}")
    if size_mb > LARGEST_MB:
        raise SystemExit(f"{options.out} is larger than {LARGEST_MB} MB; a shipped checkpoint must stay below")


if __name__ == "__main__":
    main()
