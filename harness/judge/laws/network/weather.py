"""The weather was made as planned: each stall and each step of rate has its record, and says what was planned.

That one was late is another law's affair (H4): on a busy machine a call of a real proxy may take as long as a step.
"""

from collections.abc import Iterator

from harness.history import Weather
from harness.judge import phrases
from harness.judge.case import Case
from harness.judge.facts.deeds import TOLERANCE
from harness.judge.facts.weather import made
from harness.judge.laws.network.faults import NetworkDeviation
from harness.scenario.model import RateStep, StallPulse
from harness.toxics import Shape, toxic_attributes


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
