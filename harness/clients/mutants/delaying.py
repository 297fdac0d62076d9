"""Clients that have an event and keep it for a while."""

from collections import deque
from typing import Any

import trio

from harness.clients.follower import JobFollower
from harness.clients.observer import AttemptReport
from harness.sse.events import Event, Wire
from harness.sse.reconnection import Input

REST = 12.0
"""Seconds for which ``SitsOnConnection`` shows nothing of a new connection."""

LATE = 2.5
"""Seconds by which ``ShowsLate`` shows each event late."""


class Delaying(JobFollower):
    """Hands each event of a stream on when it is ``_due``, in order. What it knows of its stream it knows at once."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._kept: deque[tuple[float, AttemptReport, Wire]] = deque()

    def _due(self, report: AttemptReport) -> float:
        """Return the instant, of trio's clock, at which an event is handed on that came now."""
        raise NotImplementedError

    def take(self, report: AttemptReport, found: Wire) -> bool:
        """Keep an event until then."""
        if not isinstance(found, Event):
            return super().take(report, found)
        if report.events == 1:
            self._inform(Input.EVENT)
        if not self._kept:
            self._tasks.start_soon(self._let_go)
        self._kept.append((self._due(report), report, found))
        return self._feed.over

    async def _let_go(self) -> None:
        while self._kept and not self._feed.over:
            due, report, found = self._kept[0]
            await self._phone.sleep_until(due)
            if self._feed.intake.stream(report, found):
                self._ended_elsewhere()
            self._kept.popleft()


class SitsOnConnection(Delaying):
    """Shows nothing of a connection before it has been open for ``REST``."""

    def _due(self, report: AttemptReport) -> float:
        return max(trio.current_time(), report.opened_at + REST)


class ShowsLate(Delaying):
    """Shows each event ``LATE`` after it came."""

    def _due(self, report: AttemptReport) -> float:
        del report
        return trio.current_time() + LATE
