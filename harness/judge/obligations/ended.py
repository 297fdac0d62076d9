"""The reasons why attempts ended, and the deadline of an attempt that brings nothing."""

import enum
import math

from harness.history import Dial, SignalHeard, SignalTold
from harness.judge.case import WAKING_SIGNALS, ClientCase
from harness.judge.facts.attempts import AttemptLife
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.polling import gap_open, pollings
from harness.judge.facts.requests import CLIENT, RequestLife, request_lives
from harness.judge.obligations.closings import borne, closings
from harness.judge.obligations.due import Due
from harness.judge.obligations.rows import AT_ONCE, LATE
from harness.sse.policy import declared

_GIVEN_UP = "given up"
_OPEN = "open"
_OF_ITS_PATH = frozenset({"loses", "offline", "resumed"})


class Why(enum.Enum):
    """The reason why an attempt ended."""

    MET = "the network or the server ended it"
    SILENCE = "a deadline of the client's own was over"
    SIGNAL = "a signal told the client to begin anew"
    OWN = "the client ended it by itself"


def why_ended(client: ClientCase, one: AttemptLife) -> Why:
    """Return why an attempt that is over ended."""
    if one.request is not None:
        return _of_request(client, one, request_lives(client)[one.request.rid])
    record = one.record
    if not isinstance(record, Dial):
        return Why.MET
    if record.fate != _GIVEN_UP:
        return Why.SIGNAL if record.fate == _OPEN and _heard(client, one, WAKING_SIGNALS) else Why.MET
    if _expired(client, one):
        return Why.SILENCE
    if _heard(client, one, WAKING_SIGNALS):
        return Why.SIGNAL
    return Why.MET if gap_open(client, record.to_ns) or _asleep(client, one) else Why.OWN


def over_by(client: ClientCase, one: AttemptLife, since: float) -> tuple[float, bool]:
    """Return by when an attempt had to be over that lasted longer, in scenario seconds, and whether a signal said so.

    Infinity: it was over in its time. What lasted no longer than ``since`` does not count. What a signal ends is begun
    anew at once.
    """
    late = (due.high for due in _dues(one, closings(client)) if due.came >= since and due.late(client.case))
    silent, signalled = min(late, default=math.inf), _signalled(client, one)
    return min(silent, signalled), signalled < silent


def bounded(client: ClientCase, one: AttemptLife) -> bool:
    """Return whether a client declares how long it bears an attempt that brings nothing; "never" is declared, too."""
    policies = client.case.declared
    return declared(policies.connect_timeout if one.request is None else policies.watchdog)


def borne_until(client: ClientCase, one: AttemptLife) -> float | None:
    """Return until when a client may bear what an attempt is silent for as the run ends; None: for nothing."""
    return min((due.high for due in _dues(one, borne(client)) if due.came >= client.case.end), default=None)


def _of_request(client: ClientCase, one: AttemptLife, life: RequestLife) -> Why:
    if life.by != CLIENT:
        return Why.MET
    roused = _heard(client, one, WAKING_SIGNALS)
    if roused and life.answer is None:
        return Why.SIGNAL
    if _heard(client, one, _OF_ITS_PATH) or _asleep(client, one) or gap_open(client, one.end_hi or 0):
        return Why.MET
    if _too_big(client, one):
        return Why.MET
    if _expired(client, one) or _fell_back(client, one):
        return Why.SILENCE
    return Why.SIGNAL if roused and life.began is None else Why.OWN


def _dues(one: AttemptLife, found: list[Due]) -> list[Due]:
    """Return what was due of an attempt: of its dial, its request, its answer, its stream."""
    mine = {part.seq for part in (one.record, one.request, one.answer) if part is not None}
    return [due for due in found if due.record.seq in mine]


def _expired(client: ClientCase, one: AttemptLife) -> bool:
    """Return whether a deadline of the client's was over as it ended an attempt: an undeclared one may have been."""
    if not bounded(client, one):
        return True
    end, early = client.case.at(one.end_hi or 0), LATE + client.case.slack
    return any(due.low - early <= end for due in _dues(one, borne(client)) if due.came >= end - early)


def _signalled(client: ClientCase, one: AttemptLife) -> float:
    """Return by when an attempt is begun anew for a signal that it outlived, where the client declares that (row 8).

    An open stream is left where it is, but by a device that woke: its sockets are dead.
    """
    if client.case.declared.heeds_signals is not True:
        return math.inf
    case, near = client.case, client.case.near_ns
    words = frozenset({"resumed"}) if one.opened else WAKING_SIGNALS
    over = one.end_hi if one.answer is None or one.opened else one.answer.t_ns
    until = min(math.inf if over is None else over, case.end_ns)
    heard = (told.t_ns for told in client.signals if told.what in words and told.t_ns > one.began_ns + near)
    first = min((at_ns for at_ns in heard if at_ns < until - near), default=None)
    if first is None:
        return math.inf
    due = client.once(NetworkTimeline).awake_by(case.at(first), case.at(first) + AT_ONCE)
    return due if due + LATE + case.slack < case.at(round(until)) else math.inf


def _fell_back(client: ClientCase, one: AttemptLife) -> bool:
    """Return whether a client took to polling as it ended an attempt that had brought no byte (row 24)."""
    end, near = one.end_hi or 0, client.case.near_ns
    return not one.body and any(abs(span.since_ns - end) <= near for span in pollings(client))


def _heard(client: ClientCase, one: AttemptLife, words: frozenset[str]) -> bool:
    """Return whether one of these signals was told, or heard, about when an attempt ended."""
    near, end = client.case.near_ns, one.end_hi or 0
    signals: list[SignalTold | SignalHeard] = [*client.signals, *client.heard]
    return any(signal.what in words and abs(signal.t_ns - end) <= near for signal in signals)


def _asleep(client: ClientCase, one: AttemptLife) -> bool:
    at, near = client.case.at, client.case.near_ns
    return client.once(NetworkTimeline).slept(at(one.began_ns), at((one.end_hi or one.began_ns) + near)) > 0


def _too_big(client: ClientCase, one: AttemptLife) -> bool:
    """Return whether an event may have been larger than the client declares to take."""
    most: object = client.case.declared.max_event
    return isinstance(most, int) and one.opened and client.case.plan.job.event_size + _FRAMING > most


_FRAMING = 1024
"""Bytes of a block besides its data, at most."""
