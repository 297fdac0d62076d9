"""The server's streams, and when its socket had evidence that a peer is gone (law L13).

Evidence is what reached the server's end: the client's FIN or RST that the gate passed on, an end that the gate made
there (``reset``, the deed ``orphan``), or a newer stream of the same job. Silence is none: a kernel takes megabytes for
a peer that nobody reads any more. Nor is how the run itself was taken down. A blocked write is seen by the server
alone, which closes the stream for it.
"""

import bisect

import msgspec

from harness.history import ConnEnd, EndPassed, Request, Response, Subscriber
from harness.history.records import Record
from harness.judge.case import Case


class Subscription(msgspec.Struct, frozen=True):
    """One stream of the server. ``closed`` None: never. ``evidence`` is the first record of the peer's end."""

    opened: Subscriber
    closed: Subscriber | None
    request: Request | None
    evidence: Record | None
    why: str  # what the evidence was, in words


def subscriptions(case: Case) -> list[Subscription]:
    """Return the server's streams in the order of their opening."""
    return case.once(_subscriptions)


def _subscriptions(case: Case) -> list[Subscription]:
    records = case.history.all(Subscriber)
    opens = [record for record in records if record.what == "open"]
    closes = _closes(records)
    requests = _Requests(case)
    newer: dict[str, list[Subscriber]] = {}
    for record in opens:
        newer.setdefault(record.job, []).append(record)
    ends, passed = case.grouped(ConnEnd, "cid"), case.grouped(EndPassed, "cid")
    found = []
    for opened in opens:
        request = requests.take(opened)
        after = next((one for one in newer[opened.job] if one.seq > opened.seq), None)
        cid = request.cid if request else None
        mine = [end for end in ends.get(cid, []) if opened.seq < end.seq and end.t_ns < case.end_ns]
        evidence, why = _first(mine, passed.get(cid, []), after)
        found.append(Subscription(opened, closes.get(opened.seq), request, evidence, why))
    return found


def _closes(records: list[Subscriber]) -> dict[int, Subscriber]:
    """Return how each stream ended, by the number of the record that opened it: a new server counts from 1 again."""
    open_by_sub: dict[int, int] = {}
    found: dict[int, Subscriber] = {}
    for record in records:
        if record.what == "open":
            open_by_sub[record.sub] = record.seq
        elif record.sub in open_by_sub:
            found[open_by_sub.pop(record.sub)] = record
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


class _Requests:
    """Which request at the gate became which stream of the server: by job, cursor and time, for want of a number."""

    def __init__(self, case: Case) -> None:
        self._free: dict[tuple[str, str], list[Request]] = {}
        self._answers = case.grouped(Response, "rid")
        for request in case.history.all(Request):
            if request.what == "stream":
                self._free.setdefault((request.job, request.last_event_id or ""), []).append(request)

    def take(self, opened: Subscriber) -> Request | None:
        free = self._free.get((opened.job, opened.cursor), [])
        before = free[: bisect.bisect_left(free, opened.seq, key=_seq)]
        candidates = [request for request in before if self._may_be(request, opened)]
        if not candidates:
            return None
        # The oldest that was answered; a request that nobody answered may have been lost on its way.
        answered = [request for request in candidates if request.rid in self._answers]
        found = answered[0] if answered else candidates[-1]
        free.remove(found)
        return found

    def _may_be(self, request: Request, opened: Subscriber) -> bool:
        return all(
            answer.status == 200 and not answer.by and answer.seq > opened.seq
            for answer in self._answers.get(request.rid, [])
        )


def _seq(request: Request) -> int:
    return request.seq
