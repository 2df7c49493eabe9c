#!/usr/bin/env bash
# transformers 5.23.0, accelerate 1.15.0, safetensors 0.8.0, torch 2.13.0
# A convolutional model that is no PreTrainedModel and was put into channels_last, which makes training on a
# processor up to twice as fast, trains well under Trainer and can't be saved by it: the first checkpoint ends the
# run. The same tensors are written by safetensors' own save_model, and by save_pretrained.
# Seen:
#   Trainer.save_model: ValueError: You are trying to save a non contiguous tensor
#   safetensors.torch.save_model: saved
#   save_pretrained: saved
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.23.0 accelerate==1.15.0 safetensors==0.8.0

cd "$folder"
HF_HUB_OFFLINE=1 venv/bin/python - <<'PYTHON'
import sys

import safetensors.torch
import torch
from transformers import ResNetConfig, ResNetModel, Trainer, TrainingArguments

plain = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3)).to(memory_format=torch.channels_last)
config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 8], depths=[1, 1], layer_type="basic")
pretrained = ResNetModel(config).to(memory_format=torch.channels_last)
trainer = Trainer(model=plain, args=TrainingArguments(output_dir="out", report_to="none", use_cpu=True))


def outcome(save):
    try:
        save()
    except ValueError as error:
        return f"{type(error).__name__}: {str(error).split(':')[0]}"
    return "saved"


seen = {
    "Trainer.save_model": outcome(lambda: trainer.save_model("trainer")),
    "safetensors.torch.save_model": outcome(lambda: safetensors.torch.save_model(plain, "plain.safetensors")),
    "save_pretrained": outcome(lambda: pretrained.save_pretrained("pretrained")),
}
expected = ["ValueError: You are trying to save a non contiguous tensor", "saved", "saved"]
for name, found in seen.items():
    print(f"{name}: {found}")
if list(seen.values()) != expected:
    sys.exit("changed: the outcomes are no longer those that the first comment lists")
PYTHON
