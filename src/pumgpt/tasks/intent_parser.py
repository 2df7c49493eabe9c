"""Recognises what a free question asks for. A question that no pattern fits is an open one: answers to guesses are worse."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from pumgpt.catalog.question import Choices
from pumgpt.catalog.vocabulary.attribute_names import fold_attribute
from pumgpt.catalog.vocabulary.taxonomy import split_path
from pumgpt.catalog.vocabulary.words import unescaped
from pumgpt.tasks.context import AskedAttribute
from pumgpt.tasks.intents import CATEGORY, Intent, attribute_called, intents
from pumgpt.tasks.value_meaning import category_words, other_words, word_forms
from pumgpt.tasks.words import words

_OR = r"\b(?:or|oder|ou|o)\b"


class IntentParser:
    """Knows which attributes and categories can be asked, since a word means what it names: an attribute or a value.

    Attributes that nobody lists are recognised by their usual names, so that the question isn't taken for another one.
    """

    def __init__(self, attributes: Sequence[AskedAttribute] = (), categories: Choices | None = None) -> None:
        self._values = _ValueIndex(attributes, categories)
        listed = [re.escape(fold_attribute(attribute.name)) for attribute in attributes]
        usual = [pattern for patterns in intents().attributes.values() for pattern in patterns]
        # The longest first, as an alternation takes the first that matches: 'age group' before 'age'.
        self._attribute_slot = "|".join(sorted({*listed, *usual}, key=len, reverse=True))

    def parse(self, text: str) -> Intent:
        plain = _plain(text)
        found = self._closed(plain)
        if found is None:
            # 'What colour is the shirt?' asks what 'What colour is it?' does; the shirt is kept to be checked.
            pronoun, subject = self._with_pronoun(plain)
            found = self._closed(pronoun) if subject else None
            if found is not None and subject is not None and not self._values.is_any_product(subject):
                found = replace(found, subject=subject)
        return replace(found or _searched(plain), text=text)

    def _closed(self, plain: str) -> Intent | None:
        """What the whole question matches. A choice before yes and no, whose value would take both sides for one."""
        return self._printed(plain) or self._choice(plain) or self._attribute(plain) or self._yes_no(plain)

    def _printed(self, plain: str) -> Intent | None:
        for name, patterns in intents().printed.items():
            if any(True for _ in self._matches(patterns, plain)):
                return Intent(plain, "print", name)
        return Intent(plain, "print") if any(True for _ in self._matches(intents().print, plain)) else None

    def _attribute(self, plain: str) -> Intent | None:
        for match in self._matches(intents().by_name, plain):
            return Intent(plain, "attribute", attribute_called(match["attribute"]))
        for name, patterns in intents().by_words.items():
            for match in self._matches(patterns, plain):
                product = match.groupdict().get("product")
                if product is None or self._values.is_product(product):
                    return Intent(plain, "attribute", name)
        return None

    def _choice(self, plain: str) -> Intent | None:
        for match in self._matches(intents().choice, plain):
            sides = [_without_article(side) for side in re.split(rf",? {_OR} |, ", match["sides"])]
            found = [self._values.find(side) for side in sides]
            names = {name for name, _, _ in filter(None, found)}
            if all(found) and len(names) == 1 and len(found) > 1:
                return Intent(plain, "choice", names.pop(), tuple(value for _, value, _ in filter(None, found)))
        return None

    def _yes_no(self, plain: str) -> Intent | None:
        for match in self._matches(intents().yes_no, plain):
            found = self._values.find(_without_article(match["value"]))
            if found is not None:
                return Intent(plain, "yes or no", found[0], (found[1],), found[2])
        for name, patterns in intents().yes_no_of.items():
            for match in self._matches(patterns, plain):
                # Longer ones go on to something else: 'of wood, and is it sturdy'.
                if len(match["value"].split()) <= 2 and not re.search(_OR, match["value"]):
                    return Intent(plain, "yes or no", name, (match["value"],))
        return None

    def _matches(self, patterns: Iterable[str], plain: str) -> Iterator[re.Match[str]]:
        for pattern in patterns:
            match = _compiled(pattern, self._attribute_slot).fullmatch(plain)
            if match is not None:
                yield match

    def _with_pronoun(self, plain: str) -> tuple[str, str | None]:
        for between in ("", r" [\w-]+"):  # 'this shirt', 'this nice shirt'
            for match in re.finditer(rf"\b(?:the|this|that|these|those|your){between} ([\w-]+)", plain):
                if self._values.is_product(match[1]):
                    return f"{plain[: match.start()]}it{plain[match.end() :]}", match[1]
        return plain, None


class _ValueIndex:
    """The values that a question may name, by their words."""

    def __init__(self, attributes: Sequence[AskedAttribute], categories: Choices | None) -> None:
        self._by_words: dict[tuple[str, ...], tuple[str, str]] = {}
        self._products = {word_forms(word) for word in intents().products}
        self._any_product = frozenset(self._products)
        names = [attribute_called(attribute.name) for attribute in attributes]
        if "colour" in names:
            self._add("colour", (word for names in words().colours.values() for word in names))
            self._add("colour", intents().colours)
        for name in ("gender", "age group"):
            if name in names:
                self._add(name, (word for people in intents().people.values() for word in people.words))
        for name, attribute in zip(names, attributes, strict=True):
            values = attribute.choices.values if attribute.choices else ()
            self._add(name, (word for value in values for word in (value, *other_words(name, value))))
        for level in {level for path in (categories.values if categories else ()) for level in split_path(path)}:
            self._add(CATEGORY, [level])
            self._products |= {word_forms(level)[-1:], word_forms(level)}
        if categories:
            self._add(CATEGORY, category_words())
        # Last, as a schema or a taxonomy may mean something else by the word.
        for name, usual in intents().usual.items():
            self._add(name, usual)

    def _add(self, name: str, values: Iterable[str]) -> None:
        for value in values:
            self._by_words.setdefault(word_forms(value), (name, value))

    def find(self, text: str) -> tuple[str, str, str | None] | None:
        """Attribute, value as it is written, and what the text calls the product beside: 'a blue shirt'."""
        text = re.sub(r"(?: in)? colou?r(?:ed)?$| ones?$", "", text)
        forms = word_forms(text)
        known = self._by_words.get(forms)
        if known is not None:
            return known[0], text, None
        last = text.rpartition(" ")
        known = self._by_words.get(forms[:-1])
        if known is not None and self.is_product(last[2]):
            return known[0], last[0], None if self.is_any_product(last[2]) else last[2]
        # The head of a level of the taxonomy: 'shoes' where there are 'Casual Shoes' only.
        return (CATEGORY, text, None) if forms in self._products - self._any_product else None

    def is_product(self, text: str) -> bool:
        return word_forms(text) in self._products

    def is_any_product(self, text: str) -> bool:
        """Whether the word says nothing of the kind of product."""
        return word_forms(text) in self._any_product


def _searched(plain: str) -> Intent:
    """By a word anywhere in the question."""
    # First, as 'how many come in a pack' has a word for stock too.
    if any(re.search(pattern, plain) for pattern in intents().count):
        return Intent(plain, "count")
    for name, patterns in intents().unseen.items():
        if any(re.search(pattern, plain) for pattern in patterns):
            return Intent(plain, "unseen", name)
    return Intent(plain, "open")


def _plain(text: str) -> str:
    """Small letters, no marks at either end, no fillers, "what's" in two words."""
    plain = " ".join(unescaped(text).lower().split()).strip(' ?!.,;:¿¡"')
    plain = re.sub(r"\b(what|who|which|it|that|how)'s\b", r"\1 is", plain)
    for filler in intents().fillers:
        plain = re.sub(rf"(?:^|(?<= ))(?:{filler})(?=$|[ ,])[ ,]*", "", plain)
    return plain.replace(": ", " ").strip(" ,?")


@cache
def _compiled(pattern: str, attribute_slot: str) -> re.Pattern[str]:
    for _ in range(2):  # a slot may hold another one
        for name, slot in intents().slots.items():
            pattern = pattern.replace(f"{{{name}}}", slot)
    pattern = pattern.replace("{attribute}", f"(?P<attribute>{attribute_slot})")
    pattern = pattern.replace("{value}", "(?P<value>.+?)").replace("{product}", "(?P<product>[\\w-]+)")
    return re.compile(pattern.replace("{sides}", f"(?P<sides>.+ {_OR} .+)"))


def _without_article(text: str) -> str:
    return re.sub(
        r"^(?:(?:is|are) (?:it|they|this|these) )?(?:an?|the|some|for|rather|more)? ", "", f"{text.strip(' ,')}"
    ).strip()
