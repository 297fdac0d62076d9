"""Outages of one client, and what became of it: when each began, healed, was noticed, and the app had caught up.

An outage begins when the default path stops being usable, or when a deed ends a live stream although the default is
usable: that one is healed at once. *Healed* is the start of a usable interval of at least R; shorter ones are flaps
within one outage. R is one of three (law L9): 3 s and the handshake where a signal told the client of its own path's
loss or return; D and what a dial takes where its stream died silently while the default was usable; else the cap.
*Caught up* is the first instant from then on at which the newest index shown is at least the newest
due L before, with L the profile's latency bound, and something due since the outage began is shown. Where nothing was
due since, there is nothing to judge.
"""

import bisect
import math

import msgspec

from harness.history import Deed, Request
from harness.history.records import Record
from harness.judge.case import ClientCase
from harness.judge.refusals import no_end_due
from harness.judge.sky import Cut, Sky, Spell
from harness.scenario.deadlines import LINUX_SYN_RETRIES, Ending, handshake_cost, recovery_allowance
from harness.scenario.model import Plan, Pulse

LATENCY_ALLOWANCE = 0.050
"""Added to one way's latency and jitter: a profile's latency bound is rtt/2 + jitter + 50 ms (the profiles)."""

OF_A_PATH = {"loses", "joins"}
"""Signals of one path's loss or return. ``prefers`` is neither: it leaves an open stream where it is."""

OF_ALL = {"offline", "online", "resumed"}
"""Signals of every path's loss or return: a device that wakes has lost its sockets too."""

_NEAR = 0.1  # a signal is told at its deed, and recorded a moment before or after it returned


_NO_ACT = frozenset({"done", "closed", "cancelled"})
"""Ends of an attempt that are not the client's answer to anything."""


class Lapse(msgspec.Struct, frozen=True, kw_only=True):
    """One outage. Times are scenario seconds. ``allowance`` is R; ``spared`` says why there is nothing to judge."""

    began: float
    healed: float | None
    path: str | None
    struck: (
        str  # the path that broke; device, middle or server where one of these stopped streams on a path that was up
    )
    silent: bool
    told: bool
    allowance: float
    deed: Deed | None = None  # the record of the deed that began it
    first_due: float | None = None
    caught_up: float | None = None
    detected: float | None = None
    attempts: int = 0
    spared: str = ""

    @property
    def recovery(self) -> float | None:
        """Seconds from the healing (or from the first update due after it) to having caught up; None: not so far."""
        if self.healed is None or self.caught_up is None:
            return None
        return max(0.0, self.caught_up - max(self.healed, self.first_due or self.healed))

    @property
    def detection(self) -> float | None:
        """Seconds from the fault to the client's acting on it; None where it did not."""
        return None if self.detected is None else max(0.0, self.detected - self.began)


class _Raw(msgspec.Struct, frozen=True, kw_only=True):
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


def outages(client: ClientCase) -> list[Lapse]:
    """Return the outages of a client in order."""
    return client.once(_outages)


def _outages(client: ClientCase) -> list[Lapse]:
    sky = client.once(Sky)
    found: list[Lapse] = []
    current: _Raw | None = None
    for raw in _interruptions(sky):
        if current is None:
            current = raw
        elif current.healed is not None and raw.began - current.healed >= _allowance(client, current):
            found.append(_lapse(client, sky, current))
            current = raw
        else:
            current = _joined(current, raw)
    if current is not None:
        found.append(_lapse(client, sky, current))
    return found


def _joined(first: _Raw, then: _Raw) -> _Raw:
    return msgspec.structs.replace(
        then,
        began=first.began,
        struck=first.struck,
        silent=first.silent or then.silent,
        unnoticed=first.unnoticed and then.unnoticed,
    )


def latency_bound(spell: Spell, plan: Plan, start: float, end: float) -> float:
    """Return L of a spell: rtt/2 + jitter + 50 ms, and the longest stall that the weather declares in this time."""
    stalls = [
        pulse.lasts
        for pulse in plan.weather
        if isinstance(pulse, Pulse) and pulse.path == spell.path and pulse.at < end and pulse.at + pulse.lasts > start
    ]
    return spell.shape.latency + spell.shape.jitter + LATENCY_ALLOWANCE + max(stalls, default=0.0)


