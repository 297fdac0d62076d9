"""Steady windows: when a client's network was as it should be, from plan and gate alone.

From the first 202 + 1 s, or an outage's healing + R, to the next deed - 100 ms. A deed that ends no client's stream (a
change of shape, another path joined) interrupts a window for as long as the start of a job does. If windows asked
whether the stream had settled, a broken client would delete its own bad samples. A server that refuses the cursor
leaves a client to poll, and so does one whose answer to the start was lost leave it to nothing. An update that finds
the app's own handler at work on those before it, as the plan says, is shown no sooner on any network.
"""

import math

import msgspec

from harness.deeds.acts import SetShape
from harness.judge.case import ClientCase
from harness.judge.facts.clinging import allowance
from harness.judge.facts.network_timeline import NetworkInterval, NetworkTimeline
from harness.judge.facts.refusals import no_end_due
from harness.judge.measures.outages import Outage, outages
from harness.scenario.model import schedule

SETTLING = 1.0
"""Seconds after the first 202, and after a deed that ended nothing."""

BEFORE_DEED = 0.1


class SteadyWindow(msgspec.Struct, frozen=True):
    """A steady window, in scenario seconds; half open. ``interval`` says which path, and its shape."""

    start: float
    end: float
    interval: NetworkInterval


def steady(client: ClientCase) -> list[SteadyWindow]:
    """Return the steady windows of a client up to the end of its job."""
    return client.once(_steady)


def planned(client: ClientCase, windows: list[SteadyWindow]) -> int:
    """Return how many events the plan's schedule puts into these windows."""
    case = client.case
    due = [case.at(stamp) for stamp in client.truth.schedule_ns] or schedule(case.plan.job)
    return sum(any(window.start <= at < window.end for window in windows) for at in due)


def _steady(client: ClientCase) -> list[SteadyWindow]:
    timeline, all_outages = client.once(NetworkTimeline), outages(client)
    begins = _begins(client)
    end = _job_end(client)
    if begins is None or no_end_due(client):
        return []
    busy = [
        (0.0, begins + SETTLING),
        *_deeds(client),
        *_outages(timeline, all_outages),
        *_refused(client),
        *behind(client),
    ]
    found: list[SteadyWindow] = []
    free = 0.0
    for start, stop in [*sorted(busy), (end, end)]:
        if start > free and free < end:
            found += _pieces(timeline, free, min(start, end))
        free = max(free, stop)
    return found


def _begins(client: ClientCase) -> float | None:
    """Return when the first job was accepted: the 202 at the gate, or the server's word for it."""
    case = client.case
    starts = {request.rid for request in client.requests if request.what == "start"}
    accepted = [r.t_ns for r in client.responses.values() if r.rid in starts and r.status == 202]
    if accepted:
        return case.at(min(accepted))
    truth_ns = client.truth.accepted_ns
    return None if truth_ns is None else case.at(truth_ns)


def _job_end(client: ClientCase) -> float:
    """Return when the last event is due, that one included."""
    due = list(client.truth.schedule_ns)
    due += [event.intended_ns for event in client.truth.events]
    return client.case.at(max(due)) + 1e-6 if due else client.case.plan.job.lasts


def _deeds(client: ClientCase) -> list[tuple[float, float]]:
    """Return the spans from 100 ms before each deed to a second after it, or after the last step of its change."""
    spans = []
    for deed in client.case.plan.deeds:
        over = deed.act.over if isinstance(deed.act, SetShape) else 0.0
        spans.append((deed.at - BEFORE_DEED, deed.at + over + SETTLING))
    return spans


def _outages(timeline: NetworkTimeline, all_outages: list[Outage]) -> list[tuple[float, float]]:
    spans = []
    for outage in all_outages:
        until = timeline.horizon if outage.healed is None else outage.until
        spans.append((outage.began - BEFORE_DEED, until))
    return spans


def _refused(client: ClientCase) -> list[tuple[float, float]]:
    """Return the spans from each refusal of a cursor by the server for as long as a client may poll then."""
    until = allowance(client)
    return [(at, at + until) for one in client.gap_signals for at in [client.case.at(one.t_ns)]]


def _pieces(timeline: NetworkTimeline, start: float, end: float) -> list[SteadyWindow]:
    """Cut a window where the default path changes hands without a deed of its own (a lingering path's end)."""
    return [
        SteadyWindow(max(start, interval.start), min(end, interval.end), interval)
        for interval in timeline.intervals
        if interval.usable and interval.start < end and interval.end > start
    ]


def behind(client: ClientCase) -> list[tuple[float, float]]:
    """Return from when to when an update waits for the app's handler where the network holds none up."""
    policies, case = client.case.plan.client.policies, client.case
    takes = policies.handler_takes
    most = math.inf if policies.queue is None else (policies.queue + 1) * takes
    found, busy = [], 0.0
    for due in (case.at(event.intended_ns) for event in client.truth.events if takes):
        if busy > due:
            found.append((due, busy))
        busy = min(max(busy, due) + takes, due + most)
    return found
