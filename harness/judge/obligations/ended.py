"""Why attempts ended, and by when one that brings nothing has to be over (rows 7, 8, 10, 25 and 31).

A declared ``never`` buys no immunity: the reference's deadlines stand for it. One that nobody declared is no bound.
"""

import enum
import math
from itertools import pairwise

from harness.history import Dial, SignalHeard, SignalTold
from harness.judge.case import ROUSING, ClientCase
from harness.judge.facts.polling import gap_open
from harness.judge.facts.requests import CLIENT, RequestLife, request_lives
from harness.judge.obligations.attempts import Attempt
from harness.judge.obligations.rows import AT_ONCE
from harness.judge.obligations.unseen import PATIENT_DIAL
from harness.judge.obligations.walk import LATE
from harness.judge.sky import Sky
from harness.scenario.deadlines import GRACE
from harness.sse.policy import FedBy, declared

PATIENT_STREAM = 20.0
"""Seconds that stand for a watchdog that is never: it earns no longer a time than the reference's."""

_GIVEN_UP = "given up"
_OPEN = "open"
_OF_ITS_PATH = frozenset({"loses", "offline", "resumed"})


class Why(enum.Enum):
    """Why an attempt ended."""

    MET = "the network or the server ended it"
    SILENCE = "a deadline of the client's own was over"
    SIGNAL = "a signal told the client to begin anew"
    OWN = "the client ended it by itself"


def why_ended(client: ClientCase, one: Attempt) -> Why:
    """Return why an attempt that is over ended."""
    if one.request is not None:
        return _of_request(client, one, request_lives(client)[one.request.rid])
    record = one.record
    if not isinstance(record, Dial):
        return Why.MET
    if record.fate != _GIVEN_UP:
        return Why.SIGNAL if record.fate == _OPEN and _roused(client, one) else Why.MET
    timeout: object = client.case.declared.connect_timeout
    lasted = (record.to_ns - record.from_ns) / 1e9
    if not isinstance(timeout, float | int) or lasted >= timeout - LATE - client.case.slack:
        return Why.SILENCE
    if _roused(client, one):
        return Why.SIGNAL
    return Why.MET if gap_open(client, record.to_ns) or _asleep(client, one) else Why.OWN


def over_by(client: ClientCase, one: Attempt, since: float, until: float) -> tuple[float, bool]:
    """Return by when an attempt has to be over that brings nothing, in scenario seconds, and whether a signal says so.

    Infinity: never, so far. What a signal ends is begun anew at once.
    A stream is fed by each byte that comes in time: these are looked at from the silence that lasts at ``since`` on,
    to ``until``.
    """
    if one.request is None:
        return _dial_over_by(client, one)
    life = request_lives(client)[one.request.rid]
    case = client.case
    if life.answer is None:
        due = _awake(client, case.at(one.request.t_ns), _watchdog(client))
        return _sooner(due, _signalled(client, one, math.inf))
    if not life.streams:
        return math.inf, False  # its answer ends it
    return _sooner(_silent_by(client, one, life, since, until), _woken(client, one))


def _sooner(silent: float, signalled: float) -> tuple[float, bool]:
    return min(silent, signalled), signalled < silent


def _of_request(client: ClientCase, one: Attempt, life: RequestLife) -> Why:
    if life.by != CLIENT:
        return Why.MET
    if not life.streams and life.answer is None and _roused(client, one):
        return Why.SIGNAL
    if _lost(client, one) or _asleep(client, one) or gap_open(client, one.end_hi or 0) or _too_big(client, one):
        return Why.MET
    end = client.case.at(one.end_hi or 0)
    since, patience = _silence(client, one, life, end)
    if end - since >= patience - LATE - client.case.slack:
        return Why.SILENCE
    return Why.SIGNAL if _roused(client, one) and life.began is None else Why.OWN


def _silence(client: ClientCase, one: Attempt, life: RequestLife, until: float) -> tuple[float, float]:
    """Return since when a request was silent at an instant, and how long a client may bear that."""
    assert one.request is not None
    at, watchdog = client.case.at, _watchdog(client)
    if life.answer is None:
        return at(one.request.t_ns), watchdog
    if life.began is None:
        suspects: object = client.case.declared.suspects_after
        short = suspects if isinstance(suspects, float | int) else math.inf
        return at(life.answer.t_ns), min(watchdog, short)
    return max([at(life.began.t_ns), *(fed for fed in _fed(client, one) if fed <= until)]), watchdog


