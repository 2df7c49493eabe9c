"""Task templates: the phrasings of a task's questions, as versioned data in `templates/<task>.yaml`."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path
from string import Formatter

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pumgpt.errors import SchemaError

# The wording that inference uses must be the best known; the others keep it from being the only one.
_CANONICAL_SHARE = 0.5


class Template(BaseModel):
    """The wordings of one task.

    The first phrasing of a group is the canonical one: inference uses it, and training uses it half of the time. All
    phrasings of a group have the same {fields}.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str
    version: int = Field(ge=1)
    about: str
    phrasings: dict[str, list[str]]
    phrases: dict[str, dict[str, str]] = {}
    """Wordings by a label's value, such as usage 'Casual' -> 'casual wear'."""
    translated: dict[str, list[str]] = {}
    """Phrasings by language ('de', 'zh-CN'), of what the task asks most."""

    @field_validator("phrasings", "translated")
    @classmethod
    def _same_fields(cls, groups: dict[str, list[str]]) -> dict[str, list[str]]:
        for group, phrasings in groups.items():
            if not phrasings:
                raise ValueError(f"group '{group}' has no phrasing")
            if len(set(phrasings)) != len(phrasings):
                raise ValueError(f"group '{group}' has the same phrasing twice")
            fields = {p: {name for _, name, _, _ in Formatter().parse(p) if name is not None} for p in phrasings}
            # Which phrasing is used is drawn by lot: one that lacks a field would fail in the middle of a training run.
            odd = next((p for p, own in fields.items() if own != fields[phrasings[0]]), None)
            if odd is not None:
                raise ValueError(f"'{odd}' in group '{group}' has other {{fields}} than '{phrasings[0]}'")
        return groups

    def canonical(self, group: str, **fields: str) -> str:
        """What inference asks."""
        return self.phrasings[group][0].format(**fields)

    def draw(self, group: str, rng: random.Random, **fields: str) -> str:
        """What training asks."""
        phrasings = self.phrasings[group]
        chosen = phrasings[0] if rng.random() < _CANONICAL_SHARE else rng.choice(phrasings)
        return chosen.format(**fields)

    def draw_in(self, language: str, rng: random.Random, **fields: str) -> str | None:
        """What training asks in another language; 'de-AT' falls back to 'de'. None where the template doesn't speak it."""
        phrasings = self.translated.get(language) or self.translated.get(language.split("-")[0])
        return None if phrasings is None else rng.choice(phrasings).format(**fields)


def parse_template(text: str, where: str) -> Template:
    """Check a template's YAML. Raises `SchemaError` naming `where` and the key."""
    try:
        return Template.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise SchemaError(f"{where}: can't be read as YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SchemaError(f"{where}: {key}: {first['msg']}") from error


def list_options(values: tuple[str, ...] | list[str]) -> str:
    """How a prompt lists the options of a multiple choice."""
    return ", ".join(values)


SHIPPED_TEMPLATES = Path(__file__).parent / "templates"


@cache
def load_template(task: str, folder: Path = SHIPPED_TEMPLATES) -> Template:
    """The template of a task. Raises `SchemaError` where there is none, or it can't be used."""
    file = folder / f"{task}.yaml"
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise SchemaError(
            f"{file}: can't be read: {error.strerror}; the task '{task}' needs its template there"
        ) from error
    return parse_template(text, f"templates/{task}.yaml")
