"""What lawfully puts a recovery off, beside what the plan's deadlines give it: each a part of R, in seconds.

``allowance`` is always what R is without the part that is asked for.
"""

import math
from operator import itemgetter

from harness.history import Request, SignalTold
from harness.history.records import Record
from harness.judge.case import ROUSING, ClientCase
from harness.judge.facts.asked import REFUSED, put_offs
from harness.judge.facts.backlog import worked_off
from harness.judge.facts.line import Line
from harness.judge.facts.streams import live_streams
from harness.judge.interruptions import NEAR, Interruption, heard
from harness.judge.obligations.attempts import Attempt, attempts
from harness.scenario.deadlines import Ending, detection_allowance, exchange_cost, recovery_allowance
from harness.scenario.model import Pulse

"""Statuses of a stream that refuse its cursor."""

_DROPPED_NS = 100_000
"""Nanoseconds within which an attempt is dropped for a signal."""

_NEVER = 1 << 63
"""Nanoseconds."""


def retried(client: ClientCase, raw: Interruption, ending: Ending, allowance: float) -> float:
    """Return what a ``retry:`` in force in an outage adds to R: it sets the base, and a wait is up to half longer.

    Where the outage was silent, the wait begins only when it is noticed. A signal ends one that has begun: but not that
    of a loss, which begins it, nor the one that comes after a refused cursor.
    """
    policies, case = client.case.plan.client.policies, client.case
    until = math.inf if raw.healed is None else raw.healed + allowance
    ends = [one for one in ended_attempts(client) if raw.began - NEAR <= case.at(one.end_hi or 0) <= until]
    asked = [retry / 1e3 for one in ends for retry in one.retries if retry is not None]
    rouses = _rouses(client, raw, ends) and not _refused(client, raw, until)
    if not asked or (ending is Ending.TOLD and rouses):
        return 0.0
    base = policies.clamp_retry(max(asked))
    if ending is not Ending.PLAIN:
        return max(0.0, 1.5 * base - policies.backoff_base)
    noticed = detection_allowance(policies) if raw.silent or _outlived(client, raw) else 0.0
    return max(0.5 * policies.backoff_cap, noticed + 1.5 * base - policies.backoff_cap)


def put_off(client: ClientCase, raw: Interruption, allowance: float) -> float:
    """Return by how much a ``Retry-After`` puts recovery off, which is obeyed to the full where no signal ends it."""
    plan, case = client.case.plan, client.case
    policies = plan.client.policies
    if raw.healed is None or not policies.obeys_retry_after:
        return 0.0
    due = until = raw.healed + allowance
    roused = [case.at(one.t_ns) for one in client.signals if one.what in ROUSING and policies.heeds_signals]
    said = [(one.end_hi or 0, _longest(one), one.asked) for one in ended_attempts(client)]
    retry = max((one for _, one, _ in said if one is not None), default=None)
    said += [(one.answer.t_ns, retry, one.seconds) for one in put_offs(client) if one.request.what == "token"]
    for said_ns, told, asked in sorted(said, key=itemgetter(0)):
        seconds = None if asked is None or math.isnan(asked) else policies.heed_retry_after(asked)
        began = case.at(said_ns)
        if seconds is None or not raw.began <= began <= until:
            continue
        least = 0.0 if told is None else policies.clamp_retry(told)
        over = began + max(seconds, least) + (least or policies.backoff_base)
        if not any(began < at < over for at in roused):
            until = max(until, over + exchange_cost(plan, raw.path))
    return until - due


def ended_attempts(client: ClientCase) -> list[Attempt]:
    """Return the attempts that ended, in order of their beginning."""
    return [one for one in attempts(client) if one.end_hi is not None]


def _longest(one: Attempt) -> float | None:
    """Return the longest reconnection time that may be in force after an attempt, in seconds."""
    return max((retry / 1e3 for retry in one.retries if retry is not None), default=None)


def _rouses(client: ClientCase, raw: Interruption, ends: list[Attempt]) -> bool:
    """Whether a signal ended the wait that an outage began: one that was told before it ends none.

    A dial, or a request without an answer, that ended as a signal was heard was dropped for it, and no wait began.
    """
    until = math.inf if raw.healed is None else raw.healed + NEAR
    roused = [one.t_ns for one in client.signals if one.what in ROUSING]
    begun = [
        end
        for one in ends
        if client.case.at(end := one.end_hi or 0) <= until
        and (one.opened or not any(0 <= end - at <= _DROPPED_NS for at in roused))
    ]
    return any(one.what != "loses" and one.t_ns > max(begun, default=0) for one in heard(client, raw))


def begun_anew(client: ClientCase, raw: Interruption, allowance: float) -> float:
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


def weathered(client: ClientCase, raw: Interruption, allowance: float) -> float:
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


def detoured(client: ClientCase, raw: Interruption, allowance: float) -> float:
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
    refused: list[Record] = [*client.gap_signals, *(one for one in answers if one.status in REFUSED)]
    return any(raw.began <= client.case.at(one.t_ns) <= until for one in refused)


def unhealed(client: ClientCase, raw: Interruption, allowance: float) -> float:
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
    put_off = {one.answer.rid: one.seconds for one in put_offs(client)}
    for one in answers:
        refused = case.at(one.t_ns)
        if one.status // 100 != 2 and min(said, default=math.inf) <= refused <= due + more:
            longest = max(wait, put_off.get(one.rid, 0.0))
            more = max(more, refused + longest + exchange_cost(plan, raw.path) - due)
    return more


def carried(client: ClientCase, raw: Interruption, allowance: float) -> float:
    """Return for how long the line was busy with what came: nobody has caught up before that is through."""
    if raw.healed is None:
        return 0.0
    return client.once(Line).busy(raw.healed, raw.healed + allowance)


def digested(client: ClientCase, raw: Interruption, allowance: float) -> float:
    """Return how long the app's own handler takes for what may have piled up, where it has one that takes time."""
    return 0.0 if raw.healed is None else worked_off(client, raw.began, raw.healed + allowance)
