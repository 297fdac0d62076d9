"""A client's attempts at its stream: from the dial to the end, what was answered, and what it brought.

What was delivered and not certainly read is in doubt: an event then resets n, and does not; a ``retry:`` and a
Retry-After were heard, and were not.
"""

import math

import msgspec

from harness.history import Delivered, Read, Request, Response
from harness.history.records import Record
from harness.judge.case import ClientCase
from harness.judge.facts.dials import Dialled, dials
from harness.judge.facts.instructions import leads_on
from harness.judge.facts.reading import ReadMarks
from harness.judge.facts.requests import firsts, following, request_lives
from harness.judge.facts.screen import EVENT_CALLBACKS
from harness.judge.facts.snapshots import delivered_states
from harness.judge.facts.streams import is_stream
from harness.judge.facts.truth import ACCEPTED, EmittedEvent, Position
from harness.sse.response import read_retry_after

HOP_WITHIN = 1.0
"""Seconds within which a redirect is followed."""

_LED_ON_TO = frozenset({"", "stream", "other"})
_MET = frozenset({"fin", "rst", "lost"})
"""Ends that a client's task met as it read."""

_NEVER = 1 << 63
"""Nanoseconds."""


class AttemptLife(msgspec.Struct, kw_only=True):
    """One attempt at the stream, in stamps; for the client it ended within ``end_lo`` … ``end_hi``; None: never.

    ``sure``: it asked for the stream; else it is a dial that may have been for something else. ``hops`` redirects led
    it on. ``spoke``: it was let in. ``heard`` and ``fresh``, whether its answer was read and whether it brought news,
    are None in doubt; ``barren``: no event of it was read for certain. ``retries`` is what a ``retry:`` in force after
    it may have asked for, in milliseconds; None among them: nothing.
    """

    began_ns: int
    record: Record
    sure: bool = True
    request: Request | None = None
    answer: Response | None = None
    heard: bool | None = True
    end_lo: int | None = None
    end_hi: int | None = None
    spoke: bool = False
    opened: bool = False
    body: bool = False
    fresh: bool | None = False
    barren: bool = True
    clean: bool = False
    retries: tuple[int | None, ...] = (None,)
    hops: int = 0

    @property
    def status(self) -> int:
        """The status of its answer; 0 without one."""
        return 0 if self.answer is None else self.answer.status

    @property
    def asked(self) -> float | None:
        """Seconds of a Retry-After; None without one, NaN where it has a date that only the client's clock can read."""
        if self.answer is None or not self.answer.retry_after or self.opened:
            return None
        found = read_retry_after(self.answer.retry_after, self.answer.date, None)
        dated = read_retry_after(self.answer.retry_after, self.answer.date, 1.0)
        return math.nan if found is None and dated is not None else found


def attempts(client: ClientCase) -> list[AttemptLife]:
    """Return every attempt at the stream, and every dial that may have been one, in order of their beginning."""
    return client.once(_attempts)


def _attempts(client: ClientCase) -> list[AttemptLife]:
    hops = _Hops(client)
    found = [one for request in client.streams if (one := _asked(client, request, hops)) is not None]
    found += (_of_dial(client, dial) for dial in dials(client).all if not dial.what and dial.record.seq not in hops.led)
    found.sort(key=lambda one: (one.began_ns, one.record.seq))
    _tell(client, found)
    return found


def _asked(client: ClientCase, request: Request, hops: "_Hops") -> AttemptLife | None:
    """Return the attempt that a request was; None for one that a redirect led to."""
    dial = dials(client).by_cid.get(request.cid)
    if dial is not None and dial.record.seq in hops.led:
        return None
    first = dial is not None and firsts(client)[request.cid].rid == request.rid
    record: Record = dial.record if dial is not None and first else request
    began = dial.from_ns if dial is not None and first else request.t_ns
    one = AttemptLife(began_ns=began, record=record, spoke=True)
    _conclude(client, one, request)
    hops.follow(one)
    return one


def _of_dial(client: ClientCase, dial: Dialled) -> AttemptLife:
    lo, hi = _end_of(client, dial.cid) if dial.let_in else (dial.to_ns, dial.to_ns)
    return AttemptLife(
        began_ns=dial.from_ns, record=dial.record, sure=False, end_lo=lo, end_hi=hi, spoke=dial.let_in
    )  # fmt: skip


class _Hops:
    """Follows redirects: what an attempt was led on to is part of it. ``led`` numbers the records of such dials."""

    def __init__(self, client: ClientCase) -> None:
        self._client = client
        self._first = firsts(client)
        self.led: set[int] = set()

    def follow(self, one: AttemptLife) -> None:
        while one.answer is not None and leads_on(one.answer) and (hop := self._next(one)) is not None:
            self.led.add(hop.record.seq)
            one.hops += 1
            if hop.cid in self._first:
                _conclude(self._client, one, self._first[hop.cid])
                continue
            one.answer = None
            one.end_lo, one.end_hi = _end_of(self._client, hop.cid) if hop.let_in else (hop.to_ns, hop.to_ns)

    def _next(self, one: AttemptLife) -> Dialled | None:
        if one.end_lo is None or one.end_hi is None:
            return None
        near = self._client.case.near_ns
        since, until = max(one.end_lo - near, one.began_ns + 1), one.end_hi + round(HOP_WITHIN * 1e9) + near
        own = one.request.cid if one.request is not None else 0
        return next(
            (
                dial
                for dial in dials(self._client).all
                if since <= dial.from_ns <= until
                and dial.what in _LED_ON_TO
                and dial.record.seq not in self.led
                and dial.cid != own
            ),
            None,
        )