def _interruptions(sky: Sky) -> list[_Raw]:
    found: list[_Raw] = []
    down: _Raw | None = None
    before: str | None = sky.spells[0].path
    silenced = [cut for cut in sky.cuts if cut.silent]
    for spell in sky.spells:
        if spell.usable and down is not None:
            silent = down.silent or any(down.began - _NEAR <= cut.at <= spell.start for cut in silenced)
            found.append(msgspec.structs.replace(down, healed=spell.start, path=spell.path, silent=silent))
            down = None
            before = spell.path
        elif not spell.usable and down is None:
            struck = spell.blocked or before or spell.path or ""
            down = _Raw(
                began=spell.start, last=spell.start, healed=None, path=spell.path, silent=spell.mute, struck=struck
            )
        elif down is not None and spell.mute and not down.silent:
            down = msgspec.structs.replace(down, silent=True)
    if down is not None:
        found.append(down)
    covered = [(raw.began, raw.healed) for raw in found]
    found += [_struck(cut, sky) for cut in sky.cuts if not _within(cut, covered)]
    return sorted(found, key=lambda raw: raw.began)


def _struck(cut: Cut, sky: Sky) -> _Raw:
    """A live stream was ended while the default was usable: healed at that deed."""
    return _Raw(
        began=cut.at,
        last=cut.at,
        healed=cut.at,
        path=sky.at(cut.at).path,
        silent=cut.silent,
        struck=cut.path,
        unnoticed=cut.silent,
    )


def _within(cut: Cut, covered: list[tuple[float, float | None]]) -> bool:
    return any(began <= cut.at and (healed is None or cut.at < healed or began == cut.at) for began, healed in covered)


def _told(client: ClientCase, raw: _Raw) -> bool:
    """Whether a signal told the client of its own path's loss or return.

    Its own is the path of its stream, or where none was open, the default. That another path is there, or preferred,
    tells it nothing of that. A loss that was told helps only where the healing is told too: else it is by then the
    return of the path it was left with, and of that it was told nothing.
    """
    if raw.healed is None:
        return False
    sky, at = client.once(Sky), client.case.at
    own = sky.carrying(raw.last - _NEAR, raw.last) or {sky.before(raw.last).path}
    heard = [one for one in client.signals if raw.last - _NEAR <= at(one.t_ns) <= raw.healed + _NEAR]
    healing = [one for one in heard if at(one.t_ns) >= raw.healed - _NEAR]
    of_own = any(one.what in OF_ALL or (one.what in OF_A_PATH and one.path in own) for one in heard)
    return of_own and any(one.what in OF_ALL or one.what == "loses" or one.path == raw.path for one in healing)


def _allowance(client: ClientCase, raw: _Raw) -> float:
    """Return R of an outage."""
    plan = client.case.plan
    ending = Ending.TOLD if _told(client, raw) else Ending.UNNOTICED if raw.unnoticed else Ending.PLAIN
    found = recovery_allowance(plan, ending, path=raw.path, syn_retries=syn_retries(client))
    found += _retried(client, raw, ending, found)
    found += _detours(client, raw, found) * handshake_cost(plan, raw.path)
    return found + _digestion(client, raw, found)


def _retried(client: ClientCase, raw: _Raw, ending: Ending, allowance: float) -> float:
    """Return what a ``retry:`` in force in an outage adds to R: it sets the base, and a wait is up to half longer."""
    policies, case = client.case.plan.client.policies, client.case
    until = math.inf if raw.healed is None else raw.healed + allowance
    told = [
        end.server_retry
        for end in client.attempt_ends.values()
        if end.server_retry is not None and raw.began - _NEAR <= case.at(end.t_ns) <= until
    ]
    if not told or ending is Ending.TOLD:
        return 0.0
    if ending is Ending.PLAIN:
        return 0.5 * policies.backoff_cap
    base = min(max([*told, policies.server_retry_min]), policies.server_retry_max, policies.backoff_cap)
    return max(0.0, 1.5 * base - policies.backoff_base)


def _detours(client: ClientCase, raw: _Raw, allowance: float) -> int:
    """Return how many connections more a recovery needed than its dial, because the server said so.

    A token that ran out costs two: one for a new token, one with it. A refused cursor costs the snapshot.
    """
    case = client.case
    until = math.inf if raw.healed is None else raw.healed + allowance
    answers = [client.responses[request.rid] for request in client.streams if request.rid in client.responses]
    refused: list[Record] = [*client.gap_signals, *(one for one in answers if one.status in {409, 410})]
    tokens = [request for request in client.requests if request.what == "token"]
    return sum(
        connections
        for connections, met in ((2, tokens), (1, refused))
        if any(raw.began <= case.at(one.t_ns) <= until for one in met)
    )


