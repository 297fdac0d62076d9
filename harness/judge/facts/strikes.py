"""What deeds did to a client's streams later than they were done: seen in the records of the middle and the server.

A box kills a connection when it was idle for long enough, cuts the next event, or stops answering after so many
times; the server ends a stream whose token has run out. Each is the plan's doing, and none the client's.
"""

import msgspec

from harness.deeds import acts
from harness.deeds.catalogue import REQUESTS
from harness.history import Response
from harness.judge.case import ClientCase
from harness.judge.facts.subscribers import subscriptions

_STRUCK = ("kill", "cut")
"""How the middle's tags begin that end one connection."""

SILENTLY = "silently"
"""The detail of a kill that nobody is told of."""


class Struck(msgspec.Struct, frozen=True):
    """One live stream of the client was ended at this stamp."""

    t_ns: int
    path: str
    silent: bool


def strikes(client: ClientCase) -> list[Struck]:
    """Return the ends of live streams that no deed of the plan has at its own time."""
    streams = {request.cid for request in client.streams}
    paths = {conn.cid: conn.path for conn in client.conns if conn.cid in streams}
    found = [
        Struck(boxed.t_ns, paths[boxed.cid], silent=boxed.detail == SILENTLY)
        for boxed in client.boxed
        if boxed.cid in paths and boxed.what.startswith(_STRUCK)
    ]
    for one in subscriptions(client.case):
        mine = one.request is not None and one.request.client == client.name
        if mine and one.closed is not None and one.closed.evidence == "expired" and one.request is not None:
            path = paths.get(one.request.cid)
            if path is not None:
                found.append(Struck(one.closed.t_ns, path, silent=False))
    return found


def exhausted(client: ClientCase, deed: acts.Deed, issued_ns: int) -> int | None:
    """Return when answers that were to be given so many times had been; None: not so far, or no such deed.

    Each gate counts for itself, and the canary's questions count too; so a stream that the server answered after the
    deed says it as well.
    """
    act = deed.act
    if not isinstance(act, acts.Answers) or act.times is None or deed.undoes is not None:
        return None
    given = 0
    for request in client.requests:
        answer: Response | None = client.responses.get(request.rid)
        if answer is None or answer.t_ns < issued_ns or request.t_ns < issued_ns:
            continue
        if act.to != "everything" and request.what != REQUESTS[act.to]:
            continue
        if not answer.by and answer.status == 200 != act.status and request.what == "stream":
            return answer.t_ns
        given += answer.status == act.status
        if given == act.times:
            return answer.t_ns
    return None
