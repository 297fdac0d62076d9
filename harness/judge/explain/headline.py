"""The figures of a headline beside lost and repeated: how much of the job the app really saw, and how old that was.

A client that polls its way through a job loses nothing and shows little: a reader must not take that for flawless.
"""

from collections.abc import Mapping

from harness.judge.phrases import UNTESTED, duration
from harness.judge.verdict import Counts, Interval

STALE = 5.0
"""Seconds of staleness from which on it is told although every event was shown: longer than a usual handoff takes."""


def beside(counts: Counts, measures: Mapping[str, Interval], *, whole: bool = False) -> list[str]:
    """Return the parts, each only where there is something to say: ``109 of 301 shown``, ``stale up to 17.5 s``.

    ``whole``: with what was shown, lost and repeated, for a run whose sentence tells of something else.
    """
    polled, stale = _seconds(measures, "polling"), _seconds(measures, "staleness max")
    while_polling = f" while polling for {duration(polled)}" if polled else " by snapshots"
    spared = [
        f"{counts.coalesced} coalesced" if counts.coalesced else "",
        f"{counts.covered} covered{while_polling}" if counts.covered else "",
        f"{counts.withheld} withheld by the server" if counts.withheld else "",
        f"{counts.said} said aloud to be missing" if counts.said else "",
        f"{counts.not_owed} not owed" if counts.not_owed else "",
        f"{counts.retold} told again without an id" if counts.retold else "",
    ]
    parts = [part for part in spared if part]
    if whole:
        gone = [
            f"{counts.lost} lost" if counts.lost else "",
            f"{counts.duplicated} repeated" if counts.duplicated else "",
        ]
        parts = [*filter(None, gone), *parts]
    if parts or (whole and counts.emitted):
        parts.insert(0, f"{counts.shown} of {counts.emitted} shown")
    if polled and not counts.covered:
        parts.append(f"polled for {duration(polled)}")
    if stale >= STALE or (parts and stale >= 1.0):
        parts.append(f"stale up to {duration(stale)}")
    if untested := _seconds(measures, "recovery untested"):
        parts.append(f"{UNTESTED}{duration(untested)}")
    return parts


def _seconds(measures: Mapping[str, Interval], name: str) -> float:
    """Return a measure in seconds; 0 where there is none."""
    value = measures[name].value if name in measures else None
    return float(value) if isinstance(value, int | float) else 0.0
