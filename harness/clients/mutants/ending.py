"""Clients that mistake an end: a connection's for the job's, a deadline of their own for the stream's, or see none."""

from collections.abc import Sequence
from contextlib import suppress

import httpx
import trio

from harness.clients.attempt import StreamAttempt
from harness.clients.callbacks import JobEvent, JobResults
from harness.clients.decisions import Decisions
from harness.clients.follower import JobFollower
from harness.clients.observer import AttemptReport
from harness.sse.events import Event, Wire
from harness.sse.reconnection import Input

DEADLINE = 10.0
"""Seconds that ``LimitsStreams`` gives a stream: a request's deadline in many an HTTP library, some have 30 or 300."""


IDLE = 20.0
"""Seconds from the end until ``FetchesResultsLate`` fetches the results."""

FAR = 0.9
"""The progress at which ``FetchesResultsEarly`` fetches them."""


class StopsAtEof(Decisions):
    """Takes the end of a connection in good order for the end of the job."""

    def meaning(self, report: AttemptReport) -> Input:
        """Stop there."""
        return Input.STOPPED if report.how == "eof" else super().meaning(report)


class DiesOfErrors(Decisions):
    """Lets an error of the connection end the loop that reads it."""

    def meaning(self, report: AttemptReport) -> Input:
        """Stop there."""
        return Input.STOPPED if report.how == "error" and report.opened else super().meaning(report)


class DropsNewest(Decisions):
    """Has no room in a full queue for any event, even the job's end."""

    def crowded_out(self, waiting: Sequence[JobEvent]) -> Sequence[JobEvent]:
        """Drop what comes."""
        room = self.policies.queue
        return () if room is None or len(waiting) <= room else [waiting[-1]]


class ClearsQueue(Decisions):
    """Has no use for what still waits when the job ends."""

    def crowded_out(self, waiting: Sequence[JobEvent]) -> Sequence[JobEvent]:
        """Drop it for the end."""
        return list(waiting)[:-1] if waiting[-1].terminal else super().crowded_out(waiting)


class LimitsStreams(JobFollower):
    """Ends each stream when it has been open for ``DEADLINE``, whatever it brings."""

    def alive(self, attempt: int) -> None:
        """Set the clock, too."""
        super().alive(attempt)
        if self._attempt is not None:
            self._tasks.start_soon(self._cut_in_time, self._attempt)

    async def _cut_in_time(self, attempt: StreamAttempt) -> None:
        await self._phone.sleep_until(attempt.report.opened_at + DEADLINE)
        attempt.cut("watchdog")


class ReconnectsAfterEnd(JobFollower):
    """Leaves the timer of a reconnection running when the job has ended."""

    async def _carry_on(self) -> None:
        await super()._carry_on()
        wait = self._policies.backoff_base / 2
        await self._phone.sleep_until(trio.current_time() + wait)
        self._feed.counts.attempts += 1
        late = AttemptReport(n=self._feed.counts.attempts)
        self._observer.attempt_began(late.n, "ended", wait, self._feed.session.last_event_id)
        await self._attempt_of(late, self._feed.session.last_event_id).run()


class FetchesResultsTwice(JobFollower):
    """Has two handlers for the end of the job."""

    async def _results(self) -> JobResults | None:
        await super()._results()
        return await super()._results()


class FetchesResultsLate(JobFollower):
    """Fetches the results when it has nothing better to do."""

    async def _results(self) -> JobResults | None:
        await self._phone.sleep_until(trio.current_time() + IDLE)
        return await super()._results()


class FetchesResultsEarly(JobFollower):
    """Asks for the results of a job that has come far, to have them when it ends."""

    _asked = False

    def take(self, report: AttemptReport, found: Wire) -> bool:
        """Ask for them, beside the stream."""
        over = super().take(report, found)
        if isinstance(found, Event) and not self._asked and _progress(found) >= FAR:
            self._asked = True
            self._tasks.start_soon(self._ask)
        return over

    async def _ask(self) -> None:
        with suppress(httpx.HTTPError):
            await self._requests.ask("GET", self._requests.path("results", self._job), large=True)


def _progress(event: Event) -> float:
    found = JobEvent(event.type, event.data).payload.get("progress")
    return float(found) if isinstance(found, int | float) else 0.0
