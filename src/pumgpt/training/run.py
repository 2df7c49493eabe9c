"""Run one stage: build what it trains, hand it to `transformers.Trainer`, leave the weights and the recipe in one folder."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import save_file
from transformers import CONFIG_MAPPING, AutoConfig, EvalPrediction, set_seed

from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices
from pumgpt.errors import RecipeError
from pumgpt.model.card import CARD_FILE, resolve_checkpoint
from pumgpt.model.configuration import PumGPTConfig
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.model.vision import build_tower
from pumgpt.tasks.base import AskedAttribute, TaskContext
from pumgpt.tasks.mixture import MixtureWeights, draw_examples
from pumgpt.training.data.encoded import EncodedViews, Encoding, open_or_encode
from pumgpt.training.data.products import PhotoCache, ProductDataset, read_products, repeat_rare
from pumgpt.training.data.stream import ProductStream
from pumgpt.training.objectives.teacher import AnswerTeacher
from pumgpt.training.recipe import Recipe, load_recipe
from pumgpt.training.scratch import build_from_scratch, load_heads, load_tower
from pumgpt.training.stages.contrast import ContrastiveCollator, ContrastiveStage, text_of
from pumgpt.training.stages.heads import (
    CATEGORY,
    IGNORED,
    WORDS,
    HeadsCollator,
    LabelHeads,
    TowerWithHeads,
    collect_values,
    collect_words,
)
from pumgpt.training.stages.instruct import InstructionCollator, InstructionSettings, InstructionTrainer
from pumgpt.training.trainer import StageTrainer, finish, freeze_all_but, run_trainer, training_arguments, views_device

ATTRIBUTES = ("gender", "colour", "usage", "season", "age group", "year")
"""The attributes that nano's data states."""
HEADS_FILE = "heads.json"
"""The values of each head, beside its weights."""


def train(recipe: Path, overrides: Sequence[str] = (), restart: bool = False) -> Path:
    """Run the stage that a recipe describes; returns the folder with the result."""
    loaded = load_recipe(recipe, list(overrides))
    if restart and loaded.output_dir.is_dir():
        shutil.rmtree(loaded.output_dir)
    set_seed(loaded.seed)
    STAGES[loaded.stage](loaded)
    return loaded.output_dir


def head_accuracy(names: Sequence[str]) -> Callable[[EvalPrediction], dict[str, float]]:
    """Metric function for `Trainer`: accuracy of each head over the photos that state its label."""

    def metrics(prediction: EvalPrediction) -> dict[str, float]:
        logits, labels = prediction.predictions, prediction.label_ids
        assert isinstance(logits, dict) and isinstance(labels, dict)
        result = {}
        for name in names:
            if name == WORDS:
                continue
            stated = labels[name] != IGNORED
            if stated.any():
                right = logits[name][stated].argmax(-1) == labels[name][stated]
                result[f"accuracy_{name}"] = float(np.mean(right))
        return result

    return metrics


def _products(recipe: Recipe, kept_in_memory: bool = True) -> tuple[list[Product], list[Product]]:
    data = recipe.data
    if kept_in_memory and data.stream:
        raise RecipeError(
            f"data.stream: stage '{recipe.stage}' keeps its products in memory; stage 'instruct' can stream them"
        )
    if data.stream and data.rare_share:
        raise RecipeError("data.rare_share counts categories, which a stream can't; use `repeat` of its sources")
    train_set, validation = (
        read_products(sources, recipe.data_dir, data.values, data.foreign_categories)
        for sources in (data.train if kept_in_memory else [], data.validation)
    )
    return repeat_rare(train_set, data.rare_share, recipe.seed), validation