def _conclude(client: ClientCase, one: AttemptLife, request: Request) -> None:
    """Say how an attempt was answered, and when it ended."""
    life = request_lives(client)[request.rid]
    one.request, one.answer, one.opened = request, life.answer, life.streams
    one.end_lo, one.end_hi = _end_of(client, request.cid)
    one.body = life.began is not None
    one.clean = any(end.side == "server" and end.how != "rst" for end in client.ends_of.get(request.cid, ()))
    again = following(client).get(request.rid)
    if one.answer is None:
        if again is not None:
            one.end_lo = one.end_hi = again.t_ns
        return
    one.heard = True if life.read_ns is not None else None
    if is_stream(one.answer):
        return
    if one.end_lo is None or again is not None:  # its connection is kept for the next request
        one.end_lo, one.end_hi = one.answer.t_ns, max(one.answer.t_ns, life.body.t_ns if life.body is not None else 0)
    else:
        one.end_lo = min(one.end_lo, one.answer.t_ns)


def _end_of(client: ClientCase, cid: int) -> tuple[int | None, int | None]:
    """Return the first and the last stamp at which a client may have learned that its connection was over."""
    ends = [end for end in client.ends_of.get(cid, ()) if end.side == "client"]
    if not ends:
        return None, None
    left = [end.left_ns for end in ends if end.left_ns]
    reads = client.once(_reads).get(cid, ())
    met = [read.t_ns for read in reads if read.end in _MET]
    told = [end.t_ns for end in client.ends_of[cid] if end.side == "server" and not (end.swallowed or end.held)]
    lo = min([ends[0].t_ns, *left, *(met if reads else told)])
    hi = min(left) if left else max([ends[0].t_ns, *met])
    return lo, max(lo, hi)


def _reads(client: ClientCase) -> dict[int, list[Read]]:
    found = client.case.grouped(Read, "cid")
    return {conn.cid: found[conn.cid] for conn in client.conns if conn.cid in found}


def _tell(client: ClientCase, found: list[AttemptLife]) -> None:
    """Tell of each attempt what it brought: news, repeats, and ``retry:`` lines."""
    delivered, reading, news = client.case.grouped(Delivered, "rid"), client.once(ReadMarks), _News(client)
    retries: tuple[int | None, ...] = (None,)
    for one in found:
        mine = delivered.get(one.request.rid, []) if one.request is not None else []
        for block in mine:
            sure = reading.read_ns(block) is not None
            if block.retry >= 0:
                retries = (block.retry,) if sure else (*retries, block.retry)
            again = block.event and news.met(block)
            fresh = news.brought(block, one.end_hi or _NEVER) if block.event else False
            if fresh is not False and one.fresh is not True:
                one.fresh = fresh if sure else None
            if block.event and sure and (again or fresh is not None):
                one.barren = False
        one.retries = retries


class _News:
    """Tells news from repeats, by the truth and by what was delivered before."""

    def __init__(self, client: ClientCase) -> None:
        self._truth = client.truth
        self._largest: object = client.case.declared.max_event
        self._states = sorted((one.at_ns, one.position) for one in delivered_states(client))
        self._newest: Position = ACCEPTED
        self._seen: set[Position] = set()

    def met(self, block: Delivered) -> bool:
        """Whether an event was delivered before."""
        event = self._event(block)
        return event is not None and event.position in self._seen

    def brought(self, block: Delivered, end_ns: int) -> bool | None:
        """Return whether an event is news to the client: None where that cannot be told.

        It cannot where a status answer of this state, or a later one, came before the stream's end: a client reads no
        further while it settles a gap. Nor of an event without an id that came before: it may take that for another.
        """
        if isinstance(self._largest, int) and block.size > self._largest:
            return False
        event = self._event(block)
        if event is None:
            return None
        if event.position in self._seen:
            return False if event.has_id else None
        self._seen.add(event.position)
        before = self._newest
        if event.position <= before:
            return None
        self._newest = event.position
        polled = max((position for at_ns, position in self._states if at_ns <= end_ns), default=ACCEPTED)
        return None if event.position <= polled or event.position[0] > before[0] else True

    def _event(self, block: Delivered) -> EmittedEvent | None:
        if block.type not in EVENT_CALLBACKS:
            return None
        carried = self._truth.carried(block.id, block.digest, block.seq)
        return carried or (self._truth.known(block.id, block.t_ns) if block.id else None)
