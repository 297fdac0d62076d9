"""The weather of the plan, as it was made: each stall and each step of rate beside its record."""

from collections import deque

import msgspec

from harness.history import Weather
from harness.judge.case import Case
from harness.judge.facts.deeds import TOLERANCE
from harness.scenario.model import RateStep, StallPulse


class MadeWeather(msgspec.Struct, frozen=True):
    """A stall or a step of the plan, and the record that it was made by; None: there is none."""

    planned: StallPulse | RateStep
    record: Weather | None


def made(case: Case) -> list[MadeWeather]:
    """Return the plan's weather, and when each was made."""
    return case.once(_made)


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
