"""A job's log of events, without I/O: how its steps are numbered and written, and who may resume where.

One log per job, numbered from 0; a stream is an index that walks it. So replay and live events are the same walk: none
overtakes another and none is met twice at the seam. Ids are ``<epoch>-<index>`` and come from the log alone (control
frames carry none); an epoch is never used for two logs of one server.

**Resumption** is exclusive: a stream begins after its cursor. The last ``replay`` events can be replayed. A cursor
that is older, of another epoch, or no id of this log has *expired*; so has no cursor at all where the beginning has
left the buffer (only the newest event is always there for it). What then happens is the server's setting: 410, a
``reset`` event followed by the newest event and what comes after, or silence from the oldest event that is left.
Where its frames are varied, a log has an id for the place before its first event too, which streams are primed with.

**Events without an id** are there where frames are varied. An id names their place all the same: a status answer gives
it, and a stream may be asked for from it. No stream begins with one but in answer to the id before it, or a client
would take an older id for that place. So neither the first event of a log is without one nor any where a stream begins
behind a gap: where an expired cursor is answered by one. Nor are two in a row, nor the last, whose id ends everything.
Without an id content alone tells an event from others, so no other of its log has the same bytes of data.

A finished job whose cursor is the terminal event has nothing more to say: 204, which stops a client for good.

**A log that was lost** is followed by one of a new epoch. Its event 0 is the state that the job has when it is read
again from storage, under that state's own type: ``initialized`` if nothing had been done, else ``processing``, or the
terminal event of a job that ended in the meantime. What was due while the server was down is no event of any log.
"""

import msgspec

from harness.jobserver.frames import Frames, start_id
from harness.jobserver.payloads import Payloads
from harness.jobserver.work import JobStep
from harness.scenario.model import ServerSpec
from harness.sse.encoder import LineEnds, encode

TERMINAL = ("completed", "failed", "timeout")


class LogEvent(msgspec.Struct, frozen=True, gc=False):
    """One event of a log, ``wire`` in its encoded form. ``after``: see ``Emit``."""

    index: int
    id: str
    type: str
    data: str
    progress: float
    wire: bytes
    after: str = ""

    @property
    def terminal(self) -> bool:
        """True if this is the job's last event."""
        return self.type in TERMINAL


class ResumePoint(msgspec.Struct, frozen=True):
    """The beginning of a stream. ``signal``: "" or ``410`` or ``reset``; ``finished``: nothing is left to say."""

    start: int
    signal: str = ""
    finished: bool = False


