"""A job, without I/O: its schedule, its log of events, and who may resume where.

One log per job, numbered from 0; a stream is an index that walks it. So replay and live events are the same walk: none
overtakes another and none is met twice at the seam. Ids are ``<epoch>-<index>`` and come from the log alone (control
frames carry none); an epoch is never used for two jobs of one server.

**Resumption** is exclusive: a stream begins after its cursor. The last ``replay`` events can be replayed. A cursor
that is older, of another epoch, or no id of this log has *expired*; so has no cursor at all where the beginning has
left the buffer (only the newest event is always there for it). What then happens is the server's setting: 410, a
``reset`` event followed by the newest event and what comes after, or silence from the oldest event that is left.
A finished job whose cursor is the terminal event has nothing more to say: 204, which stops a client for good.

**The end.** What the job's spec says, or earlier ``timeout``: nothing was emitted for ``no_progress`` seconds.
"""

import math
from collections.abc import Sequence

import msgspec

from harness.jobserver.payloads import Payloads
from harness.scenario.model import JobSpec, ServerSpec, schedule
from harness.sse.encoder import LineEnds, encode

TERMINAL = ("completed", "failed", "timeout")


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event of a log. ``due`` is its intended time in seconds after the job was accepted; ``wire`` is encoded."""

    index: int
    id: str
    type: str
    data: str
    progress: float
    due: float
    wire: bytes

    @property
    def terminal(self) -> bool:
        """Whether this is the job's last event."""
        return self.type in TERMINAL


class Resume(msgspec.Struct, frozen=True):
    """Where a stream begins. ``signal``: "" or ``410`` or ``reset``; ``finished``: there is nothing more to say."""

    start: int
    signal: str = ""
    finished: bool = False


class JobLog:
    """One job's events. Whoever drives it calls ``advance`` at each instant that ``due`` says.

    ``due`` is in seconds after acceptance, None when the job is over. ``plan`` is ``schedule(spec)``, for jobs of one
    spec to share.
    """

    due: float | None

    def __init__(
        self,
        job_id: str,
        epoch: str,
        kind: str,
        spec: JobSpec,
        server: ServerSpec,
        *,
        plan: Sequence[float] | None = None,
    ) -> None:
        self.job_id = job_id
        self.epoch = epoch
        self.spec = spec
        self.schedule = schedule(spec) if plan is None else plan
        self.newest = -1
        self.over = False
        self.processed = 0
        self._replay = server.replay
        self._expired_cursor = server.expired_cursor
        self._line_ends = LineEnds(server.line_ends)
        self._payloads = Payloads(job_id, kind, spec, server.payload)
        self._keep = None if server.replay is None else server.replay + server.queue + 1
        self._wires: list[bytes] = []  # all that replay needs of an event
        self._first = 0  # the index of the first of them
        self._last: Event | None = None
        self._planned = 0.0  # when the schedule's next event is due, whatever the watchdog says
        self.due = 0.0

    @property
    def last(self) -> Event:
        """The newest event. There is one from acceptance on."""
        assert self._last is not None, "a job's first event comes with its acceptance"
        return self._last

    def advance(self) -> Event:
        """Emit the event that is due."""
        due = self.due
        assert due is not None, "a job that is over has no further event"
        index = self.newest + 1
        kind = self._type(index) if self._planned <= due else "timeout"
        self._count(index, kind, due)
        data = self._payloads.data(kind, self.processed)
        id = f"{self.epoch}-{index}"  # noqa: A001 - the standard's word
        wire = encode(kind, data, id, line_end=self._line_ends)
        event = Event(index, id, kind, data, self._payloads.progress(self.processed), due, wire)
        self._append(event)
        return event

    def since(self, index: int, *, until: int, size: int) -> list[bytes]:
        """Return encoded events from ``index`` to at most ``until``: what ``size`` bytes hold, but at least one."""
        assert index >= self._first, "a stream fell behind what the log keeps"
        wires = self._wires[index - self._first : until + 1 - self._first]
        for count, wire in enumerate(wires):
            size -= len(wire)
            if size < 0:
                return wires[: max(count, 1)]
        return wires

    def resume(self, cursor: str) -> Resume:
        """Return where a stream with this ``Last-Event-ID`` begins; "" is none."""
        position = self._position(cursor)
        if position is not None:
            if self.over and position == self.newest:
                return Resume(self.newest + 1, finished=True)
            kept = self._replay
            if kept is not None and not cursor:
                kept = max(kept, 1)
            if kept is None or self.newest - position <= kept:
                return Resume(position + 1)
        if self._expired_cursor == "410":
            return Resume(self.newest + 1, signal="410")
        if self._expired_cursor == "reset event":
            return Resume(self.newest, signal="reset")
        oldest = 0 if self._replay is None else max(0, self.newest + 1 - self._replay)
        return Resume(oldest)

    def snapshot(self) -> bytes:
        """Return the status answer: the data of the newest event, and its id as ``lastEventId``."""
        event = self.last
        body = event.data.rstrip().removesuffix("}").rstrip()
        return f'{body},"lastEventId":"{event.id}"}}'.encode()

    @property
    def reset_data(self) -> str:
        """The data of a ``reset`` event: events are missing, and only the status answer can make up for them."""
        return f'{{"jobId":"{self.job_id}","message":"the cursor has expired: ask for the status"}}'

    def _type(self, index: int) -> str:
        if index == 0:
            return "initialized"
        if self.spec.ends != "never" and index == len(self.schedule) - 1:
            return self.spec.ends
        return "processing"

    def _count(self, index: int, kind: str, due: float) -> None:
        """Bring the number of processed items up to date: all of them when completed, none more at another end."""
        if kind == "processing":
            share = index if self.spec.every is None else math.floor(self.spec.items * due / self.spec.lasts + 1e-9)
            self.processed = min(share, self.spec.items)
        elif kind == "completed":
            self.processed = self.spec.items

    def _append(self, event: Event) -> None:
        self.newest = event.index
        self.over = event.terminal
        self._planned = self.schedule[self.newest + 1] if self.newest + 1 < len(self.schedule) else math.inf
        self.due = None if self.over else min(self._planned, event.due + self.spec.no_progress)
        self._last = event
        self._wires.append(event.wire)
        # Half of the list goes at once, so that forgetting costs nothing per event.
        if self._keep is not None and len(self._wires) > 2 * self._keep:
            del self._wires[: -self._keep]
            self._first = self.newest + 1 - self._keep

    def _position(self, cursor: str) -> int | None:
        """Return the index a cursor names (-1: before the first), or None when it is no id of this log."""
        if not cursor:
            return -1
        epoch, dash, digits = cursor.rpartition("-")
        if not dash or epoch != self.epoch or not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
            return None
        index = int(digits)
        return index if str(index) == digits and index <= self.newest else None


def epoch_name(number: int) -> str:
    """Return the name of the n-th epoch of a server, n from 0: a, b … z, aa, ab …"""
    name = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        name = chr(97 + letter) + name
    return name
