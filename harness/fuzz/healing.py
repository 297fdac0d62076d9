"""Healing: what must still be said so that a run can end.

A client that can never reach the server again may say nothing. So the last state of an invented scenario lets it
through: the phone has a default path that passes, and status and results are answered by the server itself. A stream
may stay refused, muted or held: to get along without it is what polling is for.
"""

import math
from typing import NamedTuple

from harness.deeds.acts import Act, Adjusts, Deed, KillsIdle
from harness.deeds.catalogue import effect_of
from harness.deeds.network_state import Fold
from harness.scenario.deadlines import exchange_cost, handshake_cost, overtime
from harness.scenario.deeds import parse_deed
from harness.scenario.emissions import events_of
from harness.scenario.model import Plan, network_at_start
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
    """The actors, and the words that each must be told at the end."""

    actor: str
    deed: str


def lacking(plan: Plan) -> tuple[Remedy, ...]:
    """Return what must be said after the last deed; nothing where the run can end as it is."""
    fold = Fold(network_at_start(plan))
    for deed in plan.deeds:
        fold.do(deed, deed.at)
    for _ in fold.pass_to(math.inf):
        pass
    never_polls = plan.client.policies.polls_after_failures is None
    dearest = _ROUNDS * handshake_cost(plan) + _ANSWERED
    walls = {
        one.actor for one in fold.state.standing if _keeps_out(one.deed.act, all_streams=never_polls, dearest=dearest)
    }
    remedies = [Remedy(actor, word) for actor, word in (("server", "recovers"), ("middle", "clears")) if actor in walls]
    return (*remedies, *_of_device(plan, fold))


def gives_time(plan: Plan) -> bool:
    """Return whether an answer has its time: in the life of a token, in the client's deadlines, and on the line."""
    return not (too_brief_for(plan) or too_impatient(plan) or too_hasty(plan) or too_narrow(plan))


def too_brief_for(plan: Plan) -> float:
    """Return how many seconds a token would have to last to be of use on every path; 0 where it does, or is none."""
    due = _TO_USE_A_TOKEN * handshake_cost(plan) + _ANSWERED
    return due if plan.server.token_lasts is not None and plan.server.token_lasts < due else 0.0


def too_impatient(plan: Plan) -> bool:
    """Return whether the client's watchdog bites before the dearest path has brought the first byte."""
    watchdog = plan.client.policies.watchdog
    return watchdog is not None and watchdog < exchange_cost(plan) + _ANSWERED


def too_hasty(plan: Plan) -> bool:
    """Return whether the run ends before a client whose every question costs a token falls back by the dearest path.

    A failing attempt begins the time after which it polls, and then the status is asked for.
    """
    policies = plan.client.policies
    if plan.server.token_lasts is None or policies.polls_after_failures is None:
        return False
    return overtime(plan) < policies.falls_back_within + 2 * _TO_ASK_WITH_A_TOKEN * exchange_cost(plan) + _ANSWERED


def too_narrow(plan: Plan) -> bool:
    """Return whether a line is so finely cut or so slow that the job's events need longer than a client waits."""
    lines = [deed.act.upon(Shape()) for deed in plan.deeds if isinstance(deed.act, Adjusts)]
    slices, rates = ({getattr(line, name) for line in lines} - {None} for name in ("slice_size", "down"))
    narrowest = Shape(slice_size=min(slices, default=None), down=min(rates, default=None))
    return events_of(plan) * line_time(narrowest, plan.job.event_size + _AROUND) > plan.job.lasts + _OVERTIME


def _of_device(plan: Plan, fold: Fold) -> list[Remedy]:
    remedies = []
    for deed in ("comes online", f"joins {plan.device.starts_on}"):
        if fold.state.default is None and (fold.state.away is not None or deed.startswith("joins")):
            remedies.append(Remedy("device", deed))
            said = parse_deed("device", deed, plan.paths).act
            fold.do(Deed(index=-1, at=math.inf, actor="device", act=said, text=deed), math.inf)
    assert fold.state.default is not None
    return remedies if fold.state.passes else [*remedies, Remedy(fold.state.default, "up")]


def _keeps_out(act: Act, *, all_streams: bool, dearest: float) -> bool:
    """Return whether a deed that is never taken back keeps for good what a client cannot do without.

    An answer that stops by itself counts all the same: it may never be asked often enough. ``all_streams``: the client
    lives by streams alone. ``dearest``: how long an idle connection must live, in seconds.
    """
    if isinstance(act, KillsIdle):
        return act.after < dearest
    barrier = effect_of(act).barrier
    return barrier is not None and (all_streams or not barrier.kinds <= {"streams"})