class JobLog:
    """One epoch of one job's events. ``frames`` write them, where they are varied."""

    def __init__(
        self, job_id: str, epoch: str, server: ServerSpec, payloads: Payloads, frames: Frames | None = None
    ) -> None:
        self.job_id = job_id
        self.epoch = epoch
        self.newest = -1
        self.over = False
        self.first = 0  # the index of the oldest event that is kept
        self._replay = server.replay
        self._expired_cursor = server.expired_cursor
        self._line_ends = LineEnds(server.line_ends)
        self._frames = frames
        self._plain = self._line_ends is LineEnds.LF and not payloads.spread and frames is None
        self._payloads = payloads
        self._keep = None if server.replay is None else server.replay + server.queue + 1
        self._wires: list[bytes] = []  # all that replay needs of an event
        self._without_id: set[int] = set()  # indices, of events that are kept
        self._unlike = ""  # the data of the newest event without an id
        self._state = ""  # that of the newest event, before its way of writing was drawn
        self._last: LogEvent | None = None

    @property
    def last(self) -> LogEvent:
        """The newest event. There is one from the beginning on."""
        assert self._last is not None, "a log begins with an event"
        return self._last

    def append(self, step: JobStep) -> LogEvent:
        """Write the next event: this step of the work."""
        index = self.newest + 1
        kind = step.type
        data = self._payloads.data(kind, step.processed, step.code)
        after = ""
        id = f"{self.epoch}-{index}"  # noqa: A001 - the standard's word
        # What `encode` makes of one line of data, without looking for others: that took a third of an event's making.
        if self._plain:
            wire = f"id: {id}\nevent: {kind}\ndata: {data}\n\n".encode()
        elif self._frames is not None:
            state, data = data, self._frames.data(data, self._unlike)
            after = self._id_before(self._frames, kind, state)
            self._state, self._unlike = state, data if after else self._unlike
            wire = self._frames.event(kind, data, "" if after else id, last=kind in TERMINAL)
        else:
            wire = encode(kind, data, id, line_end=self._line_ends)
        event = self._last = LogEvent(index, id, kind, data, self._payloads.progress(step.processed), wire, after)
        self.newest = index
        self.over = event.terminal
        self._wires.append(wire)
        if after:
            self._without_id.add(index)
        # Half of the list goes at once, so that forgetting costs nothing per event.
        if self._keep is not None and len(self._wires) > 2 * self._keep:
            first = self.opening(index + 1 - self._keep)
            del self._wires[: first - self.first]
            self.first = first
            self._without_id = {one for one in self._without_id if one >= first}
        return event

    def opening(self, index: int) -> int:
        """Return where a stream begins that repeats from this index on: at an event that has its own id."""
        return index - 1 if index in self._without_id else index

    def _id_before(self, frames: Frames, kind: str, state: str) -> str:
        """Return the id that the next event is told with, drawn to have none; "": it has its own."""
        last = self._last
        if last is None or last.after or kind in TERMINAL or state == self._state:
            return ""
        return last.id if self._expired_cursor == "410" and frames.leaves_out_id() else ""

    def since(self, index: int, *, until: int, size: int) -> list[bytes]:
        """Return encoded events from ``index`` to at most ``until``: what ``size`` bytes hold, but at least one."""
        assert index >= self.first, "a stream fell behind what the log keeps"
        wires = self._wires[index - self.first : until + 1 - self.first]
        for count, wire in enumerate(wires):
            size -= len(wire)
            if size < 0:
                return wires[: max(count, 1)]
        return wires

    def resume(self, cursor: str) -> ResumePoint:
        """Return where a stream with this ``Last-Event-ID`` begins; "" is none."""
        position = self._position(cursor)
        if position is not None:
            if self.over and position == self.newest:
                return ResumePoint(self.newest + 1, finished=True)
            kept = self._replay
            if kept is not None and not cursor:
                kept = max(kept, 1)
            if kept is None or self.newest - position <= kept:
                return ResumePoint(position + 1)
        if self._expired_cursor == "410":
            return ResumePoint(self.newest + 1, signal="410")
        if self._expired_cursor == "reset event":
            return ResumePoint(self.newest, signal="reset")
        oldest = 0 if self._replay is None else max(0, self.newest + 1 - self._replay)
        return ResumePoint(oldest)

    def snapshot(self) -> bytes:
        """Return the status answer: the data of the newest event, and its id as ``lastEventId``."""
        event = self.last
        body = event.data.rstrip().removesuffix("}").rstrip()
        return f'{body},"lastEventId":"{event.id}"}}'.encode()

    @property
    def reset_data(self) -> str:
        """The data of a ``reset`` event: events are missing, and only the status answer can make up for them."""
        return f'{{"jobId":"{self.job_id}","message":"the cursor has expired: ask for the status"}}'

    def _position(self, cursor: str) -> int | None:
        """Return the index a cursor names (-1: before the first), or None when it is no id of this log."""
        if not cursor or (self._frames is not None and cursor == start_id(self.epoch)):
            return -1
        epoch, dash, digits = cursor.rpartition("-")
        if not dash or epoch != self.epoch or not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
            return None
        index = int(digits)
        return index if str(index) == digits and index <= self.newest else None


def epoch_of(cursor: str) -> str:
    """Return the epoch that an id names."""
    return cursor.rpartition("-")[0]


def epoch_name(number: int) -> str:
    """Return the name of the n-th epoch of a server, n from 0: a, b … z, aa, ab …"""
    name = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        name = chr(97 + letter) + name
    return name
