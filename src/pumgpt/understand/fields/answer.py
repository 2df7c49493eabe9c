"""The answer to a question that a user asked: from the field that it asks for, or from print on the product."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from pumgpt.catalog.question import CANNOT_TELL, Choices
from pumgpt.catalog.understanding import AnswerField, AttributeField, CategoryField, Understanding
from pumgpt.catalog.vocabulary.attribute_names import find_attribute
from pumgpt.catalog.vocabulary.schema import AttributeSpec
from pumgpt.catalog.vocabulary.sizes import find_sizes
from pumgpt.catalog.vocabulary.taxonomy import CategoryPath, split_path
from pumgpt.ocr.reader import EXTRA, Line, mean_confidence
from pumgpt.tasks.intents import CATEGORY, Intent, attribute_called, intents
from pumgpt.tasks.value_meaning import is_meant, word_forms
from pumgpt.understand.fields.attribute import attribute_field, has_attribute
from pumgpt.understand.fields.base import FieldContext, Reply, calibration_key, text_or_none
from pumgpt.understand.fields.category import category_field
from pumgpt.understand.judge import LEAST_CONFIDENCE, reconcile

BOTH = "both"
"""The answer to a choice between two where the product is either: what is unisex suits men and women."""
_LEAST_LETTERS = 2
"""Of a line of print. Readers see single letters in outlines: an L in a boot, a 1 in a dress."""

Field = AttributeField | CategoryField
Value = str | CategoryPath


def answer_field(context: FieldContext, intent: Intent, replies: Sequence[Reply], record: Understanding) -> AnswerField:
    """What the question asks for, from the first source that knows it; the model's own words only where it was asked for them.

    `replies` are all that the model said of the product, and `record` is what was made of them: a question about a field is
    answered by that field, so that no product has two colours.
    """
    known = (
        _denied_subject(intent, replies)
        or _field_answer(context, intent, replies, record)
        or _listed_answer(context, intent)
        or _print_answer(context, intent)
        or next((reply_field(context, reply) for reply in replies if _is_own_words(intent, reply)), None)
        or _abstained(intent, _reason(context, intent))
    )
    return known.model_copy(update={"asks_for": intent.attribute or intent.kind})


def reply_field(context: FieldContext, reply: Reply) -> AnswerField:
    """The model's own words."""
    decision = reconcile(None, context.predict(reply), overwrite=False)
    return AnswerField(
        question=reply.question.text,
        answer=text_or_none(decision.value),
        confidence=decision.confidence,
        status=decision.status,
        precision=decision.precision,
        evidence=context.evidence(reply.answer),
    )


def _is_own_words(intent: Intent, reply: Reply) -> bool:
    return (reply.question.task, reply.question.text) == ("question", intent.text)


def choice_of_sides(intent: Intent, reply: Reply) -> Reply:
    """The reply about an attribute as one about the values that a question names: 'yes' or 'no', or one of them.

    The shares of all values that say the same are added. A value that leaves it open counts for neither, so that little is
    left where the question can't be decided.
    """
    shares: defaultdict[str, float] = defaultdict(float)
    for text, share in reply.answer.ranked:
        value: Value = split_path(text) if intent.attribute == CATEGORY else text
        said = _say(intent, [value])
        if said is not None:
            shares[said] += share
    ranked = tuple(sorted(shares.items(), key=lambda pair: -pair[1]))
    choices = Choices(("yes", "no") if intent.kind == "yes or no" else (*intent.sides, BOTH))
    question = replace(reply.question, task="question", text=intent.text, choices=choices)
    return Reply(question, replace(reply.answer, text=ranked[0][0] if ranked else "", ranked=ranked))


def sides_key(intent: Intent) -> str:
    """The name of such an answer in a calibration."""
    return "question:yes-no" if intent.kind == "yes or no" else "question:choice"


def _field_answer(
    context: FieldContext, intent: Intent, replies: Sequence[Reply], record: Understanding
) -> AnswerField | None:
    """From the field that the question asks about; None where neither the record nor the model has it."""
    if intent.kind not in ("attribute", "yes or no", "choice"):
        return None
    found = _find_field(context, intent, replies, record)
    if found is None:
        return None
    field, reply = found
    # What the model saw tells more about sides than the one value that it settled on; what is stated tells no more.
    is_seen = field.status not in ("kept", "conflict") and field.source != "text"
    if intent.kind != "attribute" and is_seen and reply is not None and reply.answer.ranked:
        return _answer_of_sides(context, intent, reply)
    said = _say(intent, _values_of(field))
    return AnswerField(
        question=intent.text,
        answer=said,
        confidence=field.confidence,
        status="abstained" if said is None else field.status,
        precision=field.precision if intent.kind == "attribute" else None,
        source=None if said is None else field.source,
        reason=_unsure(field.confidence) if said is None else None,
        evidence=field.evidence,
    )


