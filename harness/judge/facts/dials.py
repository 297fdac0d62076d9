"""A client's dials, in one list: those that its phone recorded, and those that only the gate saw come in.

A dial that was let in and carried a request has the purpose of that request. A dial that was not let in, or was dropped
before it carried one, may have been for anything that the client had to ask.
"""

from collections.abc import Iterator

import msgspec

from harness.history.records import Record
from harness.judge.case import ClientCase
from harness.judge.facts.requests import dial_lives, firsts
from harness.scenario.deadlines import LINUX_SYN_RETRIES

_OPEN = "open"


class Dialled(msgspec.Struct, frozen=True):
    """One dial, in stamps. ``what`` is what its first request asked for; empty: it carried none. ``cid`` 0: not let in.

    ``to_ns`` is when it was over: let in, refused, lost, or given up.
    """

    from_ns: int
    to_ns: int
    path: str
    cid: int
    what: str
    let_in: bool
    record: Record


class Dials:
    """All dials of a client, in order of their beginning. ``seen``: those that were not let in are among them."""

    def __init__(self, client: ClientCase) -> None:
        self.seen = bool(dial_lives(client))
        self.all = sorted(_dialled(client), key=lambda one: (one.from_ns, one.record.seq))
        self.by_cid = {one.cid: one for one in self.all if one.cid}


def dials(client: ClientCase) -> Dials:
    """Return the dials of a client."""
    return client.once(Dials)


def _dialled(client: ClientCase) -> Iterator[Dialled]:
    recorded = set()
    for life in dial_lives(client):
        dial, cid = life.dial, life.conn.cid if life.conn is not None else 0
        recorded.add(cid)
        yield Dialled(dial.from_ns, dial.to_ns, dial.path, cid, life.what, dial.fate == _OPEN, dial)
    first = firsts(client)
    for conn in client.conns:
        if conn.cid not in recorded:
            what = first[conn.cid].what if conn.cid in first else ""
            yield Dialled(conn.t_ns, conn.t_ns, conn.path, conn.cid, what, True, conn)


def syn_retries(client: ClientCase) -> tuple[float, ...]:
    """Return when the host's kernel sends a SYN again, in seconds after the first, as the run's facts have it."""
    run = client.case.history.run
    text = run.facts.get("syn_retries_at", "") if run else ""
    try:
        return tuple(float(part.removesuffix("s")) for part in text.split()) or LINUX_SYN_RETRIES
    except ValueError:
        return LINUX_SYN_RETRIES
