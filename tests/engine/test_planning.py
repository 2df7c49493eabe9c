from __future__ import annotations

from dataclasses import replace

from pumgpt.backends.fake import FakeBackend
from pumgpt.catalog.schema import AttributeSchema, AttributeSpec
from pumgpt.catalog.taxonomy import Taxonomy
from pumgpt.engine.calibration import Calibration, FieldCalibration
from pumgpt.engine.planning import fingerprint, make_plan
from pumgpt.engine.understand import Plan

PATHS = (("Apparel", "Shirts"), ("Apparel", "Shoes"))


def plan(ids: tuple[str | None, ...] = ("1", "2"), **changes: object) -> Plan:
    schema = AttributeSchema((AttributeSpec("colour", ("Blue", "Red")),))
    return make_plan(FakeBackend(), taxonomy=Taxonomy(PATHS, ids), schema=schema, **changes)  # type: ignore[arg-type]


def changed(other: Plan) -> list[str]:
    before, now = fingerprint(FakeBackend(), plan()), fingerprint(FakeBackend(), other)
    assert before.keys() == now.keys()
    return [name for name in now if before[name] != now[name]]


def test_a_fingerprint_names_what_is_asked_otherwise() -> None:
    fitted = Calibration(fields={"category": FieldCalibration(confidence=[(0.0, 0.1), (1.0, 0.8)])})
    refitted = Calibration(fields={"category": FieldCalibration(confidence=[(0.0, 0.1), (1.0, 0.9)])})
    assert changed(replace(plan(), calibration=fitted)) == ["calibration"]
    assert fingerprint(FakeBackend(), replace(plan(), calibration=fitted)) != fingerprint(
        FakeBackend(), replace(plan(), calibration=refitted)
    )
    assert changed(plan(ids=("1", "3"))) == ["taxonomy"]
    assert changed(plan(questions=["Is it warm?"])) == ["tasks", "questions"]
    assert changed(plan(precision=0.5)) == ["precision"]
    assert changed(plan(overwrite_values=True)) == ["setting of --overwrite-values"]


def test_evidence_is_no_other_question() -> None:
    assert changed(plan(evidence=True)) == []
