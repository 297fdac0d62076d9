"""The number of connections that a client had open at a time (law L12)."""

from operator import itemgetter

from harness.history import Conn
from harness.judge.case import ClientCase

MOST_OPEN = 3
"""Connections of a client at a time: its stream, the one that replaces it or a poll, and one more."""

SETTLING = 1.0
"""Seconds for which a connection may outlive what it was for: the linger of law L6."""


def crowd(client: ClientCase) -> tuple[int, list[Conn]] | None:
    """Return when a client had more than ``MOST_OPEN`` connections for longer than ``SETTLING``, and which.

    None where it never had. A connection is the client's from when the gate accepted it to when its socket closed.
    """
    case = client.case
    settling_ns = round((SETTLING + case.slack) * 1e9)
    lives: list[tuple[int, int, Conn]] = []
    for conn in client.conns:
        mine = client.own_end(conn.cid)
        lives.append((conn.t_ns, case.end_ns if mine is None else mine.closed_ns, conn))
    lives.sort(key=itemgetter(0))
    begun, open_then = 0, lives[:0]
    for at_ns, _, _ in lives:
        then = at_ns + settling_ns
        while begun < len(lives) and lives[begun][0] <= at_ns:
            open_then.append(lives[begun])
            begun += 1
        # Those that were open all that time. What was not is open at no later time either.
        open_then = [life for life in open_then if life[1] > then]
        if len(open_then) > MOST_OPEN and then < case.end_ns:
            return at_ns, [conn for _, _, conn in open_then]
    return None
