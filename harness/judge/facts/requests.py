"""The life of each dial and each request of a client: asked, answered, its body, its end, and by whom it was ended.

Dials are the phone's records, requests and answers the stage's, ends the gate's. ``rid`` is the number that the gate
gave a request and that the server's own records carry; so an answer is found on both sides. What a request is for is
told by its method, its path and its ``Accept``.
"""

import math
from bisect import bisect_right
from operator import attrgetter

import msgspec

from harness.history import (
    Answered,
    Body,
    Conn,
    ConnEnd,
    Dial,
    EndPassed,
    Request,
    Response,
    Snapshot,
    StreamBegan,
    StreamEnded,
    Subscriber,
)
from harness.judge.case import ClientCase
from harness.judge.facts.reading import ReadMarks
from harness.judge.facts.streams import is_stream

_JSON = "json"

NOBODY, ANSWERED, CLIENT, SERVER, NETWORK = "", "answer", "client", "server", "network"
"""The end of a request, by its cause: none yet; its whole answer; the client that hung up; the server; the gate, for a
lost path or a box."""


class RequestLife(msgspec.Struct, frozen=True):
    """One request of a client.

    ``answer`` is its head at the client's socket, ``began`` the first byte of an event stream there, ``body`` what came
    of any other answer. ``served`` is the server's own record of what it answered. ``read_ns`` is when the head was
    certainly read (None: in doubt, or no answer came), ``known_ns`` the same of a whole body. ``end_ns`` is when it was
    over for the client, ``by`` whom; None and ``""``: it never was. ``severed_ns`` is from when on its connection
    brings nothing that the server says later, whether or not the client is told: the server's side had ended, or bytes
    on their way to the client were lost; None: it never was severed.
    """

    request: Request
    conn: Conn | None = None
    dial: Dial | None = None
    answer: Response | None = None
    began: StreamBegan | None = None
    body: Body | None = None
    served: Answered | Snapshot | Subscriber | None = None
    read_ns: int | None = None
    known_ns: int | None = None
    end_ns: int | None = None
    by: str = NOBODY
    severed_ns: int | None = None
    reused: bool = False  # its connection had carried another before

    @property
    def begun_ns(self) -> int:
        """The stamp at which the client began to make it: dialled for it, or wrote it on a connection that it had."""
        return self.request.t_ns if self.reused else self.dialled_ns

    @property
    def streams(self) -> bool:
        """True if it was answered by an event stream."""
        return self.answer is not None and is_stream(self.answer)

    @property
    def carries_until_ns(self) -> float:
        """The stamp at which it was over for the client, or its connection was severed; infinity: neither came."""
        return min((ns for ns in (self.end_ns, self.severed_ns) if ns is not None), default=math.inf)

    @property
    def whole(self) -> bool:
        """True if an answer that is no stream was delivered whole."""
        return self.body is not None and self.body.whole

    @property
    def given(self) -> bool:
        """True if what was asked for came: 2xx in JSON, whole, of the server. A portal's page is no token."""
        answer = self.answer
        said = (
            answer is not None and answer.status // 100 == 2 and not answer.by and _JSON in answer.content_type.lower()
        )
        return said and self.whole

    @property
    def dialled_ns(self) -> int:
        """The stamp at which its connection was dialled; without a record of that, the stamp of acceptance."""
        if self.dial is not None:
            return self.dial.from_ns
        return self.conn.t_ns if self.conn is not None else self.request.t_ns


class DialLife(msgspec.Struct, frozen=True):
    """One dial of a client, and what its connection carried first.

    ``what`` is that request's purpose; empty for a dial that was never let in, or carried none.
    """

    dial: Dial
    conn: Conn | None = None
    request: Request | None = None

    @property
    def what(self) -> str:
        """The purpose of its first request."""
        return self.request.what if self.request is not None else ""


def request_lives(client: ClientCase) -> dict[int, RequestLife]:
    """Return the life of each request of a client by its number, in the order in which they were made."""
    return client.once(_request_lives)


def lives_of(client: ClientCase, what: str) -> list[RequestLife]:
    """Return the lives of the requests of one purpose, in order."""
    return client.once(_by_purpose).get(what, [])


def firsts(client: ClientCase) -> dict[int, Request]:
    """Return the first request of each connection that carried one."""
    return client.once(_firsts)


def following(client: ClientCase) -> dict[int, Request]:
    """Return, by the number of a request, the one that followed it on its connection."""
    return client.once(_following)


def streams_begun(client: ClientCase) -> list[int]:
    """Return the stamps at which the first byte of each stream's body was at the client's socket, in order."""
    return client.once(_streams_begun)


def dial_lives(client: ClientCase) -> list[DialLife]:
    """Return the dials of a client in the order in which they began; none for a client without a phone."""
    return client.once(_dial_lives)


def _by_purpose(client: ClientCase) -> dict[str, list[RequestLife]]:
    found: dict[str, list[RequestLife]] = {}
    for life in request_lives(client).values():
        found.setdefault(life.request.what, []).append(life)
    return found


def _firsts(client: ClientCase) -> dict[int, Request]:
    return {request.cid: request for request in reversed(client.requests)}


def _streams_begun(client: ClientCase) -> list[int]:
    return sorted(life.began.t_ns for life in lives_of(client, "stream") if life.began is not None)


