"""The server's streams, and when its socket had evidence that a peer is gone (law L13).

Evidence is what reached the server's end: the client's FIN or RST that the gate passed on, an end that the gate made
there (``reset``, the deed ``orphan``), or a newer stream of the same job. Silence is none: a kernel takes megabytes for
a peer that no longer reads. Nor is how the run itself was taken down. A blocked write is seen by the server
alone, which closes the stream for it.
"""

import msgspec

from harness.history import ConnEnd, EndPassed, Request, Subscriber
from harness.history.records import Record
from harness.judge.case import Case
from harness.judge.facts.server import ServerFacts


class Subscription(msgspec.Struct, frozen=True):
    """One stream of the server. ``closed`` None: never. ``evidence`` is the first record of the peer's end."""

    opened: Subscriber
    closed: Subscriber | None
    request: Request | None
    evidence: Record | None
    why: str  # what the evidence was, in words


def subscriptions(case: Case) -> list[Subscription]:
    """Return the server's streams in the order of their opening, the canary's left out."""
    return case.once(_subscriptions)


def _subscriptions(case: Case) -> list[Subscription]:
    ends, passed = case.grouped(ConnEnd, "cid"), case.grouped(EndPassed, "cid")
    found = []
    for stream in case.once(ServerFacts).streams:
        opened, request = stream.opened, stream.request
        cid = request.cid if request is not None else None
        mine = [end for end in ends.get(cid, []) if opened.seq < end.seq and end.t_ns < case.end_ns]
        evidence, why = _first(mine, passed.get(cid, []), stream.newer)
        found.append(Subscription(opened, stream.closed, request, evidence, why))
    return found


def _first(ends: list[ConnEnd], passed: list[EndPassed], newer: Subscriber | None) -> tuple[Record | None, str]:
    signs: list[tuple[Record, str]] = []
    for end in ends:
        if end.side == "client" and end.how in {"fin", "rst"} and not end.swallowed and not end.held:
            signs.append((end, f"its client's {end.how.upper()}"))
        elif end.side == "server" and end.how == "closed":
            signs.append((end, "the end of its connection"))
    signs += [(end, f"its client's {end.how.upper()}") for end in passed if end.side == "client"]
    if newer is not None:
        signs.append((newer, "a newer stream of the same job"))
    return min(signs, key=lambda sign: sign[0].t_ns, default=(None, ""))