def _find_field(
    context: FieldContext, intent: Intent, replies: Sequence[Reply], record: Understanding
) -> tuple[Field, Reply | None] | None:
    """The field of the record, or what would be it if it had been asked for; and the model's reply."""
    if intent.attribute == CATEGORY:
        reply = next((reply for reply in replies if reply.question.task == "category"), None)
        if record.category is not None:
            return record.category, reply
        about = [one for one in replies if one.question.task == "attribute_qa"]
        return (category_field(context, reply, about), reply) if reply else None
    asked = context.plan.questions.attribute_of(intent)
    mine = (one for one in replies if one.question.task == "attribute_qa" and asked is not None)
    reply = next((one for one in mine if asked and one.question.field == asked.name), None)
    match = context.plan.matches.get(reply.question.choices) if reply and reply.question.choices else None
    name = attribute_called(match.shop) if match else intent.attribute
    field = next((one for one in record.attributes or () if attribute_called(one.name) == name), None)
    # What the record leaves out, as products of this kind don't have it, is no answer either.
    if field is None and (reply is None or has_attribute(context, reply.question.field or "")):
        path = record.category.path if record.category else None
        field = attribute_field(context, reply, tuple(path) if path else None) if reply else None
    # A specialist that was asked for a brand names the one that it saw most often.
    is_guess = intent.attribute in intents().told and context.plan.questions.is_specialist
    if field is None or (is_guess and field.source not in ("shop", "text")):
        return None
    return field, reply


def _answer_of_sides(context: FieldContext, intent: Intent, reply: Reply) -> AnswerField:
    sided = choice_of_sides(intent, reply)
    # Without a calibration of its own, that of the attribute's value is the nearest.
    measured = sides_key(intent) in context.plan.calibration.fields
    key = sides_key(intent) if measured else calibration_key(reply)
    prediction = context.judge.judge(key, *sided) if sided.answer.ranked else None
    if prediction is None or not prediction.sure:
        confidence = prediction.confidence if prediction else None
        return _abstained(intent, _unsure(confidence), confidence)
    if _is_disputed(context, intent, str(prediction.value)):
        return _abstained(intent, "photo and listing say different things", prediction.confidence)
    return AnswerField(
        question=intent.text,
        answer=text_or_none(prediction.value),
        confidence=prediction.confidence,
        status="filled",
        precision=prediction.precision,
        source=context.model_source,
        evidence=context.evidence(reply.answer),
    )


def _is_disputed(context: FieldContext, intent: Intent, answer: str) -> bool:
    """Whether the listing states a value that answers otherwise."""
    stated = context.statements.read(_spec(context, intent)) if intent.attribute != CATEGORY else None
    if stated is None or (stated.prediction.confidence or 0) < LEAST_CONFIDENCE:
        return False
    return _say(intent, [str(stated.prediction.value)]) not in (answer, None)


def _listed_answer(context: FieldContext, intent: Intent) -> AnswerField | None:
    """From what the shop lists or the listing states, where the model isn't asked for it: a weight, a material, a brand."""
    if intent.attribute is None or intent.attribute == CATEGORY:
        return None
    attributes = {attribute_called(name): value for name, value in (context.product.attributes or {}).items()}
    own = find_attribute(attributes, intent.attribute)
    said = None if own is None else _say(intent, [own] if isinstance(own, str) else own)
    if said is not None:
        return AnswerField(question=intent.text, answer=said, status="kept", source="shop")
    # 'unseen' names what questions are about, which is mostly no attribute that a text has values of.
    stated = None if intent.kind in ("unseen", "print") else context.statements.read(_spec(context, intent))
    if stated is None or not stated.prediction.sure or stated.remark is not None:
        return None
    said = _say(intent, [str(stated.prediction.value)])
    if said is None:
        return None
    return AnswerField(
        question=intent.text,
        answer=said,
        confidence=stated.prediction.confidence,
        status="filled",
        precision=stated.prediction.precision if intent.kind == "attribute" else None,
        source="text",
        evidence=context.evidence_of(stated),
    )


def _spec(context: FieldContext, intent: Intent) -> AttributeSpec:
    """The attribute as the shop's schema, else the model's, has it; open where neither does."""
    schemas = (context.plan.schema, context.plan.own_schema)
    specs = (spec for schema in schemas if schema for spec in schema.attributes)
    found = next((spec for spec in specs if attribute_called(spec.name) == intent.attribute), None)
    return found or AttributeSpec(intent.attribute or "")