def run_heads(recipe: Recipe) -> None:
    """Stage 1: tower and linear heads; both go on from `init_from` where it is given."""
    if recipe.heads is None:
        raise RecipeError("stage 'heads' needs a block 'heads' with its labels")
    train_set, validation = _products(recipe)
    values = _known_values(recipe, train_set)
    vision = dict(recipe.architecture["vision_config"])
    tower = build_tower(CONFIG_MAPPING[vision.pop("model_type")](**vision))
    model = TowerWithHeads(tower, LabelHeads(tower.hidden_size, values), recipe.heads.smoothing)
    if recipe.init_from is not None:
        load_tower(tower, recipe.init_from)
        load_heads(model.heads, recipe.init_from)
    photos, arguments = PhotoCache(recipe.data.size_px), training_arguments(recipe)
    device = views_device(arguments)
    trainer = StageTrainer(
        model=model,
        args=arguments,
        train_dataset=ProductDataset(train_set),
        eval_dataset=ProductDataset(validation),
        data_collator=HeadsCollator(photos, values, recipe.size_px, recipe.augment, recipe.heads.blend, device),
        plain_collator=HeadsCollator(photos, values, recipe.size_px, None, device=device),
        compute_metrics=head_accuracy(list(values)),
    )
    run_trainer(trainer, recipe)
    folder = recipe.output_dir
    weights = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _write_values(folder, values)
    tower.config.save_pretrained(folder)
    finish(trainer, recipe)


def _head_values(recipe: Recipe) -> dict[str, list[str]] | None:
    """The values that the stage before had heads for, None where it had no heads."""
    file = recipe.init_from / HEADS_FILE if recipe.init_from else None
    return json.loads(file.read_text(encoding="utf-8")) if file and file.is_file() else None


def _known_values(recipe: Recipe, train_set: Sequence[Product]) -> dict[str, list[str]]:
    """The values of each head: those of the stage before, else what the products state."""
    assert recipe.heads is not None
    values = _head_values(recipe) or collect_values(train_set, recipe.heads.labels, recipe.heads.min_count)
    if recipe.heads.words_min_count and WORDS not in values:
        values[WORDS] = collect_words(train_set, recipe.heads.words_min_count)
    return values


def _load_start(checkpoint: Path) -> tuple[PumGPTForConditionalGeneration, PumGPTProcessor]:
    """The checkpoint that a stage goes on from, in fp32, and its processor."""
    start = resolve_checkpoint(str(checkpoint))
    model = PumGPTForConditionalGeneration.from_pretrained(start, dtype=torch.float32)
    return model, PumGPTProcessor.from_pretrained(start)


def _write_values(folder: Path, values: dict[str, list[str]]) -> None:
    (folder / HEADS_FILE).write_text(json.dumps(values, ensure_ascii=False, indent=1), encoding="utf-8")


def texts_to_read(products: Sequence[Product], attributes: Sequence[str] = ATTRIBUTES) -> Iterator[str]:
    """What a tokenizer for `products` should read well: their texts, and what the tasks ask and answer about them."""
    context, rng, weights = build_context(products, attributes, 1), random.Random(0), MixtureWeights()
    for product in products:
        if text := text_of(product):
            yield text
        for example in draw_examples(product, context, rng, weights, 2)[1]:
            yield example.question.text
            yield example.answer


def run_contrast(recipe: Recipe) -> None:
    """Stage 2: contrast of photo and title. It goes on from the tower and heads of stage 1, or from a PumGPT checkpoint."""
    if recipe.heads is None or recipe.contrast is None or recipe.init_from is None:
        raise RecipeError(
            "stage 'contrast' needs 'heads', 'contrast' and 'init_from', the folder of stage 'heads' or of a checkpoint"
        )
    train_set, validation = _products(recipe)
    values = _known_values(recipe, train_set)
    if recipe.architecture:
        model, processor = build_from_scratch(recipe.architecture, texts_to_read(train_set), recipe.size_px)
        load_tower(model.vision_tower, recipe.init_from)
    else:
        model, processor = _load_start(recipe.init_from)
    heads = LabelHeads(model.vision_tower.hidden_size, values)
    if _head_values(recipe) is not None:
        load_heads(heads, recipe.init_from)
    query_heads = LabelHeads(model.qformer.hidden_size, values) if recipe.contrast.query_heads else None
    if query_heads is not None:
        load_heads(query_heads, recipe.init_from, "query_heads")
    teachers = {_tower_that_teaches(folder, values): weight for folder, weight in recipe.contrast.teacher.items()}
    stage = ContrastiveStage(
        model,
        heads,
        recipe.heads.smoothing,
        recipe.contrast.weight,
        query_heads,
        teachers,
        recipe.contrast.label_weight,
    )
    freeze_all_but(stage, recipe.contrast.trained)
    photos, arguments = PhotoCache(recipe.data.size_px), training_arguments(recipe)
    device = views_device(arguments)

    def collator(views: Any) -> ContrastiveCollator:
        assert recipe.heads is not None and recipe.contrast is not None
        shown = HeadsCollator(photos, values, recipe.size_px, views, recipe.heads.blend if views else 0.0, device)
        longest = model.config.contrastive_max_length
        share, untaught = recipe.contrast.share, recipe.data.untaught
        return ContrastiveCollator(shown, processor.tokenizer, text_of, longest, share, untaught)

    trainer = StageTrainer(
        model=stage,
        args=arguments,
        train_dataset=ProductDataset(train_set),
        eval_dataset=ProductDataset(validation),
        data_collator=collator(recipe.augment),
        plain_collator=collator(None),
        compute_metrics=head_accuracy(list(values)),
    )
    run_trainer(trainer, recipe)
    model.save_pretrained(recipe.output_dir)
    processor.save_pretrained(recipe.output_dir)
    for name, module in (("heads", heads), ("query_heads", query_heads)):
        if module is not None:
            weights = {n: t.contiguous() for n, t in module.state_dict().items()}
            save_file(weights, recipe.output_dir / f"{name}.safetensors")
    _write_values(recipe.output_dir, values)
    finish(trainer, recipe)