def _silent_by(client: ClientCase, one: Attempt, life: RequestLife, since: float, until: float) -> float:
    """Return when the first silence of a stream is over that its client should not bear; infinity without one."""
    assert life.answer is not None
    watchdog, at = _watchdog(client), client.case.at
    suspects: object = client.case.declared.suspects_after
    first = min(watchdog, suspects) if isinstance(suspects, float | int) else watchdog
    if life.began is None:
        return _awake(client, at(life.answer.t_ns), first)
    fed = [at(life.answer.t_ns), at(life.began.t_ns), *(byte for byte in _fed(client, one) if byte <= until)]
    for place, (before, after) in enumerate(pairwise([*fed, math.inf])):
        due = _awake(client, before, first if not place else watchdog)
        if after >= since and after > due + GRACE + LATE + client.case.slack:
            return due
    return math.inf


def _fed(client: ClientCase, one: Attempt) -> list[float]:
    """Return when what its watchdog is fed by came to a stream, in order."""
    assert one.request is not None
    at, fed_by = client.case.at, client.case.plan.client.policies.watchdog_fed_by
    if fed_by is FedBy.EVENTS:
        return [at(block.t_ns) for block in client.delivered if block.rid == one.request.rid and block.event]
    chunks = client.bytes_down.get(one.request.cid, ())
    return [at(chunk.t_ns) for chunk in chunks if chunk.t_ns >= one.request.t_ns]


def _dial_over_by(client: ClientCase, one: Attempt) -> tuple[float, bool]:
    case = client.case
    if not isinstance(one.record, Dial):
        return math.inf, False
    timeout: object = case.declared.connect_timeout
    if not declared(timeout):
        return math.inf, False
    patience = timeout if isinstance(timeout, float | int) else PATIENT_DIAL
    return _sooner(
        _awake(client, case.at(one.record.from_ns), patience), _signalled(client, one, case.at(one.record.to_ns))
    )


def _signalled(client: ClientCase, one: Attempt, until: float) -> float:
    """Return by when an attempt is begun anew for a signal, where the client declares that it does so (row 8)."""
    if client.case.declared.heeds_signals is not True:
        return math.inf
    case, near = client.case, client.case.near_ns
    heard = (signal.t_ns for signal in client.signals if signal.what in ROUSING and signal.t_ns > one.began_ns + near)
    first = min(heard, default=None)
    return math.inf if first is None or case.at(first) > until else _awake(client, case.at(first), AT_ONCE)


def _woken(client: ClientCase, one: Attempt) -> float:
    """Return by when a stream is over whose client heard that its device had slept: its sockets are dead."""
    if client.case.declared.heeds_signals is not True:
        return math.inf
    since = one.began_ns + client.case.near_ns
    heard = (signal.t_ns for signal in client.signals if signal.what == "resumed" and signal.t_ns > since)
    first = min(heard, default=None)
    return math.inf if first is None else client.case.at(first) + AT_ONCE


def _watchdog(client: ClientCase) -> float:
    watchdog: object = client.case.declared.watchdog
    if not declared(watchdog):
        return math.inf
    return watchdog if isinstance(watchdog, float | int) else PATIENT_STREAM


def _awake(client: ClientCase, since: float, seconds: float) -> float:
    return client.once(Sky).awake_by(since, since + seconds) if math.isfinite(seconds) else math.inf


def _roused(client: ClientCase, one: Attempt) -> bool:
    """Whether a signal of a new way was heard about when an attempt ended."""
    near, end = client.case.near_ns, one.end_hi or 0
    heard: list[SignalTold | SignalHeard] = [*client.signals, *client.heard]
    return any(signal.what in ROUSING and abs(signal.t_ns - end) <= near for signal in heard)


def _lost(client: ClientCase, one: Attempt) -> bool:
    near, end = client.case.near_ns, one.end_hi or 0
    heard: list[SignalTold | SignalHeard] = [*client.signals, *client.heard]
    return any(signal.what in _OF_ITS_PATH and abs(signal.t_ns - end) <= near for signal in heard)


def _asleep(client: ClientCase, one: Attempt) -> bool:
    at, near = client.case.at, client.case.near_ns
    return client.once(Sky).slept(at(one.began_ns), at((one.end_hi or one.began_ns) + near)) > 0


def _too_big(client: ClientCase, one: Attempt) -> bool:
    most: object = client.case.declared.max_event
    rid = one.request.rid if one.request is not None else 0
    return isinstance(most, int) and client.case.plan.job.event_size + 1024 > most and bool(rid)
