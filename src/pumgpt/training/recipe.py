"""A training run, as one YAML file: what is trained, on what, how long. Copied beside the weights; unknown keys refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pumgpt.errors import RecipeError
from pumgpt.tasks.mixture import MixtureWeights
from pumgpt.training.data.augment import AugmentRecipe
from pumgpt.training.data.encoded import EncodedRecipe
from pumgpt.training.data.products import DataRecipe


def _weighted(value: Any) -> Any:
    """One folder, or several, count alike where no weights are given."""
    if value is None:
        return {}
    if isinstance(value, str | Path):
        return {value: 1.0}
    return dict.fromkeys(value, 1.0) if isinstance(value, list) else value


class HeadsRecipe(BaseModel):
    """Linear heads on the tower: which labels, and how often a value must occur to be one."""

    model_config = ConfigDict(extra="forbid")

    labels: list[str]
    min_count: int = 1
    smoothing: float = 0.1
    words_min_count: int = 0
    """Beside the labels the words of titles are learned that at least so many titles have; 0: none."""
    blend: float = 0.0
    """Share of the photos that are blended with another one of the batch, as in mixup (Zhang et al. 2018, arXiv 1710.09412)."""


class ContrastRecipe(BaseModel):
    """The contrastive stage."""

    model_config = ConfigDict(extra="forbid")

    weight: float = 0.5
    """Weight of the contrastive loss beside the others."""
    share: float = 1.0
    """Share of the photos with a text that take part in a step: the Q-Former costs as much as the tower."""
    query_heads: bool = False
    """Whether the Q-Former learns the labels too, with heads on the mean of its queries."""
    teacher: Annotated[dict[Path, Annotated[float, Field(gt=0)]], BeforeValidator(_weighted)] = {}
    """Folder of a stage, or several with their weights, whose tower and heads say of each view what they see in it: all heads
    learn the mean. Without one the queries' heads learn from the tower's own."""
    label_weight: float = 1.0
    """Weight of the labels beside what is said by a teacher."""
    trained: list[str] = ["vision_tower", "projection", "qformer", "contrast", "heads", "query_heads"]
    """Parts that train, by the beginning of their parameters' names; all others are frozen."""


class InstructRecipe(BaseModel):
    """The stages that train on questions and answers."""

    model_config = ConfigDict(extra="forbid")

    trained: list[str]
    """Parts of the model that train, by the beginning of their parameters' names; all others are frozen."""
    tower_from: Path | None = None
    """Folder whose vision tower takes the place of the one in `init_from`: a tower that learned on by itself."""
    examples: int = 3
    """Questions asked about a photo each time it is seen."""
    elastic: float = 0.3
    """Share of the batches in which fewer visual tokens than N are shown."""
    num_photos: dict[int, float] = {1: 0.8, 2: 0.12, 0: 0.08}
    """How often a batch's prompts show how many photos: two are views of one, with none the title must do."""
    attributes: list[str]
    """The attributes that are asked for, in the order of a record."""
    mixture: MixtureWeights = MixtureWeights()
    mirrored: bool | None = None
    """Whether the model reads each photo together with its mirror image from here on; with None as in `init_from`."""
    zoomed: float | None = Field(default=None, gt=0, le=1)
    """Whether it reads each photo together with a window onto its middle, of this share of its sides; as `mirrored`."""
    encoded: EncodedRecipe | None = None
    """Encode the photos before training begins, where tower and Q-Former are frozen: a step then takes half the time."""
    contrast_weight: float = 0.0
    teacher: Path | None = None
    """Folder of stage `contrast` whose heads, on queries and patches, say what is in a photo: of an answer to an open question
    about the photo alone each token is learned from their probabilities too. Tower and Q-Former must be those in `init_from`, and
    frozen."""
    teacher_share: float = Field(default=0.7, ge=0, le=1)
    """Weight of what the teacher says; the label has the rest."""
    teacher_shares: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    """The same for single fields, 'category' or an attribute."""
    min_count: int = 1
    """How often a value must occur in the data to be offered as a choice."""


class Recipe(BaseModel):
    """One stage of training."""

    model_config = ConfigDict(extra="forbid")

    stage: Literal["heads", "contrast", "instruct"]
    about: str
    """One sentence: what this stage is for."""
    output_dir: Path
    data_dir: Path
    init_from: Path | None = None
    """Folder of the stage before this one."""
    architecture: dict[str, Any] = {}
    """Sub-configs of `PumGPTConfig`, where `init_from` doesn't give them."""
    data: DataRecipe
    augment: AugmentRecipe | None = AugmentRecipe()
    size_px: int = 128
    heads: HeadsRecipe | None = None
    contrast: ContrastRecipe | None = None
    instruct: InstructRecipe | None = None
    seed: int = 0
    trainer: dict[str, Any]
    """Passed to `transformers.TrainingArguments` as it is."""


def load_recipe(path: Path, overrides: list[str] | None = None) -> Recipe:
    """Read a recipe and apply `key.sub=value` overrides, whose values are YAML.

    Raises `RecipeError` naming the file and the key.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: can't be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys; see recipes/ for examples")
    for override in overrides or []:
        _override(document, override)
    try:
        return Recipe.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecipeError(f"{path}: {where}: {first['msg']}") from error


def _override(document: dict[str, Any], override: str) -> None:
    key, separator, value = override.partition("=")
    if not separator:
        raise RecipeError(f"--set {override}: write it as key=value, for example --set trainer.num_train_epochs=1")
    *parents, leaf = key.split(".")
    place = document
    for parent in parents:
        place = place.setdefault(parent, {})
        if not isinstance(place, dict):
            raise RecipeError(f"--set {override}: '{parent}' is not a group of keys")
    place[leaf] = yaml.safe_load(value)