def _tower_that_teaches(folder: Path, values: dict[str, list[str]]) -> TowerWithHeads:
    """Tower and heads that a stage `heads` or `contrast` left in `folder`, of whatever shape they are."""
    known = json.loads((folder / HEADS_FILE).read_text(encoding="utf-8")) if (folder / HEADS_FILE).is_file() else None
    if known == values:
        config = AutoConfig.from_pretrained(folder)
        tower = build_tower(config.vision_config if isinstance(config, PumGPTConfig) else config)
        heads, size_px = LabelHeads(tower.hidden_size, values), _learned_at(folder)
        teacher = TowerWithHeads(tower, heads, size_px=size_px).requires_grad_(False)
        load_tower(tower, folder)
        if load_heads(teacher.heads, folder):
            return teacher
    raise RecipeError(
        f"contrast.teacher: {folder} has no heads for the values that this stage learns; name the folder of "
        "the stage that this one goes on from, or of another that learned from the same data"
    )


def _learned_at(folder: Path) -> int | None:
    """The side in pixels of the photos that the stage in `folder` learned from, None where it left no recipe."""
    file = folder / "recipe.yaml"
    size_px = yaml.safe_load(file.read_text(encoding="utf-8")).get("size_px") if file.is_file() else None
    return int(size_px) if size_px is not None else None


def build_context(products: Iterable[Product], attributes: Sequence[str], min_count: int) -> TaskContext:
    """What can be asked and answered: the categories and the attribute values of `products`."""
    values = collect_values(products, [CATEGORY, *attributes], min_count)
    asked = tuple(AskedAttribute(name, Choices(tuple(values[name]))) for name in attributes)
    return TaskContext(Choices(tuple(sorted(values[CATEGORY]))), asked)


def run_instruct(recipe: Recipe) -> None:
    """Stages 3 and 4: all tasks, with the parts that the recipe names; the others are frozen."""
    if recipe.instruct is None or recipe.init_from is None:
        raise RecipeError("stage 'instruct' needs 'instruct' and 'init_from', the folder of a PumGPT checkpoint")
    data, asked = recipe.data, recipe.instruct
    stream = ProductStream(data.train, recipe.data_dir, data, recipe.seed) if data.stream else None
    kept, validation = _products(recipe, kept_in_memory=stream is None)
    context = build_context(kept if stream is None else stream.in_order(), asked.attributes, asked.min_count)
    model, processor = _load_start(recipe.init_from)
    if asked.mirrored is not None:
        model.config.mirrored = asked.mirrored
    if asked.zoomed is not None:
        model.config.zoomed = asked.zoomed
    if asked.tower_from is not None:
        load_tower(model.vision_tower, asked.tower_from)
    freeze_all_but(model, asked.trained)
    arguments = training_arguments(recipe, label_names=["buckets"])
    on_cpu = arguments.device.type == "cpu"
    if on_cpu:
        # On a CPU, and with rows as short as these, plain products are faster than the fused kernel: by a fifth of a step.
        model.language_model.set_attn_implementation("eager")
    # Many buckets spare a CPU the padding; a GPU computes that in no time, and each bucket costs it launches.
    num_buckets = 8 if on_cpu else 2
    photos = PhotoCache(data.size_px, keep=not data.stream)
    if asked.encoded:
        kept = photos.usable(kept)
    settings = InstructionSettings(
        context, asked.mixture, asked.examples, asked.elastic, asked.num_photos, data.untaught
    )
    length = model.config.contrastive_max_length if asked.contrast_weight else 0
    teacher = _answer_teacher(recipe, model, context, processor) if asked.teacher else None

    encoded = _encoded(recipe, model, kept, photos, arguments.bf16) if asked.encoded else None

    def collator(views: Any) -> InstructionCollator:
        return InstructionCollator(
            photos,
            processor,
            settings,
            recipe.size_px,
            views,
            num_buckets=num_buckets,
            contrast_length=length,
            teacher=teacher,
            encoded=encoded,
        )

    trainer = InstructionTrainer(
        model=model,
        args=arguments,
        train_dataset=stream or ProductDataset(kept),
        eval_dataset=ProductDataset(validation),
        data_collator=collator(recipe.augment),
        plain_collator=collator(None),
        contrast_weight=asked.contrast_weight,
        teacher=teacher,
    )
    run_trainer(trainer, recipe)
    model.save_pretrained(recipe.output_dir)
    processor.save_pretrained(recipe.output_dir)
    write_card(recipe.output_dir, context, asked.mixture, recipe)
    finish(trainer, recipe)


