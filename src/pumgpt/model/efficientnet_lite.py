"""EfficientNet-Lite as a backbone of `transformers`, which has EfficientNet only.

Lite leaves out squeeze-and-excitation and takes ReLU6 for swish, so that it runs fast without special kernels; widths and
depths are those of EfficientNet (Tan & Le 2019, arXiv 1905.11946), but stem and head are never scaled. Pretrained weights
are published for TensorFlow, whose convolutions pad unevenly; so do these.

Shapes: B photos, C channels, H x W pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.backbone_utils import BackboneConfigMixin, BackboneMixin
from transformers.modeling_outputs import BackboneOutput

from pumgpt.errors import ModelError


class Stage(NamedTuple):
    """Blocks of one width, of which only the first has a stride."""

    kernel: int
    stride: int
    expansion: int
    width: int
    depth: int


STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)
"""Of Lite0. The larger ones multiply widths and depths; the first and the last stage keep their depth."""
STEM_WIDTH = 32
HEAD_WIDTH = 1280
NORM_EPS = 1e-3
WIDTH_STEP = 8
VARIANTS = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2), "lite3": (1.2, 1.4), "lite4": (1.4, 1.8)}
"""Name -> how many times as wide and as deep as Lite0."""


class EfficientNetLiteConfig(BackboneConfigMixin, PreTrainedConfig):
    """Sizes of an EfficientNet-Lite.

    Args:
        variant: `lite0` to `lite4`.
        num_channels: of the photos.
        out_indices: which of `stage_names` give their maps: 0 is the stem, 1 to 7 are the stages, 8 is the head.
    """

    model_type = "efficientnet_lite"

    def __init__(
        self,
        variant: str = "lite0",
        num_channels: int = 3,
        out_features: list[str] | None = None,
        out_indices: list[int] | None = None,
        **kwargs: Any,
    ) -> None:
        if variant not in VARIANTS:
            raise ModelError(
                f"variant '{variant}' of EfficientNet-Lite is not known; choose one of {', '.join(VARIANTS)}"
            )
        super().__init__(**kwargs)
        self.variant = variant
        self.num_channels = num_channels
        self.stage_names = ["stem", *(f"stage{number}" for number in range(1, len(STAGES) + 1)), "head"]
        self.set_output_features_output_indices(out_features=out_features, out_indices=out_indices)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages with this variant's widths and depths."""
        wider, deeper = VARIANTS[self.variant]
        fixed = (0, len(STAGES) - 1)
        return tuple(
            stage._replace(
                width=_scaled_width(stage.width, wider),
                depth=stage.depth if number in fixed else math.ceil(stage.depth * deeper),
            )
            for number, stage in enumerate(STAGES)
        )

    @property
    def depths(self) -> list[int]:
        return [stage.depth for stage in self.stages]


