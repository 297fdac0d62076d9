"""The job server's records, laid out for judgement: its jobs by epoch, its streams, how a cursor is answered.

The contract of resumption is written here a second time, and shares no code with the server: that one is on trial.
"""

import bisect
from functools import cached_property
from operator import attrgetter

import msgspec

from harness.deeds.acts import Act, Drains, Hangs, Repeats, Restarts, RevokesToken, SendsRetry, SilencesKeepalive
from harness.deeds.replacement import takes_the_place_of
from harness.history import Answered, DeedDone, Delivered, Emit, Job, Request, Rescheduled, Said, Subscriber, Write
from harness.judge.case import Case
from harness.scenario.model import ServerSpec

WITHOUT_KEEPALIVE = 15.0
"""Seconds that count as a keep-alive interval where the server sends no comments."""

FOREVER = 1 << 62
"""A stamp that never comes."""

_seq = attrgetter("seq")


class Epoch:
    """One log of one job. ``schedule`` says when each index is intended, by all that the job was told."""

    def __init__(self, begun: Job) -> None:
        self.begun = begun
        self.schedule = list(begun.schedule_ns)
        self.emits: list[Emit] = []
        self.whole = True  # its indices come one by one, as law H1 has it

    def emitted(self, emit: Emit) -> None:
        """Take an event in."""
        self.whole = self.whole and emit.index == len(self.emits)
        self.emits.append(emit)

    @property
    def called(self) -> str:
        """Its name in a sentence."""
        return f"epoch {self.begun.epoch}"

    @property
    def start_id(self) -> str:
        """The id of the place before its first event, where frames are varied."""
        return f"{self.begun.epoch}-start"

    def event(self, index: int) -> str:
        """Return the name of one of its events in a sentence."""
        return f"event {self.begun.epoch}-{index}"

    def opening(self, index: int) -> int:
        """Return where a stream begins that repeats from this index on: at an event that has its own id."""
        return index - 1 if 0 < index < len(self.emits) and self.emits[index].after else index

    def newest_at(self, seq: int) -> int:
        """Return the index of the newest event emitted before this record; -1: none."""
        return bisect.bisect_left(self.emits, seq, key=_seq) - 1

    def over_at(self, seq: int) -> bool:
        """Return whether its terminal event had been emitted before this record."""
        newest = self.newest_at(seq)
        return newest >= 0 and self.emits[newest].terminal


class Resumption(msgspec.Struct, frozen=True):
    """The answer to a cursor: from event ``first`` on, after a ``reset`` event or none; by ``410``, or by ``204``."""

    first: int
    how: str = ""


class ServedStream:
    """One stream of the server. ``epoch`` is that of its job when it opened; ``turns`` are what was written, in order.

    ``newer`` is the next stream of the same job, and ``request`` the one that the gate numbered so.
    """

    def __init__(self, opened: Subscriber, epoch: Epoch, request: Request | None) -> None:
        self.opened = opened
        self.epoch = epoch
        self.request = request
        self.closed: Subscriber | None = None
        self.newer: Subscriber | None = None
        self.turns: list[Write | Said] = []
        self.retries: list[Said] = []  # those of the turns that ask for one

    @property
    def called(self) -> str:
        """Its name in a sentence."""
        return f"stream {self.opened.sub}"

    @property
    def asked(self) -> str:
        """The id that its request asked from, by the gate where that knows; empty: none."""
        return self.opened.cursor if self.request is None else self.request.last_event_id or ""

    @property
    def question(self) -> str:
        """The same, in a sentence."""
        return f"the id {self.asked!r}" if self.asked else "no id"

    def answered_from(self, index: int, due: int) -> str:
        """Return a sentence about a stream that begins elsewhere than it should."""
        instead = f"{self.epoch.event(index)} instead of {self.epoch.event(due)}"
        return f"the server answered {self.question} from {instead}, on {self.called}"

    @cached_property
    def writes(self) -> list[Write]:
        """The writes of events among the turns."""
        return [turn for turn in self.turns if isinstance(turn, Write)]

    def write_of(self, index: int) -> Write | None:
        """Return the write that carried this event; None where none did."""
        place = bisect.bisect_right(self.writes, index, key=attrgetter("first"))
        found = self.writes[place - 1] if place else None
        return found if found is not None and index <= found.last else None


