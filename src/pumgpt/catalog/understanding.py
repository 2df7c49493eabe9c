"""What comes out: what a model says of a product. `to_json` leaves out what wasn't asked."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Status = Literal["filled", "kept", "conflict", "abstained"]
"""`filled`: the model's value. `kept`: the shop's own value stands. `conflict`: the shop's value stands, and the model
sees another. `abstained`: it cannot be told; the value is null."""


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Evidence(_Record):
    """Where an answer comes from: the photo's number and, for `attention`, the map (rows x columns, adds up to 1)."""

    image: int
    kind: Literal["attention"] = "attention"
    grid: list[list[float]] | None = None


Source = Literal["photo", "photo and text", "text", "shop"]
"""What a field's value was taken from."""


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
    evidence: Evidence | None = None


class AttributeField(_Record):
    name: str
    value: str | list[str] | None
    confidence: float | None = None
    status: Status
    precision: float | None = None
    suggestion: str | None = None
    """What the model sees, where `status` is `conflict`."""
    evidence: Evidence | None = None


class AnswerField(_Record):
    question: str
    answer: str | None
    confidence: float | None = None
    status: Status
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

        Without `evidence` no field says where its answer comes from: attention maps are many times larger than the rest.
        """
        document = self.model_dump(mode="json", exclude=None if evidence else _EVIDENCE)
        for task in ("caption", "category", "attributes", "answers", "completion", "corrections"):
            if document[task] is None:
                del document[task]
        for field in (document.get("caption"), document.get("completion")):
            for optional in ("source", "composed"):
                if field and not field[optional]:
                    del field[optional]
        for field in [document.get("category"), *document.get("attributes", []), *document.get("answers", [])]:
            if field and field.get("evidence") is None:
                field.pop("evidence", None)
            if field and field.get("suggestion") is None:
                field.pop("suggestion", None)
            if field and field.get("precision") is None:
                field.pop("precision", None)
        return document


_EVIDENCE: Any = {
    "category": {"evidence"},
    "attributes": {"__all__": {"evidence"}},
    "answers": {"__all__": {"evidence"}},
}
