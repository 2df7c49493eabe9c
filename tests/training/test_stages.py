"""The stages of training, on drawn products: they learn, freeze what they say, resume to the same weights, and load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from safetensors.torch import load_file
from transformers import SiglipVisionConfig, SiglipVisionModel, TrainerCallback
from transformers.integrations import integration_utils
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from pumgpt.errors import RecipeError
from pumgpt.model.card import category_maps
from pumgpt.model.modeling import PumGPTForConditionalGeneration
from pumgpt.model.processing import PumGPTProcessor
from pumgpt.samples import draw_foreign_parquet, draw_parquet
from pumgpt.training.objectives.answers import answer_loss
from pumgpt.training.recipe import load_recipe
from pumgpt.training.run import train
from pumgpt.training.stages.contrast import load_teacher
from pumgpt.training.trainer import training_arguments

ARCHITECTURE: dict[str, Any] = {
    "vision_config": {
        "model_type": "resnet",
        "layer_type": "basic",
        "embedding_size": 8,
        "hidden_sizes": [8, 16],
        "depths": [1, 1],
        "out_indices": [1, 2],
    },
    "qformer_config": {
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "encoder_hidden_size": 32,
        "cross_attention_frequency": 1,
        "use_qformer_text_input": True,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    },
    "text_config": {
        "model_type": "llama",
        "vocab_size": 512,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "tie_word_embeddings": True,
    },
    "num_query_tokens": 4,
    "num_visual_tokens": 2,
    "adapter_dim": 16,
    "adapter_num_heads": 2,
    "contrastive_dim": 16,
    "contrastive_max_length": 16,
}


TRAINER = {
    "per_device_train_batch_size": 8,
    "per_device_eval_batch_size": 8,
    "max_steps": 4,
    "save_strategy": "steps",
    "save_steps": 2,
    "logging_steps": 1,
    "learning_rate": 1e-3,
    "disable_tqdm": True,
    "use_cpu": True,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    draw_parquet(folder / "products.parquet", range(24), size_px=48)
    draw_foreign_parquet(folder / "foreign.parquet", range(4), size_px=48)
    return folder


def write_recipe(folder: Path, data: Path, stage: str, init_from: Path | dict[str, Any], **blocks: Any) -> Path:
    products = [{"files": "products.parquet"}]
    recipe = {
        "stage": stage,
        "about": "a test",
        "output_dir": str(folder / stage),
        "data_dir": str(data),
        "init_from": str(init_from) if isinstance(init_from, Path) else init_from,
        "data": {"size_px": 48, "train": [*products, {"files": "foreign.parquet"}], "validation": products},
        "size_px": 48,
        "trainer": TRAINER,
        **blocks,
    }
    path = folder / f"{stage}.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


HEADS = {"heads": {"labels": ["category", "colour"], "words_min_count": 2}}


SCRATCH = {"scratch": {"architecture": ARCHITECTURE, "attributes": ["colour", "gender"]}}


QUERIES = {
    **HEADS,
    "contrast": {"query_heads": True, "trained": ["qformer", "contrast", "heads", "query_heads"]},
}


def instruct(trained: list[str]) -> dict[str, Any]:
    return {"instruct": {"trained": trained, "attributes": ["colour", "gender"], "examples": 2, "elastic": 0.5}}


@pytest.fixture(scope="module")
def stages(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All four, one after the other."""
    folder = tmp_path_factory.mktemp("runs")
    heads = train(write_recipe(folder, data, "heads", SCRATCH, **HEADS))
    contrast = train(
        write_recipe(folder, data, "contrast", SCRATCH, **HEADS, contrast={"weight": 0.5, "tower_from": str(heads)})
    )
    behind = ["projection", "qformer", "bridge", "language_model", "contrast"]
    pretrain = train(write_recipe(folder, data, "instruct", contrast, **instruct(behind)))
    (pretrain / "category_maps").mkdir()
    (pretrain / "category_maps" / "shop.csv").write_text("from,to\nApparel,Clothes\n")
    last = folder / "adapters"
    last.mkdir()
    adapters = train(write_recipe(last, data, "instruct", pretrain, **instruct(["bridge"])))
    return {"heads": heads, "contrast": contrast, "pretrain": pretrain, "adapters": adapters}


