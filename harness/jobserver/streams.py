"""One event stream: a walk along a job's log, from a cursor to the terminal event.

Three tasks. The *writer* sends what the log has beyond its index; when it has caught up it sleeps to the next event and
emits that itself (see ``emission``), unless another task wakes it before. The *listener* learns that the peer has left
(FIN, RST) while nothing is being sent. The *pulse* keeps one deadline: a comment after so long a silence, the end of a
write that the peer does not take, the end of the token's life or of the deadline of an outdated stream.

A stream ends for one reason, its *evidence*: the terminal event was written (``done``), the peer left (``fin``,
``rst``) or took nothing for a keep-alive interval (``blocked``), a newer stream of the job came such an interval ago
(``newer``), it fell too far behind (``evicted``), its token's time was up (``expired``), the peer sent a flood
(``flood``), or the server went: it stopped, drained or went to restart (``stopped``). Where the peer may still listen
it is told in a comment, and the body ends as it should; a write that has to be given up leaves nothing but to reset the
connection.
"""

import math

import trio

from harness.clock import MovableSleep, sleep_until
from harness.history.journal import Journal
from harness.history.records import Said, Subscriber, Write
from harness.jobserver.behaviour import ServerBehaviour
from harness.jobserver.connection import HttpConnection
from harness.jobserver.emission import RunningJob, ServerCounts
from harness.jobserver.frames import BOM, Opening, start_id
from harness.jobserver.tokens import Authorization
from harness.scenario.model import ServerSpec
from harness.sse.encoder import LineEnds, encode, encode_comment, encode_lines, encode_retry

HEADERS = (("content-type", "text/event-stream"), ("cache-control", "no-store"), ("x-accel-buffering", "no"))
"""The last one asks nginx not to buffer."""

MOST_PER_WRITE = 1 << 16
"""Bytes of events that share one write (one event may be larger)."""

BLOCKED = 15.0
"""Seconds that count as a keep-alive interval where there are no keep-alives to measure by."""

FAREWELLS = {
    "newer": "a newer stream of this job took over",
    "evicted": "evicted: more events behind than the queue holds",
    "expired": "the token has expired",
    "stopped": "bye",
}
"""The words to a stream that ends before its job."""

FOREVER = Authorization()
"""The authorization of a stream that needs no token."""

_LINE_ENDS = {LineEnds.LF: b"\n", LineEnds.CR: b"\r", LineEnds.CRLF: b"\r\n", LineEnds.MIXED: b"\n"}

OUTDATED = ("newer", "expired", "stopped")
"""Ends for which a write under way is waited for, as long as a write may take."""


