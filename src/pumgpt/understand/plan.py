"""What is asked about every product: the `Plan`, and how one is made of what a user gives and what a model brings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL.Image import Image

from pumgpt.backends.calibration import Calibration
from pumgpt.backends.protocol import Backend, Request
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices, Question
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.category_ids import CategoryIds
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk, choose_crosswalk
from pumgpt.catalog.vocabulary.schema import AttributeSchema, CategorySchemas
from pumgpt.catalog.vocabulary.taxonomies import load_release, load_taxonomy
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, CategoryPath, Taxonomy
from pumgpt.errors import UsageError
from pumgpt.jobs.journal import Fingerprint
from pumgpt.tasks.context import AskedAttribute, TaskContext
from pumgpt.tasks.registry import TASKS, get_task

DEFAULT_TASKS = ("caption", "category", "attributes")
DEFAULT_PRECISION = 0.9


@dataclass(frozen=True)
class Plan:
    """What is asked about every product, and when an answer counts. `make_plan` builds one.

    `tasks` are names of the registry; `taxonomy` gives categories their ids. With `crosswalk` the model is asked for its
    own categories, and its answer is translated into those of `taxonomy`.
    """

    tasks: tuple[str, ...] = DEFAULT_TASKS
    context: TaskContext = field(default_factory=TaskContext)
    taxonomy: Taxonomy | None = None
    crosswalk: Crosswalk | None = None
    calibration: Calibration = field(default_factory=Calibration)
    precision: float = DEFAULT_PRECISION
    overwrite_values: bool = False
    evidence: bool = False
    category_schemas: CategorySchemas | None = None
    """Where given, a product is also asked for the attributes of its category, once that is settled."""
    _category_attributes: dict[CategoryPath, tuple[AskedAttribute, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        for name in self.tasks:
            get_task(name)
        asked = self.asked
        known = self.context.attributes or (self.category_schemas and "attribute_correction" not in asked)
        if ("attribute_qa" in asked or "attribute_correction" in asked) and not known:
            raise UsageError("attributes are asked, and this model has none of its own; name them with --schema F")
        if "question" in asked and not self.context.questions:
            raise UsageError("the task 'question' needs questions; give each with --question Q")

    @property
    def asked(self) -> frozenset[str]:
        """The tasks whose questions are put to the backend."""
        asked = {get_task(name).asked_as or name for name in self.tasks}
        return frozenset(asked | {"question"} if self.context.questions else asked)

    @property
    def category_id(self) -> str | None:
        """One of the ids that the categories have; None where they have none, or aren't asked."""
        if self.taxonomy is None or "category" not in self.asked:
            return None
        return next(filter(None, map(self.taxonomy.id_of, self.taxonomy.paths)), None)

    def shows_listing(self, product: Product) -> bool:
        """Whether a title or a description of this product is in the prompts."""
        return self.context.showing(product, "present").listing.text is not None

    def requests(self, product: Product, photos: Sequence[Image]) -> tuple[Request, ...]:
        """The product with all questions: those that see the listing, then those that must not.

        Both hold the same photos, so that a backend can encode them once. A caption describes a photo; where there is
        none, it isn't asked.
        """
        context = self.context.showing(product, "present")
        with_listing: list[Question] = []
        without: list[Question] = []
        asked = self.asked
        if self.category_schemas is not None and not context.attributes:
            asked -= {"attribute_qa"}  # which attributes are asked depends on the category: see `follow_up`
        for name, task in TASKS.items():
            if name in asked and (photos or not task.hides_listing):
                (without if task.hides_listing else with_listing).extend(task.questions(product, context))
        listing = context.listing.text
        if listing is None:
            # Without a listing both see the same prompt, so that one request will do.
            with_listing, without = [*without, *with_listing], []
        pairs = ((listing, with_listing), (None, without))
        return tuple(Request(tuple(photos), tuple(questions), text) for text, questions in pairs if questions)

    def follow_up(
        self, product: Product, photos: Sequence[Image], category: CategoryPath | None
    ) -> tuple[Request, ...]:
        """What is asked once the category is settled: its attributes, but for those that were asked before.

        `category` is the model's, else the shop's own counts. Nothing where there is none, or it has no attributes.
        """
        path = category or product.category
        if not path or self.category_schemas is None or "attribute_qa" not in self.asked:
            return ()
        if self.taxonomy is not None:  # as the taxonomy writes it
            path = self.taxonomy.find(SEPARATOR.join(path)) or path
        if path not in self._category_attributes:
            schema = self.category_schemas.schema_of(path)
            before = {fold_attribute(asked.name) for asked in self.context.attributes}
            found = asked_attributes(schema) if schema else ()
            self._category_attributes[path] = tuple(one for one in found if fold_attribute(one.name) not in before)
        if not self._category_attributes[path]:
            return ()
        context = replace(self.context, attributes=self._category_attributes[path]).showing(product, "present")
        questions = TASKS["attribute_qa"].questions(product, context)
        return (Request(tuple(photos), tuple(questions), context.listing.text),) if questions else ()


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

    A backend that has categories of its own is asked for these wherever `crosswalk`, or a map that it brings, leads from them to
    those of `taxonomy`.

    With `category_schemas` a product is asked for the attributes of its category too, in a second call.

    Without `tasks`: caption, category and, where a schema is known, attributes. Raises `UsageError` for a task that
    there isn't, or that has nothing to ask.
    """
    own = backend.capabilities
    if taxonomy is None or own.taxonomy is None:
        crosswalk = None
    else:
        crosswalk = (
            crosswalk.into(taxonomy) if crosswalk else choose_crosswalk(own.category_maps, own.taxonomy, taxonomy)
        )
    # A model is asked in its own categories where a map leads to the shop's: it was trained on their names.
    asked_taxonomy = own.taxonomy if crosswalk else taxonomy or own.taxonomy
    taxonomy, schema = taxonomy or own.taxonomy, schema or own.schema
    if tasks is None:
        tasks = [name for name in DEFAULT_TASKS if name != "attributes" or schema or category_schemas]
    return Plan(
        tasks=tuple(tasks),
        context=make_context(asked_taxonomy, schema, questions),
        taxonomy=taxonomy,
        crosswalk=crosswalk,
        calibration=own.calibration or Calibration(),
        precision=precision,
        overwrite_values=overwrite_values,
        evidence=evidence,
        category_schemas=category_schemas,
    )


def make_context(
    taxonomy: Taxonomy | None, schema: AttributeSchema | None, questions: Sequence[str] = ()
) -> TaskContext:
    """What the tasks ask for: these categories and attributes, and a user's own questions."""
    paths = Choices(tuple(SEPARATOR.join(path) for path in taxonomy.paths)) if taxonomy else None
    attributes = asked_attributes(schema) if schema else ()
    return TaskContext(taxonomy_choices=paths, attributes=attributes, questions=tuple(questions))