def _scaled_width(width: int, factor: float) -> int:
    """The nearest multiple of `WIDTH_STEP`, but never a tenth narrower than asked."""
    scaled = width * factor
    rounded = max(WIDTH_STEP, int(scaled + WIDTH_STEP / 2) // WIDTH_STEP * WIDTH_STEP)
    return rounded + WIDTH_STEP if rounded < 0.9 * scaled else rounded


class SamePadConv2d(nn.Conv2d):
    """A convolution that pads as TensorFlow's "same": as little as gives ceil(size / stride), the odd pixel right and below."""

    def forward(self, input_BCHW: Tensor) -> Tensor:
        (below, right), (kernel, _), (stride, _) = input_BCHW.shape[-2:], self.kernel_size, self.stride
        rows, columns = (max((math.ceil(n / stride) - 1) * stride + kernel - n, 0) for n in (below, right))
        if rows == columns and rows % 2 == 0:
            return F.conv2d(input_BCHW, self.weight, self.bias, self.stride, rows // 2, 1, self.groups)
        padded = F.pad(input_BCHW, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, 1, self.groups)


class ConvNorm(nn.Sequential):
    """Convolution, batch norm and, unless it is linear, ReLU6."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, *, linear: bool = False
    ):
        super().__init__()
        self.conv = SamePadConv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=NORM_EPS, momentum=0.01)
        if not linear:
            self.activation = nn.ReLU6(inplace=True)

    def fuse(self) -> None:
        """Put the norm into the convolution: a quarter of the time of a pass less. For inference alone."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv.eval(), self.norm.eval())
            self.norm = nn.Identity()  # type: ignore[assignment]


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al. 2018, arXiv 1801.04381): widen, look around in each channel, narrow."""

    def __init__(self, inputs: int, stage: Stage, stride: int) -> None:
        super().__init__()
        inner = inputs * stage.expansion
        self.expand = ConvNorm(inputs, inner) if stage.expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(inner, inner, stage.kernel, stride, groups=inner)
        self.project = ConvNorm(inner, stage.width, linear=True)
        self.has_skip = stride == 1 and inputs == stage.width

    def forward(self, hidden_BCHW: Tensor) -> Tensor:
        out: Tensor = self.project(self.depthwise(self.expand(hidden_BCHW)))
        return hidden_BCHW + out if self.has_skip else out


class EfficientNetLiteBackbone(BackboneMixin, PreTrainedModel):
    """Stem, seven stages and a head of 1,280 channels; gives the maps of the stages that the config names."""

    config_class = EfficientNetLiteConfig
    main_input_name = "pixel_values"
    base_model_prefix = "efficientnet_lite"
    has_attentions = False

    def __init__(self, config: EfficientNetLiteConfig) -> None:
        super().__init__(config)
        self.stem = ConvNorm(config.num_channels, STEM_WIDTH, kernel=3, stride=2)
        self.stages = nn.ModuleList()
        width = STEM_WIDTH
        for stage in config.stages:
            blocks = []
            for number in range(stage.depth):
                blocks.append(InvertedResidual(width, stage, stage.stride if number == 0 else 1))
                width = stage.width
            self.stages.append(nn.Sequential(*blocks))
        self.head = ConvNorm(width, HEAD_WIDTH)
        self.num_features = [STEM_WIDTH, *(stage.width for stage in config.stages), HEAD_WIDTH]
        self.post_init()

    def forward(
        self,
        pixel_values: Tensor,
        output_hidden_states: bool | None = None,
        output_attentions: bool | None = None,
        return_dict: bool | None = None,
    ) -> BackboneOutput:
        """Maps of photos (B, C, H, W), in the order of the stages; the other arguments are those of every backbone."""
        maps = []
        hidden_BCHW = pixel_values
        # Nothing behind the last stage that is asked for is computed.
        wanted = set(self.out_features)
        for name, module in zip(self.stage_names, (self.stem, *self.stages, self.head), strict=True):
            hidden_BCHW = module(hidden_BCHW)
            if name in wanted:
                maps.append(hidden_BCHW)
                if len(maps) == len(wanted):
                    break
        return BackboneOutput(feature_maps=tuple(maps))


def convert_state_dict(config: EfficientNetLiteConfig, published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as they are published for PyTorch (`efficientnet-lite-pytorch`) under the names of this backbone.

    The classifier (`_fc`) is left out. Raises `ModelError` where a weight is missing or left over.
    """
    left = {name: value for name, value in published.items() if not name.startswith("_fc.")}
    converted: dict[str, Tensor] = {}
    for ours, theirs in _published_names(config):
        for suffix, value in [
            (name.removeprefix(theirs), left.pop(name)) for name in [*left] if name.startswith(theirs)
        ]:
            converted[ours + suffix] = value
    expected = EfficientNetLiteBackbone(config).state_dict().keys()
    if left or converted.keys() != expected:
        wrong = next(iter(left), None) or next(iter(expected ^ converted.keys()))
        raise ModelError(f"these are no weights of EfficientNet-{config.variant}: '{wrong}' does not fit")
    return converted


def _published_names(config: EfficientNetLiteConfig) -> Iterator[tuple[str, str]]:
    """Our prefix of a module's weights, and the published one."""
    yield from (("stem.conv.", "_conv_stem."), ("stem.norm.", "_bn0."))
    yield from (("head.conv.", "_conv_head."), ("head.norm.", "_bn1."))
    place = 0
    for number, stage in enumerate(config.stages):
        for block in range(stage.depth):
            parts = ("expand", "depthwise", "project")
            for norm, part in enumerate(parts):
                if part == "expand" and stage.expansion == 1:
                    continue
                ours, theirs = f"stages.{number}.{block}.{part}", f"_blocks.{place}"
                yield f"{ours}.conv.", f"{theirs}._{part}_conv."
                yield f"{ours}.norm.", f"{theirs}._bn{norm}."
            place += 1