def _digestion(client: ClientCase, raw: _Raw, allowance: float) -> float:
    """Return how long the app's own handler takes for what may have piled up, where it has one that takes time.

    A handler slower than the updates is always behind, by a whole queue.
    """
    policies, case = client.case.plan.client.policies, client.case
    if not policies.handler_takes or raw.healed is None:
        return 0.0
    until = raw.healed + allowance
    due = [at for event in client.truth.events if (at := case.at(event.intended_ns)) <= until]
    behind = len(due) * policies.handler_takes > until
    piled = len(due) if behind else sum(at >= raw.began for at in due)
    return policies.handler_takes * min(piled + 1, math.inf if policies.queue is None else policies.queue + 1)


def syn_retries(client: ClientCase) -> tuple[float, ...]:
    """Return the host's schedule of SYN retries, as the run's facts have it."""
    run = client.case.history.run
    text = run.facts.get("syn_retries_at", "") if run else ""
    try:
        return tuple(float(part.removesuffix("s")) for part in text.split()) or LINUX_SYN_RETRIES
    except ValueError:
        return LINUX_SYN_RETRIES


def _lapse(client: ClientCase, sky: Sky, raw: _Raw) -> Lapse:
    case, truth = client.case, client.truth
    allowance = _allowance(client, raw)
    first = truth.first_due_from(case.ns(raw.began))
    detected = _detected(client, raw)
    caught_up = _caught_up(client, sky, raw, allowance) if raw.healed is not None and first is not None else None
    spared = ""
    if raw.healed is None:
        spared = "the network never heals"
    elif first is None:
        spared = "nothing was due after it"
    elif caught_up is None and (not_due := no_end_due(client)):
        spared = not_due
    elif case.plan.horizon - raw.healed < allowance:
        spared = "the scenario's limit leaves no time to recover"
    until = caught_up if caught_up is not None else case.end
    dials = [attempt for attempt in client.attempts[1:] if raw.began <= case.at(attempt.t_ns) <= until]
    return Lapse(
        began=raw.began,
        healed=raw.healed,
        path=raw.path,
        struck=raw.struck,
        silent=raw.silent,
        deed=_begun_by(client, raw),
        told=_told(client, raw),
        allowance=allowance,
        first_due=case.at(first.intended_ns) if first else None,
        caught_up=caught_up,
        detected=detected,
        attempts=len(dials),
        spared=spared,
    )


def _begun_by(client: ClientCase, raw: _Raw) -> Deed | None:
    """Return the record of the deed at which an outage began: the last one by then at this client's gate."""
    near = [record for record in client.deeds if client.case.at(record.returned_ns) <= raw.began + 1e-6]
    return near[-1] if near else None


def _caught_up(client: ClientCase, sky: Sky, raw: _Raw, allowance: float) -> float | None:
    case, truth, screen = client.case, client.truth, client.screen
    assert raw.healed is not None
    first = truth.first_due_from(case.ns(raw.began))
    assert first is not None
    bound = latency_bound(sky.at(raw.healed), case.plan, raw.healed, raw.healed + allowance)
    bound += case.plan.client.policies.handler_takes
    healed_ns = case.ns(raw.healed)
    steps = [(healed_ns, screen.newest_at(healed_ns))]
    steps += screen.advances[bisect.bisect_left(screen.advances, (healed_ns, (0, -1))) :]
    for at_ns, shown in steps:
        due = truth.newest_due(at_ns - round(bound * 1e9))
        if shown >= first.position and (due is None or shown >= due.position):
            return case.at(at_ns)
    return None


def _detected(client: ClientCase, raw: _Raw) -> float | None:
    """Return when the client first acted: a dial, an attempt's end, a word, or its side of a stream closed."""
    case = client.case
    streams = {request.cid for request in client.streams}
    # The first dial answers nothing, also where the outage was there before it.
    acts = [attempt.t_ns for attempt in client.attempts[1:]]
    acts += [end.t_ns for end in client.attempt_ends.values() if end.how not in _NO_ACT]
    acts += [status.t_ns for status in client.statuses if status.word in {"reconnecting", "polling"}]
    acts += [request.t_ns for request in client.requests if _acting(request) and request not in client.streams[:1]]
    acts += [
        end.t_ns for end in client.conn_ends if end.side == "client" and end.how != "closed" and end.cid in streams
    ]
    after = [act for act in acts if case.at(act) >= raw.began - _NEAR / 10]
    # What a client does having got the job's end, or when the run is taken down, is no answer to a fault.
    terminals = client.screen.terminals
    over = terminals[0].app.enter_ns if terminals else case.end_ns - round(_NEAR * 1e9)
    first = min((act for act in after if act < over), default=None)
    return None if first is None else max(raw.began, case.at(first))


def _acting(request: Request) -> bool:
    return request.what in {"stream", "poll"}
