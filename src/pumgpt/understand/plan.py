"""From what a user gives (files, names, questions) and what a model brings, a `Plan`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from pumgpt.backends.calibration import Calibration
from pumgpt.backends.protocol import Backend
from pumgpt.catalog.question import Choices
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk, shipped_crosswalk
from pumgpt.catalog.vocabulary.schema import AttributeSchema, CategorySchemas
from pumgpt.catalog.vocabulary.shopify_release import ShopifyRelease
from pumgpt.catalog.vocabulary.taxonomies import load_taxonomy
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, Taxonomy
from pumgpt.errors import UsageError
from pumgpt.jobs.journal import Fingerprint
from pumgpt.tasks.base import TaskContext
from pumgpt.understand.assemble import DEFAULT_PRECISION, DEFAULT_TASKS, Plan, asked_of


def load_vocabulary(taxonomy: Path | None, schema: Path | None) -> tuple[Taxonomy | None, AttributeSchema | None]:
    """Read the shop's own categories and attributes, where it gave them. Raises `SchemaError`."""
    return (
        None if taxonomy is None else load_taxonomy(taxonomy),
        None if schema is None else AttributeSchema.load(schema),
    )


def load_category_schemas(taxonomy: Path | None) -> CategorySchemas:
    """The attributes that each category of the shop's taxonomy brings. Raises `SchemaError`, and `UsageError` where there are
    none.
    """
    is_release = taxonomy is not None and (taxonomy.is_dir() or taxonomy.suffix.lower() == ".json")
    release = ShopifyRelease.load(taxonomy) if taxonomy is not None and is_release else None
    if release is None or not (release.keys and release.attributes):
        raise UsageError(
            "--category-attributes needs categories that bring attributes; give --taxonomy the folder of a Shopify release that "
            "holds attributes.json and categories/*.yml, or its categories.json"
        )
    return release


def load_crosswalk(path: Path | None, taxonomy: Path | None) -> Crosswalk | None:
    """Read the shop's own map of categories, where it gave one. Raises `SchemaError`, and `UsageError` for a map to nowhere."""
    if path is None:
        return None
    if taxonomy is None:
        raise UsageError("--category-map leads to the categories of --taxonomy; give both")
    return Crosswalk.load(path)


def make_plan(
    backend: Backend,
    *,
    tasks: Sequence[str] | None = None,
    taxonomy: Taxonomy | None = None,
    schema: AttributeSchema | None = None,
    crosswalk: Crosswalk | None = None,
    questions: Sequence[str] = (),
    precision: float = DEFAULT_PRECISION,
    overwrite_values: bool = False,
    evidence: bool = False,
    category_schemas: CategorySchemas | None = None,
) -> Plan:
    """What is asked of `backend`. A taxonomy or schema that isn't given is the backend's own, where it brings one.

    A backend that has categories of its own is asked for these wherever `crosswalk`, or a map that is shipped, leads from
    them to those of `taxonomy`.

    With `category_schemas` a product is asked for the attributes of its category too, in a second call.

    Without `tasks`: caption, category and, where a schema is known, attributes. Raises `UsageError` for a task that
    there isn't, or that has nothing to ask.
    """
    own_taxonomy: Taxonomy | None = getattr(backend, "default_taxonomy", None)
    own_schema: AttributeSchema | None = getattr(backend, "default_schema", None)
    if taxonomy is None or own_taxonomy is None:
        crosswalk = None
    else:
        crosswalk = crosswalk.into(taxonomy) if crosswalk else shipped_crosswalk(own_taxonomy, taxonomy)
    asked_taxonomy = own_taxonomy if crosswalk else taxonomy or own_taxonomy
    taxonomy, schema = taxonomy or own_taxonomy, schema or own_schema
    if tasks is None:
        tasks = [name for name in DEFAULT_TASKS if name != "attributes" or schema or category_schemas]
    context = TaskContext(
        taxonomy_choices=_paths(asked_taxonomy),
        attributes=tuple(asked_of(schema)) if schema else (),
        questions=tuple(questions),
    )
    return Plan(
        tasks=tuple(tasks),
        context=context,
        taxonomy=taxonomy,
        crosswalk=crosswalk,
        calibration=getattr(backend, "calibration", None) or Calibration(),
        precision=precision,
        overwrite_values=overwrite_values,
        evidence=evidence,
        category_schemas=category_schemas,
    )


def category_remarks(backend: Backend, plan: Plan) -> list[str]:
    """What a user should know of the shop's categories and of how the model's become theirs, one line each."""
    mapped = _mapping_remark(backend, plan)
    return [*(plan.taxonomy.warnings if plan.taxonomy else ()), *([mapped] if mapped else [])]


def _mapping_remark(backend: Backend, plan: Plan) -> str | None:
    own: Taxonomy | None = getattr(backend, "default_taxonomy", None)
    if own is None or plan.taxonomy in (None, own) or "category" not in plan.asked:
        return None
    if plan.crosswalk is None:
        return (
            f"{backend.name} never saw the categories of --taxonomy, and no map leads to them from its own: expect it to "
            "abstain, or give --category-map"
        )
    missing = sum(all(row.path is None for row in rows) for rows in plan.crosswalk.counterparts.values())
    return (
        f"{backend.name}'s categories are put into those of --taxonomy by {plan.crosswalk.name}; "
        f"{missing} of {len(plan.crosswalk.counterparts)} have no counterpart there and are left empty"
    )


def _paths(taxonomy: Taxonomy | None) -> Choices | None:
    return Choices(tuple(SEPARATOR.join(path) for path in taxonomy.paths)) if taxonomy else None


def fingerprint(backend: Backend, plan: Plan) -> Fingerprint:
    """What makes two runs the same. Evidence is left out: it changes no answer."""
    context = plan.context
    by_category = {"setting of --category-attributes": "on"} if plan.category_schemas else {}
    return {
        "model": f"{backend.name} {backend.revision}",
        "calibration": _digest([plan.calibration.model_dump_json()]),
        "taxonomy": _digest(zip(plan.taxonomy.paths, plan.taxonomy.ids, strict=True) if plan.taxonomy else ()),
        "category map": _digest(plan.crosswalk.counterparts.items() if plan.crosswalk else ()),
        "schema": _digest((a.name, a.question, a.choices and a.choices.values) for a in context.attributes),
        "tasks": ", ".join(sorted(plan.asked)),
        "questions": _digest(context.questions),
        "precision": str(plan.precision),
        "setting of --overwrite-values": str(plan.overwrite_values),
        **by_category,
    }


def _digest(parts: Iterable[object]) -> str:
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()[:16]
