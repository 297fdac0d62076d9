"""Update latency and transport, event by event.

*Update latency* is the first time the app enters a callback for an index or a later state, minus the index's intended
emission: an outage's delay is not hidden (the rule of wrk2). *Transport* counts from the actual emission. An update
that never came is infinitely late; one that was never emitted is not lost.
"""

import bisect

import msgspec

from harness.judge.case import ClientCase
from harness.judge.facts.lives import GRACE
from harness.judge.facts.truth import EmittedEvent
from harness.judge.measures.steady import SteadyWindow, steady
from harness.judge.percentiles import LOST
from harness.scenario.model import Plan, StallPulse


class Sample(msgspec.Struct, frozen=True):
    """One event's delays in seconds. ``path`` names its steady window's path; empty outside of them."""

    event: EmittedEvent
    latency: float
    transport: float
    superseded: bool
    path: str
    prompt: bool  # a window whose network allows less than 100 ms


def samples(client: ClientCase) -> list[Sample]:
    """Return a sample for every emitted event, in order. What a run still owed when it was cut short is left out."""
    return client.once(_samples)


def _samples(client: ClientCase) -> list[Sample]:
    windows = steady(client)
    events = client.truth.events
    starts = [window.start for window in windows]
    found: list[Sample] = []
    for event, seen in zip(events, client.screen.first_seen(events), strict=True):
        if seen is None and not _overdue(client, event):
            continue
        window = _window(windows, starts, client.case.at(event.intended_ns))
        latency = (seen[0].enter_ns - event.intended_ns) / 1e9 if seen else LOST
        transport = (seen[0].enter_ns - event.actual_ns) / 1e9 if seen else LOST
        path = (window.interval.path or "") if window else ""
        found.append(
            Sample(
                event,
                latency,
                transport,
                bool(seen and seen[1]),
                path,
                bool(window and eligible(window, client.case.plan)),
            )
        )
    return found


def eligible(window: SteadyWindow, plan: Plan) -> bool:
    """Return whether the window's network allows less than 100 ms (law L14).

    It has no loss, its weather no stalls, and rtt/2 + jitter + 50 ms lie within it.
    """
    shape, path = window.interval.shape, window.interval.path
    stalls = any(isinstance(change, StallPulse) and change.path == path for change in plan.weather)
    return window.interval.loss == 0 and not stalls and round(shape.latency + shape.jitter + 0.050, 9) <= 0.100


def _overdue(client: ClientCase, event: EmittedEvent) -> bool:
    case = client.case
    if case.plan.job.ends == "never":
        return case.at(event.actual_ns) <= case.end - GRACE and not case.cut_short
    return not case.cut_short


def _window(windows: list[SteadyWindow], starts: list[float], at: float) -> SteadyWindow | None:
    place = bisect.bisect_right(starts, at)
    return windows[place - 1] if place and at < windows[place - 1].end else None
