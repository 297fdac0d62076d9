"""One attempt at the stream: from the dial to the end of the connection, and a report of how it went."""

import math
import re
from collections.abc import Callable
from typing import Protocol

import httpx
import trio

from harness.clients.courier import Courier, media_type
from harness.clients.observer import AttemptReport, Observer
from harness.clients.transport import DialFailed
from harness.clients.vigil import Phase, Vigil
from harness.sse.events import Event, Wire
from harness.sse.parser import EventTooBig, Parser
from harness.sse.policy import FedBy, Policies
from harness.sse.response import parse_retry_after
from harness.sse.session import Session

EVENT_STREAM = "text/event-stream"

_BREATH = 32
"""Events of one read after which others get to run: an async app that keeps up shall not find a backlog."""

_HEADERS = {b"accept": EVENT_STREAM.encode(), b"cache-control": b"no-cache", b"accept-encoding": b"identity"}

# RFC 9110, 5.5. An id may hold anything but NUL and line ends; one that no header can carry is not sent, since a
# request that can never be written would be tried for ever.
_LEGAL = re.compile(rb"[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?").fullmatch


class Sink(Protocol):
    """Where an attempt's findings go. All are called from within the attempt; only ``settle`` may wait."""

    def alive(self, attempt: int) -> None:
        """The first byte of an event stream came."""

    def take(self, report: AttemptReport, found: Wire) -> bool:
        """Take what the parser found, in order; True ends the attempt, as ``done``."""
        ...

    @property
    def unsettled(self) -> bool:
        """Whether what was taken has to be settled before anything else is read."""
        ...

    async def settle(self, report: AttemptReport) -> bool:
        """Settle it, within a few seconds; True ends the attempt."""
        ...


class StreamAttempt:
    """A GET of the event stream. What it learns outlives it in ``session``; ``run`` never raises for the network."""

    def __init__(
        self,
        report: AttemptReport,
        *,
        courier: Courier,
        path: str,
        policies: Policies,
        session: Session,
        sink: Sink,
        observer: Observer,
        wall_clock: Callable[[], float] | None = None,
        silent_until: float | None = None,
    ) -> None:
        self.report = report
        self.headers = httpx.Headers()
        self.authorization = ""
        self._courier = courier
        self._path = path
        self._policies = policies
        self._session = session
        self._sink = sink
        self._observer = observer
        self._wall_clock = wall_clock
        self._detail = ""
        self._silent_until = silent_until
        self._vigil: Vigil = courier.vigil()

    def roused(self) -> None:
        """The device changed its network: a dial that hangs is dropped; a stream that is open is left alone."""
        if self._vigil.phase in (Phase.DIALLING, Phase.ASKING):
            self.cut("signal")

    def cut(self, how: str) -> None:
        """End the attempt, and report this as its end."""
        self._vigil.cut(how)

    async def run(self) -> AttemptReport:
        """Make the attempt, and report it to the observer also when it is cancelled."""
        report, vigil = self.report, self._vigil
        report.began = trio.current_time()
        try:
            report.how, report.detail = await self._outcome()
            if vigil.ended_by:
                report.how, report.detail = vigil.ended_by, self._detail
        finally:
            report.spoke = vigil.phase is not Phase.DIALLING
            report.server_retry = self._session.reconnection_time
            self._observer.attempt_ended(report)
        return report

    async def _outcome(self) -> tuple[str, str]:
        headers = dict(_HEADERS)
        cursor = self._session.header()
        if cursor is not None and _LEGAL(cursor):
            headers[b"last-event-id"] = cursor
        outcome = "eof", ""
        try:
            async with (
                self._vigil.watch(),
                self._courier.open("GET", self._path, self._vigil, headers=headers) as response,
            ):
                outcome = await self._read(response)
        except DialFailed as error:
            outcome = error.how, str(error)
        except httpx.HTTPError as error:
            outcome = "error", str(error)
        return outcome

    async def _read(self, response: httpx.Response) -> tuple[str, str]:
        report = self.report
        report.status = response.status_code
        self.headers = response.headers
        self.authorization = response.request.headers.get("authorization", "")
        if response.status_code != 200:
            report.retry_after = self._retry_after(response.headers)
            return "status", ""
        if media_type(response.headers) != EVENT_STREAM:
            return "wrong-type", response.headers.get("content-type", "")
        report.opened = True
        report.opened_at = trio.current_time()
        self._vigil.enter(Phase.OPENED)
        if self._silent_until is not None:
            self._vigil.limit(self._silent_until)
        await self._receive(response)
        return "eof", ""

    def _retry_after(self, headers: httpx.Headers) -> float | None:
        """Read ``Retry-After``: a date is counted from the server's own ``Date``, since its clock may be wrong."""
        value, date = headers.get("retry-after"), headers.get("date", "")
        if value is None:
            return None
        if not value.strip().isdigit():
            sent = parse_retry_after(date, 0.0)
            if sent:
                return parse_retry_after(value, sent)
        return parse_retry_after(value, self._wall_clock() if self._wall_clock is not None else math.inf)

    async def _receive(self, response: httpx.Response) -> None:
        report, vigil = self.report, self._vigil
        parser = Parser(last_event_id=self._session.last_event_id, max_event=self._policies.max_event)
        any_byte = self._policies.watchdog_fed_by is FedBy.ANY_BYTE
        encoded = response.headers.get("content-encoding", "identity") != "identity"
        async for chunk in response.aiter_bytes() if encoded else response.aiter_raw():
            # Ended from within by cancellation, never by leaving the loop: that would leave httpcore's generators
            # suspended, to be found by the garbage collector.
            if vigil.ended_by or not chunk:
                continue
            if not report.bytes:
                vigil.enter(Phase.FLOWING)
                self._sink.alive(report.n)
            report.bytes += len(chunk)
            before = report.events
            try:
                done = await self._feed(parser.feed(chunk))
            except EventTooBig as error:
                self._detail = str(error)
                self.cut("done" if await self._feed(list(error.before)) else "too-big")
                continue
            if any_byte or report.events > before:
                vigil.feed()
            if done:
                self.cut("done")

    async def _feed(self, found: list[Wire]) -> bool:
        for place, wire in enumerate(found, 1):
            self._session.note(wire)
            if type(wire) is Event:
                self.report.events += 1
            over = self._sink.take(self.report, wire)
            if self._sink.unsettled:
                over = await self._sink.settle(self.report)
                self._vigil.feed()  # the silence was ours
            if over:
                return True
            if not place % _BREATH:
                await trio.lowlevel.checkpoint()
        return False
