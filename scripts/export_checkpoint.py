"""Make a trained checkpoint ready to ship: half-precision weights, its card, nothing of the training run.

    python scripts/export_checkpoint.py runs/nano/4-adapters src/pumgpt/checkpoints/nano --name pumgpt-nano

Weights are stored in fp16 and the configuration says fp32, so that every loader computes in fp32, as processors without
half-precision instructions must. `--quality FILE` puts measured figures (JSON) on the card.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch

from pumgpt.model.card import CALIBRATION_FILE, CARD_FILE, MEMORY_FILE, copy_category_maps, revision_of
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor

LARGEST_MB = 40


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a trained checkpoint ready to ship.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--quality", type=Path, help="measured figures for the card")
    parser.add_argument(
        "--vocabulary-of", type=Path, help="the checkpoint that this one learned on from, on a part of the data"
    )
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    model = PumGPTForConditionalGeneration.from_pretrained(options.checkpoint, dtype=torch.float32)
    weights = {name: t.half() if t.is_floating_point() else t for name, t in model.state_dict().items()}
    model.save_pretrained(options.out, state_dict=weights)
    PumGPTProcessor.from_pretrained(options.checkpoint).save_pretrained(options.out)
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
