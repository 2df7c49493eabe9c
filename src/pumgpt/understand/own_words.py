"""A shop's categories and attributes in the words that a model was trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pumgpt.backends.protocol import Capabilities
from pumgpt.catalog.question import Choices
from pumgpt.catalog.vocabulary.crosswalk import Crosswalk, choose_crosswalk
from pumgpt.catalog.vocabulary.imagenet import lead_classes_to
from pumgpt.catalog.vocabulary.matching.attributes import AttributeMatch, match_attributes
from pumgpt.catalog.vocabulary.matching.categories import load_maps, match_categories
from pumgpt.catalog.vocabulary.matching.value_map import load_value_map
from pumgpt.catalog.vocabulary.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.vocabulary.taxonomy import Taxonomy
from pumgpt.tasks.context import AskedAttribute
from pumgpt.understand.category_choices import adds_categories


def lead_to(taxonomy: Taxonomy, own: Capabilities, crosswalk: Crosswalk | None = None) -> Crosswalk | None:
    """How a model's own categories lead to those of a shop: by the user's map, by one that the model brings, else by their
    names. None where the model has no categories, or all of the shop's are its own.
    """
    if own.taxonomy is None:
        return None
    if crosswalk is not None:
        chosen = crosswalk.into(taxonomy)
    elif set(taxonomy.paths) <= set(own.taxonomy.paths):
        return None
    else:
        matched = choose_crosswalk(own.category_maps, own.taxonomy, taxonomy)
        chosen = (
            matched or match_categories(own.taxonomy, taxonomy, load_maps(own.category_maps), own.schema).crosswalk()
        )
    return chosen.joined(lead_classes_to(taxonomy)) if adds_categories(own) else chosen


@dataclass(frozen=True)
class AskedAttributes:
    """What a model is asked for, so that a shop's attributes are filled; see `Plan`."""

    attributes: tuple[AskedAttribute, ...] = ()
    matches: dict[Choices, AttributeMatch] = field(default_factory=dict)
    unlearnt: tuple[AttributeSpec, ...] = ()


def ask_in_own_words(
    own: AttributeSchema | None,
    schema: AttributeSchema | None,
    value_map: Path | None = None,
    *,
    is_specialist: bool = True,
) -> AskedAttributes:
    """A shop's attributes as a model knows them, by the user's map or by their names. A model that brings no schema is asked
    for all as they are, unless it is a specialist: then it has learnt none of them.
    """
    if own is None and schema is not None and is_specialist:
        return AskedAttributes(unlearnt=schema.attributes)
    if schema is None or own is None or schema is own:
        return AskedAttributes(asked_attributes(schema) if schema else ())
    found = match_attributes(own, schema) if value_map is None else load_value_map(value_map, own, schema)
    asked: dict[str, AskedAttribute] = {}
    matches: dict[Choices, AttributeMatch] = {}
    for match in found.matches:
        known, spec = own.get(match.own), schema.get(match.shop)
        assert known is not None and spec is not None
        if known.values is None:
            (asked[spec.name],) = asked_attributes(AttributeSchema((spec,)))
            continue
        choices = Choices(known.values)  # one of its own for each match: it says which attribute a question is about
        matches[choices] = match
        asked[spec.name] = AskedAttribute(known.name, choices, spec.question)
    return AskedAttributes(tuple(asked.values()), matches, found.unmatched)


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
