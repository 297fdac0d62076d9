"""The arrivals at one client's radio: events of its job on its streams, and answers that tell the job's status.

Both are known by their content: an event by its id and digest, an answer by the digest of its body.
"""

import math
from typing import TYPE_CHECKING

import msgspec

from harness.history import Body, Delivered, Request, Snapshot
from harness.judge.facts.truth import EmittedEvent, Position

if TYPE_CHECKING:
    from harness.judge.case import ClientCase


class Arrival(msgspec.Struct, frozen=True):
    """A socket of the client took the byte that completed an event, on the stream of ``request``.

    ``behind``: that stream had brought a later event before it.
    """

    record: Delivered
    request: Request
    event: EmittedEvent
    behind: bool = False


class StatusArrival(msgspec.Struct, frozen=True):
    """A socket of the client took a whole status answer. ``event`` is the last one in it; None: the accepted job."""

    body: Body
    request: Request
    snapshot: Snapshot
    position: Position
    event: EmittedEvent | None


def arrivals(client: "ClientCase") -> list[Arrival]:
    """Return the events of a client's job at its radio, in order."""
    return client.once(_arrivals)


def _arrivals(client: "ClientCase") -> list[Arrival]:
    delivered, truth = client.case.grouped(Delivered, "rid"), client.truth
    found: list[Arrival] = []
    for request in client.streams:
        newest: Position | None = None
        for record in delivered.get(request.rid, ()):
            event = truth.carried(record.id, record.digest, record.seq) if record.event else None
            if event is None:
                continue
            behind = newest is not None and event.position < newest
            found.append(Arrival(record, request, event, behind))
            newest = event.position if newest is None else max(newest, event.position)
    return sorted(found, key=_seq)


def _seq(arrival: Arrival) -> int:
    return arrival.record.seq


def answers(client: "ClientCase") -> list[StatusArrival]:
    """Return the whole status answers at a client's radio, in order."""
    return client.once(_answers)


def _answers(client: "ClientCase") -> list[StatusArrival]:
    bodies, snapshots = client.case.grouped(Body, "rid"), client.case.grouped(Snapshot, "rid")
    epochs = {job.epoch for job in client.truth.records}
    found: list[StatusArrival] = []
    for request in client.requests:
        if request.what != "poll":
            continue
        for body in bodies.get(request.rid, ()):
            told = next((one for one in snapshots.get(request.rid, ()) if one.digest == body.digest), None)
            if body.whole and told is not None and told.epoch in epochs:
                position = client.truth.position(told.epoch, told.state_index)
                found.append(StatusArrival(body, request, told, position, client.truth.at(position)))
    return sorted(found, key=lambda answer: answer.body.seq)


def end_came_ns(client: "ClientCase") -> float:
    """Return when the job's end was first at a client's radio, however late its app is told; infinity: never."""
    came: list[float] = [one.record.t_ns for one in arrivals(client) if one.event.terminal]
    came += [one.body.t_ns for one in answers(client) if one.event is not None and one.event.terminal]
    return min(came, default=math.inf)
