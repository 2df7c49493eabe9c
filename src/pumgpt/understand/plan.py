"""What is asked about every product: the `Plan`, and how one is made of what a user gives and what a model brings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from PIL.Image import Image

from pumgpt.backends.calibration import Calibration, PrecisionOf
from pumgpt.backends.protocol import Answer, Backend, Request
from pumgpt.catalog.photos.greyscale import is_greyscale
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices, Question
from pumgpt.catalog.understanding import EvidenceKind
from pumgpt.catalog.vocabulary.applicability import Applicability
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.category_ids import CategoryIds
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk
from pumgpt.catalog.vocabulary.matching.attributes import AttributeMatch
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec, CategorySchemas
from pumgpt.catalog.vocabulary.taxonomies import load_release, load_taxonomy
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, CategoryPath, Taxonomy
from pumgpt.errors import UsageError
from pumgpt.jobs.journal import Fingerprint
from pumgpt.tasks.context import AskedAttribute, TaskContext
from pumgpt.tasks.registry import TASKS, get_task
from pumgpt.understand.category_choices import category_choices
from pumgpt.understand.listing_check import SUSPECTED_BELOW, agreement, told_and_seen
from pumgpt.understand.own_words import ask_in_own_words, asked_attributes, lead_to
from pumgpt.understand.questions import QuestionPlan

DEFAULT_TASKS = ("caption", "category", "attributes")
DEFAULT_PRECISION = 0.9
OPEN_QUESTION = "question:open"
"""In a calibration: the model's answers in its own words to questions that ask for no field were measured."""
COLOUR = "colour"
NO_COLOUR = "the photo is black and white"
SOUNDED = frozenset({"gender", COLOUR})
"""What nearly every title states, and costs little to ask of the photos alone as well."""
_HELD_AGAINST_FIELDS = frozenset({"caption", "caption_completion"})


class CategoryAttributes(NamedTuple):
    """What a category brings: what the model is asked for, and what only a text may state."""

    asked: tuple[AskedAttribute, ...]
    unlearnt: tuple[AttributeSpec, ...]
    schema: AttributeSchema | None


