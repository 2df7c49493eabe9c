"""How long to wait before asking a server again: what it asks for, and our own schedule."""

from __future__ import annotations

import random
import re
import time
from datetime import UTC
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


def retry_after_s(header: str | None) -> float:
    """Seconds from now that a `Retry-After` header asks for, given as seconds or a date (RFC 9110, section 10.2.3).

    0 where it asks for no wait: it is absent, unreadable, zero, or a date in the past. A caller then waits by its own
    schedule, never less: servers send `Retry-After: 0` while they are still overloaded.
    """
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)  # more digits than a float holds are inf, which no caller waits for
    try:
        date = parsedate_to_datetime(text)
        # A date without a zone would be taken as local time; HTTP knows only GMT.
        moment = date if date.tzinfo else date.replace(tzinfo=UTC)
        return max(moment.timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0


def backoff_delay_s(attempt: int, first_s: float) -> float:
    """The pause after attempt 0, 1, 2, ...: doubling, and never the same for two clients that failed together."""
    return first_s * 2.0**attempt * random.uniform(0.5, 1.5)
