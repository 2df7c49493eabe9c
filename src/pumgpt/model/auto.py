"""Make the Auto classes of `transformers` know `model_type: pumgpt` and our own backbone. Runs when this module is imported."""

from __future__ import annotations

from transformers import AutoBackbone, AutoConfig, AutoModelForImageTextToText, AutoProcessor

from pumgpt.model.configuration import PumGPTConfig
from pumgpt.model.efficientnet_lite import EfficientNetLiteBackbone, EfficientNetLiteConfig
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor

AutoConfig.register(PumGPTConfig.model_type, PumGPTConfig, exist_ok=True)
AutoModelForImageTextToText.register(PumGPTConfig, PumGPTForConditionalGeneration, exist_ok=True)
AutoProcessor.register(PumGPTConfig, PumGPTProcessor, exist_ok=True)
AutoConfig.register(EfficientNetLiteConfig.model_type, EfficientNetLiteConfig, exist_ok=True)
AutoBackbone.register(EfficientNetLiteConfig, EfficientNetLiteBackbone, exist_ok=True)
