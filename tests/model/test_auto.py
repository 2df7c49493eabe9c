"""`import pumgpt` costs nothing, and yet the Auto classes know the model, whoever comes first."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny_models import tiny_model

from pumgpt.errors import ModelError
from pumgpt.model.configuration import FORMAT_VERSION, PumGPTConfig

OPEN = """
model = AutoModelForImageTextToText.from_pretrained({folder!r})
processor = AutoProcessor.from_pretrained({folder!r})
print(type(model).__name__, type(processor).__name__)
"""
ORDERS = {
    "pumgpt first": "import pumgpt\nfrom transformers import AutoProcessor, AutoModelForImageTextToText\n" + OPEN,
    "transformers first": "from transformers import AutoProcessor, AutoModelForImageTextToText\nimport pumgpt\n" + OPEN,
    "another class first": "import pumgpt\nfrom transformers import PreTrainedModel\n"
    "from transformers import AutoProcessor, AutoModelForImageTextToText\n" + OPEN,
    "pipeline": "import pumgpt\nfrom transformers import pipeline\n"
    "pipe = pipeline('image-text-to-text', model={folder!r})\n"
    "print(type(pipe.model).__name__, type(pipe.processor).__name__)",
}


def run(program: str) -> str:
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout.strip()


@pytest.fixture(scope="module")
def folder(llama: Any, processor: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved")
    llama.save_pretrained(path)
    processor.save_pretrained(path)
    return path


@pytest.mark.parametrize("order", ORDERS)
def test_the_auto_classes_open_a_checkpoint(order: str, folder: Path) -> None:
    assert run(ORDERS[order].format(folder=str(folder))).endswith("PumGPTForConditionalGeneration PumGPTProcessor")


def test_a_plain_text_without_a_placeholder_says_what_is_missing(folder: Path) -> None:
    from PIL import Image
    from transformers import pipeline

    ask, photo = pipeline("image-text-to-text", model=str(folder)), Image.new("RGB", (8, 8))
    with pytest.raises(ModelError, match=r"write <image> once for each photo, or give chat messages"):
        ask(images=photo, text="What is it?")
    assert ask(images=photo, text="<image>What is it?", max_new_tokens=1)


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = run("import sys, pumgpt; print(sorted({name.partition('.')[0] for name in sys.modules}))")
    assert not {"torch", "transformers", "numpy", "PIL"} & set(eval(loaded))


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"format_version 2, this program reads up to 1; install a newer pumgpt"):
        PumGPTConfig(format_version=FORMAT_VERSION + 1)
    tiny_model().config.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "format_version": FORMAT_VERSION + 1}))
    with pytest.raises(ModelError, match="install a newer pumgpt"):
        PumGPTConfig.from_pretrained(tmp_path)
