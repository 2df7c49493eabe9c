"""The category of a record, in the shop's own taxonomy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pumgpt.catalog.question import Choices
from pumgpt.catalog.understanding import CategoryChoice, CategoryField
from pumgpt.catalog.vocabulary.taxonomy import SEPARATOR, CategoryPath, split_path
from pumgpt.tasks.answers import is_valid
from pumgpt.understand.fields.attribute import own_attributes
from pumgpt.understand.fields.base import FieldContext, Reply
from pumgpt.understand.judge import NO_PREDICTION, FieldPrediction, reconcile
from pumgpt.understand.plan import Plan
from pumgpt.understand.translation import translate_category

MAX_ALTERNATIVES = 4
LEAST_ALTERNATIVE = 0.01


def category_field(context: FieldContext, reply: Reply, attributes: Sequence[Reply]) -> CategoryField:
    """The replies about `attributes` may decide how a category is called in the shop's own taxonomy."""
    plan, product = context.plan, context.product
    alone = context.photo_reply(reply)
    if plan.crosswalk is not None:
        known = own_attributes(context, attributes)
        reply = Reply(*translate_category(*reply, plan.crosswalk, product, known))
        alone = None if alone is None else Reply(*translate_category(*alone, plan.crosswalk, product, known))
    leaf = context.predict(reply)
    prediction = leaf if leaf.sure else _broader(context, reply) or leaf
    if alone is not None and context.is_listing_disputed:
        prediction = _held_against(context, prediction, context.predict(alone))
    own, overwrite = product.category, plan.overwrite_values
    # An id that the taxonomy doesn't know can't be compared with what the model says; it stands.
    is_foreign = product.category_id is not None and not _has(plan, own)
    decision = reconcile(own, NO_PREDICTION if is_foreign and not overwrite else prediction, overwrite)
    path = tuple(decision.value) if isinstance(decision.value, tuple) else None
    return CategoryField(
        path=list(path) if path else None,
        id=_id(plan, path) or (product.category_id if path == own else None),
        confidence=decision.confidence,
        status=decision.status,
        precision=decision.precision,
        suggestion=list(decision.suggestion) if isinstance(decision.suggestion, tuple) else None,
        alternatives=_alternatives(plan, leaf, path),
        source={"filled": context.model_source, "abstained": None}.get(decision.status, "shop"),
        evidence=context.evidence(reply.answer),
    )


def _held_against(context: FieldContext, prediction: FieldPrediction, alone: FieldPrediction) -> FieldPrediction:
    """The prediction, not sure where the photos alone show something else."""
    told, seen = prediction.value, alone.value
    if not isinstance(told, tuple) or not isinstance(seen, tuple) or told == seen:
        return prediction
    context.remarks.append(f"category: the photo says {seen[-1]}, with the text it would be {told[-1]}")
    return replace(prediction, sure=context.plan.precision == 0)


def is_refused(reply: Reply) -> bool:
    """Whether the model says that the photo shows none of the categories that it was trained on."""
    ranked = reply.answer.ranked
    return bool(ranked) and (reply.answer.by_class or reply.answer.cannot_tell > ranked[0][1])


def best_path(reply: Reply) -> CategoryPath | None:
    """The category that the model itself ranks first, whatever the shop calls it."""
    return split_path(reply.answer.ranked[0][0]) if reply.answer.ranked else None


def _broader(context: FieldContext, reply: Reply) -> FieldPrediction | None:
    """The deepest category above the ranked ones that is sure enough, all below it taken together; None where none is."""
    shares = {split_path(text): share for text, share in reply.answer.ranked}
    # The first level is left out: small shares of many kinds make a department likely, of which it says next to nothing.
    for depth in range(max(map(len, shares), default=0) - 1, 1, -1):
        above: dict[CategoryPath, float] = {}
        for path, share in shares.items():
            # A category that is itself no deeper stays beside those that are put together.
            above[path[:depth]] = above.get(path[:depth], 0.0) + share
        listed = {path: share for path, share in above.items() if path in shares or _is_choice(context.plan, path)}
        ranked = tuple(
            sorted(((SEPARATOR.join(path), share) for path, share in listed.items()), key=lambda pair: -pair[1])
        )
        if ranked:
            question = replace(reply.question, choices=Choices(tuple(text for text, _ in ranked)))
            answer = replace(reply.answer, text=ranked[0][0], ranked=ranked)
            prediction = context.predict(Reply(question, answer))
            if prediction.sure:
                return prediction
    return None


def _is_choice(plan: Plan, path: CategoryPath) -> bool:
    """Whether a product may be put there: the shop's own taxonomy has it, or the model's where the shop gives none."""
    if _has(plan, path):
        return True
    choices = plan.context.taxonomy_choices
    return plan.crosswalk is None and choices is not None and is_valid(SEPARATOR.join(path), choices)


def _alternatives(plan: Plan, prediction: FieldPrediction, path: CategoryPath | None) -> list[CategoryChoice]:
    """The model's other candidates, its best one first where the field does not show it."""
    best = (prediction.value, prediction.confidence or 0.0)
    candidates = [best, *((other.value, other.share) for other in prediction.others)]
    return [
        CategoryChoice(path=list(value), id=_id(plan, value), confidence=round(share, 4))
        for value, share in candidates
        if isinstance(value, tuple) and value != path and share >= LEAST_ALTERNATIVE
    ][:MAX_ALTERNATIVES]


def _has(plan: Plan, path: CategoryPath | None) -> bool:
    return path is not None and plan.taxonomy is not None and plan.taxonomy.find_path(path) is not None


def _id(plan: Plan, path: CategoryPath | None) -> str | None:
    return plan.taxonomy.id_of(path) if plan.taxonomy and path else None
