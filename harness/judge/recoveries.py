"""R of an outage: how long a client may take to have caught up, once the network lets it (law L9).

What the plan gives it (``harness.scenario.deadlines``) is one of three: 3 s and the handshake where a signal told the
client of its own path's loss or return; D and what a dial takes where its stream died silently while the default was
usable; else the cap. To that come what a ``retry:`` asked it to wait, the connections that the server asked for, and
what the app's own handler takes.
"""

import math
from collections.abc import Callable

import msgspec

from harness.history import AttemptEnd, Request, SignalTold
from harness.history.records import Record
from harness.judge.backlog import worked_off
from harness.judge.case import ClientCase
from harness.judge.line import Line
from harness.judge.sky import Sky
from harness.judge.streams import is_stream, live_streams
from harness.judge.waits import ROUSING
from harness.scenario.deadlines import (
    LINUX_SYN_RETRIES,
    Ending,
    detection_allowance,
    exchange_cost,
    recovery_allowance,
)
from harness.scenario.model import Pulse, SilencesKeepalive

OF_A_PATH = {"loses", "joins"}
"""Signals of one path's loss or return. ``prefers`` is neither: it leaves an open stream where it is."""

OF_ALL = {"offline", "online", "resumed"}
"""Signals of every path's loss or return: a device that wakes has lost its sockets too."""

NEAR = 0.1
"""Seconds around a deed within which what belongs to it is recorded: a signal a moment before or after it returned."""


_REFUSED = frozenset({409, 410})
"""Statuses of a stream that refuse its cursor."""

_NO_STREAM = frozenset({"muted", "reset"})
"""What a box does to a stream that it lets begin."""

_NEVER = 1 << 63
"""Nanoseconds."""

_NEARLY = 1e-3
"""Seconds that R is not lengthened for."""


class Interruption(msgspec.Struct, frozen=True, kw_only=True):
    """An interruption, or several joined: ``last`` is when the last of them began.

    ``unnoticed``: each was the silent death of a stream beside a usable default.
    """

    began: float
    last: float
    healed: float | None
    path: str | None
    silent: bool
    struck: str
    unnoticed: bool = False


def _heard(client: ClientCase, raw: Interruption) -> list[SignalTold]:
    """Return what the device said from the beginning of an outage to its healing."""
    until = math.inf if raw.healed is None else raw.healed + NEAR
    return [one for one in client.signals if raw.last - NEAR <= client.case.at(one.t_ns) <= until]


def told(client: ClientCase, raw: Interruption) -> bool:
    """Whether a signal told the client of its own path's loss or return.

    Its own is the path of its stream, or where none was open, the default. That another path is there, or preferred,
    tells it nothing of that. A loss that was told helps only where the healing is told too: else it is by then the
    return of the path it was left with, and of that it was told nothing.
    """
    if raw.healed is None:
        return False
    sky, at = client.once(Sky), client.case.at
    own = sky.carrying(raw.last - NEAR, raw.last) or {sky.before(raw.last).path}
    heard = _heard(client, raw)
    healing = [one for one in heard if at(one.t_ns) >= raw.healed - NEAR and not _spent(client, one, raw.healed)]
    of_own = any(one.what in OF_ALL or (one.what in OF_A_PATH and one.path in own) for one in heard)
    return of_own and any(one.what in OF_ALL or _of_healing(client, raw, one) for one in healing)


def _of_healing(client: ClientCase, raw: Interruption, signal: SignalTold) -> bool:
    """Whether a signal of one path tells of the healing: that it is there, or that the one left for it is not."""
    return (signal.path == raw.path and signal.what != "loses") or _broke(client, signal)


def _broke(client: ClientCase, signal: SignalTold) -> bool:
    """Whether what was lost carried a stream that was open: else its loss ends no wait, and no dial that hangs."""
    paths = {conn.cid: conn.path for conn in client.conns}
    opened = {rid for rid, one in client.responses.items() if is_stream(one) and one.seq < signal.seq}
    streams = [
        live
        for live in live_streams(client)
        if paths.get(live.request.cid) == signal.path and live.request.rid in opened
    ]
    since = signal.t_ns - round(NEAR * 1e9)
    return signal.what == "loses" and any(
        live.start_ns <= signal.t_ns and (live.end_ns is None or live.end_ns > since) for live in streams
    )


