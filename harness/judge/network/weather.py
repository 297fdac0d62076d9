"""The weather of the plan, and whether it was made: each stall and each step of rate has its record.

That one was late is another law's affair (H4): on a busy machine a call of a real proxy may take as long as a step.
"""

from collections import deque
from collections.abc import Iterator

import msgspec

from harness.history import Weather
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.network.faults import NetworkDeviation
from harness.judge.network.fold import TOLERANCE
from harness.scenario.model import RateStep, StallPulse
from harness.toxics import Shape, toxic_attributes


class MadeWeather(msgspec.Struct, frozen=True):
    """A stall or a step of the plan, and the record that it was made by; None: there is none."""

    planned: StallPulse | RateStep
    record: Weather | None


def made(case: Case) -> list[MadeWeather]:
    """Return the plan's weather, and when each was made."""
    return case.once(_made)


def faults(case: Case) -> Iterator[NetworkDeviation]:
    """Yield the weather that was planned and not made, and what was made and not planned."""
    records = {one.record.seq for one in made(case) if one.record is not None}
    for one in made(case):
        if one.record is None and one.planned.at < case.end - TOLERANCE - case.slack:
            what = "stall" if isinstance(one.planned, StallPulse) else "step of rate"
            yield NetworkDeviation(
                "weather-not-made", f"the {what} of {one.planned.path} at {phrases.limit(one.planned.at)} was not made"
            )
        if one.record is not None and isinstance(one.planned, RateStep):
            yield from _wrong(one.planned, one.record)
    for record in case.history.all(Weather):
        if record.seq not in records and record.t_ns < case.end_ns:
            text = f"{record.path} had weather ({record.what}) that nobody planned"
            yield NetworkDeviation(
                "weather-unplanned", f"at {phrases.limit(case.at(record.t_ns))} {text}", ((record, text),)
            )


def _wrong(step: RateStep, record: Weather) -> Iterator[NetworkDeviation]:
    """Hold the rates that the proxy shows once a step was made against the planned ones."""
    for rate, wanted in toxic_attributes(Shape(down=step.down, up=step.up)).items():
        shown = record.toxics.get(rate, "none")
        if shown != wanted:
            text = f"{rate.removesuffix('.rate')} is {shown} KB/s, not {wanted}"
            at = phrases.limit(step.at)
            yield NetworkDeviation(
                "weather-not-made", f"the step of rate of {step.path} at {at} was another: {text}", ((record, text),)
            )


def _made(case: Case) -> list[MadeWeather]:
    """Match each with the first record of its path that says the same, and did not come before its time."""
    waiting: dict[tuple[str, str, float], deque[Weather]] = {}
    for record in case.history.all(Weather):
        waiting.setdefault((record.path, record.what, record.lasts), deque()).append(record)
    found: list[MadeWeather] = []
    for planned in case.plan.weather:
        records = waiting.get((planned.path, *_said(planned)), deque())
        due = records and case.at(records[0].t_ns) >= planned.at - TOLERANCE
        found.append(MadeWeather(planned, records.popleft() if due else None))
    return found


def _said(planned: StallPulse | RateStep) -> tuple[str, float]:
    """Return what the record of a stall or of a step says."""
    return ("stall", planned.lasts) if isinstance(planned, StallPulse) else (f"rate {planned.down:.0f} B/s", 0.0)
