"""PumGPT: photo -> vision tower -> projection -> Q-Former -> bridge -> language model -> text.

Shapes: B photos, C channels, H x W pixels, P patches, V vision width, M queries, E Q-Former width, K injected layers,
N visual tokens, L layers, D language width, R rows of the batch, S positions.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, Blip2QFormerConfig, GenerationMixin, PreTrainedModel, initialization
from transformers.modeling_outputs import BaseModelOutputWithPast
from transformers.utils.generic import ModelOutput

from pumgpt.errors import ModelError
from pumgpt.model.adapters import AdapterBase, load_adapters, save_adapters
from pumgpt.model.assembly import config_of_parts
from pumgpt.model.bridges import LayerwiseAdapter, LayerwiseBridge, MlpBridge, build_bridge
from pumgpt.model.configuration import PumGPTConfig
from pumgpt.model.contrast import ContrastiveHead
from pumgpt.model.efficientnet_lite import ConvNorm
from pumgpt.model.encoded_photos import EncodedPhotos
from pumgpt.model.injection import ARGUMENT, VisualInjection, install, text_rms
from pumgpt.model.parts import Parts, Source, load_language_model, load_qformer, load_vision, sample_text
from pumgpt.model.processing import load_tokenizer
from pumgpt.model.qformer import QFormer
from pumgpt.model.transfer import TransferTower
from pumgpt.model.views import photo_views
from pumgpt.model.vision import VisionTower, build_tower, keep_frozen_statistics


@dataclass
class PumGPTOutput(ModelOutput):
    """Loss where labels were given, logits (R, S, vocabulary), and the cache."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    past_key_values: Any = None
    hidden_states: Any = None
    attentions: Any = None


