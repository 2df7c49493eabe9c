"""Recipes: where they are found, that those which ship load, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pumgpt.errors import RecipeError
from pumgpt.training.recipe import SHIPPED, load_recipe, resolve_recipe
from pumgpt.training.trainer import training_arguments

ROOT = Path(__file__).resolve().parents[2]


RECIPES = ROOT / "recipes"


@pytest.mark.parametrize(
    "path",
    sorted([*SHIPPED.glob("*.yaml"), *RECIPES.rglob("*.yaml"), *(ROOT / "experiments").rglob("*.yaml")]),
    ids=lambda path: path.stem,
)
def test_every_shipped_recipe_loads(path: Path) -> None:
    assert load_recipe(path).about


def test_a_recipe_is_found_by_name_or_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_recipe(resolve_recipe("adapt")).output_dir == Path("runs/adapt")
    (tmp_path / "adapt.yaml").write_text((RECIPES / "nano" / "1-tower.yaml").read_text())
    assert load_recipe(resolve_recipe("adapt.yaml")).stage == "heads"
    with pytest.raises(RecipeError, match=r"^adpat: no such recipe or file; shipped are: adapt, adapt-stream$"):
        resolve_recipe("adpat")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("data.trian=[]", "1-tower.yaml: data.trian: Extra inputs"),
        ("instruct={}", "1-tower.yaml: instruct: Extra inputs"),
        ("heads.label=[]", "1-tower.yaml: heads.label: Extra inputs"),
        ("stage=dance", "stage: 'dance' is no stage of training; choose one of heads, contrast, instruct"),
        ("init_from={scratch: {architecture: {}, widht: 1}}", "1-tower.yaml: init_from.scratch.widht: Extra inputs"),
        ("init_from={parts: {visoin: x}}", "1-tower.yaml: init_from.parts.vision: Field required"),
        ("init_from={checkpoint: a, scratch: {}}", "init_from: name a checkpoint, or write one of"),
        ("init_from=runs/a/none", "init_from: runs/a/none: no such model or folder"),
        ("trainer", "key=value"),
        ("trainer={", "'{' is no YAML"),
        ("seed.x=1", "not a group"),
    ],
)
def test_a_wrong_recipe_is_refused_by_the_name_of_its_key(change: str, complaint: str) -> None:
    with pytest.raises(RecipeError, match=complaint) as raised:
        recipe = load_recipe(RECIPES / "nano" / "1-tower.yaml", ["seed=0", change])
        recipe.init_from.load_tower()
    assert "\n" not in str(raised.value)


def test_a_tracker_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    recipe = load_recipe(resolve_recipe("adapt"), ["trainer.report_to=no_such_tracker", f"output_dir={tmp_path}"])
    with pytest.raises(RecipeError, match="report_to: 'no_such_tracker' is not installed"):
        training_arguments(recipe)


@pytest.mark.parametrize("wrong", [{"eval_strategy": "sometimes"}, {"learning_rat": 1.0}])
def test_a_wrong_trainer_setting_is_one_clear_line(wrong: dict[str, Any], tmp_path: Path) -> None:
    recipe = load_recipe(RECIPES / "nano" / "1-tower.yaml").model_copy(
        update={"trainer": wrong, "output_dir": tmp_path}
    )
    with pytest.raises(RecipeError, match=r"trainer: .*see transformers\.TrainingArguments"):
        training_arguments(recipe)