class ServerDeed(msgspec.Struct, frozen=True):
    """A deed of the server in force: surely from ``sure_ns`` to ``until_ns``, perhaps from ``since_ns`` to ``over_ns``.

    Between a deed's issue and its return either state is right.
    """

    act: Act
    since_ns: int
    sure_ns: int
    until_ns: int
    over_ns: int

    @property
    def loses(self) -> bool:
        """True if it is a restart that loses the log."""
        return isinstance(self.act, Restarts) and not self.act.keeps_log

    @property
    def due_ns(self) -> int:
        """The earliest stamp at which the server is back from a restart."""
        return self.since_ns + round((self.act.after if isinstance(self.act, Restarts) else 0.0) * 1e9)

    @property
    def back_ns(self) -> int:
        """The same, at the latest."""
        return max(self.sure_ns, self.due_ns)

    def surely(self, at_ns: int, margin_ns: int) -> bool:
        """Return whether it was in force at this stamp, and so far from its ends."""
        return self.sure_ns + margin_ns < at_ns < self.until_ns - margin_ns

    def perhaps(self, at_ns: int, margin_ns: int) -> bool:
        """Return whether it may have been."""
        return self.since_ns - margin_ns <= at_ns <= self.over_ns + margin_ns

    def overlap(self, since_ns: int, until_ns: int) -> int:
        """Return for how many nanoseconds of this time it may have been in force."""
        return max(0, min(until_ns, self.over_ns) - max(since_ns, self.since_ns))


class IssuedToken(msgspec.Struct, frozen=True):
    """A token that the server issued. It was revoked between two stamps, if it was."""

    issued_ns: int
    expires_ns: int
    revoking_ns: int = FOREVER
    revoked_ns: int = FOREVER

    def surely(self, at_ns: int, margin_ns: int) -> bool:
        """Return whether it was good at this stamp."""
        return at_ns + margin_ns < min(self.expires_ns, self.revoking_ns)

    def perhaps(self, at_ns: int, margin_ns: int) -> bool:
        """Return whether it may have been."""
        return at_ns - margin_ns <= min(self.expires_ns, self.revoked_ns)


