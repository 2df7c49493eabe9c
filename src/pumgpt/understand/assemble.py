"""What is asked about a product, and how the answers become its `Understanding`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from PIL.Image import Image

from pumgpt.backends.calibration import Calibration, attribute_key
from pumgpt.backends.protocol import Answer, Request
from pumgpt.catalog.product import Product
from pumgpt.catalog.question import Choices, Question
from pumgpt.catalog.understanding import (
    AnswerField,
    AttributeField,
    CaptionField,
    CategoryChoice,
    CategoryField,
    CorrectionField,
    Evidence,
    ModelInfo,
    Understanding,
)
from pumgpt.catalog.vocabulary.attribute_names import find_attribute, fold_attribute
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk
from pumgpt.catalog.vocabulary.schema import AttributeSchema, CategorySchemas
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, CategoryPath, Taxonomy
from pumgpt.errors import UsageError
from pumgpt.tasks.base import AskedAttribute, TaskContext
from pumgpt.tasks.registry import TASKS, get_task
from pumgpt.understand.categories import translate
from pumgpt.understand.judge import NOTHING, Judge, Judgement, rule

DEFAULT_TASKS = ("caption", "category", "attributes")
DEFAULT_PRECISION = 0.9

MAX_ALTERNATIVES = 4
LEAST_ALTERNATIVE = 0.01

_ASKED_AS = {"attributes": "attribute_qa"}
"""The record of attributes is asked attribute by attribute: each closed answer is then valid and has a probability."""
_LISTS = {"attribute_qa": "attributes", "question": "answers", "attribute_correction": "corrections"}


NOBODY = ModelInfo(name="", revision="")
"""Stands for the model in records that nobody sees."""


class Reply(NamedTuple):
    """A question with its answer."""

    question: Question
    answer: Answer


@dataclass(frozen=True)
class Plan:
    """What is asked about every product, and when an answer counts.

    `tasks` are names of the registry; `taxonomy` gives categories their ids. With `crosswalk` the model is asked for its
    own categories, and what it says is put into those of `taxonomy`. `planning.make_plan` builds one.
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
    """Where given, a product is asked for the attributes that its category brings, once that is settled."""
    _brought: dict[CategoryPath, tuple[AskedAttribute, ...]] = field(default_factory=dict, compare=False, repr=False)

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
        asked = {_ASKED_AS.get(name, name) for name in self.tasks}
        return frozenset(asked | {"question"} if self.context.questions else asked)

    def shows_listing(self, product: Product) -> bool:
        """Whether the model reads a title or a description of this product."""
        return self.context.showing(product, "present").listing.text is not None

    def requests(self, product: Product, photos: Sequence[Image]) -> tuple[Request, ...]:
        """The product with all questions: those that see the title, then those that must not.

        Both hold the same photos, so that a backend can encode them once. A caption describes a photo; where there is
        none, it isn't asked.
        """
        context = self.context.showing(product, "present")
        seeing: list[Question] = []
        blind: list[Question] = []
        asked = self.asked
        if self.category_schemas is not None and not context.attributes:
            asked -= {"attribute_qa"}  # what is asked, the category will say
        for name, task in TASKS.items():
            if name in asked and (photos or not task.hides_listing):
                (blind if task.hides_listing else seeing).extend(task.questions(product, context))
        listing = context.listing.text
        if listing is None:
            seeing, blind = [*blind, *seeing], []
        pairs = ((listing, seeing), (None, blind))
        return tuple(Request(tuple(photos), tuple(questions), text) for text, questions in pairs if questions)

    def follow_up(self, product: Product, photos: Sequence[Image], replies: Sequence[Reply]) -> tuple[Request, ...]:
        """What is asked once the category is settled: its attributes, but for those that were asked before.

        Nothing where the category can't be told, or brings none.
        """
        if self.category_schemas is None or "attribute_qa" not in self.asked:
            return ()
        category = self.understanding(product, replies, NOBODY).category
        path = tuple(category.path) if category and category.path else product.category
        if path is not None and self.taxonomy is not None:  # as the taxonomy writes it
            path = self.taxonomy.find(SEPARATOR.join(path)) or path
        if not path:
            return ()
        if path not in self._brought:
            schema = self.category_schemas.schema_of(path)
            before = {fold_attribute(asked.name) for asked in self.context.attributes}
            brought = asked_of(schema) if schema else ()
            self._brought[path] = tuple(asked for asked in brought if fold_attribute(asked.name) not in before)
        if not self._brought[path]:
            return ()
        context = replace(self.context, attributes=self._brought[path]).showing(product, "present")
        questions = TASKS["attribute_qa"].questions(product, context)
        return (Request(tuple(photos), tuple(questions), context.listing.text),) if questions else ()

    def understanding(
        self,
        product: Product,
        replies: Iterable[Reply],
        model: ModelInfo,
        warnings: Sequence[str] = (),
        photo_numbers: Sequence[int] | None = None,
    ) -> Understanding:
        """The record of all answers. `photo_numbers`: which of the product's photos the model saw, where not all."""
        assembly = _Assembly(self, product, photo_numbers)
        replies = list(replies)
        result = Understanding(id=product.id, model=model, warnings=[*warnings, *_troubles(replies)])
        for task, name in _LISTS.items():
            if task in self.asked:
                setattr(result, name, [])
        if "caption" in self.asked:
            result.caption = CaptionField(text=None)
        for reply in sorted(replies, key=_is_of_category):  # last: attributes may decide what a category is called
            assembly.put(reply, result)
        if result.caption is not None and self.precision > 0 and any(map(_is_of_nothing_known, replies)):
            result.caption = CaptionField(text=None, confidence=result.caption.confidence)
        return result


