"""Follows one job to its end: carries out what the reconnection table says, and tells it what happened.

The table (``harness.sse.reconnection``) decides; this shell dials, waits, polls and closes. At most one attempt is
under way at any time. Polling goes on beside an attempt until that attempt has given evidence, its first byte; from
there on only the stream feeds the app.
"""

import math
from functools import partial

import trio

from harness.clients.attempt import StreamAttempt
from harness.clients.callbacks import Callbacks, JobOutcome, JobResults
from harness.clients.decisions import Decisions
from harness.clients.dispatcher import CallbackErrors
from harness.clients.feed import EventFeed
from harness.clients.observer import AttemptReport, Observer
from harness.clients.pause import Draws, Pause
from harness.clients.requests import NoToken, Requests
from harness.clients.results import fetch_results
from harness.clients.signals import listen
from harness.seams import Phone
from harness.sse.events import Event, Retry, Wire
from harness.sse.reconnection import Connect, Input, Output, Poll, ReadyState, Reconnection, Stop, Wait
from harness.sse.response import Meaning, ResponseVerdict

_RENEWAL = 1.0
"""Seconds that a cursor may age between the snapshot it came from and the dial."""


class JobFollower:
    """One job, followed once: ``run`` to its end, or until ``scope`` is cancelled. Never raises for the network.

    It is its attempts' ``Sink``: they call ``alive``, ``take`` and ``settle`` from within.
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
        draws: Draws,
    ) -> None:
        self._job = job
        self._requests = requests
        self._decisions = decisions
        self._policies = decisions.policies
        self._phone = phone
        self._observer = observer
        self._draws = draws
        self._undrawn = draws(0)  # for inputs that no wait follows
        self._pause = Pause(phone)
        self.scope = trio.CancelScope()
        self._feed = EventFeed(
            job,
            callbacks,
            requests=requests,
            decisions=decisions,
            phone=phone,
            observer=observer,
            errors=errors,
            heard=self._polled,
        )
        self._attempt: StreamAttempt | None = None
        self._last = AttemptReport(n=0)
        self._ended_at = 0.0
        self._put_off: float | None = None  # seconds since then that the server asked to wait, by a Retry-After
        self._cause = "start"
        self._word = ""
        self._refreshed = False
        self._error = ""

    async def run(self) -> JobOutcome:
        """Follow the job to its end; a cancelled ``scope`` is the outcome ``closed``."""
        results: JobResults | None = None
        self._ended_at = trio.current_time()
        self._machine = Reconnection(self._policies, now=self._ended_at)
        try:
            with self.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._feed.dispatcher.run)
                    async with trio.open_nursery() as self._tasks:
                        self._tasks.start_soon(
                            partial(
                                listen,
                                self._phone,
                                self._policies,
                                network_changed=self.network_changed,
                                resumed=self.resumed,
                            )
                        )
                        if self._feed.intake.reordering is not None:
                            self._tasks.start_soon(self._feed.intake.reordering.run)
                        await self._carry_on()
                        results = await self._results()
                        self._tasks.cancel_scope.cancel()
        finally:
            self._say("closed")
        return self._feed.outcome(results, self._error)

    async def _carry_on(self) -> None:
        """Do what the table says until it says stop."""
        output: Output = Connect()
        while not isinstance(output, Stop):
            match output:
                case Wait(seconds):
                    output = await self._wait(seconds)
                case Poll(retry_stream):
                    output = await self._wait_polling(retry_stream)
                case _:
                    output = await self._try()
        self._say("closed")
        self._error = "" if self._feed.terminal is not None else output.reason
        self._feed.close(self._error)

    async def _try(self) -> Output:
        """Make one attempt, and report its end to the table."""
        self._feed.counts.attempts += 1
        n = self._feed.counts.attempts
        if not self._feed.poller.running:
            self._say("connecting" if n == 1 else "reconnecting", n)
        wait = trio.current_time() - self._ended_at
        cursor = self._decisions.resume_id(self._feed.session, self._last)
        self._observer.attempt_began(n, self._cause, wait, cursor)
        self._pause.forget()
        self._last = AttemptReport(n=n)
        self._attempt = self._attempt_of(self._last, cursor)
        await self._attempt.run()
        attempt, self._attempt = self._attempt, None
        self._ended_at = trio.current_time()
        self._put_off = self._last.retry_after
        self._feed.counts.connections += self._last.status == 200
        if self._last.status != 401:  # where no answer came, the new token is by the next one an old one
            self._refreshed = False
        return await self._conclude(attempt)

    def _attempt_of(self, report: AttemptReport, cursor: str) -> StreamAttempt:
        return StreamAttempt(
            report,
            requests=self._requests,
            path=self._requests.path("stream", self._job),
            decisions=self._decisions,
            session=self._feed.session,
            cursor=cursor,
            token_refreshed=self._refreshed,
            sink=self,
            observer=self._observer,
            fallback_due=None if self._feed.poller.running else self._machine.fallback_deadline,
        )

    async def _conclude(self, attempt: StreamAttempt) -> Output:
        report = attempt.report
        if report.how not in ("done", "closed") and not self._feed.poller.running:
            self._say("reconnecting")
        if report.how in ("status", "wrong-type") and attempt.verdict is not None:
            return await self._answered(attempt, attempt.verdict)
        if report.how == "signal":
            self._cause = "signal"
            # A new way cuts no open stream; waking does.
            return self._next(Input.RESUMED if self._machine.state is ReadyState.OPEN else Input.SIGNAL)
        return self._next(self._decisions.meaning(report))

    async def _answered(self, attempt: StreamAttempt, verdict: ResponseVerdict) -> Output:
        """Deal with an answer that is no event stream."""
        status = attempt.report.status
        match verdict.meaning:
            case Meaning.REFRESH_TOKEN:
                return await self._refresh(attempt.authorization)
            case Meaning.SNAPSHOT:
                self._feed.gap(str(status), refused=True)
                await self._feed.poller.ask_once(adopt=True)
            case Meaning.STOP if status == 401 and self._requests.token_lapsed:
                self._refreshed = False
            case Meaning.STOP:
                if status == 204:  # the server's way to say stop: the status decides what became of the job
                    self._feed.poller.stop()
                    await self._feed.poller.ask_once(timeout=math.inf)
                return self._next(Input.STOPPED, reason=f"the stream was refused: {verdict.reason}")
        return self._next(Input.REFUSED)

    async def _refresh(self, used: str) -> Output:
        try:
            renewed = await self._requests.refresh(used)
        except NoToken:
            left = self._requests.put_off(self._requests.path("token"))
            self._put_off = None if left is None else left + trio.current_time() - self._ended_at
            return self._next(Input.REFUSED)
        if not renewed:
            return self._next(Input.STOPPED, reason="the stream was refused: status 401, and no new token was given")
        self._refreshed = True
        self._cause = "refreshed"
        return self._next(Input.TOKEN_REFRESHED)

    async def _wait(self, seconds: float) -> Output:
        """Wait for the next attempt, or until polling is due because the last ones reached the server in vain."""
        due = self._ended_at + seconds
        fallback = self._machine.fallback_deadline
        until = due if fallback is None or self._feed.poller.running or not self._last.spoke else min(due, fallback)
        if self._last.status in (409, 410) and until == due:
            await self._renew_cursor(due)
        if await self._pause.until(until) == "signal":
            self._cause = "signal"
            return self._next(Input.SIGNAL)
        if until < due:
            return self._next(Input.FALLBACK)
        self._cause = self._cause_of_timer()
        return self._next(Input.TIMER_DUE)

    async def _renew_cursor(self, due: float) -> None:
        """Ask again shortly before the dial: the cursor of the snapshot that replaced the refused one has aged.

        A log that is short for the rate of its events would refuse that one too, and so on for ever.
        """
        start = due - _RENEWAL
        if self._feed.poller.running or start < self._ended_at + _RENEWAL:
            return
        if why := await self._pause.until(start):
            self._pause.wake(why)
            return
        with trio.move_on_at(due):
            await self._feed.poller.ask(adopt=True)

    def _cause_of_timer(self) -> str:
        if self._policies.heed_retry_after(self._put_off) is not None:
            return "retry-after"
        if self._machine.backoff.retry is not None:
            return "server-retry"
        return "ended" if self._last.how == "eof" else "failed"

    async def _wait_polling(self, retry_stream: float) -> Output:
        if not self._feed.poller.running:
            self._say("polling")
            self._tasks.start_soon(self._feed.poller.run)
        due = trio.current_time() + retry_stream
        why = await self._pause.until(due)
        while not (self._feed.over or self._leaves_polling(why)):
            due = due if why else trio.current_time() + retry_stream
            why = await self._pause.until(due)
        self._cause = "signal" if why == "signal" else "probe"
        return self._next({"signal": Input.SIGNAL, "poll failed": Input.POLL_FAILED}.get(why, Input.TIMER_DUE))

    def _leaves_polling(self, why: str) -> bool:
        """Return whether the stream is tried now. A failed poll does not try it before a ``Retry-After`` is over."""
        seconds = self._policies.heed_retry_after(self._put_off) or 0.0
        if why == "poll failed" and trio.current_time() < self._ended_at + seconds:
            return False
        return self._decisions.leaves_polling(why)

    def _next(self, what: Input, reason: str = "") -> Output:
        """Advance the table; the job's end, from whichever source, comes before anything else."""
        if self._feed.terminal is not None:
            what = Input.TERMINAL
        elif self._feed.poller.stopped:
            what, reason = Input.STOPPED, self._feed.poller.stopped
        return self._machine.take(
            what,
            now=trio.current_time(),
            rng=self._draws(self._last.n),
            retry_after=self._put_off if what is Input.REFUSED else None,
            reason=reason,
        )

    def alive(self, attempt: int) -> None:
        """The first byte of a stream: from now on the stream alone feeds the app."""
        if self._feed.over:
            return
        self._inform(Input.CONNECTED)
        self._feed.poller.stop()
        if self._feed.poller.gap:  # a cursor that was refused is taken now, and no snapshot has covered what it said
            self._tasks.start_soon(self._feed.poller.heal)
        self._say("connected", attempt)

    def take(self, report: AttemptReport, found: Wire) -> bool:
        """Pass on what the stream brought; the table wants the first event, and the first fresh one."""
        if self._feed.over:  # polling was quicker, and the attempt's cancellation is under way
            return True
        if type(found) is Retry:
            self._machine.note_retry(found.seconds)
        fresh = report.fresh
        over = self._feed.intake.stream(report, found)
        if type(found) is Event:
            self._inform_of(report, fresh)
        return over

    def _inform_of(self, report: AttemptReport, fresh: int) -> None:
        if report.fresh == 1 and not fresh:
            self._inform(Input.EVENT)
        elif report.events == 1:
            self._inform(Input.REPEATED)

    @property
    def unsettled(self) -> bool:
        """True if there is a gap in the stream that no snapshot has covered yet."""
        return self._feed.unsettled

    async def settle(self, report: AttemptReport) -> bool:
        """Have a snapshot shown before the stream goes on; where none is to be had soon, keep asking beside it."""
        fresh = report.fresh
        over = await self._feed.settle(report)
        self._inform_of(report, fresh)
        if self._feed.poller.gap and not over:
            self._tasks.start_soon(self._feed.poller.heal)
        return over

    def _inform(self, what: Input) -> None:
        self._machine.take(what, now=trio.current_time(), rng=self._undrawn)

    def network_changed(self) -> None:
        """The device has a new way to the server: what hangs on the old one is dropped, and no wait goes on."""
        self._requests.network_changed()
        if self._attempt is not None:
            self._attempt.network_changed()
        else:
            self._pause.wake("signal")

    def resumed(self) -> None:
        """The device wakes: its sockets are dead, and all that was waited for while it slept is due at once."""
        self._requests.resumed()
        if self._attempt is not None:
            self._attempt.cut("signal")
        # Also where an attempt is ending: it may have met its dead socket before the signal was heard.
        self._pause.wake("signal")

    def _polled(self, trouble: str) -> None:
        """A snapshot was taken, or (``trouble``) was not."""
        if self._feed.over:
            self._ended_elsewhere()
        elif trouble and self._feed.poller.running and self._machine.state is ReadyState.POLLING:
            self._pause.wake("poll failed")

    def _ended_elsewhere(self) -> None:
        """It is over, and the attempt under way does not know it."""
        if self._attempt is not None:
            self._attempt.cut("done" if self._feed.terminal else "closed")
        else:
            self._pause.wake("over")

    def _say(self, word: str, attempt: int = 0) -> None:
        if word != self._word:
            self._word = word
            self._observer.status(word, attempt or self._last.n)

    async def _results(self) -> JobResults | None:
        terminal = self._feed.terminal
        if terminal is None or terminal.callback != "completed" or not self._policies.fetches_results:
            return None
        return await fetch_results(
            self._job,
            requests=self._requests,
            observer=self._observer,
            policies=self._policies,
            pause=self._pause,
            draws=lambda broken: self._draws(self._feed.counts.attempts + broken),
        )
