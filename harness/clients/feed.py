"""The feed of the app: the stream's events and the poller's snapshots, through one intake, to one dispatcher."""

import math
from collections.abc import Callable

import trio

from harness.clients.callbacks import Callbacks, JobCounts, JobEvent, JobOutcome, JobResults
from harness.clients.decisions import Decisions
from harness.clients.dispatcher import CallbackErrors, Dispatcher
from harness.clients.intake import Intake
from harness.clients.observer import AttemptReport, Observer
from harness.clients.poller import Poller
from harness.clients.requests import Requests
from harness.seams import Phone
from harness.sse.session import Session

_MEANWHILE, _AT_THE_END = (8.0, 0.5), (10.0, 0.9)
"""Seconds for which a stream may wait for the snapshot that covers a gap in it, and the share of the watchdog's time.

At the job's end it is the last time that the client asks.
"""


class EventFeed:
    """The two sources of one job's events, and where they meet.

    ``heard`` is called after each snapshot of a poller that runs, as ``Poller`` says. ``unsettled``: there is a gap in
    the stream, and nothing more of it may be taken before ``settle``.
    """

    def __init__(
        self,
        job: str,
        callbacks: Callbacks,
        *,
        requests: Requests,
        decisions: Decisions,
        phone: Phone,
        observer: Observer,
        errors: CallbackErrors,
        heard: Callable[[str], None],
    ) -> None:
        self._job = job
        self._requests = requests
        policies = self._policies = decisions.policies
        self.counts = JobCounts()
        self.session = Session()
        self.dispatcher = Dispatcher(callbacks, decisions=decisions, observer=observer, errors=errors)
        self.intake = Intake(
            session=self.session,
            dispatcher=self.dispatcher,
            observer=observer,
            on_gap=self._gap_in_stream,
            on_end=self._end_in_stream,
            cursor=decisions.cursor(),
            window=policies.reorder_window,
            phone=phone,
        )
        self.poller = Poller(
            job,
            requests=requests,
            intake=self.intake,
            policies=policies,
            phone=phone,
            observer=observer,
            counts=self.counts,
            heard=heard,
        )
        self.unsettled = False
        self._gap_after = -1  # as many fresh events of the stream had come when the app was last told of a gap

    @property
    def terminal(self) -> JobEvent | None:
        """The event that ended the job, once there was one."""
        return self.intake.terminal

    @property
    def over(self) -> bool:
        """True if there is nothing to wait for: the job has ended, or its status was refused for good."""
        return self.terminal is not None or bool(self.poller.stopped)

    def gap(self, reason: str, *, refused: bool = False) -> bool:
        """Tell the app, once, that events are missing for good; False where it was told.

        ``refused``: that is so since the server does not know the cursor. As long as the stream brings nothing, a
        cursor that is refused again is the same gap, be it a snapshot's: until then the app sees snapshots alone.
        """
        if refused and self._stands_still:
            return False
        surfaced = self.poller.surface(reason)
        if surfaced:
            self._gap_after = self.intake.fresh
            self.dispatcher.offer(JobEvent("gap", reason))
        return surfaced

    async def settle(self, report: AttemptReport) -> bool:
        """Show a snapshot before the stream goes on, if there is one to be had soon. True once the job has ended."""
        seconds, share = _AT_THE_END if self.intake.ending else _MEANWHILE
        timeout = min(seconds, (self._policies.watchdog or math.inf) * share)
        with trio.move_on_after(timeout):
            await self.poller.ask(timeout=timeout)
        self.unsettled = False
        return self.intake.resume(report)

    def close(self, error: str) -> None:
        """Take in that nothing more is to come; where the job has not ended, tell the app the error."""
        self.poller.close()
        if self.terminal is None:
            self.dispatcher.offer(JobEvent("error", error))
        self.dispatcher.finish()

    def outcome(self, results: JobResults | None, error: str) -> JobOutcome:
        """Sum up; an ``error`` is how it ended where the job did not."""
        terminal = self.terminal
        self.counts.events = self.dispatcher.shown
        self.counts.absorbed = self.intake.absorbed + self.dispatcher.coalesced
        self.counts.refreshes = self._requests.refreshes
        return JobOutcome(
            job=self._job,
            ended=terminal.callback if terminal is not None else "error" if error else "closed",
            event=terminal,
            results=results,
            error=error,
            counts=self.counts,
        )

    @property
    def _stands_still(self) -> bool:
        """True if the stream has brought nothing since the app was told of a gap."""
        return self._gap_after == self.intake.fresh

    def _gap_in_stream(self, reason: str, refused: bool) -> bool:
        again = refused and self._stands_still and not self.poller.gap
        self.unsettled = self.gap(reason, refused=refused) or again
        return self.unsettled

    def _end_in_stream(self) -> bool:
        # A gap that its own wait did not settle is given one more: after the end no snapshot is taken.
        self.unsettled = bool(self.poller.gap)
        return self.unsettled
