"""From a suite's products to its cases, through the tasks themselves.

A case depends on the suite's version and seed, the product and the condition alone: not on `--limit`, nor on the order.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from pumgpt.bench.asking.case import Case, Form, Truth, Values
from pumgpt.bench.asking.multiple_choice import draw_options
from pumgpt.bench.suites.items import Item, SuiteData
from pumgpt.bench.suites.sets import IMAGE_ONLY, TITLE_STRUCK, Condition
from pumgpt.bench.suites.suite import Suite
from pumgpt.bench.suites.truth import CATEGORY
from pumgpt.catalog.question import CANNOT_TELL, Choices, Question
from pumgpt.tasks.attribute_qa import alike
from pumgpt.tasks.base import AskedAttribute, Task, TaskContext
from pumgpt.tasks.category import SEPARATOR
from pumgpt.tasks.listing import Listing, tidy
from pumgpt.tasks.registry import TASKS

_BEGINNING_SHARE = 0.5
_WRONG_SHARE = 0.5


def build_cases(suite: Suite, data: SuiteData) -> list[Case]:
    """All cases of a suite, product by product."""
    return [case for item in data.items for case in item_cases(suite, data, item)]


def item_cases(suite: Suite, data: SuiteData, item: Item) -> Iterator[Case]:
    """All cases of one product. A title condition says nothing new of a product without a title, so it is left out."""
    if item.origin != "product":
        yield from _ItemUnderCondition(suite, data, item, suite.first_seeing).cases()
        return
    for condition in suite.conditions:
        if condition == IMAGE_ONLY or item.product.title:
            yield from _ItemUnderCondition(suite, data, item, condition).cases()


def show_listing(item: Item, condition: Condition) -> Listing:
    """The text that a condition shows of a product."""
    if condition == IMAGE_ONLY:
        return Listing()
    return Listing.of(item.product, "struck" if condition == TITLE_STRUCK else "present")


@dataclass(frozen=True)
class _ItemUnderCondition:
    """Makes the cases of one product under one condition."""

    suite: Suite
    data: SuiteData
    item: Item
    condition: Condition

    def cases(self) -> Iterator[Case]:
        for name in self.suite.tasks:
            task = TASKS[name]
            if task.hides_listing and self.condition != self.suite.first_seeing:
                continue
            yield from _MAKERS[name](self, task, self._rng(name))

    def _rng(self, task: str) -> random.Random:
        suite, product = self.suite, self.item.product
        return random.Random(f"{suite.name} {suite.version} {suite.seed} {product.id} {self.condition} {task}")

    @cached_property
    def _context(self) -> TaskContext:
        return TaskContext(
            taxonomy_choices=self.data.vocabulary.categories, listing=show_listing(self.item, self.condition)
        )

    @cached_property
    def _stated(self) -> dict[str, Values | None]:
        """Attribute -> its values, None where they can't be told; those that the suite asks."""
        known: dict[str, Values | None] = {name: told for name, told in self.item.fields.items() if name != CATEGORY}
        wanted = self.suite.attributes or tuple(known)
        untold = self.suite.attributes if self.item.origin != "product" else self.item.untold
        asked = {name: known[name] for name in wanted if name in known and name not in untold}
        return asked | dict.fromkeys(untold)

    def _asked(self, name: str) -> AskedAttribute:
        return AskedAttribute(name, self.data.vocabulary.attributes.get(name))

    def _case(self, question: Question, truth: Truth, form: Form = "plain", mark: str = "") -> Case:
        words = [self.item.product.id, self.condition, question.task, form if form != "plain" else "", mark]
        return Case(
            id="/".join(word for word in words if word),
            product=self.item.product.id,
            origin=self.item.origin,
            condition=self.condition,
            form=form,
            question=question,
            truth=truth,
            sees_listing=not TASKS[question.task].hides_listing,
        )

    def _category(self, task: Task, rng: random.Random) -> Iterator[Case]:
        product = self.item.product
        path = product.category
        if path is None and self.item.origin == "product" and not self.suite.no_products:
            return
        question = task.questions(product, self._context)[0]
        yield self._case(question, Truth({CATEGORY: path}))
        choices = self.data.vocabulary.categories
        options = draw_options(choices, SEPARATOR.join(path), self.suite.options, rng) if path and choices else None
        if options is not None and path is not None:
            context = replace(self._context, taxonomy_choices=Choices(options), list_options=len(options))
            yield self._choice(task.questions(product, context)[0], {CATEGORY: path}, SEPARATOR.join(path))

    def _choice(self, question: Question, fields: dict[str, Values | None], right: str, mark: str = "") -> Case:
        options = question.choices.values if question.choices else ()
        case = self._case(question, Truth(fields), "multiple choice", mark)
        return replace(case, position=options.index(right))

    def _attribute_qa(self, task: Task, rng: random.Random) -> Iterator[Case]:
        for name, values in self._stated.items():
            yield self._case(self._question(task, self._asked(name)), Truth({name: values}), mark=name)
        if self.item.origin != "product":
            return
        yield from self._attribute_choice(task, rng)
        if self.suite.hidden and self.condition == self.suite.conditions[0]:
            name = rng.choice(self.suite.hidden)
            yield self._case(self._question(task, AskedAttribute(name)), Truth({name: None}), "hidden", name)

    def _attribute_choice(self, task: Task, rng: random.Random) -> Iterator[Case]:
        """One attribute as a multiple choice, drawn by lot among those with enough values."""
        told = [(name, values) for name, values in self._stated.items() if values and len(values) == 1]
        rng.shuffle(told)
        for name, values in told:
            choices = self.data.vocabulary.attributes.get(name)
            options = draw_options(choices, values[0], self.suite.options, rng) if choices else None
            if options is not None:
                asked = AskedAttribute(name, Choices(options))
                yield self._choice(self._question(task, asked, len(options)), {name: values}, values[0], name)
                return

    def _question(self, task: Task, asked: AskedAttribute, list_options: int = 0) -> Question:
        context = replace(self._context, attributes=(asked,), list_options=list_options)
        return task.questions(self.item.product, context)[0]

    def _attributes(self, task: Task, rng: random.Random) -> Iterator[Case]:
        stated = self._stated
        if stated and self.item.origin == "product":
            context = replace(self._context, attributes=tuple(map(self._asked, stated)))
            yield self._case(task.questions(self.item.product, context)[0], Truth(stated))

    def _caption(self, task: Task, rng: random.Random) -> Iterator[Case]:
        title = tidy(self.item.product.title or "")
        references = self.item.references or ((title,) if title else ())
        if references:
            yield self._case(task.questions(self.item.product, self._context)[0], Truth({"caption": references}))

    def _caption_completion(self, task: Task, rng: random.Random) -> Iterator[Case]:
        words = tidy(self.item.product.title or "").split()
        cut = max(1, round(len(words) * _BEGINNING_SHARE))
        if cut < len(words):
            context = replace(self._context, beginning=" ".join(words[:cut]))
            truth = Truth({"completion": (" ".join(words[cut:]),)})
            yield self._case(task.questions(self.item.product, context)[0], truth)

    def _drawn_questions(self, task: Task, rng: random.Random) -> Iterator[tuple[Question, str]]:
        distinct = {e.question.text: e for e in task.examples(self.item.product, self._context, rng)}
        for example in list(distinct.values())[: self.suite.questions_per_product]:
            yield example.question, example.answer

    def _free_questions(self, task: Task, rng: random.Random) -> Iterator[Case]:
        for number, (question, answer) in enumerate(self._drawn_questions(task, rng)):
            told = None if answer == CANNOT_TELL else (answer,)
            yield self._case(question, Truth({"question": told}), mark=str(number))

    def _attribute_correction(self, task: Task, rng: random.Random) -> Iterator[Case]:
        """One attribute, drawn by lot; half of the time another value is listed than the true one."""
        closed = self.data.vocabulary.attributes
        told = [name for name, values in self._stated.items() if values and len(values) == 1 and name in closed]
        if not told or self.item.origin != "product":
            return
        name = rng.choice(told)
        values = self._stated[name] or ()
        others = [other for other in closed[name].values if not alike(other, values[0])]
        wrong = bool(others) and rng.random() < _WRONG_SHARE
        listed = rng.choice(others) if wrong else values[0]
        product = replace(self.item.product, attributes={name: listed})
        question = task.questions(product, replace(self._context, attributes=(self._asked(name),)))[0]
        yield self._case(question, Truth({name: values}, listed, "wrong" if wrong else "right"), mark=name)


_MAKERS: Mapping[str, Callable[[_ItemUnderCondition, Task, random.Random], Iterator[Case]]] = {
    "caption": _ItemUnderCondition._caption,
    "category": _ItemUnderCondition._category,
    "attributes": _ItemUnderCondition._attributes,
    "attribute_qa": _ItemUnderCondition._attribute_qa,
    "question": _ItemUnderCondition._free_questions,
    "caption_completion": _ItemUnderCondition._caption_completion,
    "attribute_correction": _ItemUnderCondition._attribute_correction,
}
"""How each task's cases are made."""
