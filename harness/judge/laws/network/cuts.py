"""The boxes' cuts of event streams: inside the next event after the deed, at the place and in the way that it names."""

import re
from collections.abc import Iterator, Sequence

from harness.deeds import acts
from harness.device.words import Reach
from harness.history import Boxed, DeedDone, Request
from harness.judge import phrases
from harness.judge.case import ClientCase
from harness.judge.laws.network.bodies import items
from harness.judge.laws.network.faults import NetworkDeviation
from harness.judge.laws.network.flows import RecordedFlow
from harness.judge.laws.network.gates import flows
from harness.scenario.deed_text import deed_text

_HOW = {Reach.CLOSED: "fin", Reach.RESET: "rst"}
_SAID = re.compile(r"(?P<mid>[a-z]+), (?P<place>\d+) of (?P<size>\d+) bytes of the event passed, then (?P<how>[a-z]+)")
_ENDED = ("killed", "reset", "cut")

BLANK = 4
"""Bytes of two line ends at the most: what is left of an event that is cut before its blank line is no more."""


def faults(client: ClientCase) -> Iterator[NetworkDeviation]:
    """Yield which of one client's streams were cut against the plan, or were not."""
    cuts = [record for record in client.deeds if isinstance(client.case.plan.deeds[record.deed].act, acts.Cuts)]
    for box in client.boxed:
        flow = flows(client.case).get(box.cid)
        if box.what == "cut" and box.t_ns < client.case.end_ns and flow is not None:
            yield from _cut(
                client, flow, box, [one for one in cuts if client.case.plan.deeds[one.deed].actor == flow.path]
            )
    for record in cuts:
        for request in client.streams:
            flow = flows(client.case).get(request.cid)
            if flow is not None and flow.path == client.case.plan.deeds[record.deed].actor:
                yield from _passed(client, flow, request, record)


def _cut(client: ClientCase, flow: RecordedFlow, box: Boxed, cuts: Sequence[DeedDone]) -> Iterator[NetworkDeviation]:
    """Judge a cut that was made."""
    may = [one for one in cuts if one.issued_ns <= box.t_ns]
    if not may:
        yield flow.fault("cut-unplanned", box, "a box of the middle cut its event stream, and no deed has it do so")
        return
    act, said = client.case.plan.deeds[may[-1].deed].act, _SAID.fullmatch(box.detail)
    assert isinstance(act, acts.Cuts)
    wanted = _named(client, may[-1])
    if said is None or (said["mid"], said["how"]) != (act.mid, _HOW[act.how]):
        text = f"its event stream was cut otherwise ({box.detail}), where {wanted}"
        yield flow.fault("cut-otherwise", box, text)
        return
    event = next((one for one in items(client.case).get(box.rid, []) if one.t_ns > may[-1].returned_ns), None)
    if client.case.plan.server.frames == "varied" and act.mid != "event":
        return  # its fields are in any order
    if event is not None and event.name and not _inside(act.mid, int(said["place"]), int(said["size"]), event.name):
        text = (
            f"event {event.name} was cut behind {said['place']} of {said['size']} bytes, which is not {act.mid}, where"
        )
        yield flow.fault("cut-elsewhere", box, f"{text} {wanted}")


def _passed(client: ClientCase, flow: RecordedFlow, request: Request, record: DeedDone) -> Iterator[NetworkDeviation]:
    """An event came through behind the deed on a stream that was open then."""
    answer = client.responses.get(request.rid)
    tick_ns = flow.timeline.slack.tick_ns
    gone = any(box.what in _ENDED and box.t_ns <= record.returned_ns for box in flow.boxed)
    if answer is None or answer.by or answer.t_ns >= record.issued_ns - tick_ns or gone:
        return
    if any(end.t_ns <= record.returned_ns for end in flow.ends.values()):
        return
    for item in items(client.case).get(request.rid, []):
        if item.t_ns > record.returned_ns + tick_ns and item.taken is not None:
            text = f"event {item.name} of its stream passed whole, where {_named(client, record)}"
            yield flow.fault("cut-not-made", item.taken, text)
            return


def _inside(mid: str, place: int, size: int, name: str) -> bool:
    """Return whether a place lies where it should in an event of this id: the server writes id, event and data."""
    of_id = len("id: ") + len(name)
    match mid:
        case "id":
            return place <= of_id
        case "event":
            return size - place <= BLANK
        case _:
            return place > of_id


def _named(client: ClientCase, record: DeedDone) -> str:
    deed = client.case.plan.deeds[record.deed]
    return f"{deed_text(deed, client.case.plan)} at {phrases.limit(deed.at)} was to cut it"
