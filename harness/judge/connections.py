"""How many connections a client had open at a time (law L12)."""

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
        mine = next((end for end in client.ends_of.get(conn.cid, ()) if end.side == "client"), None)
        end_ns = case.end_ns if mine is None else mine.left_ns or mine.t_ns
        lives.append((conn.t_ns, end_ns, conn))
    for at_ns, _, _ in lives:
        then = at_ns + settling_ns
        # Those that were open all that time.
        open_then = [conn for since, until, conn in lives if since <= at_ns and until > then]
        if len(open_then) > MOST_OPEN and then < case.end_ns:
            return at_ns, open_then
    return None
