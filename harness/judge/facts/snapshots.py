"""The states of the job that status answers brought to a client, and the cursor that each gave it."""

import msgspec

from harness.history import Snapshot
from harness.judge.case import ClientCase
from harness.judge.facts.radio import answers
from harness.judge.facts.requests import RequestLife, request_lives
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
    lives = request_lives(client)
    return [
        DeliveredState(
            life=lives[answer.request.rid],
            snapshot=answer.snapshot,
            position=answer.position,
            id=answer.event.id if answer.event is not None else "",
            at_ns=answer.body.t_ns,
            known_ns=lives[answer.request.rid].known_ns,
        )
        for answer in answers(client)
    ]