class ServerFacts:
    """Everything that the server says of its jobs and streams. The canary's streams are left out."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.jobs: dict[str, list[Epoch]] = {}
        self.epochs: dict[tuple[str, str], Epoch] = {}
        self.ids: dict[str, dict[str, Emit]] = {}
        self._told: dict[tuple[str, str], list[Emit]] = {}  # by job, and by the last event ID that each is told with
        self._read_jobs()
        self.requests = {request.rid: request for request in case.history.all(Request)}
        self.streams: list[ServedStream] = []
        self.by_rid: dict[int, ServedStream] = {}
        self._read_streams()

    def away(self, since_ns: int, until_ns: int, late_ns: int) -> bool:
        """Return whether the server may have let no dial in, or given no answer, at some time between these stamps."""
        spans = [(one.since_ns, one.over_ns) for one in (*self.hangs, *self.drains)]
        spans += [(one.since_ns, one.back_ns + late_ns) for one in self.restarts]
        return any(begun_ns <= until_ns and since_ns <= over_ns for begun_ns, over_ns in spans)

    @property
    def varied(self) -> bool:
        """True if it writes its streams in all the ways that servers do."""
        return self._case.plan.server.frames == "varied"

    @property
    def interval_ns(self) -> int:
        """The keep-alive interval, or what counts as one."""
        return round((self._case.plan.server.keepalive or WITHOUT_KEEPALIVE) * 1e9)

    @cached_property
    def tokens(self) -> dict[str, IssuedToken]:
        """The tokens that it issued, by their digest."""
        found = {}
        for answer in self._case.history.all(Answered):
            if answer.expires_in is not None:
                expires_ns = answer.t_ns + round(answer.expires_in * 1e9)
                revoked = next((one for one in self.revocations if one.returned_ns > answer.t_ns), None)
                ends = (revoked.issued_ns, revoked.returned_ns) if revoked is not None else (FOREVER, FOREVER)
                found[answer.token] = IssuedToken(answer.t_ns, expires_ns, *ends)
        return found

    @cached_property
    def revocations(self) -> list[DeedDone]:
        """The records of the deeds that revoked all tokens."""
        deeds = self._case.plan.deeds
        return [
            one
            for one in self._case.history.all(DeedDone)
            if not one.error and isinstance(deeds[one.deed].act, RevokesToken)
        ]

    @cached_property
    def retries(self) -> list[tuple[DeedDone, str]]:
        """The deeds that had a ``retry`` sent on every stream, with its value."""
        acts = ((one, self._case.plan.deeds[one.deed].act) for one in self._case.history.all(DeedDone) if not one.error)
        return [(one, act.value) for one, act in acts if isinstance(act, SendsRetry)]

    @cached_property
    def hangs(self) -> list[ServerDeed]:
        """The deeds that told it to hang."""
        return self._stands(Hangs)

    @cached_property
    def silences(self) -> list[ServerDeed]:
        """The deeds that told it to send no keep-alives."""
        return self._stands(SilencesKeepalive)

    @cached_property
    def drains(self) -> list[ServerDeed]:
        """The deeds that told it to drain."""
        return self._stands(Drains)

    @cached_property
    def restarts(self) -> list[ServerDeed]:
        """The deeds that told it to restart: each lasts until it has left."""
        return self._stands(Restarts)

    @cached_property
    def repeats(self) -> list[ServerDeed]:
        """The deeds that told it to repeat."""
        return self._stands(Repeats)

    def repeated(self, at_ns: int, margin_ns: int) -> set[int]:
        """Return how many events it may have been told to replay too many at this stamp; 0: it sends each once."""
        stands = [one for one in self.repeats if one.perhaps(at_ns, margin_ns)]
        counts = {one.act.count for one in stands if isinstance(one.act, Repeats)}
        return counts if any(one.surely(at_ns, margin_ns) for one in stands) else counts | {0}

    def epoch_at(self, job: str, seq: int) -> Epoch | None:
        """Return the newest epoch of a job that had begun before this record."""
        return next((epoch for epoch in reversed(self.jobs.get(job, [])) if epoch.begun.seq < seq), None)

    def resumption(self, epoch: Epoch, cursor: str, seq: int) -> Resumption:
        """Return how a stream request with this cursor is answered that comes before this record."""
        newest, spec = epoch.newest_at(seq), self._case.plan.server
        place = self._place(epoch, cursor, seq)
        if place is not None:
            if epoch.over_at(seq) and place == newest:
                return Resumption(newest + 1, "204")
            kept = spec.replay if cursor or spec.replay is None else max(spec.replay, 1)
            if kept is None or newest - place <= kept:
                return Resumption(place + 1)
        return _expired(spec, newest)

    def told(self, job: str, event: Delivered) -> Emit | None:
        """Return the event that a stream carried: where none has its bytes, that of its id; None: there is none."""
        told = self._told.get((job, event.id), [])
        return next((one for one in told if one.digest == event.digest), told[0] if told else None)

    def _place(self, epoch: Epoch, cursor: str, seq: int) -> int | None:
        """Return the index that a cursor names (-1: before the first); None: it is no id of this log."""
        if not cursor or (self.varied and cursor == epoch.start_id):
            return -1
        emit = self.ids.get(epoch.begun.job, {}).get(cursor)
        known = emit is not None and emit.epoch == epoch.begun.epoch and emit.seq < seq
        return emit.index if emit is not None and known else None

    def _read_jobs(self) -> None:
        history = self._case.history
        for job in history.all(Job):
            epoch = self.epochs[job.job, job.epoch] = Epoch(job)
            self.jobs.setdefault(job.job, []).append(epoch)
        for change in history.all(Rescheduled):
            found = self.epochs.get((change.job, change.epoch))
            if found is not None:
                found.schedule[change.first :] = change.schedule_ns
        for emit in history.all(Emit):
            found = self.epochs.get((emit.job, emit.epoch))
            if found is not None:
                found.emitted(emit)
                self.ids.setdefault(emit.job, {}).setdefault(emit.id, emit)
                self._told.setdefault((emit.job, emit.told_id), []).append(emit)

    def _read_streams(self) -> None:
        history = self._case.history
        by_sub: dict[int, ServedStream] = {}
        every: list[ServedStream] = []
        newest: dict[str, ServedStream] = {}
        for one in history.all(Subscriber):
            if one.what != "open":
                if one.sub in by_sub:
                    by_sub[one.sub].closed = one
                continue
            epoch = self.epoch_at(one.job, one.seq)
            if epoch is None:
                continue
            stream = by_sub[one.sub] = ServedStream(one, epoch, self.requests.get(one.rid))
            if one.job in newest:
                newest[one.job].newer = one
            newest[one.job] = stream
            every.append(stream)
        turns: list[Write | Said] = [*history.all(Write), *history.all(Said)]
        for turn in sorted(turns, key=_seq):
            if turn.sub in by_sub:
                by_sub[turn.sub].turns.append(turn)
                if isinstance(turn, Said) and turn.what == "retry":
                    by_sub[turn.sub].retries.append(turn)
        for stream in every:
            if stream.request is not None and stream.request.client == "canary":
                continue
            self.streams.append(stream)
            if stream.opened.rid:
                self.by_rid[stream.opened.rid] = stream

    def _stands(self, kind: type) -> list[ServerDeed]:
        """Return when deeds of a kind were in force; a deed that has no record began no sooner than planned."""
        case, deeds = self._case, self._case.plan.deeds
        done = {record.deed: record for record in case.history.all(DeedDone) if not record.error}
        found = []
        for place, deed in enumerate(deeds):
            record = done.get(deed.index)
            if deed.undoes is not None or not isinstance(deed.act, kind):
                continue
            if record is None:
                found.append(ServerDeed(deed.act, case.ns(deed.at), FOREVER, FOREVER, FOREVER))
                continue
            later = (one for one in deeds[place + 1 :] if takes_the_place_of(one, deed) and one.index in done)
            end = next((done[one.index] for one in later), None)
            until_ns, over_ns = (end.issued_ns, end.returned_ns) if end is not None else (FOREVER, FOREVER)
            found.append(ServerDeed(deed.act, record.issued_ns, record.returned_ns, until_ns, over_ns))
        return found


def _expired(spec: ServerSpec, newest: int) -> Resumption:
    """Return how a cursor is answered of which the server does not know what comes after it."""
    if spec.expired_cursor == "410":
        return Resumption(newest + 1, "410")
    if spec.expired_cursor == "reset event":
        return Resumption(newest, "reset")
    return Resumption(0 if spec.replay is None else max(0, newest + 1 - spec.replay))
