"""How long is waited before a server is asked again."""

from __future__ import annotations

import email.utils
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pumgpt.retries import backoff_delay_s, retry_after_s


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 7 ", 7.0),
        ("0.6", 0.6),
        ("9" * 400, math.inf),
        ("0", 0.0),
        ("-5", 0.0),
        ("nan", 0.0),
        ("inf", 0.0),
        ("soon", 0.0),
        ("", 0.0),
        (None, 0.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
        ("Sun, 99 Nov 1994 08:49:37 GMT", 0.0),
    ],
)
def test_what_a_header_asks_for(header: str | None, seconds: float) -> None:
    assert retry_after_s(header) == seconds


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000", ""])
def test_a_date_is_a_wait_from_now_in_utc(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the zone of this machine."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        date = email.utils.formatdate(time.time() + 100, usegmt=True).replace("GMT", zone).strip()
        assert retry_after_s(date) == pytest.approx(100, abs=2)
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.text(max_size=40))
def test_any_header_is_a_wait(header: str) -> None:
    assert retry_after_s(header) >= 0


def test_the_pause_doubles_and_is_tossed() -> None:
    for attempt in range(6):
        pauses = {backoff_delay_s(attempt, 0.5) for _ in range(50)}
        assert len(pauses) > 10
        assert all(0.25 * 2**attempt <= pause <= 0.75 * 2**attempt for pause in pauses)