def _print_answer(context: FieldContext, intent: Intent) -> AnswerField | None:
    """From print on the product: the print itself, a size, or one of the brands that the schema lists."""
    if intent.kind != "print" and not (intent.kind == "attribute" and intent.attribute in intents().told):
        return None
    if context.print_lines is None:
        hint = f"what is printed on the product is read with pip install 'pumgpt[{EXTRA}]'"
        return (
            None
            if not context.plan.questions.is_specialist
            else _abstained(intent, _suspected(context, intent) or hint)
        )
    legible = [line for line in context.print_lines if len("".join(word_forms(line.text))) >= _LEAST_LETTERS]
    lines = [line for line in legible if line.confidence >= context.plan.precision]
    answer, used = _read(context, intent, lines)
    if answer is not None:
        confidence = round(mean_confidence(used), 4)
        return AnswerField(question=intent.text, answer=answer, confidence=confidence, status="filled", source="photo")
    if not context.plan.questions.is_specialist:
        return None  # it may be able to read what the reader can't
    return _abstained(intent, _suspected(context, intent) or _unread(intent, lines, is_unclear=bool(legible)))


def _read(context: FieldContext, intent: Intent, lines: Sequence[Line]) -> tuple[str | None, Sequence[Line]]:
    """What the lines say about it, and which of them."""
    if intent.attribute is None:
        return " | ".join(line.text for line in lines) or None, lines
    for line in lines:
        if intent.attribute == "size":
            found = [line.text[start:end] for _, start, end in find_sizes(line.text)]
        else:
            found = [value for value in _spec(context, intent).values or () if _contains(line.text, value)]
        if found:
            return found[0], [line]
    return None, ()


def _contains(text: str, value: str) -> bool:
    forms, wanted = word_forms(text), word_forms(value)
    return any(forms[start : start + len(wanted)] == wanted for start in range(len(forms)))


def _denied_subject(intent: Intent, replies: Sequence[Reply]) -> AnswerField | None:
    """'What colour is the belt?' of what is no belt has no answer."""
    if intent.subject is None:
        return None
    # The model's own category: the shop's may be in another language.
    reply = next((reply for reply in replies if reply.question.task == "category"), None)
    path = split_path(reply.answer.text) if reply and reply.answer.text != CANNOT_TELL else None
    if not path or is_meant(CATEGORY, intent.subject, path) is not False:
        return None
    return _abstained(intent, f"it is taken for {path[-1]}, not for '{intent.subject}'")


def _say(intent: Intent, values: Sequence[Value]) -> str | None:
    """What these values of a product say to the question; None where they don't decide it."""
    if intent.kind not in ("yes or no", "choice"):
        return ", ".join(value if isinstance(value, str) else value[-1] for value in values) or None
    meant = {side: [is_meant(intent.attribute or "", side, value) for value in values] for side in intent.sides}
    fitting = [side for side, verdicts in meant.items() if True in verdicts]
    if intent.kind == "yes or no":
        is_denied = bool(values) and all(verdict is False for verdicts in meant.values() for verdict in verdicts)
        return "yes" if fitting else "no" if is_denied else None
    if len(fitting) == 1:
        return fitting[0]
    return BOTH if len(fitting) == len(intent.sides) == 2 else None


def _values_of(field: Field) -> list[Value]:
    if isinstance(field, CategoryField):
        return [tuple(field.path)] if field.path else []
    value = field.value
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _abstained(intent: Intent, reason: str | None, confidence: float | None = None) -> AnswerField:
    return AnswerField(question=intent.text, answer=None, confidence=confidence, status="abstained", reason=reason)


def _unsure(confidence: float | None) -> str:
    return "neither photo nor text shows it" if not confidence else "not sure enough for the precision asked"


def _suspected(context: FieldContext, intent: Intent) -> str | None:
    """What the listing seems to state, where that is too unsure to be an answer."""
    stated = context.statements.read(_spec(context, intent)) if intent.attribute else None
    if stated is None or stated.quote is None or (stated.prediction.confidence or 0) < LEAST_CONFIDENCE:
        return None
    return f"perhaps '{stated.quote.words}', as the {stated.quote.part} says, but that isn't sure enough"


def _unread(intent: Intent, lines: Sequence[Line], *, is_unclear: bool) -> str:
    if not lines:
        return "its print can't be read surely" if is_unclear else "no print was found on it"
    text = " | ".join(line.text for line in lines)
    return f'nothing names its {intent.attribute}; its print reads "{text[:80]}"'


def _reason(context: FieldContext, intent: Intent) -> str:
    asked = context.plan.questions.attribute_of(intent)
    if asked is not None and not has_attribute(context, asked.name):
        return f"products of this kind have no {intent.attribute}"
    match intent.kind:
        case "unseen":
            return f"no photo shows it: {intent.attribute}"
        case "count":
            return "the model doesn't count"
        case "open":
            return "the question asks for nothing that the model's answers were measured on"
        case _:
            return f"the model doesn't know {intent.attribute}, and the listing doesn't state it"
