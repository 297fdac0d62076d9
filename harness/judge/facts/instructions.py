"""The instructions of a server or a box to a client: to reconnect later, to wait, to know of missing events.

Each is a fact with the stamp at which it was at the client's socket, and ``read_ns``, at which it was certainly read:
None where that is in doubt, and then it counts as heard and as not heard, whichever excuses.
"""

import bisect
import math
from collections.abc import Iterator

import msgspec

from harness.history import Delivered, Request, Response
from harness.judge.case import ClientCase
from harness.judge.facts.reading import ReadMarks
from harness.judge.facts.requests import lives_of, request_lives, streams_begun
from harness.judge.facts.snapshots import DeliveredState, delivered_states
from harness.sse.policy import Ids
from harness.sse.response import read_retry_after

REFUSED = frozenset({409, 410})
"""Statuses of a stream that refuse its cursor."""

UNAUTHORIZED = 401
"""The status that asks for a new token."""

RESET = "reset"
"""The type of the event by which a server says that it no longer has what the cursor asked for."""


RESTS, RESTS_AT_THE_END = (8.0, 0.5), (10.0, 0.9)
"""Seconds for which a stream may wait for a gap's snapshot, and the share of the watchdog's time."""


class Deferral(msgspec.Struct, frozen=True):
    """An answer that asked by ``Retry-After`` not to be asked the same again for a while.

    ``asked`` is what it says, in seconds (a date less the answer's own ``Date``); ``seconds`` how much of that the
    declared policies heed.
    """

    request: Request
    answer: Response
    asked: float
    seconds: float
    read_ns: int | None

    @property
    def until_ns(self) -> int:
        """The stamp before which the client does not ask again."""
        return self.answer.t_ns + round(self.seconds * 1e9)


class ToldGap(msgspec.Struct, frozen=True):
    """A notice to a client that events are missing for good. ``how``: 409, 410, reset, or epoch (a new one's event).

    ``covered_ns`` is the earliest stamp from which a client may no longer ask for the state because of it: infinity
    where that never came.
    """

    how: str
    record: Response | Delivered
    request: Request
    read_ns: int | None
    covered_ns: float = math.inf


def deferrals(client: ClientCase) -> list[Deferral]:
    """Return the answers that put a client off, in order.

    A redirect that leads on and a 401 are no answers to wait for, and an event stream that opened is none either.
    """
    return client.once(_deferrals)


def told_gaps(client: ClientCase) -> list[ToldGap]:
    """Return what told a client of gaps, in order."""
    return client.once(_told_gaps)


def events_delivered(client: ClientCase) -> list[Delivered]:
    """Return the events at a client's sockets, in order: a block of an id or a ``retry:`` alone is none."""
    return [one for one in client.delivered if one.event and one.rid in request_lives(client)]


def _deferrals(client: ClientCase) -> list[Deferral]:
    return list(_found(client))


def _found(client: ClientCase) -> Iterator[Deferral]:
    policies = client.case.plan.client.policies
    for life in request_lives(client).values():
        answer = life.answer
        if (
            answer is None
            or not answer.retry_after
            or answer.status == UNAUTHORIZED
            or leads_on(answer)
            or life.streams
        ):
            continue
        asked = read_retry_after(answer.retry_after, answer.date, None)
        seconds = policies.heed_retry_after(asked)
        if asked is not None and seconds is not None:
            yield Deferral(life.request, answer, asked, seconds, life.read_ns)


def leads_on(answer: Response) -> bool:
    """Return whether an answer is a redirect with a place to go to."""
    return answer.status // 100 == 3 and bool(answer.location)


def _told_gaps(client: ClientCase) -> list[ToldGap]:
    found = sorted([*_refusals(client), *_in_streams(client)], key=lambda gap: gap.record.seq)
    return [msgspec.structs.replace(gap, covered_ns=_covered_ns(client, gap)) for gap in found]


def _refusals(client: ClientCase) -> Iterator[ToldGap]:
    for life in lives_of(client, "stream"):
        if life.answer is not None and life.answer.status in REFUSED:
            yield ToldGap(str(life.answer.status), life.answer, life.request, life.read_ns)


def _in_streams(client: ClientCase) -> Iterator[ToldGap]:
    """Yield the resets, and the events that begin a new epoch for a client that reads epochs from ids.

    An epoch that a client may know by an answer, or an event, that is in doubt begins in doubt.
    """
    reading, reads_epochs = client.once(ReadMarks), client.case.plan.client.policies.ids is not Ids.OPAQUE
    surely = maybe = -1
    arrived: list[Delivered | DeliveredState] = [*events_delivered(client), *delivered_states(client)]
    for one in sorted(arrived, key=_when):
        if isinstance(one, DeliveredState):
            rank, read_ns = one.position[0], one.known_ns
        else:
            read_ns = reading.read_ns(one)
            event = client.truth.known(one.id, one.t_ns)
            if one.type == RESET:
                yield ToldGap(RESET, one, request_lives(client)[one.rid].request, read_ns)
            if event is None:
                continue
            rank = event.position[0]
            if reads_epochs and maybe >= 0 and rank > surely:
                certain = read_ns if rank > maybe and surely >= 0 else None
                yield ToldGap("epoch", one, request_lives(client)[one.rid].request, certain)
        maybe = max(maybe, rank)
        surely = max(surely, rank) if read_ns is not None else surely


def _when(one: Delivered | DeliveredState) -> tuple[int, int]:
    """Order what arrived by stamp, and by number within one."""
    if isinstance(one, Delivered):
        return one.t_ns, one.seq
    assert one.life.body is not None
    return one.at_ns, one.life.body.seq


def _covered_ns(client: ClientCase, gap: ToldGap) -> float:
    """Return when a gap was covered for certain: a whole answer was read that was asked for behind it.

    A refused cursor is asked for anew until a stream has opened with another: the one that a snapshot gave ages, too.
    """
    states = (one for one in delivered_states(client) if one.known_ns is not None)
    asked = (one for one in states if one.life.request.t_ns >= gap.record.t_ns)
    whole = next((one.known_ns for one in asked if one.known_ns is not None), None)
    if whole is None:
        return math.inf
    if not isinstance(gap.record, Response):
        return whole
    begun = streams_begun(client)
    place = bisect.bisect_left(begun, gap.record.t_ns)
    return max(whole, begun[place]) if place < len(begun) else math.inf