class PumGPTForConditionalGeneration(PreTrainedModel, GenerationMixin):
    """The model of arXiv 2308.09568, and its comparators by `config.bridge`."""

    config_class = PumGPTConfig
    config: PumGPTConfig
    base_model_prefix = ""
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_attention_backend = True

    def __init__(self, config: PumGPTConfig, parts: Parts | None = None) -> None:
        super().__init__(config)
        parts = parts or Parts()
        self.vision_tower: VisionTower = build_tower(config.vision_config, parts.vision)
        self.uses_queries = config.bridge != "mlp"
        if self.uses_queries:
            width = config.qformer_config.encoder_hidden_size
            same = self.vision_tower.hidden_size == width
            self.projection: nn.Module = nn.Identity() if same else nn.Linear(self.vision_tower.hidden_size, width)
            self.qformer = QFormer(
                cast(Blip2QFormerConfig, config.qformer_config), config.num_query_tokens, parts.qformer
            )
        self.bridge = build_bridge(config, self.vision_tower.hidden_size)
        self.language_model = parts.language_model or AutoModelForCausalLM.from_config(config.text_config)
        # Hooks, not a subclass: any decoder of `transformers` keeps its own forward.
        install(self.language_model)
        self.transfer = None
        if config.transfer_config is not None:
            self.transfer = TransferTower(config.transfer_config, config.transfer_classes)
        if config.contrastive_dim:
            if not self.uses_queries:
                raise ModelError("a contrastive head needs a Q-Former, which bridge 'mlp' doesn't have")
            self.contrast = ContrastiveHead(
                config.qformer_config.hidden_size,
                config.contrastive_dim,
                config.contrastive_vocab_size,
                config.contrastive_max_length,
            )
        self.post_init()

    @classmethod
    def from_parts(
        cls,
        vision: Source,
        language_model: Source,
        qformer: Source | Blip2QFormerConfig | None = None,
        bridge: str = "layerwise",
        num_visual_tokens: int = 8,
        num_query_tokens: int | None = None,
        tokenizer: Any = None,
        vision_stages: Sequence[int] = (-2, -1),
        dtype: torch.dtype | None = None,
        **sizes: Any,
    ) -> Self:
        """A model out of public checkpoints. What is between them (adapters, a projection where widths differ) is untrained.

        Args:
            vision: folder, hub name or module: SigLIP, SigLIP 2, CLIP, DINOv2, BLIP-2, InstructBLIP, or a convolutional backbone.
            language_model: folder, hub name or module whose layers we can inject into.
            qformer: a BLIP-2 or InstructBLIP checkpoint; a config, or None, for a Q-Former with random weights.
            bridge: `layerwise`, `queries` or `mlp`.
            num_visual_tokens: N, for each photo (`layerwise`).
            num_query_tokens: M, where the Q-Former is new; else the checkpoint decides.
            tokenizer: folder, hub name or object; by default the language model's. It tells the placeholder's id.
            vision_stages: the stages of a convolutional backbone whose maps are read.
            dtype: of all weights; by default the language model's.
            sizes: `adapter_dim`, `adapter_num_heads`, `contrastive_dim`, ... as in `PumGPTConfig`.

        Raises `ModelError` or `InjectionError` naming the part that can't be used, and why.
        """
        parts = Parts(
            load_vision(vision, vision_stages),
            None if bridge == "mlp" or isinstance(qformer, Blip2QFormerConfig | None) else load_qformer(qformer),
            load_language_model(language_model, dtype),
        )
        assert parts.language_model is not None
        if tokenizer is None and not isinstance(language_model, nn.Module):
            tokenizer = language_model
        tokenizer = load_tokenizer(tokenizer) if tokenizer is not None else None
        qformer_config = qformer if isinstance(qformer, Blip2QFormerConfig) else None
        config = config_of_parts(
            parts,
            tokenizer,
            num_query_tokens,
            qformer_config,
            bridge=bridge,
            num_visual_tokens=num_visual_tokens,
            **sizes,
        )
        model = cls(config, parts)
        nn.Module.to(model, dtype or parts.language_model.dtype)
        model.config.dtype = model.dtype
        model.generation_config = copy.deepcopy(parts.language_model.generation_config)
        # The placeholder is part of the vocabulary, and no text.
        model.generation_config.suppress_tokens = [config.image_token_id]
        model.match_scale(sample_text(tokenizer, config.text_config.vocab_size).to(model.device))
        model.eval()
        return model

    def save_adapters(self, folder: str | Path) -> None:
        """Write the bridge alone (a few MB), for a base that others have: one base serves many shops."""
        save_adapters(self.bridge, self._adapter_base(), Path(folder))

    def load_adapters(self, folder: str | Path, check_base: bool = True) -> None:
        """Put a bridge that `save_adapters` wrote in place of this model's.

        Raises `ModelError` where its sizes differ from this model's, or (unless `check_base` is off) where it was trained on
        a base with other weights.
        """
        load_adapters(self.bridge, self._adapter_base(), Path(folder), check_base)

    def _adapter_base(self) -> AdapterBase:
        return AdapterBase.of(self.config, self.vision_tower.hidden_size, self.state_dict())

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, LayerwiseAdapter):
            initialization.normal_(module.latents, std=1.0)
        elif isinstance(module, QFormer):
            initialization.normal_(module.query_tokens, std=self.config.qformer_config.initializer_range)
        elif isinstance(module, ContrastiveHead):
            initialization.constant_(module.log_scale, 2.66)

    def train(self, mode: bool = True) -> PumGPTForConditionalGeneration:
        """As in `nn.Module`, but a frozen convolutional tower stays in evaluation mode.

        Its batch-norm statistics are frozen with its weights.
        """
        super().train(mode)
        if mode:
            keep_frozen_statistics(self.vision_tower)
        return self

    def fuse_norms(self) -> None:
        """Put the batch norms of towers that can into their convolutions, for inference alone: it can't be saved any more."""
        for module in list(self.modules()):
            if isinstance(module, ConvNorm):
                module.fuse()

    def get_input_embeddings(self) -> nn.Module:
        return cast(nn.Module, self.language_model.get_input_embeddings())

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.language_model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module | None:
        return cast("nn.Module | None", self.language_model.get_output_embeddings())

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        self.language_model.set_output_embeddings(new_embeddings)

    def encode_photos(
        self,
        pixel_values: Tensor,
        num_visual_tokens: int | None = None,
        evidence: bool = False,
        keep_patches: bool = False,
    ) -> EncodedPhotos:
        """Encode photos (B, C, H, W) once, for any number of questions.

        `num_visual_tokens` n <= N takes the first n latents. With `evidence` the attentions are kept (slower), with
        `keep_patches` the tower's output.
        """
        # A photo and its mirror image go through the tower as one batch; evidence and patches are those of the whole photo.
        views = photo_views(pixel_values, self.config)
        if self.config.mirrored:
            views = [torch.cat(pair) for pair in zip(views[::2], views[1::2], strict=True)]
        encoded = self._encode_framing(views[0], num_visual_tokens, evidence, keep_patches)
        if len(views) > 1:
            encoded = encoded.joined_with_windows(self._encode_framing(views[1], num_visual_tokens))
        if self.transfer is None:
            return encoded
        return encoded.joined_with_transfer(self.transfer(pixel_values.to(self.dtype)))

    def _encode_framing(
        self,
        pixel_values: Tensor,
        num_visual_tokens: int | None,
        evidence: bool = False,
        keep_patches: bool = False,
    ) -> EncodedPhotos:
        """Encode photos, which are followed by their mirror images where the configuration says so."""
        tower, mirrored = self.vision_tower, self.config.mirrored
        frozen = not any(p.requires_grad for p in tower.parameters())
        # Without a graph through a frozen tower its activations need no memory.
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
            patches_BPV = tower(pixel_values.to(self.dtype))
        count = num_visual_tokens or self.bridge.num_tokens(patches_BPV.shape[1])
        grid = tower.grid(pixel_values.shape[-2], pixel_values.shape[-1]) if evidence or mirrored else None
        kept = patches_BPV if keep_patches else None
        features_BV = patches_BPV.mean(1)
        if isinstance(self.bridge, MlpBridge):
            visual = self.bridge(patches_BPV, None, count).visual_KBND
            return EncodedPhotos(visual, grid=grid, patches_BPV=kept, features_BV=features_BV)
        found = self.qformer(self.projection(patches_BPV), return_attention=evidence)
        visual, alpha = self.bridge(patches_BPV, found.queries_BME, count, return_alpha=evidence)
        encoded = EncodedPhotos(visual, found.queries_BME, alpha, found.attention_BMP, grid, kept, features_BV)
        return encoded.joined_with_mirror_images() if mirrored else encoded

    def photo_features(self, pixel_values: Tensor) -> Tensor:
        """`EncodedPhotos.features_BV` of photos (B, C, H, W), for less work."""
        pixel_values = pixel_values.to(self.dtype)
        views = photo_views(pixel_values, self.config)
        features_BV = torch.stack([self.vision_tower(view).mean(1) for view in views]).mean(0)
        if self.transfer is None:
            return features_BV
        return torch.cat([features_BV, self.transfer(pixel_values).features_BT], 1)

    def injection(self, mask_RS: Tensor, photos: EncodedPhotos, photo_index: Tensor | None) -> VisualInjection:
        """Lay the visual tokens of the shown photos in the order of the placeholders.

        `photo_index` says which photo each block of placeholders shows; in order of appearance where it is None.
        Raises `ModelError` where placeholders and photos don't fit each other.
        """
        visual_KBND = photos.visual_KBND if photo_index is None else photos.visual_KBND[:, photo_index]
        blocks, per_block = visual_KBND.shape[1:3]
        placeholders = int(mask_RS.sum())
        if placeholders != blocks * per_block:
            raise ModelError(
                f"the prompts hold {placeholders} placeholders, but {blocks} photos with {per_block} visual tokens each "
                f"need {blocks * per_block}; let a processor with num_visual_tokens={per_block} write the prompts"
            )
        return VisualInjection(mask_RS, visual_KBND.flatten(1, 2))

    def hidden_states(
        self,
        input_ids: Tensor | None = None,
        photos: EncodedPhotos | None = None,
        photo_index: Tensor | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPast:
        """Run the language model up to its last hidden states (R, S, D), with `photos` at their placeholders.

        The blocks of placeholders in `input_ids` (R, S) show the photos in order, or as `photo_index` says. Every pass of
        the language model goes through here, in training as in generation; `kwargs` are those of its own decoder.
        """
        injection = None
        if photos is not None and (photo_index is None or len(photo_index)):
            assert input_ids is not None
            injection = self.injection(input_ids == self.config.image_token_id, photos, photo_index)
        decoder: Any = self.language_model.model
        output: BaseModelOutputWithPast = decoder(input_ids=input_ids, **{ARGUMENT: injection}, **kwargs)
        return output

    def logits(self, hidden: Tensor) -> Tensor:
        """Of the next token (..., vocabulary), from last hidden states (..., D)."""
        head: Any = self.language_model.get_output_embeddings()
        # Under autocast the hidden states may be narrower than the weights, which decide.
        return head(hidden.to(head.weight.dtype))

    def forward(
        self,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        photos: EncodedPhotos | None = None,
        photo_index: Tensor | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> PumGPTOutput:
        """Logits, and the loss where `labels` (R, S) are given.

        Photos come as `pixel_values` (B, C, H, W) or as `photos` that `encode_photos` made before; with neither this is the
        bare language model. The blocks of placeholders in `input_ids` show the photos in order, or as `photo_index` says.
        """
        if input_ids is None and (pixel_values is not None or photos is not None):
            raise ModelError("photos need input_ids, in which their placeholders stand; inputs_embeds alone won't do")
        if photos is None and input_ids is not None and pixel_values is not None:
            mask_RS = input_ids == self.config.image_token_id
            photos = self.encode_photos(pixel_values, self._tokens_asked(mask_RS, pixel_values, photo_index))
        output = self.hidden_states(
            input_ids,
            photos,
            photo_index,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            **kwargs,
        )
        assert output.last_hidden_state is not None
        keep = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.logits(output.last_hidden_state[:, keep])
        loss = None
        if labels is not None:
            vocab_size = self.config.text_config.vocab_size
            # The language model's own loss, which knows about gradient accumulation.
            loss = self.language_model.loss_function(logits=logits, labels=labels, vocab_size=vocab_size, **kwargs)
        return PumGPTOutput(loss, logits, output.past_key_values, output.hidden_states, output.attentions)

    def _tokens_asked(self, mask_RS: Tensor, pixel_values: Tensor, photo_index: Tensor | None) -> int | None:
        """How many visual tokens the prompts leave room for, where the bridge is elastic."""
        if not isinstance(self.bridge, LayerwiseBridge):
            return None
        blocks = pixel_values.shape[0] if photo_index is None else photo_index.shape[0]
        asked, rest = divmod(int(mask_RS.sum()), max(blocks, 1))
        if rest or not 1 <= asked <= self.config.num_visual_tokens:
            raise ModelError(
                f"the prompts hold {int(mask_RS.sum())} placeholders for {blocks} photos; each photo takes the same number, "
                f"1 to {self.config.num_visual_tokens}; let the processor write the prompts"
            )
        return asked

    def prepare_inputs_for_generation(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Photos go in with the prompt only; later steps read them from the cache."""
        inputs = super().prepare_inputs_for_generation(*args, **kwargs)  # type: ignore[misc]
        # Placeholders are in the cache after the first step; injecting twice would find none.
        first = kwargs.get("is_first_iteration", False) or not kwargs.get("use_cache", True)
        if not first:
            for name in ("pixel_values", "photos", "photo_index"):
                inputs.pop(name, None)
        return cast(dict[str, Any], inputs)

    def similarity(self, photos: EncodedPhotos, input_ids_RS: Tensor, attention_mask_RS: Tensor) -> Tensor:
        """Cosine similarity (B, R) of photos and texts, by the contrastive head.

        Raises `ModelError` for a model that has none.
        """
        if not self.config.contrastive_dim or photos.queries_BME is None:
            raise ModelError("this checkpoint has no contrastive head; train one with a recipe of stage 'contrast'")
        texts = self.contrast.embed_texts(self.qformer, input_ids_RS, attention_mask_RS)
        return self.contrast.similarity(self.contrast.embed_photos(photos.queries_BME), texts)

    def match_scale(self, input_ids_RS: Tensor) -> Tensor:
        """Start the bridge's output at the RMS (L,) that text has on entry to each layer; returns it.

        It is measured on `input_ids_RS`.
        """
        rms = text_rms(self.language_model, input_ids_RS)
        self.bridge.match_scale(rms)
        return rms
