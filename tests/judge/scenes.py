"""Whole runs that several tests start from: a handoff, a half-open connection, a long handoff for figures."""

from typing import Any

from harness.deeds import acts
from harness.scenario.model import Plan
from harness.sse.policy import AS_SHIPPED, Policies
from tests.judge.story import DELAY, Story, plan, reach

LOSES = acts.Loses(path="wifi")
JOINS = acts.Joins(path="cellular")


def handoff_plan(**more: Any) -> Plan:
    """Wi-Fi dies at 4 s, the phone is told at 4.4 s, cellular is there at 5 s; 20 updates over 10 s."""
    return plan(
        reach(4.0, "silent"),
        (4.4, "device", LOSES, "loses wifi"),
        (5.0, "device", JOINS, "joins cellular"),
        **more,
    )


def handoff(
    the_plan: Plan | None = None, *, last: str | None = None, dialled: float = 5.001, back: float = 6.2, skip=()
) -> Story:
    """The client dials cellular at 5.0 s and is back at ``back``; ``last`` is what its request carried."""
    story = Story(the_plan or handoff_plan())
    story.emit_all()
    story.deeds()
    story.request("start", 0.001, status=202)
    story.dial(0.01)
    story.status("connected", 0.03, attempt=1)
    times = story.times()
    before = [index for index, due in enumerate(times) if due + DELAY < 4.0]
    for index in before:
        story.show(index, max(times[index] + DELAY, 0.04))
    story.signal("loses", 4.40005, "wifi")
    story.hang_up(4.401, "error", fresh=len(before), events=len(before), opened=True, bytes=999)
    story.status("reconnecting", 4.402)
    story.signal("joins", 5.00005, "cellular")
    story.dial(dialled, cause="signal", path="cellular", last=last)
    story.status("connected", back - 0.01, attempt=2)
    for index in range(len(before), len(times)):
        if index not in skip:
            story.show(index, max(times[index] + 0.04, back + index * 1e-4))
    story.finish(times[-1] + 0.06)
    story.end(times[-1] + 1.2)
    return story


def half_open_plan(policies: Policies = AS_SHIPPED, **more: Any) -> Plan:
    """Wi-Fi dies silently at 4 s while cellular is the default for new connections; neither side is told."""
    return plan(
        (1.0, "device", JOINS, "joins cellular"),
        (3.9, "device", acts.Prefers(path="cellular"), "prefers cellular"),
        reach(4.0, "silent"),
        policies=policies,
        **more,
    )


def half_open(the_plan: Plan | None = None) -> Story:
    """The client as shipped: it hears nothing from 4 s on, and does nothing about it."""
    story = Story(the_plan or half_open_plan())
    story.emit_all()
    story.deeds()
    story.request("start", 0.001, status=202)
    story.dial(0.01)
    story.status("connected", 0.03, attempt=1)
    for index, due in enumerate(story.times()):
        if due + DELAY < 4.0:
            story.show(index, max(due + DELAY, 0.04))
    story.end(story.plan.horizon, "limit")
    return story


def noticed(the_plan: Plan | None = None, *, at: float = 23.9) -> Story:
    """The reference client on the same plan: its watchdog fires, it comes back over cellular and catches up."""
    story = half_open(the_plan or half_open_plan(Policies(), lasts=60.0, items=120))
    story.records = [record for record in story.records if record.t_ns < 10**12 + 4 * 10**9 or record.lane == "server"]
    story.records += [r for r in half_open(story.plan).records if r.lane == "runner" and r.t_ns >= 10**12 + 4 * 10**9]
    times = story.times()
    seen = sum(due + DELAY < 4.0 for due in times)
    story.hang_up(at, "watchdog", fresh=seen, events=seen, opened=True, bytes=999)
    story.status("reconnecting", at + 0.001)
    story.dial(at + 0.7, cause="failed", path="cellular")
    story.status("connected", at + 0.9, attempt=2)
    for index in range(seen, len(times)):
        story.show(index, max(times[index] + 0.04, at + 1.0 + index * 1e-4))
    story.finish(times[-1] + 0.06)
    return story
