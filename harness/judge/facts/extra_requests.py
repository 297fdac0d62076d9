"""A client's acts beside its one stream: spare connections, status requests, a second start (law L6)."""

import math
from bisect import bisect_right
from operator import attrgetter

import msgspec

from harness.history import App, Conn
from harness.judge.case import WAKING_SIGNALS, ClientCase
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.polling import FINAL, GAP, STRAY, askings
from harness.judge.facts.radio import end_came_ns
from harness.judge.facts.reading import ReadMarks
from harness.judge.facts.requests import RequestLife, lives_of, streams_begun
from harness.judge.facts.streams import LiveStream, is_stream, live_streams

SPARE = 3
"""Connections without a request that are too many, whatever share of all they are: browsers open a spare one."""

LIVELY = 5.0
"""Seconds from its last byte for which a stream lives for certain: a third of the keep-alive's interval."""

OWN = 0.05
"""Seconds that a client may take for its own part: between a stream's first byte and the poller's stop, for one."""

AFTER_THE_END = 1.0
"""Seconds from the end that the app was told to the close of the stream."""


class ExtraPoll(msgspec.Struct, frozen=True):
    """A status request begun beside a live stream, ``age`` seconds after that one's last byte."""

    poll: RequestLife
    stream: RequestLife
    age: float


def spare_connections(client: ClientCase) -> list[Conn]:
    """Return the connections that a client made, and ended itself or kept to the end, without a request on them.

    A connection is not counted if the client dropped it for a signal, for a stream's first byte, as the job ended, as
    the device slept, or after the connect deadline.
    """
    carried = {request.cid for request in client.requests}
    return [conn for conn in client.conns if conn.cid not in carried and _unused(client, conn)]


def _unused(client: ClientCase, conn: Conn) -> bool:
    case = client.case
    mine = client.own_end(conn.cid)
    server = next((end for end in client.ends_of.get(conn.cid, ()) if end.side == "server"), None)
    until = case.end_ns if mine is None else mine.closed_ns
    if until >= case.end_ns:
        return conn.t_ns + case.near_ns < case.end_ns and not _over(client, conn.t_ns)
    if mine is None or mine.how == "closed" or (server is not None and server.t_ns <= until + case.near_ns):
        return False
    return not _dropped(client, conn.t_ns, until)


def _over(client: ClientCase, at_ns: int) -> bool:
    """Return whether the run was cut short as a connection was made."""
    return client.case.cut_short and at_ns + round(1e9) >= client.case.end_ns


def _dropped(client: ClientCase, since_ns: int, until_ns: int) -> bool:
    """Return whether a client had a reason to drop a dial that had just been let in."""
    case, near = client.case, client.case.near_ns
    deadline = client.case.plan.client.policies.connect_timeout
    if deadline is not None and (until_ns - since_ns) / 1e9 >= deadline - 2 * OWN - case.slack:
        return True
    reasons: list[float] = [end_came_ns(client)]
    reasons += [signal.t_ns for signal in client.heard if signal.what in WAKING_SIGNALS]
    reasons += [app.enter_ns for app in client.screen.ends]
    reasons += streams_begun(client)
    if any(since_ns - near <= at <= until_ns + near for at in reasons):
        return True
    return client.once(NetworkTimeline).slept(case.at(since_ns), case.at(until_ns)) > 0


def beside_streams(client: ClientCase) -> list[ExtraPoll]:
    """Return the status requests that were begun beside a live stream, with no gap open and no 204 before."""
    reading = client.once(ReadMarks)
    begun = ((life, reading.read_ns(life.began)) for life in lives_of(client, "stream") if life.began is not None)
    streams = [(life, read_ns) for life, read_ns in begun if read_ns is not None]
    return [
        found
        for one in askings(client)
        if one.why not in {GAP, FINAL} and (found := _beside(client, one.life, streams)) is not None
    ]


def strays(client: ClientCase) -> list[RequestLife]:
    """Return the status requests for which a client had no reason, while none of its streams was open.

    One whose job's start was not certainly answered may ask what became of it.
    """
    if any(start.known_ns is None for start in lives_of(client, "start")):
        return []
    opened = [(one.began.t_ns, one.end_ns or math.inf) for one in lives_of(client, "stream") if one.began is not None]
    return [
        one.life
        for one in askings(client)
        if one.why == STRAY and not any(since <= one.life.begun_ns < until for since, until in opened)
    ]


def _beside(client: ClientCase, poll: RequestLife, streams: list[tuple[RequestLife, int]]) -> ExtraPoll | None:
    """``streams``: those that certainly began, each with the stamp by which its first byte was read."""
    case = client.case
    by_ns = poll.begun_ns - round((OWN + case.slack + case.plan.client.policies.handler_takes) * 1e9)
    for stream, began in streams:
        if began > by_ns or (stream.end_ns or math.inf) <= poll.begun_ns + case.near_ns:
            continue
        came = client.bytes_down.get(stream.request.cid, [])
        place = bisect_right(came, poll.begun_ns, key=attrgetter("t_ns"))
        age = (poll.begun_ns - came[place - 1].t_ns) / 1e9 if place else math.inf
        if age <= LIVELY:
            return ExtraPoll(poll, stream, age)
    return None


def held_after(client: ClientCase) -> tuple[App, list[LiveStream]] | None:
    """Return the end that the app was told, and the streams that the client held on to for too long after it.

    A stream that the server ended is held until the client's own side is closed; one whose connection carried another
    request is none. None where none was held.
    """
    end = min(client.screen.ends, key=attrgetter("exit_ns"), default=None)
    if end is None:
        return None
    last = {request.cid: request.rid for request in client.requests}
    mine = [live for live in live_streams(client) if live.start_ns < end.enter_ns and live.end_ns is not None]
    lives = [_held(client, live) if last[live.request.cid] == live.request.rid else live for live in mine]
    found = [live for live in lives if (live.end_ns or 0) > _let_go_by(client, end, live)]
    return (end, found) if found else None


def _held(client: ClientCase, live: LiveStream) -> LiveStream:
    answer = client.responses.get(live.request.rid)
    own = client.own_end(live.request.cid)
    if own is None or answer is None or not is_stream(answer):
        return live
    return msgspec.structs.replace(live, end_ns=own.closed_ns)


def _let_go_by(client: ClientCase, end: App, live: LiveStream) -> int:
    """Return the stamp by which a stream is let go of, once the app was told an end and its last byte had come."""
    case = client.case
    ended = (one for one in client.ends_of.get(live.request.cid, ()) if one.side == "server" and one.how != "closed")
    ends = [one.t_ns for one in ended]
    since = case.at(max([end.exit_ns, *ends]))
    return case.ns(client.once(NetworkTimeline).awake_by(since, since + AFTER_THE_END + OWN + case.slack))


def begun_again(client: ClientCase) -> tuple[RequestLife, RequestLife] | None:
    """Return a start that was accepted, and one that was begun after that answer was read; None where there is none."""
    starts = lives_of(client, "start")
    for place, first in enumerate(starts):
        accepted = first.answer is not None and first.answer.status // 100 == 2 and not first.answer.by
        # Who asks for the stream of its job has learned of it.
        proofs = [first.known_ns, *(stream.t_ns for stream in client.streams if stream.seq > first.request.seq)]
        known = min((stamp for stamp in proofs if stamp is not None), default=None)
        if not accepted or known is None:
            continue
        again = next((one for one in starts[place + 1 :] if one.begun_ns >= known), None)
        if again is not None:
            return first, again
    return None