def asked_of(schema: AttributeSchema) -> Iterator[AskedAttribute]:
    """What a schema asks for. Attributes with equal values share one `Choices`, so that a backend prepares it once."""
    shared: dict[tuple[str, ...], Choices] = {}
    for spec in schema.attributes:
        choices = None if spec.values is None else shared.setdefault(spec.values, Choices(spec.values))
        yield AskedAttribute(spec.name, choices, spec.question)


def _is_of_category(reply: Reply) -> bool:
    return reply.question.task == "category"


def _is_of_nothing_known(reply: Reply) -> bool:
    """Whether no category could be told at all: a caption of such a picture would be made up."""
    ranked = reply.answer.ranked
    return _is_of_category(reply) and bool(ranked) and reply.answer.cannot_tell > ranked[0][1]


def _troubles(replies: Sequence[Reply]) -> list[str]:
    """One line for each kind of failure, however many questions it hit."""
    errors: dict[str, list[str]] = {}
    for question, answer in replies:
        if answer.error is not None:
            errors.setdefault(answer.error, []).append(question.field or question.task)
    return [f"no answer for {', '.join(names)}: {error}" for error, names in errors.items()]


class _Assembly:
    """Puts one product's answers where they belong."""

    def __init__(self, plan: Plan, product: Product, photo_numbers: Sequence[int] | None) -> None:
        self.plan = plan
        self.product = product
        self.photo_numbers = photo_numbers
        self.judge = Judge(plan.calibration, plan.precision, listed=plan.shows_listing(product))

    def put(self, reply: Reply, result: Understanding) -> None:
        """A list that was asked for stands in `result` already."""
        match reply.question.task, result:
            case "caption", _:
                result.caption = self._text("caption", reply)
            case "caption_completion", _:
                result.completion = self._text("caption_completion", reply)
            case "category", _:
                result.category = self._category(reply, result)
            case "attribute_qa", Understanding(attributes=list(attributes)):
                attributes.append(self._attribute(reply))
            case "question", Understanding(answers=list(answers)):
                answers.append(self._answer(reply))
            case "attribute_correction", Understanding(corrections=list(corrections)):
                corrections.append(self._correction(reply))

    def _text(self, key: str, reply: Reply) -> CaptionField:
        """A text has no status: it is left out only where validation showed how sure it must be."""
        seen = self.judge.judge(key, *reply)
        measured = bool(self.plan.calibration.of(key).precision)
        told = isinstance(seen.value, str) and (seen.sure or not measured)
        return CaptionField(text=str(seen.value) if told else None, confidence=seen.confidence)

    def _category(self, reply: Reply, result: Understanding) -> CategoryField:
        if self.plan.crosswalk is not None:
            told = {field.name: field.value for field in result.attributes or () if field.value}
            reply = Reply(*translate(*reply, self.plan.crosswalk, self.product, told))
        seen = self.judge.judge("category", *reply)
        ruling = rule(self.product.category, seen, self.plan.overwrite_values)
        path = tuple(ruling.value) if isinstance(ruling.value, tuple) else None
        return CategoryField(
            path=list(path) if path else None,
            id=self._id(path),
            confidence=ruling.confidence,
            status=ruling.status,
            alternatives=self._alternatives(seen, path),
            evidence=self._evidence(reply.answer),
        )

    def _alternatives(self, seen: Judgement, path: tuple[str, ...] | None) -> list[CategoryChoice]:
        """The model's other ideas, its best one first where the field does not show it."""
        ideas = [(seen.value, seen.confidence or 0.0), *((other.value, other.share) for other in seen.others)]
        return [
            CategoryChoice(path=list(idea), id=self._id(idea), confidence=round(share, 4))
            for idea, share in ideas
            if isinstance(idea, tuple) and idea != path and share >= LEAST_ALTERNATIVE
        ][:MAX_ALTERNATIVES]

    def _id(self, path: tuple[str, ...] | None) -> str | None:
        return self.plan.taxonomy.id_of(path) if self.plan.taxonomy and path else None

    def _attribute(self, reply: Reply) -> AttributeField:
        name = reply.question.field or ""
        seen = self.judge.judge(attribute_key(name), *reply)
        ruling = rule(find_attribute(self.product.attributes, name), seen, self.plan.overwrite_values)
        value = ruling.value if isinstance(ruling.value, list) else _or_none(ruling.value)
        return AttributeField(
            name=name,
            value=value,
            confidence=ruling.confidence,
            status=ruling.status,
            suggestion=_or_none(ruling.suggestion),
            evidence=self._evidence(reply.answer),
        )

    def _answer(self, reply: Reply) -> AnswerField:
        seen = self.judge.judge("question", *reply)
        ruling = rule(None, seen, overwrite=False)
        return AnswerField(
            question=reply.question.text,
            answer=_or_none(ruling.value),
            confidence=ruling.confidence,
            status=ruling.status,
            evidence=self._evidence(reply.answer),
        )

    def _correction(self, reply: Reply) -> CorrectionField:
        name = reply.question.field or ""
        listed = (self.product.attributes or {}).get(name, "")
        judgement = self.judge.judge("attribute_correction", *reply)
        told = judgement if judgement.sure and judgement.verdict else NOTHING
        return CorrectionField(
            name=name,
            listed=listed if isinstance(listed, str) else ", ".join(listed),
            verdict=told.verdict or "cannot be inferred",
            value=_or_none(told.value),
            confidence=judgement.confidence,
        )

    def _evidence(self, answer: Answer) -> Evidence | None:
        """The photo whose map is the sharpest."""
        if not self.plan.evidence or not answer.evidence:
            return None
        peaks = [float(grid.max()) * grid.size for grid in answer.evidence]
        place = peaks.index(max(peaks))
        number = place if self.photo_numbers is None else self.photo_numbers[place]
        grid = [[round(float(share), 4) for share in row] for row in answer.evidence[place]]
        return Evidence(image=number, grid=grid)


def _or_none(value: object) -> str | None:
    return None if value is None else str(value)
