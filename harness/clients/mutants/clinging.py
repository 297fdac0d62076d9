"""Clients that cling: to a dial that hangs, to a request without an answer, to a stream of the old path, to polling."""

import math
from typing import Any, cast

from harness.clients.deadlines import Deadlines, Phase
from harness.clients.decisions import Decisions
from harness.clients.follower import JobFollower
from harness.clients.observer import AttemptReport
from harness.clients.requests import Requests
from harness.seams import Phone
from harness.sse.events import Wire
from harness.sse.policy import Policies
from harness.sse.reconnection import Output


class WaitsOutDial(Decisions):
    """Keeps a dial that hangs on a path that is gone."""

    def drops(self, phase: Phase) -> bool:
        """Drop nothing."""
        del phase
        return False


class WaitsOutAnswer(JobFollower):
    """Waits for the head of its stream for ever."""

    def __init__(self, job: str, *args: Any, requests: Requests, **more: Any) -> None:
        patient = _WaitsForAnswers(requests, more["phone"], more["decisions"].policies)
        super().__init__(job, *args, requests=cast("Requests", patient), **more)


class _WaitsForAnswers:
    """Requests whose streams bear any silence before their head."""

    def __init__(self, requests: Requests, phone: Phone, policies: Policies) -> None:
        self._requests = requests
        self._phone = phone
        self._policies = policies

    def __getattr__(self, name: str) -> Any:
        return getattr(self._requests, name)

    def deadlines(self) -> Deadlines:
        return _Unhurried(self._phone, self._policies)


class _Unhurried(Deadlines):
    def __init__(self, phone: Phone, policies: Policies) -> None:
        super().__init__(phone, policies)
        self._limits[Phase.ASKING] = math.inf


class NeverReturns(Decisions):
    """Stays with polling once it polls."""

    def leaves_polling(self, why: str) -> bool:
        """Poll on."""
        del why
        return False


class KeepsTwoStreams(JobFollower):
    """Opens one stream more at each reconnection, and on a new way keeps the old one too.

    What all of them bring is shown once, so that nothing of it is seen on the screen.
    """

    async def _try(self) -> Output:
        if self._last.n:
            self._tasks.start_soon(self._stream_beside)
        return await super()._try()

    def network_changed(self) -> None:
        """Leave the open stream where it is, and dial another beside it."""
        super().network_changed()
        if self._attempt is not None and self._last.bytes:
            self._tasks.start_soon(self._stream_beside)

    async def _stream_beside(self) -> None:
        self._feed.counts.attempts += 1
        report = AttemptReport(n=self._feed.counts.attempts)
        self._observer.attempt_began(report.n, "signal", 0.0, self._feed.session.last_event_id)
        await self._attempt_of(report, self._feed.session.last_event_id).run()

    def alive(self, attempt: int) -> None:
        """Heed the first stream only: the client is connected already."""
        if attempt == self._last.n:
            super().alive(attempt)

    def take(self, report: AttemptReport, found: Wire) -> bool:
        """Take from both."""
        if report is self._last:
            return super().take(report, found)
        if not self._feed.over and self._feed.intake.stream(report, found):
            self._ended_elsewhere()
        return self._feed.over

    async def settle(self, report: AttemptReport) -> bool:
        """Leave gaps to the first stream."""
        return await super().settle(report) if report is self._last else self._feed.over