def asked_attributes(schema: AttributeSchema) -> tuple[AskedAttribute, ...]:
    """What a schema asks for. Attributes with equal values share one `Choices`, so that a backend prepares it once."""
    shared: dict[tuple[str, ...], Choices] = {}
    return tuple(
        AskedAttribute(
            spec.name,
            None if spec.values is None else shared.setdefault(spec.values, Choices(spec.values)),
            spec.question,
        )
        for spec in schema.attributes
    )


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
    release = None if taxonomy is None else load_release(taxonomy)
    if release is None or not (release.keys and release.attributes):
        raise UsageError(
            "--category-attributes needs categories that bring attributes; give --taxonomy the folder of a Shopify release that "
            "holds attributes.json and categories/*.yml, or its taxonomy.json"
        )
    return release


def load_crosswalk(path: Path | None, taxonomy: Path | None) -> Crosswalk | None:
    """Read the shop's own map of categories, where it gave one. Raises `SchemaError`, and `UsageError` for a map to nowhere."""
    if path is None:
        return None
    if taxonomy is None:
        raise UsageError("--category-map leads to the categories of --taxonomy; give both")
    return Crosswalk.load(path)


def category_ids(backend: Backend, plan: Plan) -> CategoryIds:
    """What the ids mean that a shop gives as categories: in its taxonomy, else by the names in the backend's maps."""
    return CategoryIds(plan.taxonomy, tuple(backend.capabilities.category_maps))


def category_remarks(backend: Backend, plan: Plan) -> list[str]:
    """Warnings about the shop's categories, and how the model's are translated into them, one line each."""
    remarks = list(plan.taxonomy.warnings) if plan.taxonomy else []
    own = backend.capabilities.taxonomy
    if own is None or plan.taxonomy in (None, own) or "category" not in plan.asked:
        return remarks
    if plan.crosswalk is None:
        remarks.append(
            f"{backend.name} never saw the categories of --taxonomy, and no map leads to them from its own: expect it to "
            "abstain, or give --category-map"
        )
    else:
        counterparts = plan.crosswalk.counterparts
        missing = sum(all(row.path is None for row in rows) for rows in counterparts.values())
        remarks.append(
            f"{backend.name}'s categories are put into those of --taxonomy by {plan.crosswalk.name}; "
            f"{missing} of {len(counterparts)} have no counterpart there and are left empty"
        )
    return remarks


def calibration_remarks(backend: Backend) -> list[str]:
    """A warning where nobody measured what the backend's probabilities mean."""
    own = backend.capabilities
    if own.calibration is not None or not own.gives_probabilities:
        return []
    return [
        f"{backend.name} is not calibrated: how often its confidences are right is unknown, and little may be filled; "
        "`pumgpt remember LABELLED OUT --model M` calibrates a PumGPT, --precision 0 fills every field"
    ]


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
