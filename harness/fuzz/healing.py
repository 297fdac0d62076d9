"""Healing: what must still be said so that a run can end.

A client that can reach nobody for good is not wrong to say nothing. So the last state of an invented scenario lets it
through: the phone has a default path that passes, and status and results are answered by the server itself. A stream
may stay refused, muted or held: to get along without it is what polling is for.
"""

from typing import NamedTuple

from harness.deeds import acts
from harness.device.model import Device, Fate
from harness.scenario import model
from harness.scenario.deadlines import exchange_cost, handshake_cost, overtime
from harness.scenario.model import Plan
from harness.scenario.standing import Standing
from harness.toxics.shape import Shape, line_time
from harness.vocabulary import Direction, Door

_WALLS = (acts.ShowsPortal, acts.Drains, acts.Hangs)


_ROUNDS = 2
_ANSWERED = 1.0
"""An idle connection that is killed sooner than after so many of the dearest handshakes, and a second, is killed before
its answer can come."""


_TO_USE_A_TOKEN = 3
"""Handshakes that a token outlives: one to fetch it, one to use it, one for the stream to be of use."""


_TO_ASK_WITH_A_TOKEN = 3
"""Questions that one costs whose token has run out: it is refused, a new token is asked for, and it is asked again."""


_AROUND = 40
"""Bytes around an event's data."""

_OVERTIME = 10.0
"""Seconds after a job's end for which the shortest deadlines still wait for what it said."""


class Remedy(NamedTuple):
    """Who must be told what, at the end."""

    actor: str
    deed: str


def lacking(plan: Plan) -> tuple[Remedy, ...]:
    """Return what must be said after the last deed; nothing where the run can end as it is."""
    never_polls = plan.client.policies.polls_after_failures is None
    dearest = _ROUNDS * handshake_cost(plan) + _ANSWERED
    standing = Standing(plan)
    for deed in plan.deeds:
        standing.do(deed)
    walled = [
        wall.actor for wall in standing.walls.values() if _must_go(wall.act, all_streams=never_polls, dearest=dearest)
    ]
    remedies = [Remedy("server", "recovers")] if "server" in walled else []
    if "middle" in walled:
        remedies.append(Remedy("middle", "clears"))
    return (*remedies, *_of_device(plan, standing.device))


def gives_time(plan: Plan) -> bool:
    """Whether an answer has its time: in the life of a token, in the client's deadlines, and on the line."""
    return not (too_brief_for(plan) or too_impatient(plan) or too_hasty(plan) or too_narrow(plan))


def too_brief_for(plan: Plan) -> float:
    """Return how many seconds a token would have to last to be of use on every path; 0 where it does, or is none."""
    due = _TO_USE_A_TOKEN * handshake_cost(plan) + _ANSWERED
    return due if plan.server.token_lasts is not None and plan.server.token_lasts < due else 0.0


def too_impatient(plan: Plan) -> bool:
    """Whether the client's watchdog bites before the dearest path has brought the first byte."""
    watchdog = plan.client.policies.watchdog
    return watchdog is not None and watchdog < exchange_cost(plan) + _ANSWERED


def too_hasty(plan: Plan) -> bool:
    """Whether the run is over before a client has fallen back whose every question costs a token, by the dearest path.

    A failing attempt begins the time after which it polls, and then the status is asked for.
    """
    policies = plan.client.policies
    if plan.server.token_lasts is None or policies.polls_after_failures is None:
        return False
    return overtime(plan) < policies.falls_back_within + 2 * _TO_ASK_WITH_A_TOKEN * exchange_cost(plan) + _ANSWERED


def too_narrow(plan: Plan) -> bool:
    """Whether a line is cut so finely that what the job says needs longer than anybody would wait for it."""
    slices = [deed.act.size for deed in plan.deeds if isinstance(deed.act, acts.SetSlice)]
    bursts = [deed.act for deed in plan.deeds if isinstance(deed.act, acts.Bursts)]
    events = len(model.schedule(plan.job)) + sum(act.rate * act.lasts for act in bursts)
    each = line_time(Shape(slice_size=min(slices, default=None)), plan.job.event_size + _AROUND)
    return events * each > plan.job.lasts + _OVERTIME


def _of_device(plan: Plan, device: Device) -> list[Remedy]:
    default, remedies = device.default, []
    if default is None:
        last = next((deed.act for deed in reversed(plan.deeds) if _is_signal(deed)), None)
        if isinstance(last, acts.GoesOffline) or _went_offline(plan):
            remedies.append(Remedy("device", "comes online"))
            device.comes_online()
        if device.default is None:
            remedies.append(Remedy("device", f"joins {plan.device.starts_on}"))
            device.joins(plan.device.starts_on)
        default = device.default
    assert default is not None
    passes = all(device.feels(default, way) is Fate.PASS for way in Direction)
    if not passes or device.door(default) is not Door.OPEN:
        remedies.append(Remedy(default, "up"))
    return remedies


def _is_signal(deed: acts.Deed) -> bool:
    return isinstance(deed.act, acts.Joins | acts.Loses | acts.GoesOffline | acts.ComesOnline)


def _went_offline(plan: Plan) -> bool:
    """Whether the device went offline and nothing brought it back."""
    words = [deed.act for deed in plan.deeds if isinstance(deed.act, acts.GoesOffline | acts.ComesOnline)]
    return bool(words) and isinstance(words[-1], acts.GoesOffline)


def _must_go(act: acts.Act, *, all_streams: bool, dearest: float) -> bool:
    """Whether a deed of the middle or the server must not stay."""
    blocks_streams = isinstance(act, acts.MutesStreams | acts.ResetsStreams | acts.Buffers)
    cuts_short = isinstance(act, acts.KillsIdle) and act.after < dearest
    refuses = _refuses(act, all_streams=all_streams)
    return isinstance(act, _WALLS) or cuts_short or refuses or (all_streams and blocks_streams)


def _refuses(act: acts.Act, *, all_streams: bool) -> bool:
    """Whether an answer keeps for good what a client cannot do without.

    One that stops by itself counts all the same: it may never be asked often enough.
    """
    return isinstance(act, acts.Answers) and (all_streams or act.to != "streams")
