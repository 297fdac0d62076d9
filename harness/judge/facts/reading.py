"""The reading of a client: what it has certainly read of what its sockets took.

1. What a socket has taken dies with it where the phone loses the path, wakes or is reset, and where the client leaves.
2. The phone records how far its client's task has received each connection (``Read``). What lies before that mark was
   read at that mark's stamp.
3. A client without a phone of the harness's leaves no marks. It has read what came on a connection that lived on, at
   the client's side, for ``PROOF`` seconds in which the device was awake; what came before that connection carried the
   client's next request; and a whole answer behind which it said FIN itself.
4. Everything else is *in doubt*: it counts as read and as not read, whichever excuses.
"""

from bisect import bisect_left, bisect_right
from operator import attrgetter

from harness.history import Body, Delivered, Read, Response, StreamBegan
from harness.judge.case import ClientCase
from harness.judge.facts.network_timeline import NetworkTimeline

PROOF = 1.0
"""Seconds for which a connection lives on behind bytes that a process has certainly read."""

_SEQ = attrgetter("seq")
_UPTO = attrgetter("upto")

Arrived = Response | StreamBegan | Delivered | Body
"""Records that the stage writes as the client's socket takes the byte that completes what they tell of."""


class ReadMarks:
    """One client's marks. Made once a client, by ``client.once(Reading)``."""

    def __init__(self, client: ClientCase) -> None:
        self._client = client
        marks = client.case.grouped(Read, "cid")
        self._marks = {conn.cid: marks[conn.cid] for conn in client.conns if conn.cid in marks}
        self._lived = {} if self._marks else _lived(client)
        bodies = client.case.grouped(Body, "cid")
        self._finished = {end.cid for end in client.conn_ends if (end.side, end.how) == ("client", "fin")}
        self._whole = {body.rid for conn in client.conns for body in bodies.get(conn.cid, ()) if body.whole}

    def read_ns(self, arrived: Arrived) -> int | None:
        """Return the stamp at which this was certainly read; None where that is in doubt."""
        if not self._marks:
            return self._proved(arrived)
        marks = self._marks.get(arrived.cid)
        upto = self._upto(arrived)
        if marks is None or upto is None:
            return None
        place = bisect_left(marks, upto, key=_UPTO)
        return marks[place].t_ns if place < len(marks) else None

    def _upto(self, arrived: Arrived) -> int | None:
        """Return the offset by which the client's socket had surely taken this; None where no bytes came."""
        chunks = self._client.bytes_down.get(arrived.cid, [])
        place = bisect_right(chunks, arrived.seq, key=_SEQ)
        return chunks[place - 1].offset + chunks[place - 1].length if place else None

    def _proved(self, arrived: Arrived) -> int | None:
        """Judge a client that leaves no marks by how long its connection lived."""
        until_ns = self._lived.get(arrived.cid, self._client.case.end_ns)
        later = (one.t_ns for one in self._client.requests if one.cid == arrived.cid and one.seq > arrived.seq)
        if (asked := next(later, None)) is not None and asked <= until_ns:
            return asked
        if arrived.rid in self._whole and arrived.cid in self._finished and until_ns >= arrived.t_ns:
            return until_ns
        at = self._client.case.at
        awake = (until_ns - arrived.t_ns) / 1e9 - self._client.once(NetworkTimeline).slept(
            at(arrived.t_ns), at(until_ns)
        )
        return arrived.t_ns + round(PROOF * 1e9) if awake >= PROOF else None


def _lived(client: ClientCase) -> dict[int, int]:
    """Return when the client's side of each connection ended."""
    found: dict[int, int] = {}
    for end in client.conn_ends:
        if end.side == "client":
            found.setdefault(end.cid, end.closed_ns)
    return found
