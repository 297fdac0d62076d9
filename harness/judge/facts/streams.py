"""Live streams of one client, as the gate saw them: from the request written to the client's side closed (law L6).

A request that is answered by anything but an event stream has no stream any more.
"""

import msgspec

from harness.history import Request, Response
from harness.judge.case import ClientCase

EVENT_STREAM = "text/event-stream"


class LiveStream(msgspec.Struct, frozen=True):
    """One stream's life, in stamps. ``end_ns`` None: the client's side was never closed."""

    request: Request
    start_ns: int
    end_ns: int | None


class Overlap(msgspec.Struct, frozen=True):
    """A time in which more than one stream of a client and job lived. ``streams`` are those, oldest first."""

    start_ns: int
    end_ns: int
    streams: tuple[LiveStream, ...]


def live_streams(client: ClientCase) -> list[LiveStream]:
    """Return the client's streams in order. Orphans on the server's side do not count."""
    return client.once(_live_streams)


def _live_streams(client: ClientCase) -> list[LiveStream]:
    closed: dict[int, int] = {}
    for end in client.conn_ends:
        # A radio that wakes may hold the client's own end for a while: it left when its socket did. What the server
        # ended is no stream any more.
        if end.side == "client" or (end.how in {"fin", "rst"} and not end.swallowed):
            closed[end.cid] = min(closed.get(end.cid, end.closed_ns), end.closed_ns)
    nexts: dict[int, list[int]] = {}
    for request in client.requests:
        nexts.setdefault(request.cid, []).append(request.t_ns)
    left = _left_the_phone(client)
    found = []
    for request in client.streams:
        # A connection that carries another request has done with the one before.
        reused = next((t for t in nexts[request.cid] if t > request.t_ns), None)
        answer = client.responses.get(request.rid)
        refused = answer.t_ns if answer is not None and not is_stream(answer) else None
        over = min((t for t in (closed.get(request.cid), reused, refused) if t is not None), default=None)
        start = max(request.t_ns, left.get(request.cid, 0))
        if over is None or start < over:  # else it was over before it had left the phone
            found.append(LiveStream(request, start, over))
    return found


def _left_the_phone(client: ClientCase) -> dict[int, int]:
    """Return when the first byte of each connection left: a radio that wakes holds a request, and the end behind it."""
    found: dict[int, int] = {}
    for chunk in client.chunks:
        if chunk.direction == "upstream" and chunk.fate == "delivered":
            found.setdefault(chunk.cid, chunk.t_ns)
    return found


def is_stream(answer: Response) -> bool:
    """Return whether an answer is an event stream: 200 and the content type, whatever its parameters."""
    return answer.status == 200 and answer.content_type.lower().split(";")[0].strip() == EVENT_STREAM


def overlaps(client: ClientCase) -> list[Overlap]:
    """Return every time in which two or more streams of one job lived, in order."""
    found: list[Overlap] = []
    for job in dict.fromkeys(live.request.job for live in live_streams(client)):
        streams = [live for live in live_streams(client) if live.request.job == job]
        found += _together(streams, client.case.end_ns)
    return found


def most_at_once(client: ClientCase) -> int:
    """Return the largest number of streams alive at one time."""
    turns = []
    for live in live_streams(client):
        turns.append((live.start_ns, 1))
        if live.end_ns is not None:
            turns.append((live.end_ns, -1))
    count = most = 0
    for _, turn in sorted(turns):  # at one instant the end comes before the beginning
        count += turn
        most = max(most, count)
    return most


def _together(streams: list[LiveStream], end_ns: int) -> list[Overlap]:
    found: list[Overlap] = []
    turns = [(live.start_ns, 1, place) for place, live in enumerate(streams)]
    turns += [(end_ns if live.end_ns is None else live.end_ns, -1, place) for place, live in enumerate(streams)]
    alive: set[int] = set()
    since = 0
    met: set[int] = set()
    for at, turn, place in sorted(turns):
        before = len(alive)
        alive ^= {place}
        if turn == 1 and before == 1:
            since, met = at, set(alive)
        elif turn == 1:
            met |= alive
        elif before == 2 and at > since:
            found.append(Overlap(since, at, tuple(streams[member] for member in sorted(met))))
    return found
