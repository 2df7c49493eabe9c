"""From what a user gives (files, names, questions) and what a model brings, a `Plan`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from pumgpt.backends.protocol import Backend
from pumgpt.catalog.question import Choices
from pumgpt.catalog.schema import AttributeSchema
from pumgpt.catalog.taxonomy import SEPARATOR, Taxonomy
from pumgpt.engine.calibration import Calibration
from pumgpt.engine.journal import Fingerprint
from pumgpt.engine.understand import DEFAULT_PRECISION, DEFAULT_TASKS, Plan
from pumgpt.tasks.base import AskedAttribute, TaskContext


def load_vocabulary(taxonomy: Path | None, schema: Path | None) -> tuple[Taxonomy | None, AttributeSchema | None]:
    """Read the shop's own categories and attributes, where it gave them. Raises `SchemaError`."""
    return (
        None if taxonomy is None else Taxonomy.load(taxonomy),
        None if schema is None else AttributeSchema.load(schema),
    )


def make_plan(
    backend: Backend,
    *,
    tasks: Sequence[str] | None = None,
    taxonomy: Taxonomy | None = None,
    schema: AttributeSchema | None = None,
    questions: Sequence[str] = (),
    precision: float = DEFAULT_PRECISION,
    overwrite_values: bool = False,
    evidence: bool = False,
) -> Plan:
    """What is asked of `backend`. A taxonomy or schema that isn't given is the backend's own, where it brings one.

    Without `tasks`: caption, category and, where a schema is known, attributes. Raises `UsageError` for a task that
    there isn't, or that has nothing to ask.
    """
    own_taxonomy: Taxonomy | None = getattr(backend, "default_taxonomy", None)
    own_schema: AttributeSchema | None = getattr(backend, "default_schema", None)
    taxonomy, schema = taxonomy or own_taxonomy, schema or own_schema
    if tasks is None:
        tasks = [name for name in DEFAULT_TASKS if name != "attributes" or schema is not None]
    context = TaskContext(
        taxonomy_choices=Choices(tuple(SEPARATOR.join(path) for path in taxonomy.paths)) if taxonomy else None,
        attributes=tuple(_asked(schema)) if schema else (),
        questions=tuple(questions),
    )
    return Plan(
        tasks=tuple(tasks),
        context=context,
        taxonomy=taxonomy,
        calibration=getattr(backend, "calibration", None) or Calibration(),
        precision=precision,
        overwrite_values=overwrite_values,
        evidence=evidence,
    )


def _asked(schema: AttributeSchema) -> Iterable[AskedAttribute]:
    """Attributes with equal values share one `Choices`, so that a backend prepares it once."""
    shared: dict[tuple[str, ...], Choices] = {}
    for spec in schema.attributes:
        choices = None if spec.values is None else shared.setdefault(spec.values, Choices(spec.values))
        yield AskedAttribute(spec.name, choices, spec.question)


def fingerprint(backend: Backend, plan: Plan) -> Fingerprint:
    """What makes two runs the same. Evidence is left out: it changes no answer."""
    context = plan.context
    return {
        "model": f"{backend.name} {backend.revision}",
        "calibration": _digest([plan.calibration.model_dump_json()]),
        "taxonomy": _digest(zip(plan.taxonomy.paths, plan.taxonomy.ids, strict=True) if plan.taxonomy else ()),
        "schema": _digest((a.name, a.question, a.choices and a.choices.values) for a in context.attributes),
        "tasks": ", ".join(sorted(plan.asked)),
        "questions": _digest(context.questions),
        "precision": str(plan.precision),
        "setting of --overwrite-values": str(plan.overwrite_values),
    }


def _digest(parts: Iterable[object]) -> str:
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()[:16]
