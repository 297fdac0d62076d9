"""Whom boxes answered, with what and how often: each request of a client against the acts that stood in its way.

A box decides when a request's head has passed the radio. What it then says is recorded with the request's number, and
so is the answer that came; what no box answered went to the server.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping

from harness.deeds import acts
from harness.deeds.network_state import StandingDeed
from harness.history import Boxed, Request, Response
from harness.history.records import Record
from harness.judge.case import ClientCase
from harness.judge.laws.network.box_timeline import answers, course, named
from harness.judge.laws.network.faults import NetworkDeviation
from harness.judge.laws.network.flows import RecordedFlow
from harness.judge.laws.network.gates import flows
from harness.sse.response import read_retry_after

_ANSWERED = ("answered", "portal")
"""The tags of a box that said something itself."""

_ENDED = ("killed", "reset", "cut")
"""The tags of a box that lets nothing pass any more."""


def faults(client: ClientCase) -> Iterator[NetworkDeviation]:
    """Yield what boxes said to one client against the plan, or did not say."""
    said = {record.rid: record for record in client.boxed if record.what in _ANSWERED}
    if not (course(client) or said):
        return
    asked = _Asked(client)
    for _, request, flow, record in sorted(_decisions(client, said), key=lambda one: one[0]):
        if record is not None:
            yield from asked.answered(request, flow, record)
        elif not _silenced(flow, request.rid):
            yield from asked.passed(request, flow)


def _decisions(
    client: ClientCase, said: Mapping[int, Boxed]
) -> Iterator[tuple[int, Request, RecordedFlow, Boxed | None]]:
    """Yield each request that came to the boxes, with the number of the record at which they decided."""
    for request in client.requests:
        flow = flows(client.case).get(request.cid)
        if flow is None or request.t_ns >= client.case.end_ns:
            continue
        record = said.get(request.rid)
        if record is not None:
            yield record.seq, request, flow, record
        elif (sent := flow.sent.get(request.rid)) is not None and sent.t_ns < client.case.end_ns:
            yield sent.seq, request, flow, None


class _Asked:
    """The boxes, as one client's requests met them so far."""

    def __init__(self, client: ClientCase) -> None:
        self._client = client
        self._line = course(client)
        self._spent: Counter[int] = Counter()  # answers given, by the deed's index

    def answered(self, request: Request, flow: RecordedFlow, record: Boxed) -> Iterator[NetworkDeviation]:
        """Judge an answer of a box: whether one was to give it, and whether it is what was to be said."""
        boxes = [one for one in self._may(request, flow, record) if one is not None]
        name = f"request {request.rid} ({request.what})"
        if not boxes:
            text = f"a box of the middle answered {name} {record.detail}, and no deed has it do so"
            yield flow.fault("box-unplanned", record, text)
            return
        answer = self._client.responses.get(request.rid)
        right = next((one for one in reversed(boxes) if _says(one, record, answer)), None)
        if right is None:
            found = record.detail if answer is None else _words(answer)
            text = f"a box answered {name} {found}, where {named(self._client, boxes[-1])}"
            yield flow.fault("box-otherwise", record, text)
        self._spent[(right or boxes[-1]).deed.index] += 1

    def passed(self, request: Request, flow: RecordedFlow) -> Iterator[NetworkDeviation]:
        """Judge that no box answered a request."""
        may = self._may(request, flow, flow.sent[request.rid])
        if all(may) and may[-1] is not None:
            text = f"no box answered request {request.rid} ({request.what}), where {named(self._client, may[-1])}"
            yield flow.fault("box-silent", request, text, t_ns=flow.sent[request.rid].t_ns)

    def _may(self, request: Request, flow: RecordedFlow, record: Record) -> list[StandingDeed | None]:
        """Return the boxes that may have been to answer a request at a record, the last word last; None: no box."""
        line = self._line.at(record.t_ns, record.seq)
        return [answers(boxes, request.what, flow.path, self._spent) for boxes in line]


def _says(one: StandingDeed, record: Boxed, answer: Response | None) -> bool:
    """Return whether this is what an act says. The answer may never have reached the client."""
    act = one.deed.act
    later: tuple[float | None, bool] = (None, False)
    if isinstance(act, acts.ShowsPortal):
        wanted = ("portal", "200", "text/html")
    else:
        assert isinstance(act, acts.Answers)
        later = (None if act.retry_after is None else float(math.ceil(act.retry_after)), act.dated)
        wanted = ("answered", str(act.status), "" if act.status in {204, 304} else "text/plain")
    if (record.what, record.detail) != wanted[:2]:
        return False
    return answer is None or (str(answer.status), answer.content_type, _later(answer)) == (*wanted[1:], later)


def _later(answer: Response) -> tuple[float | None, bool]:
    """Return the seconds that an answer asks for by ``Retry-After``, and whether as a date behind its own."""
    return read_retry_after(answer.retry_after or None, answer.date, None), bool(answer.date)


def _silenced(flow: RecordedFlow, rid: int) -> bool:
    """Return whether a box had ended the connection before the request came to it."""
    return any(record.what in _ENDED and record.seq < flow.sent[rid].seq for record in flow.boxed)


def _words(answer: Response) -> str:
    seconds, dated = _later(answer)
    after = "" if seconds is None else f", to come back after {seconds:g} s{' by a date' * dated}"
    return f"{answer.status} {answer.content_type}{after}".strip()
