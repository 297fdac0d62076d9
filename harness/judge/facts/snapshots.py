"""The states of the job that status answers brought to a client, and the cursor that each gave it."""

import msgspec

from harness.history import Snapshot
from harness.judge.case import ClientCase
from harness.judge.facts.requests import RequestLife, lives_of
from harness.judge.facts.truth import Position


class DeliveredState(msgspec.Struct, frozen=True):
    """A status answer of the server, delivered whole. ``id`` is the cursor in it: "" before any event.

    ``at_ns`` is when the client's socket had all of it, ``known_ns`` when that was certainly read.
    """

    life: RequestLife
    snapshot: Snapshot
    position: Position
    id: str
    at_ns: int
    known_ns: int | None


def delivered_states(client: ClientCase) -> list[DeliveredState]:
    """Return them in the order in which they were delivered."""
    return client.once(_delivered_states)


def _delivered_states(client: ClientCase) -> list[DeliveredState]:
    truth = client.truth
    ids = {event.position: event.id for event in truth.events}
    found = []
    for life in lives_of(client, "poll"):
        snapshot = life.served
        if not isinstance(snapshot, Snapshot) or life.body is None or not life.body.whole:
            continue
        position = truth.position(snapshot.epoch, snapshot.state_index)
        state = DeliveredState(
            life, snapshot, position, ids.get(position, ""), life.body.t_ns, life.known_ns
        )  # fmt: skip
        found.append(state)
    return sorted(found, key=lambda one: one.at_ns)