def _spent(client: ClientCase, signal: SignalTold, healed: float) -> bool:
    """Whether what a signal brought about was over by the healing: a dial on it met the refusal that was the last.

    A stream that a box kept mute, or reset, was refused as well as one that was answered by an error, and a dial.
    """
    tried = [attempt.n for attempt in client.attempts if attempt.seq > signal.seq]
    dialled = {one.rid for one in client.streams if one.seq > signal.seq}
    met: list[Record] = [one for one in client.boxed if one.rid in dialled and one.what in _NO_STREAM]
    met += [one for rid, one in client.responses.items() if rid in dialled and not is_stream(one)]
    met += [client.attempt_ends[n] for n in tried if n in client.attempt_ends]
    return any(client.case.at(one.t_ns) <= healed for one in met)


def allowed(client: ClientCase, raw: Interruption) -> float:
    """Return R of an outage."""
    plan, schedule = client.case.plan, syn_retries(client)
    ending = Ending.TOLD if told(client, raw) else Ending.UNNOTICED if raw.unnoticed else Ending.PLAIN
    found = recovery_allowance(plan, ending, path=raw.path, syn_retries=schedule)
    if _hushed(client, raw):
        ending = Ending.PLAIN
        found = max(found, recovery_allowance(plan, ending, path=raw.path, syn_retries=schedule))
    found += _retried(client, raw, ending, found)
    found += _begun_anew(client, raw, found)
    found += _weathered(client, raw, found)
    found += _unhealed(client, raw, found)
    found += _settled(lambda allowance: _detoured(client, raw, allowance), found)
    found += _settled(lambda allowance: _carried(client, raw, allowance), found)
    return found + _digested(client, raw, found)


def _hushed(client: ClientCase, raw: Interruption) -> bool:
    """Whether the server kept the new stream quiet for longer than the client's watchdog waits.

    It has to dial anew then, and waits longer each time for want of a fresh event; no signal ends such a wait.
    """
    plan, case = client.case.plan, client.case
    watchdog, keepalive = plan.client.policies.watchdog, plan.server.keepalive
    first = client.truth.first_due_from(case.ns(raw.began))
    if watchdog is None or raw.healed is None or first is None:
        return False
    due = case.at(first.intended_ns)
    silenced = any(isinstance(deed.act, SilencesKeepalive) and deed.at < due for deed in plan.deeds)
    return due >= raw.healed + watchdog and (silenced or keepalive is None or keepalive >= watchdog)


def _settled(more: Callable[[float], float], allowance: float) -> float:
    """Return what lengthens R, where the time that it adds may hold more of the same."""
    found, before = more(allowance), 0.0
    while found > before + _NEARLY:
        found, before = more(allowance + found), found
    return found


def _retried(client: ClientCase, raw: Interruption, ending: Ending, allowance: float) -> float:
    """Return what a ``retry:`` in force in an outage adds to R: it sets the base, and a wait is up to half longer.

    Where the outage was silent, the wait begins only when it is noticed. A signal ends one that has begun: but not that
    of a loss, which begins it, nor the one that comes after a refused cursor.
    """
    policies, case = client.case.plan.client.policies, client.case
    until = math.inf if raw.healed is None else raw.healed + allowance
    ends = [end for end in client.attempt_ends.values() if raw.began - NEAR <= case.at(end.t_ns) <= until]
    asked = [end.server_retry for end in ends if end.server_retry is not None]
    rouses = _rouses(client, raw, ends) and not _refused(client, raw, until)
    if not asked or (ending is Ending.TOLD and rouses):
        return 0.0
    base = min(max([*asked, policies.server_retry_min]), policies.server_retry_max, policies.backoff_cap)
    if ending is not Ending.PLAIN:
        return max(0.0, 1.5 * base - policies.backoff_base)
    noticed = detection_allowance(policies) if raw.silent or _outlived(client, raw) else 0.0
    return max(0.5 * policies.backoff_cap, noticed + 1.5 * base - policies.backoff_cap)


def _rouses(client: ClientCase, raw: Interruption, ends: list[AttemptEnd]) -> bool:
    """Whether a signal ended the wait that an outage began: one that was told before it ends none."""
    heard = _heard(client, raw)
    until = math.inf if raw.healed is None else raw.healed + NEAR
    begun = [end.seq for end in ends if end.how != "signal" and client.case.at(end.t_ns) <= until]
    return any(one.what != "loses" and one.seq > max(begun, default=0) for one in heard)


def _begun_anew(client: ClientCase, raw: Interruption, allowance: float) -> float:
    """Return by how much signals put recovery off: one of a new way drops a dial on its way, and begins it anew."""
    plan, case = client.case.plan, client.case
    if raw.healed is None or not plan.client.policies.heeds_signals:
        return 0.0
    told, due = recovery_allowance(plan, Ending.TOLD, path=raw.path), raw.healed + allowance
    until = due
    for signal in client.signals:
        at = case.at(signal.t_ns)
        if signal.what in ROUSING and raw.healed < at <= until and _dialling(client, signal):
            until = max(until, at + told)
    return until - due


