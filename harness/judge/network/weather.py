"""The weather of the plan, and whether it was made: each stall and each step of rate has its record in time."""

from collections.abc import Iterator

import msgspec

from harness.history import Weather
from harness.judge.case import Case
from harness.judge.network.fold import TOLERANCE
from harness.scenario.model import Pulse, Step


class Made(msgspec.Struct, frozen=True):
    """A stall or a step of the plan, and the record that it was made by; None: there is none."""

    planned: Pulse | Step
    record: Weather | None


def made(case: Case) -> list[Made]:
    """Return the plan's weather, and when each was made."""
    return case.once(_made)


def unplanned(case: Case) -> Iterator[Weather]:
    """Yield the records of weather that nobody planned."""
    planned = {one.record.seq for one in made(case) if one.record is not None}
    yield from (record for record in case.history.all(Weather) if record.seq not in planned)


def _made(case: Case) -> list[Made]:
    waiting: dict[tuple[str, bool], list[Weather]] = {}
    for record in case.history.all(Weather):
        waiting.setdefault((record.path, record.what == "stall"), []).append(record)
    found: list[Made] = []
    for planned in case.plan.weather:
        records = waiting.get((planned.path, isinstance(planned, Pulse)), [])
        in_time = records and abs(case.at(records[0].t_ns) - planned.at) <= TOLERANCE
        found.append(Made(planned, records.pop(0) if in_time else None))
    return found