def _encoded(
    recipe: Recipe,
    model: PumGPTForConditionalGeneration,
    products: Sequence[Product],
    photos: PhotoCache,
    bf16: bool,
) -> EncodedViews:
    assert recipe.instruct is not None and recipe.instruct.encoded is not None
    if not _queries_are_frozen(model):
        raise RecipeError(
            "instruct.encoded keeps what the Q-Former says, so that tower and Q-Former must be frozen; see instruct.trained"
        )
    if recipe.data.stream or recipe.augment is None:
        raise RecipeError("instruct.encoded keeps random views of all photos: it needs `augment`, and not data.stream")
    how = Encoding(recipe.instruct.encoded, recipe.augment, recipe.size_px, recipe.seed, bf16)
    return open_or_encode(model, products, photos, how)


def _queries_are_frozen(model: PumGPTForConditionalGeneration) -> bool:
    parts = [model.vision_tower, model.projection, model.qformer] if model.uses_queries else []
    return bool(parts) and not any(p.requires_grad for part in parts for p in part.parameters())


def _answer_teacher(
    recipe: Recipe, model: PumGPTForConditionalGeneration, context: TaskContext, processor: PumGPTProcessor
) -> AnswerTeacher:
    assert recipe.instruct is not None and recipe.instruct.teacher is not None
    folder = recipe.instruct.teacher
    if not _queries_are_frozen(model):
        raise RecipeError(
            "instruct.teacher reads the queries, so that tower and Q-Former must be frozen; see instruct.trained"
        )
    file = folder / HEADS_FILE
    if file.is_file():
        values = json.loads(file.read_text(encoding="utf-8"))
        heads = LabelHeads(model.qformer.hidden_size, values)
        patch_heads = LabelHeads(model.vision_tower.hidden_size, values)
        if load_heads(heads, folder, "query_heads"):
            also = patch_heads if load_heads(patch_heads, folder) else None
            asked = recipe.instruct
            return AnswerTeacher(heads, context, processor.tokenizer, asked.teacher_share, also, asked.teacher_shares)
    raise RecipeError(
        f"instruct.teacher: {folder} has no heads on queries; name a folder of stage 'contrast' that learned them"
    )


def write_card(folder: Path, context: TaskContext, mixture: MixtureWeights, recipe: Recipe) -> None:
    """Leave `pumgpt.json`: what the checkpoint was trained to answer, for `pumgpt info` and for the engine's defaults."""
    choices = context.taxonomy_choices.values if context.taxonomy_choices else ()
    card = {
        "name": folder.name,
        "tasks": [name for name, weight in mixture.tasks.items() if weight],
        "categories": [path.split(" > ") for path in choices],
        "attributes": {a.name: list(a.choices.values) if a.choices else [] for a in context.attributes},
        "training_data": [source.files for source in recipe.data.train],
    }
    (folder / CARD_FILE).write_text(json.dumps(card, ensure_ascii=False, indent=1), encoding="utf-8")


STAGES: dict[str, Callable[[Recipe], None]] = {
    "heads": run_heads,
    "contrast": run_contrast,
    "instruct": run_instruct,
}