def _dialling(client: ClientCase, signal: SignalTold) -> bool:
    """Whether a stream, or a token for one, had been asked for and not been answered when a signal was told."""

    def over(one: Request) -> bool:
        said = [client.responses[one.rid].t_ns] if one.rid in client.responses else []
        return min([*said, *(end.t_ns for end in client.ends_of.get(one.cid, ()))], default=_NEVER) < signal.t_ns

    asked = (one for one in client.requests if one.what in {"stream", "token"} and one.t_ns < signal.t_ns)
    return not all(map(over, asked))


def _outlived(client: ClientCase, raw: Interruption) -> bool:
    """Whether a stream was still there a moment after the outage began: one that is stalled has said nothing."""
    began, later = client.case.ns(raw.began), client.case.ns(raw.began + NEAR)
    return any(live.start_ns < began and (live.end_ns is None or live.end_ns > later) for live in live_streams(client))


def _detoured(client: ClientCase, raw: Interruption, allowance: float) -> float:
    """Return what the connections cost that a recovery needed beside its dial, because the server said so.

    A token that ran out costs two: one for a new token, one with it. A refused cursor costs the snapshot.
    """
    case = client.case
    until = math.inf if raw.healed is None else raw.healed + allowance
    tokens = any(raw.began <= case.at(one.t_ns) <= until for one in client.requests if one.what == "token")
    return exchange_cost(case.plan, raw.path) * (2 * tokens + _refused(client, raw, until))


def _refused(client: ClientCase, raw: Interruption, until: float) -> bool:
    """Whether the server refused the cursor, from the beginning of an outage to this time."""
    answers = [client.responses[request.rid] for request in client.streams if request.rid in client.responses]
    refused: list[Record] = [*client.gap_signals, *(one for one in answers if one.status in _REFUSED)]
    return any(raw.began <= client.case.at(one.t_ns) <= until for one in refused)


def _weathered(client: ClientCase, raw: Interruption, allowance: float) -> float:
    """Return by how much stalls of the weather put recovery off: one that a dial does not outlive begins it anew."""
    plan = client.case.plan
    watchdog = plan.client.policies.watchdog
    if raw.healed is None:
        return 0.0
    patience = math.inf if watchdog is None else watchdog - exchange_cost(plan, raw.path)
    more = 0.0
    for pulse in plan.weather:
        if not isinstance(pulse, Pulse) or pulse.path != raw.path:
            continue
        over = pulse.at + pulse.lasts
        if pulse.at <= raw.healed + allowance + more and over > raw.healed:
            more += over - max(pulse.at, raw.healed)
            more = max(more, over - raw.healed) if pulse.lasts >= patience else more
    return more


def _unhealed(client: ClientCase, raw: Interruption, allowance: float) -> float:
    """Return by how much a snapshot may be later that was refused while a gap was open: the next comes after a wait."""
    if raw.healed is None or not client.gap_signals:
        return 0.0
    case, plan = client.case, client.case.plan
    answers = [
        client.responses[one.rid] for one in client.requests if one.what == "poll" and one.rid in client.responses
    ]
    said = [at for one in client.gap_signals if (at := case.at(one.t_ns)) >= raw.began]
    due, more = raw.healed + allowance, 0.0
    wait = max(plan.client.policies.poll_every, plan.client.policies.backoff_cap)
    for refused in (case.at(one.t_ns) for one in answers if one.status // 100 != 2):
        if min(said, default=math.inf) <= refused <= due + more:
            more = max(more, refused + wait + exchange_cost(plan, raw.path) - due)
    return more


def _carried(client: ClientCase, raw: Interruption, allowance: float) -> float:
    """Return for how long the line was busy with what came: nobody has caught up before that is through."""
    if raw.healed is None:
        return 0.0
    return client.once(Line).busy(raw.healed, raw.healed + allowance)


def _digested(client: ClientCase, raw: Interruption, allowance: float) -> float:
    """Return how long the app's own handler takes for what may have piled up, where it has one that takes time."""
    return 0.0 if raw.healed is None else worked_off(client, raw.began, raw.healed + allowance)


def syn_retries(client: ClientCase) -> tuple[float, ...]:
    """Return the host's schedule of SYN retries, as the run's facts have it."""
    run = client.case.history.run
    text = run.facts.get("syn_retries_at", "") if run else ""
    try:
        return tuple(float(part.removesuffix("s")) for part in text.split()) or LINUX_SYN_RETRIES
    except ValueError:
        return LINUX_SYN_RETRIES
