"""Outages of one client, and what became of it: when each began, healed, was noticed, and the app had caught up.

An outage begins when the default path stops being usable, or when a deed ends a live stream although the default is
usable: that one is healed at once. Each is judged by itself; where the next begins before the bound of its recovery,
nothing is owed. R, by when a lawful client has caught up, is in ``harness.judge.obligations.bound``.
*Caught up* is the first instant from the healing on at which the newest index shown is at least the newest due L
before, with L the profile's latency bound, and something due since the outage began is shown. Where nothing was due
since, there is nothing to judge.
"""

import bisect
import math

import msgspec

from harness.history import DeedDone, Request
from harness.judge import phrases
from harness.judge.case import ClientCase
from harness.judge.facts.attempts import attempts
from harness.judge.facts.dials import syn_retries
from harness.judge.facts.network_timeline import NetworkInterval, NetworkTimeline, StreamCut
from harness.judge.facts.refusals import no_end_due
from harness.judge.obligations.bound import LATENCY_ALLOWANCE, BoundPart, recovery_bound, settling
from harness.scenario.deadlines import ceiling
from harness.scenario.model import Plan, StallPulse

NEAR = 0.1
"""Seconds around a deed within which what belongs to it is recorded: a signal a moment before or after it returned."""

_LEAST = 1.0
"""R on real sockets, in seconds, is no less: what is shorter tells more of the host than of the client."""

_STALLS = 30.0
"""Seconds behind the healing within which stalls of the weather lengthen what is called caught up."""


