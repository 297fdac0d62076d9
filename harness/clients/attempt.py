"""One attempt at the stream: from the dial to the end of the connection, and a report of how it went."""

from typing import Protocol

import httpx
import trio

from harness.clients.body import ResponseBody
from harness.clients.deadlines import Deadlines, Phase
from harness.clients.decisions import Decisions
from harness.clients.observer import AttemptReport, Observer
from harness.clients.requests import Requests
from harness.clients.transport import DialFailed
from harness.sse.events import Event, Wire
from harness.sse.parser import EventTooBig
from harness.sse.policy import FedBy
from harness.sse.response import Meaning, ResponseVerdict
from harness.sse.session import Session, cursor_header

EVENT_STREAM = "text/event-stream"

_BREATH = 32
"""Events of one read after which others get to run: an async app that keeps up shall not find a backlog."""

_OVER = frozenset({"done", "closed"})
"""Ends of an attempt behind which the app is told nothing more."""

_HEADERS = {b"accept": EVENT_STREAM.encode(), b"cache-control": b"no-cache"}


class Sink(Protocol):
    """The receiver of an attempt's findings. All are called from within the attempt; only ``settle`` may wait."""

    def alive(self, attempt: int) -> None:
        """Learn that the first byte of an event stream came."""

    def take(self, report: AttemptReport, found: Wire) -> bool:
        """Take what the parser found, in order; True ends the attempt, as ``done``."""
        ...

    @property
    def unsettled(self) -> bool:
        """True if what was taken has to be settled before anything else is read."""
        ...

    async def settle(self, report: AttemptReport) -> bool:
        """Settle it, within a few seconds; True ends the attempt."""
        ...


class StreamAttempt:
    """A GET of the event stream. What it learns outlives it in ``session``; ``run`` never raises for the network.

    ``cursor`` is what it resumes after. ``verdict`` is what its answer means, once there was one.
    """

    def __init__(
        self,
        report: AttemptReport,
        *,
        requests: Requests,
        path: str,
        decisions: Decisions,
        session: Session,
        cursor: str,
        token_refreshed: bool,
        sink: Sink,
        observer: Observer,
        fallback_due: float | None = None,
    ) -> None:
        self.report = report
        self.verdict: ResponseVerdict | None = None
        self.authorization = ""
        self._requests = requests
        self._path = path
        self._decisions = decisions
        self._session = session
        self._cursor = cursor
        self._token_refreshed = token_refreshed
        self._sink = sink
        self._observer = observer
        self._fallback_due = fallback_due
        # It begins with the id that the request carries: a status answer may be adopted before this one comes.
        self._parser = decisions.parser(session)
        self._deadlines: Deadlines = requests.deadlines()

    def network_changed(self) -> None:
        """The device changed its network: the attempt is dropped where that is the decision."""
        if self._decisions.drops(self._deadlines.phase):
            self.cut("signal")

    def cut(self, how: str) -> None:
        """End the attempt, and report this as its end."""
        self._deadlines.cut(how)

    async def run(self) -> AttemptReport:
        """Make the attempt, and report it to the observer also when it is cancelled."""
        report, deadlines = self.report, self._deadlines
        report.began = trio.current_time()
        try:
            report.how, report.detail = await self._outcome()
            if deadlines.ended_by:
                report.how, report.detail = deadlines.ended_by, ""
        finally:
            report.spoke = deadlines.phase is not Phase.DIALLING
            report.server_retry = self._session.reconnection_time
            self._observer.attempt_ended(report)
        return report

    async def _outcome(self) -> tuple[str, str]:
        headers = dict(_HEADERS)
        if (cursor := cursor_header(self._cursor)) is not None:
            headers[b"last-event-id"] = cursor
        outcome = "eof", ""
        try:
            async with (
                self._deadlines.watch(),
                self._requests.open("GET", self._path, self._deadlines, headers=headers) as response,
            ):
                outcome = await self._read(response)
        except DialFailed as error:
            outcome = error.how, str(error)
        except httpx.HTTPError as error:
            outcome = "error", str(error)
        if not self._deadlines.ended_by:
            done = await self._feed(self._decisions.left_over(self._parser))
            outcome = ("done", "") if done else outcome
        return outcome

    async def _read(self, response: httpx.Response) -> tuple[str, str]:
        report = self.report
        report.status = response.status_code
        self.authorization = response.request.headers.get("authorization", "")
        kind = response.headers.get("content-type")
        self.verdict = self._decisions.judge(response.status_code, kind, token_refreshed=self._token_refreshed)
        if self.verdict.meaning is not Meaning.OPEN:
            report.retry_after = self._requests.retry_after(response)
            return ("wrong-type", kind or "") if response.status_code == 200 else ("status", "")
        report.opened = True
        report.opened_at = trio.current_time()
        self._deadlines.await_body(*self._decisions.first_byte_due(report.opened_at, self._fallback_due))
        return await self._receive(response)

    async def _receive(self, response: httpx.Response) -> tuple[str, str]:
        report, deadlines = self.report, self._deadlines
        any_byte = self._decisions.policies.watchdog_fed_by is FedBy.ANY_BYTE
        async for piece in ResponseBody(response):
            if deadlines.ended_by in _OVER:  # what was read as a deadline passed is taken all the same
                break
            if not report.bytes:
                deadlines.enter(Phase.FLOWING)
                self._sink.alive(report.n)
            report.bytes += len(piece)
            before = report.events
            try:
                done = await self._feed(self._parser.feed(piece))
            except EventTooBig as error:
                done = await self._feed(list(error.before))
                return ("done", "") if done else ("too-big", str(error))
            if any_byte or report.events > before:
                deadlines.feed()
            if done:
                return "done", ""
        return "eof", ""

    async def _feed(self, found: list[Wire]) -> bool:
        for place, wire in enumerate(found, 1):
            self._session.note(wire)
            if type(wire) is Event:
                self.report.events += 1
            over = self._sink.take(self.report, wire)
            if self._sink.unsettled:
                self._deadlines.feed()  # something came, and the silence that follows is ours
                over = await self._sink.settle(self.report)
                self._deadlines.feed()
            if over:
                return True
            if not place % _BREATH:
                await trio.lowlevel.checkpoint()
        return False