class EventStream:
    """One open stream. ``serve`` runs it; the job calls ``grown`` and ``outdated``."""

    def __init__(
        self,
        number: int,
        job: RunningJob,
        spec: ServerSpec,
        connection: HttpConnection,
        *,
        counts: ServerCounts,
        journal: Journal | None,
        behaviour: ServerBehaviour,
        rid: int = 0,
        permit: Authorization = FOREVER,
        opening: Opening | None = None,
    ) -> None:
        self.number = number
        self.evidence = ""
        self._job = job
        self._log = job.log
        self._spec = spec
        self._line_ends = LineEnds(spec.line_ends)
        self._connection = connection
        self._counts = counts
        self._journal = journal
        self._behaviour = behaviour
        self._rid = rid
        self._interval = spec.keepalive or BLOCKED
        self._permit = permit
        self._opening = opening  # where its frames are varied
        self._retry_due = spec.retry is not None
        self._ends = permit.expires, "expired"  # at this instant, for this reason, unless another one comes first
        self._next = 0
        self._opened_at = job.log.newest  # events up to here are replay, later ones are live
        self._movable_sleep = MovableSleep()  # while there is nothing to do
        self._before = b""  # what the next write begins with, as it goes on the wire
        self._going: list[Said | Write] = []  # what the next write carries
        self._offset = 0  # bytes of the body framed so far, without the framing
        self._comment_due = False
        self._writing = False
        self._touched = trio.current_time()
        self._scope = trio.CancelScope()

    async def serve(self, start: int, cursor: str, *, reset: bool) -> bool:
        """Send events from index ``start``; return whether the connection is still good for another request."""
        self._next = start
        if cursor and self._behaviour.repeats:
            self._next = self._log.opening(max(self._log.first, start - self._behaviour.repeats))
        self._record("open", cursor)
        self._job.follow(self)
        self._counts.open_streams += 1
        finished = False
        try:
            async with trio.open_nursery() as nursery:
                self._scope = nursery.cancel_scope
                nursery.start_soon(self._listen)
                nursery.start_soon(self._pulse)
                self._open(cursor, reset=reset)
                finished = await self._walk()
                nursery.cancel_scope.cancel()
            if self._writing:  # given up in the middle: no end of the body can be sent any more
                self._connection.stream.reset()
        finally:
            self._job.leave(self)
            self._counts.open_streams -= 1
            self.evidence = self.evidence or "stopped"
            self._record("close")
        return finished

    def grown(self) -> None:
        """The log has a new event: wake the writer, or give the stream up where it is too far behind."""
        behind = self._log.newest - max(self._next - 1, self._opened_at)
        if behind > self._spec.queue:
            self.close("evicted")
        self._wake()

    def outdated(self) -> None:
        """End an interval from now: a newer stream of the job has come.

        The pulse has looked for a comment or a blocked write by then, so it need not be woken.
        """
        self._ends = min(self._ends, (trio.current_time() + self._interval, "newer"))

    def close(self, evidence: str) -> None:
        """End the stream. The first evidence wins; a write that is under way may end unless that is pointless."""
        self.evidence = self.evidence or evidence
        if self._writing and evidence not in OUTDATED:
            self._scope.cancel()
        self._wake()

    def ask_retry(self, value: str) -> None:
        """Send a ``retry`` field of this value between two events, as a block of its own."""
        end = _LINE_ENDS[self._line_ends]
        self._say(f"retry: {value}".encode() + end + end, "retry", value)
        self._wake()

    def _say(self, data: bytes, what: str, detail: str = "") -> None:
        """Have the next write begin with this; see ``Said``."""
        self._before += self._frame(data)
        if self._journal is not None:
            self._going.append(Said(sub=self.number, what=what, detail=detail, length=len(data)))

    def _open(self, cursor: str, *, reset: bool) -> None:
        """Say what comes before any event of the log. None of it has an id, but what primes a stream from its start."""
        opening = self._opening
        kind = HEADERS[0] if opening is None else ("content-type", opening.content_type)
        self._before += self._connection.begin_stream((kind, *HEADERS[1:]))
        if opening is not None and opening.bom:
            self._before += self._frame(BOM)
        if opening is not None and opening.primed and self._next == 0 and not cursor and not reset:
            before_all = start_id(self._log.epoch)
            self._say(encode_lines([f"id: {before_all}"], line_end=self._line_ends), "primed", before_all)
        late = opening is not None and opening.late_retry and self._next <= self._log.newest
        if self._retry_due and not late:
            self._ask_planned_retry()
        if reset:
            self._say(encode("reset", self._log.reset_data, line_end=self._line_ends), "reset")
        if self._spec.retry is None and not reset and self._next > self._log.newest:
            # A first body byte tells the client that the way is free, however quiet the job is.
            self._say(encode_comment("open", line_end=self._line_ends), "open")

    def _ask_planned_retry(self) -> None:
        self._retry_due = False
        value = round((self._spec.retry or 0.0) * 1000)
        self._say(encode_retry(value, line_end=self._line_ends), "retry", str(value))

    async def _walk(self) -> bool:
        """Write until there is a reason to end; return whether the body was ended as it should be."""
        await self._behaviour.leave_to_write()
        while not self.evidence:
            if self._behaviour.hangs:
                await self._behaviour.leave_to_write()
            elif self._next <= self._log.newest:
                await self._write_events()
            elif self._before:
                await self._write()
            elif self._log.over:
                self.evidence = "done"
            elif self._comment_due:
                self._comment_due = False
                self._say(encode_comment("keep-alive", line_end=self._line_ends), "keep-alive")
            else:
                await self._sleep()
        return await self._end()

    async def _end(self) -> bool:
        if self.evidence in ("fin", "rst", "flood"):
            return False
        if self.evidence in FAREWELLS:
            farewell = encode_comment(FAREWELLS[self.evidence], line_end=self._line_ends)
            self._say(farewell, "bye", self.evidence)
        if self._behaviour.hangs:
            await self._behaviour.leave_to_write()
        await self._write(self._connection.end_stream())
        return True

    async def _write_events(self) -> None:
        replay = self._next <= self._opened_at
        until = self._opened_at if replay else self._log.newest
        first = self._next
        wires = self._log.since(first, until=until, size=MOST_PER_WRITE)
        upto = first + len(wires)
        data = b"".join([wire for wire in wires for _ in "12"] if self._behaviour.repeats else wires)
        if self._journal is not None:
            self._going.append(
                Write(
                    sub=self.number,
                    job=self._log.job_id,
                    epoch=self._log.epoch,
                    first=first,
                    last=upto - 1,
                    replay=replay,
                    rid=self._rid,
                    offset=self._offset,
                    length=len(data),
                )
            )
        await self._write(self._frame(data))
        self._next = upto
        if self._retry_due:
            self._ask_planned_retry()

    async def _write(self, data: bytes = b"") -> None:
        """Send what there is to say, and this. What was under way when the stream is given up is recorded too."""
        data, self._before = self._before + data, b""
        going, self._going = self._going, []
        whole, began_ns = False, self._journal.stamp() if self._journal is not None else 0
        self._touched = trio.current_time()
        self._writing = True
        try:
            await self._connection.stream.send(data)
            whole = True
        except trio.BrokenResourceError:
            self.evidence = self.evidence or "rst"
        finally:
            if self._journal is not None:
                for record in going:
                    record.began_ns, record.whole = began_ns, whole
                    self._journal.write(record)
        self._writing = False

    async def _listen(self) -> None:
        try:
            while await self._connection.hear():
                pass
            self.close("flood" if self._connection.flooded else "fin")
        except trio.BrokenResourceError:
            self.close("rst")

    async def _pulse(self) -> None:
        while True:
            touched = self._touched
            await sleep_until(min(touched + self._interval, self._ends[0]))
            due, evidence = self._ends
            if trio.current_time() >= due:
                self._ends = math.inf, ""
                self.close(evidence)
            elif touched == self._touched:
                self._silence()

    def _silence(self) -> None:
        """Act on an interval in which nothing was begun: either the peer takes nothing, or there was nothing to say."""
        if self._writing:
            self.close("blocked")
            return
        self._touched = trio.current_time()
        if self._spec.keepalive is not None and self._behaviour.comments:
            self._comment_due = True
            self._wake()

    async def _sleep(self) -> None:
        """Sleep until there is something to do; the next event is, and is emitted here."""
        await self._movable_sleep.until(self._job.take_over(self))
        self._job.hand_back(self)

    def _wake(self) -> None:
        self._movable_sleep.end()

    def _frame(self, data: bytes) -> bytes:
        self._offset += len(data)
        return self._connection.frame(data)

    def _record(self, what: str, cursor: str = "") -> None:
        if self._journal is not None:
            self._journal.write(
                Subscriber(
                    sub=self.number,
                    job=self._log.job_id,
                    what=what,
                    cursor=cursor,
                    evidence=self.evidence,
                    rid=self._rid,
                    token=self._permit.token if what == "open" else "",
                    expires_ns=self._expires_ns() if what == "open" else 0,
                )
            )

    def _expires_ns(self) -> int:
        """Return the stamp at which its token ends; 0: never, or there is none."""
        if self._journal is None or self._permit.expires == math.inf:
            return 0
        return self._journal.stamp() + round((self._permit.expires - trio.current_time()) * 1e9)
