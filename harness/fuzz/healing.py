"""Healing: what must still be said so that a run can end.

A client that can reach nobody for good is not wrong to say nothing. So the last state of an invented scenario lets it
through: the phone has a default path that passes, and status and results are answered by the server itself. A stream
may stay refused, muted or held: to get along without it is what polling is for.
"""

from typing import NamedTuple

from harness.deeds.acts import (
    Act,
    Answers,
    Buffers,
    Bursts,
    ComesOnline,
    Deed,
    Drains,
    Hangs,
    Joins,
    KillsIdle,
    Limits,
    MutesStreams,
    ResetsStreams,
    SetSlice,
    ShowsPortal,
)
from harness.deeds.network_state import NetworkState, after
from harness.scenario.deadlines import exchange_cost, handshake_cost, overtime
from harness.scenario.model import Plan, network_at_start, schedule
from harness.toxics.shape import Shape, line_time

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
    network = network_at_start(plan)
    for deed in plan.deeds:
        network = after(network, deed, deed.at).state
    never_polls = plan.client.policies.polls_after_failures is None
    dearest = _ROUNDS * handshake_cost(plan) + _ANSWERED
    walls = {
        one.actor for one in network.standing if _keeps_out(one.deed.act, all_streams=never_polls, dearest=dearest)
    }
    remedies = [Remedy(actor, word) for actor, word in (("server", "recovers"), ("middle", "clears")) if actor in walls]
    return (*remedies, *_of_device(plan, network))


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
    """Whether a line is cut so finely, or is so slow, that what the job says needs longer than anybody would wait."""
    slices = [deed.act.size for deed in plan.deeds if isinstance(deed.act, SetSlice)]
    rates = [deed.act.rate for deed in plan.deeds if isinstance(deed.act, Limits)]
    bursts = [deed.act for deed in plan.deeds if isinstance(deed.act, Bursts)]
    events = len(schedule(plan.job)) + sum(act.rate * act.lasts for act in bursts)
    each = line_time(
        Shape(slice_size=min(slices, default=None), down=min(rates, default=None)), plan.job.event_size + _AROUND
    )
    return events * each > plan.job.lasts + _OVERTIME


def _of_device(plan: Plan, network: NetworkState) -> list[Remedy]:
    remedies = []
    if network.default is None and network.away is not None:
        remedies.append(Remedy("device", "comes online"))
        network = after(network, _said(ComesOnline()), 0.0).state
    if network.default is None:
        remedies.append(Remedy("device", f"joins {plan.device.starts_on}"))
        network = after(network, _said(Joins(path=plan.device.starts_on)), 0.0).state
    assert network.default is not None
    if not network.passes:
        remedies.append(Remedy(network.default, "up"))
    return remedies


def _said(act: Act) -> Deed:
    """A word to the device that stands in no plan."""
    return Deed(index=-1, at=0.0, actor="device", act=act, text="")


def _keeps_out(act: Act, *, all_streams: bool, dearest: float) -> bool:
    """Whether a deed that is never taken back keeps for good what a client cannot do without.

    An answer that stops by itself counts all the same: it may never be asked often enough. ``all_streams``: the client
    lives by streams alone. ``dearest``: how long an idle connection must live, in seconds.
    """
    match act:
        case ShowsPortal() | Drains() | Hangs():
            return True
        case KillsIdle(after=seconds):
            return seconds < dearest
        case Answers(to=to):
            return all_streams or to != "streams"
        case _:
            return all_streams and isinstance(act, MutesStreams | ResetsStreams | Buffers)