def _request_lives(client: ClientCase) -> dict[int, RequestLife]:
    reading, case = client.once(ReadMarks), client.case
    conns = {conn.cid: conn for conn in client.conns}
    dials = {one.conn.cid: one.dial for one in dial_lives(client) if one.conn is not None}
    bodies, begun = case.grouped(Body, "rid"), case.grouped(StreamBegan, "rid")
    served = _served(client)
    nexts, severed = following(client), _severed(client)
    behind = {request.rid for request in nexts.values()}
    found = {}
    for request in client.requests:
        answer = client.responses.get(request.rid)
        body = next(iter(bodies.get(request.rid, ())), None)
        end_ns, by = _end(client, request, answer, body, nexts.get(request.rid))
        found[request.rid] = RequestLife(
            request=request,
            conn=conns.get(request.cid),
            dial=dials.get(request.cid),
            answer=answer,
            began=next(iter(begun.get(request.rid, ())), None),
            body=body,
            served=served.get(request.rid),
            read_ns=reading.read_ns(answer) if answer is not None else None,
            known_ns=reading.read_ns(body) if body is not None and body.whole else None,
            end_ns=end_ns,
            by=by,
            severed_ns=severed.get(request.cid),
            reused=request.rid in behind,
        )
    return found


def _served(client: ClientCase) -> dict[int, Answered | Snapshot | Subscriber]:
    """Return the server's record of each answer; a stream's is that it opened."""
    case = client.case
    kinds = (case.grouped(Answered, "rid"), case.grouped(Snapshot, "rid"), case.grouped(Subscriber, "rid"))
    return {
        request.rid: records[request.rid][0]
        for request in client.requests
        for records in kinds
        if request.rid in records
    }


def _following(client: ClientCase) -> dict[int, Request]:
    last: dict[int, Request] = {}
    found = {}
    for request in client.requests:
        if request.cid in last:
            found[last[request.cid].rid] = request
        last[request.cid] = request
    return found


def _end(
    client: ClientCase, request: Request, answer: Response | None, body: Body | None, following: Request | None
) -> tuple[int | None, str]:
    """Return when a request was over for its client, and by whom: what came first, as the gate saw it."""
    ends = [(*_told(end), _by(end)) for end in client.ends_of.get(request.cid, ()) if _tells(end)]
    if body is not None and body.whole:
        ends.append((body.t_ns, body.seq, ANSWERED))
    if following is not None:
        ends.append((following.t_ns, following.seq, ANSWERED))
    # The head is enough where there is no body, or where an event stream was asked for.
    if answer is not None and not is_stream(answer) and (body is None or request.what == "stream"):
        ends.append((answer.t_ns, answer.seq, ANSWERED))
    ended = client.case.grouped(StreamEnded, "rid").get(request.rid, ())
    let_go = [one for one in client.case.grouped(EndPassed, "cid").get(request.cid, ()) if one.side == "server"]
    ends += [(one.t_ns, one.seq, SERVER) for one in (*ended, *let_go)]
    # A server that closes what it has just accepted may be gone by the time the request passes.
    ends = [(max(at_ns, request.t_ns) if by == SERVER else at_ns, seq, by) for at_ns, seq, by in ends]
    first = min((end for end in ends if end[0] >= request.t_ns), default=None)
    return (None, NOBODY) if first is None else (first[0], first[2])


def _severed(client: ClientCase) -> dict[int, int]:
    """Return, by connection, when its server's side ended or it lost bytes to the client: TCP leaves no hole."""
    found = {end.cid: end.t_ns for end in reversed(client.conn_ends) if end.side == "server"}
    for chunk in client.chunks:
        if (chunk.direction, chunk.fate) == ("downstream", "dropped"):
            found[chunk.cid] = min(found.get(chunk.cid, chunk.t_ns), chunk.t_ns)
    return found


def _tells(end: ConnEnd) -> bool:
    """Return whether an end is one for the client: its own, or one of the server's that was not kept from it."""
    return end.side == "client" or not (end.swallowed or end.held or end.how == "closed")


def _told(end: ConnEnd) -> tuple[int, float]:
    """Return stamp and number by which ends are ordered.

    What comes at the very stamp at which the client's socket closed, before the gate learned of that, is its cause.
    """
    early = end.side == "client" and end.left_ns
    return (end.left_ns, math.inf) if early else (end.t_ns, end.seq)


def _by(end: ConnEnd) -> str:
    if end.side == "server":
        return SERVER
    return NETWORK if end.how == "closed" else CLIENT


def _dial_lives(client: ClientCase) -> list[DialLife]:
    dials = sorted(client.dials, key=attrgetter("from_ns", "seq"))
    by_port: dict[int, list[int]] = {}
    for place, dial in enumerate(dials):
        by_port.setdefault(dial.port, []).append(place)
    first = firsts(client)
    met: dict[int, Conn] = {}
    for conn in client.conns:
        places = by_port.get(_port(conn), [])
        # A kernel gives a port again: the newest dial that had begun by then is meant.
        before = bisect_right(places, conn.t_ns, key=lambda place: dials[place].from_ns)
        if before:
            met[places[before - 1]] = conn
    return [
        DialLife(dial, met.get(place), first.get(met[place].cid) if place in met else None)
        for place, dial in enumerate(dials)
    ]


def _port(conn: Conn) -> int:
    port = conn.peer.rpartition(":")[2]
    return int(port) if port.isdigit() else -1
