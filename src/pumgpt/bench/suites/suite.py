"""A suite: which products a benchmark asks about, what it asks, and under which conditions. YAML, versioned, checked."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pumgpt.bench.suites.photo_conditions import PHOTO_CONDITIONS
from pumgpt.errors import SchemaError, UsageError
from pumgpt.tasks.registry import get_task

Condition = Literal["image only", "with title", "title struck", "title only"]
"""What a model is shown: the photos; with the listing's text; with the words struck out of it that name an answer; or
that text alone."""
IMAGE_ONLY: Condition = "image only"
WITH_TITLE: Condition = "with title"
TITLE_STRUCK: Condition = "title struck"
TITLE_ONLY: Condition = "title only"

SAMPLES = "samples"
"""In place of a file: the products that the project draws itself."""


class Suite(BaseModel):
    """The YAML, checked. A new `version` is due whenever a change would change a case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    version: int = Field(ge=1)
    about: str = ""
    products: str
    """A pattern of catalogue files below the folder of the data, or `samples`."""
    fit: str | None = None
    """Labelled products of the same kind, as a pattern: for the baselines, and for the values that are valid answers."""
    layout: Literal["catalogue", "target scores"] = "catalogue"
    """`target scores`: JSONL lines {input, category, target_scores}, as ExtractGPT publishes AE-110k and OA-Mine."""
    values: dict[str, dict[str, str]] = {}
    """Attribute -> {a source's spelling of a value: the spelling to use}."""
    complete_paths: bool = False
    """Categories lack their upper levels, which the products of `fit` know."""
    conditions: tuple[Condition, ...] = (IMAGE_ONLY,)
    tasks: tuple[str, ...] = ("category", "attributes", "attribute_qa")
    product_fields: tuple[Condition, ...] = ()
    """The conditions under which models also fill the products' fields as `pumgpt enrich` does."""
    uncounted: tuple[str, ...] = ()
    """Fields that models may fill and that are not scored: their labels don't follow from what is shown, or name things in
    other words than the model's own."""
    photo_sample: int = Field(0, ge=0)
    """How many products are also shown with their photos altered, for models to fill the fields again; 0 for none."""
    photo_conditions: tuple[str, ...] = tuple(PHOTO_CONDITIONS)
    """How the photos of these products are altered: names of `photo_conditions.py`."""
    no_such_attribute: dict[str, tuple[str, ...]] = {}
    """First level of a product's category -> attributes that products of its kind don't have."""
    also_called: dict[str, tuple[str, ...]] = {}
    """A level of a product's category -> other names of the same thing in models' vocabularies."""
    attributes: tuple[str, ...] = ()
    """The attributes that are asked, where a product states them; without any, all that it states."""
    untold: tuple[str, ...] = ()
    """Attributes that the shop knows and that nothing shown reveals: the right answer is a refusal."""
    hidden: tuple[str, ...] = ()
    """Attributes that nothing shown reveals of any product; each product is asked for one of them."""
    closed: bool = True
    """Whether categories and attributes are chosen among the values in the data, or answered in open text."""
    no_products: bool = False
    """The photos show no product of a shop: every question but for a caption is to be refused."""
    foreign_pictures: int = Field(0, ge=0)
    """Drawn pictures of no product, asked beside the products."""
    blank_pictures: int = Field(0, ge=0)
    options: int = Field(4, ge=0, le=26)
    """Options of a multiple choice; 0 asks none."""
    questions_per_product: int = Field(2, ge=1)
    """Free questions drawn for each product, where the task `question` is asked."""
    seed: int = 0

    @field_validator("tasks")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            try:
                get_task(name)
            except UsageError as error:
                # pydantic adds the key to a ValueError, and passes other exceptions on as they are.
                raise ValueError(str(error)) from error
        return names

    @field_validator("product_fields")
    @classmethod
    def _enrichable(cls, names: tuple[Condition, ...]) -> tuple[Condition, ...]:
        # Striking a title needs the true values, which nobody who fills a catalogue has.
        if any(name not in (IMAGE_ONLY, WITH_TITLE) for name in names):
            raise ValueError(f"fields are filled '{IMAGE_ONLY}' or '{WITH_TITLE}'")
        return names

    @field_validator("photo_conditions")
    @classmethod
    def _known_conditions(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in PHOTO_CONDITIONS:
                raise ValueError(f"there is no photo condition '{name}'; known are {', '.join(PHOTO_CONDITIONS)}")
        return names

    @field_validator("tasks", "conditions")
    @classmethod
    def _some(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names or len(set(names)) != len(names):
            raise ValueError("name at least one, and none twice")
        return names

    @property
    def first_seeing(self) -> Condition:
        """The condition under which tasks are asked that never see the title: the first with photos."""
        return next((condition for condition in self.conditions if condition != TITLE_ONLY), self.conditions[0])


def suite_names() -> list[str]:
    """The suites that ship."""
    folder = resources.files("pumgpt.bench") / "suites"
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def load_suite(name: str) -> Suite:
    """The suite that ships under that name, or the one in a YAML file. Raises `UsageError` or `SchemaError`."""
    if name in suite_names():
        text = (resources.files("pumgpt.bench") / "suites" / f"{name}.yaml").read_text(encoding="utf-8")
        return parse_suite(text, f"suites/{name}.yaml")
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        raise UsageError(f"there is no suite '{name}'; shipped are {', '.join(suite_names())}, or give a .yaml file")
    try:
        return parse_suite(path.read_text(encoding="utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SchemaError(f"{name}: can't be read: {reason}; mend the path") from error


def parse_suite(text: str, where: str) -> Suite:
    """Check a suite's YAML. Raises `SchemaError` naming `where` and the key."""
    try:
        document: Any = yaml.safe_load(text)
        return Suite.model_validate(document)
    except yaml.YAMLError as error:
        raise SchemaError(f"{where}: can't be read as YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        # One line for the user: the first mistake often causes the others.
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the document"
        raise SchemaError(f"{where}: {key}: {first['msg']}") from error


def data_folder(suite_name: str, data: Path | None) -> Path:
    """Where a suite's files lie: `--data`, else beside one's own suite file."""
    return data if data is not None else Path(suite_name).parent
