"""Make the Auto classes of `transformers` know `model_type: pumgpt`. Runs when this module is imported."""

from __future__ import annotations

from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from pumgpt.model.configuration import PumGPTConfig
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor

AutoConfig.register(PumGPTConfig.model_type, PumGPTConfig, exist_ok=True)
AutoModelForImageTextToText.register(PumGPTConfig, PumGPTForConditionalGeneration, exist_ok=True)
AutoProcessor.register(PumGPTConfig, PumGPTProcessor, exist_ok=True)