class Interruption(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch in which no stream could pass, or the end of one that passed; ``healed`` None: it lasts."""

    began: float
    healed: float | None
    path: str | None
    silent: bool
    struck: str


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """One outage. Times are scenario seconds. ``spared`` says why there is nothing to judge.

    ``struck`` is the path that broke; device, middle or server where one of these stopped streams on a path that was
    up. ``until`` is when R ends (infinity: there is no bound), ``parts`` what it is made of, ``missed`` the row that
    the client missed on its way, in words. ``overtaken``: another outage began before R was over.
    """

    began: float
    healed: float | None
    path: str | None
    struck: str
    silent: bool
    until: float = math.inf
    parts: tuple[BoundPart, ...] = ()
    missed: str = ""
    overtaken: bool = False
    deed: DeedDone | None = None  # the record of the deed that began it
    first_due: float | None = None
    caught_up: float | None = None
    detected: float | None = None
    attempts: int = 0
    spared: str = ""

    @property
    def start(self) -> float:
        """The beginning of recovery: the healing, or the first update due after it."""
        assert self.healed is not None
        return max(self.healed, self.first_due or self.healed)

    @property
    def allowance(self) -> float:
        """R: how long recovery may take, in seconds."""
        return self.until - self.start

    @property
    def recovery(self) -> float | None:
        """Seconds that recovery took; None: it is not over, or another outage overtook it."""
        if self.healed is None or self.caught_up is None or self.overtaken:
            return None
        return max(0.0, self.caught_up - self.start)

    @property
    def detection(self) -> float | None:
        """Seconds from the fault to the client's acting on it; None where it did not."""
        return None if self.detected is None else max(0.0, self.detected - self.began)


def outages(client: ClientCase) -> list[Outage]:
    """Return the outages of a client in order."""
    return client.once(_outages)


def _outages(client: ClientCase) -> list[Outage]:
    timeline = client.once(NetworkTimeline)
    found = interruptions(timeline)
    began = sorted(one.began for one in found)
    return [_lapse(client, timeline, one, next((at for at in began if at > one.began), math.inf)) for one in found]


def latency_bound(interval: NetworkInterval, plan: Plan, start: float, end: float) -> float:
    """Return L of an interval: rtt/2 + jitter + 50 ms, and the longest stall that the weather declares in this time."""
    return (
        interval.shape.latency + interval.shape.jitter + LATENCY_ALLOWANCE + _longest_stall(interval, plan, start, end)
    )


def _longest_stall(interval: NetworkInterval, plan: Plan, start: float, end: float) -> float:
    """Return the seconds of the longest stall that the weather declares for a path in this time."""
    stalls = [
        pulse.lasts
        for pulse in plan.weather
        if isinstance(pulse, StallPulse)
        and pulse.path == interval.path
        and pulse.at < end
        and pulse.at + pulse.lasts > start
    ]
    return max(stalls, default=0.0)


def interruptions(timeline: NetworkTimeline) -> list[Interruption]:
    """Return the interruptions of a client's network, in order."""
    found: list[Interruption] = []
    down: Interruption | None = None
    before: str | None = timeline.intervals[0].path
    silenced = [cut for cut in timeline.cuts if cut.silent]
    for interval in timeline.intervals:
        if interval.usable and down is not None:
            silent = down.silent or any(down.began - NEAR <= cut.at <= interval.start for cut in silenced)
            found.append(msgspec.structs.replace(down, healed=interval.start, path=interval.path, silent=silent))
            down = None
            before = interval.path
        elif not interval.usable and down is None:
            struck = interval.blocked or before or interval.path or ""
            down = Interruption(
                began=interval.start, healed=None, path=interval.path, silent=interval.mute, struck=struck
            )
        elif down is not None and interval.mute and not down.silent:
            down = msgspec.structs.replace(down, silent=True)
    if down is not None:
        found.append(down)
    covered = [(raw.began, raw.healed) for raw in found]
    found += [_struck(cut, timeline) for cut in timeline.cuts if not _within(cut, covered)]
    return sorted(found, key=lambda raw: raw.began)


def _struck(cut: StreamCut, timeline: NetworkTimeline) -> Interruption:
    """A live stream was ended while the default was usable: healed at that deed."""
    return Interruption(
        began=cut.at,
        healed=cut.at,
        path=timeline.at(cut.at).path,
        silent=cut.silent,
        struck=cut.path,
    )


def _within(cut: StreamCut, covered: list[tuple[float, float | None]]) -> bool:
    return any(began <= cut.at and (healed is None or cut.at < healed or began == cut.at) for began, healed in covered)


def _lapse(client: ClientCase, timeline: NetworkTimeline, raw: Interruption, next_began: float) -> Outage:
    case = client.case
    first = client.truth.first_due_from(case.ns(raw.began))
    caught = _caught_up(client, timeline, raw) if raw.healed is not None and first is not None else None
    until = caught if caught is not None else case.end
    dials = [one for one in attempts(client)[1:] if raw.began <= case.at(one.began_ns) <= until]
    outage = Outage(
        began=raw.began,
        healed=raw.healed,
        path=raw.path,
        struck=raw.struck,
        silent=raw.silent,
        deed=_begun_by(client, raw),
        first_due=case.at(first.intended_ns) if first else None,
        caught_up=caught,
        detected=_detected(client, raw),
        attempts=len(dials),
    )
    return _bounded(client, outage, next_began)


def _bounded(client: ClientCase, outage: Outage, next_began: float) -> Outage:
    """Return an outage with R and what that is made of, or with why there is nothing to judge."""
    case = client.case
    if outage.healed is None:
        return msgspec.structs.replace(outage, spared=case.nobody or "the network never heals")
    if outage.first_due is None:
        return msgspec.structs.replace(outage, spared="nothing was due after it", until=outage.healed)
    caught_ns = None if outage.caught_up is None else case.ns(outage.caught_up)
    bound = recovery_bound(client, healed=outage.healed, due=outage.first_due, path=outage.path, caught_ns=caught_ns)
    least = 0.0 if case.plan.world == "virtual" else outage.start + _LEAST + case.slack
    until = max(bound.until, least)
    overtaken = next_began < until and (outage.caught_up is None or outage.caught_up > next_began)
    spared = bound.why
    if overtaken:
        spared = "another outage began before it could show"
    elif not bound.why and until - outage.start > ceiling(case.plan, syn_retries=syn_retries(client)):
        spared = f"{phrases.UNTESTED}{phrases.limit(math.ceil(until - outage.start))}"
    elif outage.caught_up is None:
        late = "the scenario's limit leaves no time to recover" if case.horizon < until else ""
        spared = spared or no_end_due(client) or late
    return msgspec.structs.replace(
        outage, until=until, parts=bound.parts, missed=bound.missed, overtaken=overtaken, spared=spared
    )


def _begun_by(client: ClientCase, raw: Interruption) -> DeedDone | None:
    """Return the record of the deed at which an outage began: the last one by then at this client's gate."""
    near = [record for record in client.deeds if client.case.at(record.returned_ns) <= raw.began + 1e-6]
    return near[-1] if near else None


def _caught_up(client: ClientCase, timeline: NetworkTimeline, raw: Interruption) -> float | None:
    case, truth, screen = client.case, client.truth, client.screen
    assert raw.healed is not None
    first = truth.first_due_from(case.ns(raw.began))
    assert first is not None
    interval = timeline.at(raw.healed)
    bound = settling(case.plan, interval.shape)
    bound += _longest_stall(interval, case.plan, raw.healed, max(raw.healed, case.at(first.intended_ns)) + _STALLS)
    healed_ns = case.ns(raw.healed)
    steps = [(healed_ns, screen.newest_at(healed_ns))]
    steps += screen.advances[bisect.bisect_left(screen.advances, (healed_ns, (0, -1))) :]
    for at_ns, shown in steps:
        due = truth.newest_due(at_ns - round(bound * 1e9))
        if shown >= first.position and (due is None or shown >= due.position):
            return case.at(at_ns)
    return None


def _detected(client: ClientCase, raw: Interruption) -> float | None:
    """Return when the client first acted: a dial, an attempt's end, a word, or its side of a stream closed."""
    case = client.case
    streams = {request.cid for request in client.streams}
    # The first dial answers nothing, also where the outage was there before it.
    acts = [one.began_ns for one in attempts(client)[1:]]
    acts += [one.end_hi for one in attempts(client) if one.end_hi is not None]
    acts += [status.t_ns for status in client.statuses if status.word in {"reconnecting", "polling"}]
    acts += [request.t_ns for request in client.requests if _acting(request) and request not in client.streams[:1]]
    acts += [
        end.t_ns for end in client.conn_ends if end.side == "client" and end.how != "closed" and end.cid in streams
    ]
    after = [act for act in acts if case.at(act) >= raw.began - NEAR / 10]
    # What a client does having got the job's end, or when the run is taken down, is no answer to a fault.
    terminals = client.screen.terminals
    over = terminals[0].app.enter_ns if terminals else case.end_ns - round(NEAR * 1e9)
    first = min((act for act in after if act < over), default=None)
    return None if first is None else max(raw.began, case.at(first))


def _acting(request: Request) -> bool:
    return request.what in {"stream", "poll"}