@dataclass(frozen=True)
class Plan:
    """What is asked about every product, and when an answer counts. `make_plan` builds one.

    `tasks` are names of the registry; `taxonomy` gives categories their ids. With `crosswalk` the model is asked for its
    own categories, and its answer is translated into those of `taxonomy`. `matches` does the same for attributes: it says
    which of the shop's a question is about, by the choices of the question.
    """

    tasks: tuple[str, ...] = DEFAULT_TASKS
    context: TaskContext = field(default_factory=TaskContext)
    taxonomy: Taxonomy | None = None
    crosswalk: Crosswalk | None = None
    calibration: Calibration = field(default_factory=Calibration)
    precision: float = DEFAULT_PRECISION
    precision_of: PrecisionOf = "all"
    overwrite_values: bool = False
    evidence: EvidenceKind | None = None
    category_schemas: CategorySchemas | None = None
    """Where given, a product is also asked for the attributes of its category, once that is settled."""
    questions: QuestionPlan = field(default_factory=QuestionPlan)
    """How those of `context` are answered."""
    own_schema: AttributeSchema | None = None
    """The attributes that the model was trained on."""
    is_specialist: bool = False
    """Whether the model has learnt categories or attributes of its own: it is asked for no other attributes than these."""
    matches: dict[Choices, AttributeMatch] = field(default_factory=dict)
    unlearnt: tuple[AttributeSpec, ...] = ()
    """Attributes of the shop that the model never learnt: no photo is asked for them, but a text may state them."""
    deciding: tuple[AskedAttribute, ...] = ()
    """Attributes of the model's that are asked only because the category depends on them."""
    attribute_names: tuple[str, ...] = ()
    """How the record calls its attributes, in the order of the shop's schema; those that categories bring not among them."""
    schema: AttributeSchema | None = None
    """The shop's attributes, by which their values are found in its texts."""
    applicability: Applicability | None = None
    """Which attributes the model's own categories have."""
    unrequested: frozenset[str] = frozenset()
    """Attributes, by their folded names, that are asked because the model has learnt them: neither a schema nor a column of the
    shop's names them. A product whose category has none of these gets no such field."""
    _category_attributes: dict[CategoryPath, CategoryAttributes] = field(
        default_factory=dict, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        for name in self.tasks:
            get_task(name)
        asked = self.asked
        by_category = self.category_schemas and "attribute_correction" not in asked
        known = self.context.attributes or self.unlearnt or by_category
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
        context = replace(context, questions=self.questions.texts_as_they_stand())
        with_listing: list[Question] = []
        without: list[Question] = []
        asked = self.asked
        if asked & _HELD_AGAINST_FIELDS:
            # What a text says is held against the fields, also where these are not to be told.
            asked |= {"category"} if context.taxonomy_choices else set()
            asked |= {"attribute_qa"} if context.attributes and "attribute_correction" not in asked else set()
        if not context.attributes:
            # There are none to ask, or which ones depends on the category: see `follow_up`. A specialist would answer for those
            # that the product lists all the same, with what it has learnt of others.
            asked -= {"attribute_qa", "attribute_correction"} if self.is_specialist else {"attribute_qa"}
        for name, task in TASKS.items():
            if name in asked and (photos or not task.hides_listing):
                (without if task.hides_listing else with_listing).extend(task.questions(product, context))
        if self.deciding:
            deciding = replace(context, attributes=self.deciding)
            with_listing.extend(TASKS["attribute_qa"].questions(product, deciding))
        with_listing.extend(self.questions.questions_behind(product, context, asked))
        if self.unrequested and self.applicability and "attribute_qa" in asked and not product.category:
            with_listing.extend(self._category_behind(product, context, with_listing))
        listing = context.listing.text
        if listing is None:
            # Without a listing both see the same prompt, so that one request will do.
            with_listing, without = [*without, *with_listing], []
        elif photos:
            without.extend(self._asked_of_photos_alone(with_listing, SOUNDED))
        return self._request_all(photos, ((listing, with_listing), (None, without)))

    def _category_behind(self, product: Product, context: TaskContext, asked: Sequence[Question]) -> list[Question]:
        """The question for the category, on which it depends which attributes a product has, unless it is asked anyway."""
        if context.taxonomy_choices is None or any(question.task == "category" for question in asked):
            return []
        return [replace(question, recorded=False) for question in TASKS["category"].questions(product, context)]

    def second_look(
        self, product: Product, photos: Sequence[Image], answered: Sequence[tuple[Question, Answer]]
    ) -> tuple[Request, ...]:
        """The other closed questions of the photos alone, where what most titles state speaks against this one."""
        if agreement(told_and_seen(answered)) >= SUSPECTED_BELOW:
            return ()
        sounded = {question.field for question, _ in answered if question.photo_only}
        told = [question for question, _ in answered if not question.photo_only and question.field not in sounded]
        return self._request_all(photos, ((None, self._asked_of_photos_alone(told)),))

    def _asked_of_photos_alone(
        self, questions: Sequence[Question], only: frozenset[str] | None = None
    ) -> list[Question]:
        """The closed questions again, for an answer that no title had a say in: a title may be another product's. With `only`
        those about some attributes.

        Only where the model's confidence in a photo's answer was measured: without, nothing says which of the two to believe.
        """
        return [
            replace(question, recorded=False, photo_only=True)
            for question in questions
            if question.task in ("category", "attribute_qa")
            and question.choices is not None
            and (only is None or fold_attribute(question.field or "") in only)
            and self.calibration.is_measured(get_task(question.task).calibration_key(question))
        ]

    def _request_all(
        self, photos: Sequence[Image], asked: Iterable[tuple[str | None, Sequence[Question]]]
    ) -> tuple[Request, ...]:
        """A request for each listing that has questions. What none of the photos can show is marked."""
        is_colourless = bool(photos) and all(map(is_greyscale, photos))
        return tuple(
            Request(
                tuple(photos),
                tuple(
                    replace(question, unshown=NO_COLOUR) if is_colourless and self._is_of_colour(question) else question
                    for question in questions
                ),
                listing,
            )
            for listing, questions in asked
            if questions
        )

    def _is_of_colour(self, question: Question) -> bool:
        return question.task == "attribute_qa" and COLOUR in fold_attribute(question.field or "").split()

    def follow_up(
        self, product: Product, photos: Sequence[Image], category: CategoryPath | None
    ) -> tuple[Request, ...]:
        """What is asked once the category is settled: its attributes, but for those that were asked before.

        `category` is the model's, else the shop's own counts. Nothing where there is none, or it has no attributes.
        """
        brought = self._brought_by(category or product.category)
        if brought is None or not brought.asked:
            return ()
        context = replace(self.context, attributes=brought.asked).showing(product, "present")
        questions = TASKS["attribute_qa"].questions(product, context)
        return self._request_all(photos, ((context.listing.text, questions),))

    def unlearnt_of(self, category: CategoryPath | None) -> tuple[AttributeSpec, ...]:
        """Attributes that a category brings and the model never learnt: a text may state them."""
        brought = self._brought_by(category)
        return brought.unlearnt if brought is not None else ()

    def spec(self, name: str, category: CategoryPath | None = None) -> AttributeSpec | None:
        """What the shop's schema, or that of the category, knows of an attribute."""
        brought = self._brought_by(category)
        schemas = (self.schema, brought.schema if brought is not None else None)
        return next((spec for schema in schemas if schema and (spec := schema.get(name))), None)

    def _brought_by(self, path: CategoryPath | None) -> CategoryAttributes | None:
        if not path or self.category_schemas is None or "attribute_qa" not in self.asked:
            return None
        if self.taxonomy is not None:  # as the taxonomy writes it
            path = self.taxonomy.find(SEPARATOR.join(path)) or path
        if path not in self._category_attributes:
            schema = self.category_schemas.schema_of(path)
            before = {fold_attribute(name) for name in self.attribute_names}
            specs = (
                tuple(spec for spec in schema.attributes if fold_attribute(spec.name) not in before) if schema else ()
            )
            own = AttributeSchema(specs) if specs else None
            asked = ask_in_own_words(self.own_schema, own, is_specialist=self.is_specialist)
            self.matches.update(asked.matches)
            self._category_attributes[path] = CategoryAttributes(asked.attributes, asked.unlearnt, own)
        return self._category_attributes[path]


def make_plan(
    backend: Backend,
    *,
    tasks: Sequence[str] | None = None,
    taxonomy: Taxonomy | None = None,
    schema: AttributeSchema | None = None,
    crosswalk: Crosswalk | None = None,
    value_map: Path | None = None,
    questions: Sequence[str] = (),
    precision: float = DEFAULT_PRECISION,
    precision_of: PrecisionOf = "all",
    overwrite_values: bool = False,
    evidence: bool | EvidenceKind = False,
    category_schemas: CategorySchemas | None = None,
    columns: Iterable[str] = (),
) -> Plan:
    """What is asked of `backend`. A taxonomy or schema that isn't given is the backend's own, where it brings one.

    A backend that has categories or attributes of its own is asked for these, and its answers are carried over to those of
    `taxonomy` and `schema`: by `crosswalk` and `value_map`, which a user gives, by a map that it brings, else by their names.

    With `category_schemas` a product is asked for the attributes of its category too, in a second call. `columns` are further
    attributes of the shop, of which only their names are known: its texts may state them.
    `evidence` True is the kind "occlusion".

    Without `tasks`: caption, category and, where a schema is known, attributes. Raises `UsageError` for a task that
    there isn't, or that has nothing to ask.
    """
    own = backend.capabilities
    # One that was trained on categories alone would name a category as the pattern of a shirt.
    is_specialist = own.schema is not None or own.taxonomy is not None
    crosswalk = None if taxonomy is None else lead_to(taxonomy, own, crosswalk)
    # A model is asked in its own categories where it has some: it was trained on their names.
    asked_taxonomy = own.taxonomy if crosswalk else taxonomy or own.taxonomy
    taxonomy = taxonomy or own.taxonomy
    if value_map is not None and (schema is None or own.schema is None):
        raise UsageError("--value-map leads from the attributes that a model lists to those of --schema; give both")
    asked = ask_in_own_words(own.schema, schema or own.schema, value_map, is_specialist=is_specialist)
    columns = tuple(columns)
    requested = {fold_attribute(name) for name in (*(schema.names if schema else ()), *columns)}
    schema = schema or own.schema
    further = _further(columns, schema)
    unlearnt = (*asked.unlearnt, *further)
    if tasks is None:
        has_attributes = schema or category_schemas or unlearnt
        tasks = [name for name in DEFAULT_TASKS if name != "attributes" or has_attributes]
    context = replace(
        make_context(None, None, questions),
        taxonomy_choices=category_choices(asked_taxonomy, own) if asked_taxonomy else None,
        attributes=asked.attributes,
    )
    calibration = own.calibration or Calibration()
    attribute_names = (*(schema.names if schema else ()), *(spec.name for spec in further))
    return Plan(
        tasks=tuple(tasks),
        context=context,
        taxonomy=taxonomy,
        crosswalk=crosswalk,
        calibration=calibration,
        precision=precision,
        precision_of=precision_of,
        overwrite_values=overwrite_values,
        evidence="occlusion" if evidence is True else evidence or None,
        category_schemas=category_schemas,
        own_schema=own.schema,
        is_specialist=is_specialist,
        matches=asked.matches,
        unlearnt=unlearnt,
        deciding=_deciding(own.schema, crosswalk, asked.attributes, tasks),
        attribute_names=attribute_names,
        schema=schema,
        applicability=own.applicability,
        unrequested=frozenset(map(fold_attribute, own.schema.names if own.schema else ())) - requested,
        questions=QuestionPlan.of(
            context,
            asked_attributes(own.schema) if own.schema else (),
            attribute_names,
            asked.matches,
            is_specialist=is_specialist,
            answers_open=precision == 0 or OPEN_QUESTION in calibration.fields,
        ),
    )


def _further(columns: Iterable[str], schema: AttributeSchema | None) -> list[AttributeSpec]:
    """An open attribute for each column that is none of the schema's."""
    known = {fold_attribute(name) for name in (schema.names if schema else ())}
    return [AttributeSpec(name) for name in columns if fold_attribute(name) not in known]


def _deciding(
    own: AttributeSchema | None, crosswalk: Crosswalk | None, asked: Sequence[AskedAttribute], tasks: Sequence[str]
) -> tuple[AskedAttribute, ...]:
    """The attributes that conditions of a map are about and that aren't asked anyway."""
    if own is None or crosswalk is None or "category" not in tasks:
        return ()
    rows = (row for rows in crosswalk.counterparts.values() for row in rows)
    fields = {fold_attribute(row.when.field) for row in rows if row.when is not None and row.path is not None}
    asks_attributes = any((get_task(name).asked_as or name) == "attribute_qa" for name in tasks)
    already = {fold_attribute(one.name) for one in asked} if asks_attributes else set()
    specs = tuple(spec for spec in own.attributes if fold_attribute(spec.name) in fields - already)
    return asked_attributes(AttributeSchema(specs)) if specs else ()


def make_context(
    taxonomy: Taxonomy | None, schema: AttributeSchema | None, questions: Sequence[str] = ()
) -> TaskContext:
    """What the tasks ask for: these categories and attributes, and a user's own questions."""
    paths = Choices(tuple(SEPARATOR.join(path) for path in taxonomy.paths)) if taxonomy else None
    attributes = asked_attributes(schema) if schema else ()
    return TaskContext(taxonomy_choices=paths, attributes=attributes, questions=tuple(questions))


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


def fingerprint(backend: Backend, plan: Plan) -> Fingerprint:
    """What makes two runs the same. Evidence is left out: it changes no answer."""
    context = plan.context
    by_category = {"setting of --category-attributes": "on"} if plan.category_schemas else {}
    return {
        "model": f"{backend.name} {backend.revision}",
        "calibration": _digest([plan.calibration.model_dump_json()]),
        "taxonomy": _digest(zip(plan.taxonomy.paths, plan.taxonomy.ids, strict=True) if plan.taxonomy else ()),
        "category map": _digest(plan.crosswalk.counterparts.items() if plan.crosswalk else ()),
        "schema": _digest(
            [
                *((a.name, a.question, a.choices and a.choices.values) for a in (*context.attributes, *plan.deciding)),
                *((match.shop, match.own, sorted(match.values.items())) for match in plan.matches.values()),
                *plan.unlearnt,
            ]
        ),
        "tasks": ", ".join(sorted(plan.asked)),
        "questions": _digest(context.questions),
        # Of all together it is written as ever, so that runs of earlier versions go on.
        "precision": str(plan.precision) if plan.precision_of == "all" else f"{plan.precision} of each",
        "setting of --overwrite-values": str(plan.overwrite_values),
        **by_category,
    }


def _digest(parts: Iterable[object]) -> str:
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()[:16]
