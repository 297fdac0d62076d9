"""Emissions: when a plan intends its events to leave the server, with what its timeline says to the job."""

import bisect
import math
from itertools import zip_longest

from harness.deeds.acts import Bursts
from harness.deeds.network_state import JOB, after
from harness.scenario.model import Plan, job_ends, network_at_start, schedule


def accepted(plan: Plan) -> float:
    """Return when the first client's job begins, as far as a plan can know: after its first dial, on a cold radio."""
    path = plan.paths[plan.device.starts_on]
    return path.radio.handshake + path.radio.wake + path.shape.latency


def events_of(plan: Plan) -> float:
    """Return the events of one client's job, those of bursts included."""
    job = plan.job
    steps = job.items if job.every is None else job.lasts / job.every
    return steps + 2 + sum(deed.act.rate * deed.act.lasts for deed in plan.deeds if isinstance(deed.act, Bursts))


def intended(plan: Plan, accepted: float) -> list[float]:
    """Return the scenario times of the first client's events, in order, for a job accepted at this time.

    What is due while the job pauses is left out (its end is not: pauses do not extend it), a burst adds its own, and
    nothing comes after a deed that ends the job but its terminal event.
    """
    due = [accepted + time for time in schedule(plan.job)]
    terminal = None if plan.job.ends == "never" else due.pop()
    ended = [at for at in job_ends(plan) if at >= accepted]
    last = min([math.inf if terminal is None else terminal, *ended])
    pauses = _pauses(plan)
    found = [time for time in (*due, *_extra(plan)) if time <= last and not _within(time, pauses)]
    return sorted(found) + ([last] if math.isfinite(last) else [])


def _pauses(plan: Plan) -> list[tuple[float, float]]:
    network, turns = network_at_start(plan), list[float]()
    for deed in plan.deeds:
        if deed.actor == JOB:
            before, network = network.paused, after(network, deed, deed.at).state
            turns += [deed.at] if network.paused != before else []
    return list(zip_longest(turns[::2], turns[1::2], fillvalue=math.inf))


def _within(time: float, spans: list[tuple[float, float]]) -> bool:
    """Return whether a time lies in one of these ordered spans. Fast: a job of a million events asks as often."""
    last = bisect.bisect_right(spans, (time, math.inf)) - 1
    return last >= 0 and spans[last][0] <= time < spans[last][1]


def _extra(plan: Plan) -> list[float]:
    found: list[float] = []
    for deed in plan.deeds:
        if isinstance(deed.act, Bursts):
            found += [deed.at + number / deed.act.rate for number in range(int(deed.act.rate * deed.act.lasts))]
    return found
