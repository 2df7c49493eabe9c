"""Manners towards a host: few connections at once, waiting when it asks for it, and leaving it alone when it is down."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """What fetching may cost, us and the hosts."""

    max_bytes: int = 50_000_000
    connect_s: float = 10.0
    """For one address; a host may have several."""
    read_s: float = 15.0
    """Between two pieces of an answer."""
    total_s: float = 60.0
    """For one attempt as a whole, however steadily it drips."""
    attempts: int = 3
    backoff_s: float = 0.5
    """The first pause; it doubles with each attempt."""
    max_wait_s: float = 60.0
    """A host that asks us (`Retry-After`) to wait longer is not waited for."""
    max_redirects: int = 5
    connections: int = 16
    connections_per_host: int = 4
    unanswered_requests: int = 12
    """So many requests in a row that a host did not answer at all, whatever their URLs, and it isn't asked again in this
    run. Four at a time, a host that accepts connections and never answers costs three times `read_s`.
    """
    fresh_s: float = 86_400.0
    """A photo that was fetched so lately is not asked for again."""


@dataclass
class Host:
    """What we know of one host in this run. Lives in one event loop."""

    slots: asyncio.Semaphore
    unanswered: int = 0
    """Requests in a row that got no answer."""
    ready_at: float = 0.0
    """Not to be asked before, in `time.monotonic` seconds: it said so (`Retry-After`)."""

    def hold_off(self, seconds: float) -> None:
        self.ready_at = max(self.ready_at, time.monotonic() + seconds)

    async def until_ready(self) -> None:
        while (left := self.ready_at - time.monotonic()) > 0:
            await asyncio.sleep(left)
