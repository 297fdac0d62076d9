"""Clients that ask for too much, or for the wrong thing: what they ask leaves its traces at the gate alone."""

import trio

from harness.clients.attempt import StreamAttempt
from harness.clients.callbacks import JobOutcome, JobResults
from harness.clients.deadlines import Phase
from harness.clients.decisions import Decisions
from harness.clients.follower import JobFollower
from harness.clients.observer import AttemptReport
from harness.sse.session import Session

EVERY = 1.0
"""Seconds between the polls of ``PollsBesideStream``."""

IDLE = 3.0
"""Seconds for which ``StartsLate`` and ``SettlesLate`` do nothing."""


class KeepsRefusedCursor(Decisions):
    """Asks with the refused cursor again, and lives on refusals and snapshots."""

    _cursor = ""

    def resume_id(self, session: Session, last: AttemptReport) -> str:
        """Resume after what was sent before a refusal."""
        if last.status not in (409, 410):
            self._cursor = super().resume_id(session, last)
        return self._cursor


class CutsAtJoin(Decisions):
    """Drops its connection for a new way, even a stream that lives."""

    def drops(self, phase: Phase) -> bool:
        """Drop it."""
        del phase
        return True


class PollsBesideStream(JobFollower):
    """Goes on polling each second beside a stream that lives, and shows what is news."""

    def alive(self, attempt: int) -> None:
        """Begin to poll beside it."""
        super().alive(attempt)
        if self._attempt is not None:
            self._tasks.start_soon(self._ask_beside, self._attempt)

    async def _ask_beside(self, attempt: StreamAttempt) -> None:
        while self._attempt is attempt and not self._feed.over:
            await self._phone.sleep_until(trio.current_time() + EVERY)
            await self._feed.poller.ask()


class StartsTwice(JobFollower):
    """Starts its job a second time, as a form that was sent twice does, and follows the first."""

    async def run(self) -> JobOutcome:
        """Start another, then follow."""
        await self._requests.ask("POST", self._requests.path("start"), b"{}")
        return await super().run()


class StartsLate(JobFollower):
    """Leaves the job that it started alone for a while."""

    async def run(self) -> JobOutcome:
        """Wait, then follow."""
        await self._phone.sleep_until(trio.current_time() + IDLE)
        return await super().run()


class SettlesLate(JobFollower):
    """Leaves a gap in its stream alone for a while."""

    async def settle(self, report: AttemptReport) -> bool:
        """Wait, then ask for the status."""
        await self._phone.sleep_until(trio.current_time() + IDLE)
        return await super().settle(report)


class AsksOnce(JobFollower):
    """Asks once for the status that covers a gap in its stream, and never again where that was in vain."""

    async def settle(self, report: AttemptReport) -> bool:
        """Ask, and go on whatever the answer."""
        fresh = report.fresh
        over = await self._feed.settle(report)
        self._inform_of(report, fresh)
        return over


class LeavesSockets(JobFollower):
    """Opens a connection at each poll that it never uses, and closes all of them at the exit."""

    def _polled(self, trouble: str) -> None:
        super()._polled(trouble)
        self._tasks.start_soon(self._hold_idle)

    async def _hold_idle(self) -> None:
        try:
            stream = await self._phone.connect("idle", 80)
        except OSError:
            return
        try:
            await trio.sleep_forever()
        finally:
            stream.close()


class FetchesResultsThrice(JobFollower):
    """Fetches the results whole, and whole, and whole."""

    async def _results(self) -> JobResults | None:
        await super()._results()
        await super()._results()
        return await super()._results()
