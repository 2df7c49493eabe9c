"""What the listing states about an attribute, as a prediction beside that of the model."""

from __future__ import annotations

from pathlib import Path

from pumgpt.extraction.extractor import StatedValue

CALIBRATION = Path(__file__).with_name("text_calibration.json")


def calibration_key(stated: StatedValue) -> str:
    return "closed" if stated.is_closed else "open"