def changed(before: Path, after: Path) -> set[str]:
    """The parts of the model of which a tensor differs, buffers included."""
    old, new = load_file(before / "model.safetensors"), load_file(after / "model.safetensors")
    assert old.keys() == new.keys()
    return {name.split(".")[0] for name in old if not torch.equal(old[name], new[name])}


def test_each_stage_trains_what_it_says(stages: dict[str, Path]) -> None:
    """All else stays as it was, to the bit: weights, and the statistics of batch norms."""
    behind = {"qformer", "bridge", "language_model", "projection"}
    assert changed(stages["contrast"], stages["pretrain"]) - {"contrast"} == behind
    assert changed(stages["pretrain"], stages["adapters"]) == {"bridge"}


def test_titles_with_control_tokens_are_trained_on(tmp_path: Path) -> None:
    """Two steps of each stage that reads texts, from scratch, on titles with the tokens of its own chat template."""
    draw_parquet(tmp_path / "products.parquet", range(24), size_px=48)
    draw_foreign_parquet(tmp_path / "foreign.parquet", range(4), size_px=48)
    table = pq.read_table(tmp_path / "products.parquet")
    titles = [f"{title} <image> <end> <user>" for title in table["title"].to_pylist()]
    table = table.set_column(table.column_names.index("title"), "title", pa.array(titles))
    pq.write_table(table, tmp_path / "products.parquet")
    short = {"trainer": {**TRAINER, "max_steps": 2}}
    weight = {"contrast": {"weight": 0.5}}
    contrast = train(write_recipe(tmp_path, tmp_path, "contrast", SCRATCH, **HEADS, **weight, **short))
    behind = ["projection", "qformer", "bridge", "language_model", "contrast"]
    trained = train(write_recipe(tmp_path, tmp_path, "instruct", contrast, **instruct(behind), **short))
    assert "language_model" in changed(contrast, trained)
    assert all(weight.isfinite().all() for weight in load_file(trained / "model.safetensors").values())


def test_the_maps_of_the_categories_come_along(stages: dict[str, Path]) -> None:
    before, after = (category_maps(stages[name]) for name in ("pretrain", "adapters"))
    assert [path.read_text() for path in after] == [path.read_text() for path in before] != []


def test_the_q_former_learns_labels_behind_a_frozen_tower(stages: dict[str, Path], data: Path, tmp_path: Path) -> None:
    """Stage `contrast` goes on from a whole checkpoint; what it doesn't train stays as it was, batch norms included."""
    queries = train(write_recipe(tmp_path, data, "contrast", stages["pretrain"], **QUERIES))
    assert changed(stages["pretrain"], queries) == {"qformer", "contrast"}
    log = (queries / "trainer_state.json").read_text()
    assert "eval_accuracy_colour" in log


def test_a_teacher_is_heard_and_learns_nothing(stages: dict[str, Path], data: Path, tmp_path: Path) -> None:
    """Tower and Q-Former learn on from what the tower of an earlier stage says, and from one of another shape beside it;
    without them they end elsewhere. Blended photos are heard of as well.
    """
    queries = train(write_recipe(tmp_path, data, "contrast", stages["pretrain"], **QUERIES))
    wider = {"vision_config": ARCHITECTURE["vision_config"] | {"hidden_sizes": [12, 20]}}
    other = train(write_recipe(tmp_path, data, "heads", {"scratch": {"architecture": wider}}, **HEADS))
    folders = []
    for teacher in (str(queries), None, {str(queries): 3, str(other): 1}):
        folder = tmp_path / f"taught-{len(folders)}"
        folder.mkdir()
        blocks = QUERIES | {"contrast": {"query_heads": True, "teacher": teacher}}
        blocks["heads"] = QUERIES["heads"] | {"blend": 0.5 if teacher else 0.0}
        folders.append(train(write_recipe(folder, data, "contrast", queries, **blocks)))
    taught, untaught, by_both = folders
    assert "vision_tower" in changed(taught, by_both)
    assert changed(queries, taught) == {"vision_tower", "projection", "qformer", "contrast"}
    assert "vision_tower" in changed(taught, untaught)
    weights = load_file(taught / "checkpoint-4" / "model.safetensors")
    before = load_file(queries / "model.safetensors")
    kept = [name for name in weights if name.startswith("teachers.0.tower.")]
    assert kept and all(
        torch.equal(weights[name], before[name.replace("teachers.0.tower", "vision_tower")]) for name in kept
    )


