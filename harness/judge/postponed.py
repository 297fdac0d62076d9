"""Requests that a ``Retry-After`` put off, and those that came all the same (law L8).

It binds who asks for the same again: the stream, the status, the results, a token, a start. A redirect that leads on
and a 401 are no answers to wait for, and an event stream that opened is none either. What is told near another thing
that happened to the client may not have been read: it binds nobody.
"""

from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter

import msgspec

from harness.history import Request, Response
from harness.judge.case import ROUSING, ClientCase
from harness.judge.refusals import heard_answer, let_in
from harness.judge.sky import Sky
from harness.judge.streams import is_stream
from harness.sse.response import read_retry_after

_ASKED_AGAIN = frozenset({"poll", "results", "token", "start"})
"""Requests that are judged here; the waits between streams have bounds of their own (``harness.judge.waits``)."""

_WAITED_FOR = frozenset({"results", "start"})
"""Requests before which a client waits as before a stream: a signal ends that wait."""


class Postponed(msgspec.Struct, frozen=True):
    """An answer that asked the client to wait. ``seconds`` is how much of that its policies heed."""

    request: Request
    answer: Response
    seconds: float

    @property
    def until_ns(self) -> int:
        """The stamp before which nobody asks again."""
        return self.answer.t_ns + round(self.seconds * 1e9)


def postponed(client: ClientCase) -> list[Postponed]:
    """Return the answers to a client that put it off, in order, where it may have heard them."""
    return client.once(_postponed)


def _postponed(client: ClientCase) -> list[Postponed]:
    return list(_found(client))


def _found(client: ClientCase) -> Iterator[Postponed]:
    policies = client.case.plan.client.policies
    for request in client.requests:
        answer = client.responses.get(request.rid)
        if answer is None or not answer.retry_after or answer.status == 401 or _leads_on(answer) or is_stream(answer):
            continue
        seconds = policies.heed_retry_after(read_retry_after(answer.retry_after, answer.date, None))
        if seconds is not None and heard_answer(client, request) is not None:
            yield Postponed(request, answer, seconds)


def _leads_on(answer: Response) -> bool:
    return answer.status // 100 == 3 and bool(answer.location)


def hurried(client: ClientCase) -> Iterator[tuple[Postponed, Request]]:
    """Yield each answer that put off a poll, results, a token or a start, with the request that came before its time.

    A request may be early by the run's highest lag.
    """
    early_ns = round(client.case.slack * 1e9)
    for one in postponed(client):
        again = _again(client, one) if one.request.what in _ASKED_AGAIN else None
        early = again is not None and again.t_ns < one.until_ns - early_ns
        if again is not None and early and not _in_doubt(client, one) and not _roused(client, one, again):
            yield one, again


def _again(client: ClientCase, one: Postponed) -> Request | None:
    """Return the next request of a kind that was begun after an answer: on its connection, or by a later dial."""
    opened, answered = client.once(_opened), one.answer.t_ns + client.case.near_ns
    for later in client.requests[bisect_right(client.requests, one.answer.seq, key=attrgetter("seq")) :]:
        begun = later.cid == one.answer.cid or opened.get(later.cid, later.t_ns) > answered
        if begun and (later.what, later.job) == (one.request.what, one.request.job):
            return later
    return None


def _opened(client: ClientCase) -> dict[int, int]:
    return {conn.cid: conn.t_ns for conn in client.conns}


def _in_doubt(client: ClientCase, one: Postponed) -> bool:
    """Whether a client may not have read an answer: the gate ended its connection, or something else came near it.

    A dial that hung when the answer came was begun before it, and may be let in at any time.
    """
    case, at = client.case, one.answer.t_ns
    end = next((end for end in client.ends_of.get(one.answer.cid, ()) if end.side == "client"), None)
    if end is None or (end.how == "closed" and not one.answer.by):  # what a box says comes before its FIN
        return True
    others = [*client.once(_begun), *(signal.t_ns for signal in client.signals)]
    others += [stamp for deed in client.deeds for stamp in (deed.issued_ns, deed.returned_ns)]
    if any(abs(other - at) <= case.near_ns for other in others):
        return True
    asleep = any(since <= case.at(at) <= until for since, until in client.once(Sky).asleep)
    return asleep or not let_in(client, at - case.near_ns, at + case.near_ns)


def _begun(client: ClientCase) -> list[int]:
    """Return the stamps of each event stream's first byte: from then on its client has no use for a poll's answer."""
    found = []
    for request in client.streams:
        answer = client.responses.get(request.rid)
        if answer is not None and is_stream(answer):
            came = (chunk.t_ns for chunk in client.bytes_down.get(request.cid, ()) if chunk.t_ns >= answer.t_ns)
            found.append(next(came, answer.t_ns))
    return found


def _roused(client: ClientCase, one: Postponed, again: Request) -> bool:
    """Whether a signal ended the wait."""
    since, until, near = one.answer.t_ns, again.t_ns, client.case.near_ns
    return one.request.what in _WAITED_FOR and any(
        signal.what in ROUSING and since - near <= signal.t_ns <= until + near for signal in client.heard
    )
