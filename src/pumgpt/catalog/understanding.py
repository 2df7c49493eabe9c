"""What comes out: what a model says of a product. `to_json` leaves out what wasn't asked."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Status = Literal["filled", "kept", "conflict", "abstained"]
"""`filled`: the model's value. `kept`: the shop's own value stands. `conflict`: the shop's value stands, and the model
sees another. `abstained`: it cannot be told; the value is null."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


EvidenceKind = Literal["occlusion", "attention"]
"""`occlusion`: by how much the share of the model's answer among all choices falls while a cell of the photo is covered,
0..1; what lies within the noise is 0. `attention`: where the model looked; adds up to 1, and doesn't say why it answered."""

Source = Literal["photo", "photo and text", "text", "shop"]
"""What a value was taken from."""


class Evidence(_Record):
    """Where an answer comes from: the photo's number and a map of it (rows x columns), of its `kind`'s values; for `text` the
    quoted words. Where both say the same, a map has the words beside it.
    """

    image: int | None = None
    kind: EvidenceKind | Literal["text"] = "attention"
    grid: list[list[float]] | None = None
    text: str | None = None
    """The words of the listing."""
    part: Literal["title", "description"] | None = None


class CaptionField(_Record):
    """A text about the product. Of one that isn't given `confidence` is that of the model's own words."""

    text: str | None
    confidence: float | None = None
    status: Literal["filled", "abstained"]
    source: Source | None = None
    composed: bool = False
    """Whether it was put together from the record's fields, since nothing vouches for the model's own words."""

    @model_validator(mode="before")
    @classmethod
    def _status_of_text(cls, document: Any) -> Any:
        # Records of earlier versions have no status.
        if isinstance(document, dict) and "status" not in document:
            return {**document, "status": "abstained" if document.get("text") is None else "filled"}
        return document


class CategoryChoice(_Record):
    path: list[str]
    id: str | None = None
    confidence: float


class CategoryField(_Record):
    path: list[str] | None
    id: str | None = None
    confidence: float | None = None
    status: Status
    precision: float | None = None
    """Of a filled field, here and below: the share of such fields, filled as surely as asked, that were right on
    validation. None where that was not measured."""
    suggestion: list[str] | None = None
    """The model's path, where `status` is `conflict`."""
    alternatives: list[CategoryChoice] = []
    source: Source | None = None
    evidence: Evidence | None = None


class AttributeField(_Record):
    name: str
    value: str | list[str] | None
    confidence: float | None = None
    status: Status
    precision: float | None = None
    suggestion: str | None = None
    """What the model sees, where `status` is `conflict`."""
    reason: str | None = None
    """Why no photo can show it, where `status` is `abstained`."""
    source: Source | None = None
    evidence: Evidence | None = None


class AnswerField(_Record):
    question: str
    answer: str | None
    confidence: float | None = None
    status: Status
    asks_for: str | None = None
    """What the question was taken to ask for: an attribute's name, 'category', 'print', 'count', what no photo shows."""
    source: Source | None = None
    reason: str | None = None
    """Why there is no answer, where `status` is `abstained`."""
    precision: float | None = None
    evidence: Evidence | None = None


class CorrectionField(_Record):
    name: str
    listed: str
    verdict: Literal["right", "wrong", "cannot be inferred"]
    value: str | None = None
    confidence: float | None = None


class ModelInfo(_Record):
    name: str
    revision: str


class Understanding(_Record):
    """All that was asked about one product. A task that wasn't asked is None here and absent in JSON."""

    id: str
    caption: CaptionField | None = None
    category: CategoryField | None = None
    attributes: list[AttributeField] | None = None
    answers: list[AnswerField] | None = None
    completion: CaptionField | None = None
    corrections: list[CorrectionField] | None = None
    model: ModelInfo
    warnings: list[str] = Field(default_factory=list)

    def to_json(self, *, evidence: bool = True) -> dict[str, Any]:
        """The JSON document: tasks that weren't asked are absent, null values of asked ones stay.

        Without `evidence` fields have no maps, which are many times larger than the rest; the words of a text stay.
        """
        document = self.model_dump(mode="json")
        for task in ("caption", "category", "attributes", "answers", "completion", "corrections"):
            if document[task] is None:
                del document[task]
        for field in (document.get("caption"), document.get("completion")):
            for optional in ("source", "composed"):
                if field and not field[optional]:
                    del field[optional]
        for field in [document.get("category"), *document.get("attributes", []), *document.get("answers", [])]:
            if field:
                field["evidence"] = _evidence(field["evidence"], maps=evidence)
                for key in ("evidence", "suggestion", "precision", "source", "asks_for", "reason"):
                    if field.get(key) is None:
                        field.pop(key, None)
        return document


def _evidence(document: dict[str, Any] | None, *, maps: bool) -> dict[str, Any] | None:
    """What is shown of a field's evidence; None where that is nothing."""
    if document is None or (not maps and document["text"] is None):
        return None
    if not maps:
        document = {**document, "image": None, "kind": "text", "grid": None}
    optional = ("image", "grid", "text", "part") if document["kind"] == "text" else ("text", "part")
    return {key: value for key, value in document.items() if key not in optional or value is not None}