def test_a_stage_that_teaches_says_at_which_size_it_learned(data: Path, tmp_path: Path) -> None:
    folder = train(write_recipe(tmp_path, data, "heads", SCRATCH, **HEADS), ["size_px=32"])
    values = json.loads((folder / "heads.json").read_text())
    assert load_teacher(folder, values).size_px == 32


def test_a_teacher_for_other_values_is_refused(stages: dict[str, Path], data: Path, tmp_path: Path) -> None:
    contrast = {"query_heads": True, "teacher": str(stages["pretrain"])}
    recipe = write_recipe(tmp_path, data, "contrast", stages["pretrain"], **(QUERIES | {"contrast": contrast}))
    with pytest.raises(RecipeError, match="has no heads for the values"):
        train(recipe)


def test_a_language_model_learns_from_the_heads_on_its_queries(
    stages: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    """The teacher changes what the language model becomes; it must be one, and what it reads must stay as it is."""
    queries = train(write_recipe(tmp_path, data, "contrast", stages["pretrain"], **QUERIES))
    ends = []
    for share in (0.7, 0.0):
        folder = tmp_path / f"share-{share}"
        folder.mkdir()
        blocks = instruct(["bridge", "language_model"])
        blocks["instruct"] |= {"teacher": str(queries), "teacher_share": share}
        ends.append(train(write_recipe(folder, data, "instruct", queries, **blocks)))
    assert changed(queries, ends[0]) == {"bridge", "language_model"}
    assert "language_model" in changed(*ends)
    recipe = folder / "instruct.yaml"
    with pytest.raises(RecipeError, match="must be frozen"):
        train(recipe, ["instruct.trained=[qformer, bridge]"], restart=True)
    with pytest.raises(RecipeError, match="no heads on queries"):
        train(recipe, [f"instruct.teacher={stages['contrast']}"], restart=True)


@pytest.mark.parametrize("bf16", [True, False])
def test_answers_are_learned_in_the_precision_asked_for(
    stages: dict[str, Path], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bf16: bool
) -> None:
    computed = set()

    def spy(model: PumGPTForConditionalGeneration, *args: Any) -> torch.Tensor:
        layer = model.language_model.model.layers[0].self_attn.q_proj
        hook = layer.register_forward_hook(lambda _module, _inputs, output: computed.add(output.dtype))
        loss = answer_loss(model, *args)
        hook.remove()
        return loss

    monkeypatch.setattr("pumgpt.training.stages.instruct.answer_loss", spy)
    recipe = write_recipe(tmp_path, data, "instruct", stages["pretrain"], **instruct(["bridge"]))
    train(recipe, [f"trainer.bf16={bf16}".lower(), "trainer.max_steps=1"])
    assert computed == {torch.bfloat16 if bf16 else torch.float32}


def test_photos_can_be_encoded_before(stages: dict[str, Path], data: Path, tmp_path: Path) -> None:
    """What is behind the Q-Former learns from kept views and their blends, and resumes; what made them must be frozen."""
    queries = train(write_recipe(tmp_path, data, "contrast", stages["pretrain"], **QUERIES))
    blocks = instruct(["bridge", "language_model"])
    kept = {"file": str(tmp_path / "views.safetensors"), "random_views": 3, "blend": 0.5}
    blocks["instruct"] |= {"mirrored": True, "zoomed": 0.9, "encoded": kept, "teacher": str(queries)}
    recipe = write_recipe(tmp_path, data, "instruct", queries, **blocks)
    folder = train(recipe)
    assert changed(queries, folder) == {"bridge", "language_model"}
    config = json.loads((folder / "config.json").read_text())
    assert config["mirrored"] and config["zoomed"] == 0.9
    whole = load_file(folder / "model.safetensors")
    for leftover in (folder / "checkpoint-4", folder / "model.safetensors"):
        _remove(leftover)
    resumed = load_file(train(recipe) / "model.safetensors")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    for change, complaint in (
        ("instruct.trained=[qformer, bridge]", "encoded keeps the Q-Former's output"),
        ("data.stream=true", "not data.stream"),
        ("augment=null", "needs `augment`"),
    ):
        with pytest.raises(RecipeError, match=complaint):
            train(recipe, [change, "instruct.teacher=null"], restart=True)


def test_the_tower_goes_on_from_the_stage_before(stages: dict[str, Path]) -> None:
    heads = load_file(stages["heads"] / "model.safetensors")
    contrast = load_file(stages["contrast"] / "model.safetensors")
    name = "vision_tower.model.embedder.embedder.convolution.weight"
    moved = (heads[name.replace("vision_tower", "tower")] - contrast[name]).abs().max()
    assert 0 < moved < 0.1


def test_a_stage_leaves_what_is_needed_to_use_and_repeat_it(stages: dict[str, Path]) -> None:
    for name in ("pretrain", "adapters"):
        card = json.loads((stages[name] / "pumgpt.json").read_text())
        assert card["attributes"].keys() == {"colour", "gender"}
        assert all(len(path) > 1 for path in card["categories"])
        assert load_recipe(stages[name] / "recipe.yaml").stage == "instruct"
        assert not list(stages[name].glob("*.bin"))


@pytest.mark.parametrize("stream", ["false", "true"])
def test_killed_and_resumed_is_never_killed(data: Path, stages: dict[str, Path], tmp_path: Path, stream: str) -> None:
    """A run whose last checkpoint is of step 2 ends with the weights of the run that was not interrupted."""
    recipe = write_recipe(tmp_path, data, "instruct", stages["contrast"], **instruct(["bridge", "qformer"]))
    settings = [f"data.stream={stream}"]
    whole = load_file(train(recipe, settings) / "model.safetensors")
    folder = tmp_path / "instruct"
    for leftover in (folder / "checkpoint-4", folder / "model.safetensors"):
        _remove(leftover)
    resumed = load_file(train(recipe, settings) / "model.safetensors")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_stage_that_keeps_its_products_says_so(data: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, data, "heads", SCRATCH, **HEADS)
    with pytest.raises(RecipeError, match="stage 'instruct' can stream them"):
        train(recipe, ["data.stream=true"])


def test_a_stream_cannot_count_what_is_rare(data: Path, stages: dict[str, Path], tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, data, "instruct", stages["contrast"], **instruct(["bridge"]))
    with pytest.raises(RecipeError, match="rare_share counts categories, which a stream can't"):
        train(recipe, ["data.stream=true", "data.rare_share=0.01"])


def test_a_strategy_of_no_needs_no_quotes(data: Path, tmp_path: Path) -> None:
    """YAML reads a bare `no` as false."""
    loaded = load_recipe(write_recipe(tmp_path, data, "heads", SCRATCH, **HEADS), ["trainer.save_strategy=no"])
    assert training_arguments(loaded).save_strategy == "no"


def test_a_seed_of_the_trainer_orders_products_otherwise_and_leaves_all_else(data: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, data, "heads", SCRATCH, **HEADS)
    assert training_arguments(load_recipe(recipe, ["seed=3"])).seed == 3
    another = load_recipe(recipe, ["seed=3", "trainer.seed=4"])
    assert (another.seed, training_arguments(another).seed) == (3, 4)


def _remove(path: Path) -> None:
    for child in path.iterdir() if path.is_dir() else ():
        child.unlink()
    path.rmdir() if path.is_dir() else path.unlink()


def test_restart_begins_anew(data: Path, stages: dict[str, Path], tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, data, "heads", SCRATCH, **HEADS)
    leftover = train(recipe) / "leftover.txt"
    leftover.write_text("from before")
    train(recipe, ["trainer.max_steps=2"], restart=True)
    assert not leftover.exists()


def test_a_checkpoint_is_named_in_short_or_in_full(stages: dict[str, Path], data: Path, tmp_path: Path) -> None:
    """Both mean the same, and a recipe is copied beside the weights as it was written."""
    recipe = write_recipe(tmp_path, data, "heads", stages["heads"], **HEADS)
    short, full = (load_recipe(recipe, change) for change in ([], [f"init_from={{checkpoint: {stages['heads']}}}"]))
    assert short == full and short.init_from.folder == stages["heads"]
    assert full.model_dump(mode="json")["init_from"] == str(stages["heads"])


def test_a_model_joined_out_of_parts_is_trained(stages: dict[str, Path], data: Path, tmp_path: Path) -> None:
    """The tower and the language model of two public checkpoints, here tiny ones, with a new Q-Former between them."""
    vision, language_model = tmp_path / "vision", tmp_path / "language_model"
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    SiglipVisionModel(SiglipVisionConfig(**sizes, image_size=48, patch_size=16)).save_pretrained(vision)
    SiglipImageProcessorPil(size={"height": 48, "width": 48}).save_pretrained(vision)
    whole = PumGPTForConditionalGeneration.from_pretrained(stages["pretrain"])
    whole.language_model.save_pretrained(language_model)
    PumGPTProcessor.from_pretrained(stages["pretrain"]).tokenizer.save_pretrained(language_model)
    settings = {"num_visual_tokens": 2, "adapter_dim": 16, "adapter_num_heads": 2, "num_query_tokens": 4}
    parts = {"vision": str(vision), "language_model": str(language_model), "settings": settings}
    recipe = write_recipe(tmp_path, data, "instruct", {"parts": parts}, **instruct(["bridge"]))
    folder = train(recipe)
    before, after = load_file(vision / "model.safetensors"), load_file(folder / "model.safetensors")
    name = "embeddings.patch_embedding.weight"
    (kept,) = (tensor for key, tensor in after.items() if key.endswith(name))
    assert torch.equal(kept, next(tensor for key, tensor in before.items() if key.endswith(name)))
    assert any(key.startswith("bridge.adapters.1.") for key in after)
    with pytest.raises(RecipeError, match=r"init_from\.parts\.language_model: this stage trains a whole model"):
        train(recipe, [f"init_from={{parts: {{vision: {vision}}}}}"], restart=True)
    heads = train(write_recipe(tmp_path, data, "heads", {"parts": {"vision": str(vision)}}, **HEADS))
    assert any(key.startswith("tower.") for key in load_file(heads / "model.safetensors"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, tmp_path, "heads", SCRATCH, **HEADS)
    with pytest.raises(RecipeError, match=r"no file matches products.parquet"):
        train(recipe)


def test_a_tracker_hears_what_is_logged(
    stages: dict[str, Path], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`transformers` hands the log to whatever `report_to` names; here one that writes it down."""
    heard: list[dict[str, Any]] = []

    class Tracker(TrainerCallback):
        def on_log(self, *_: Any, logs: dict[str, Any], **__: Any) -> None:
            heard.append(logs)

    monkeypatch.setitem(integration_utils.INTEGRATION_TO_CALLBACK, "tensorboard", Tracker)
    monkeypatch.setattr("pumgpt.training.trainer.get_available_reporting_integrations", lambda: ["tensorboard"])
    recipe = write_recipe(tmp_path, data, "instruct", stages["pretrain"], **instruct(["bridge"]))
    train(recipe, ["trainer.report_to=tensorboard"])
    assert sum("loss" in logs for logs in heard) == 4 and any("eval_loss" in logs for logs in heard)
