"""The records a page shows: all of a short run; of a long one, those around failures and deeds, and what matters."""

from collections.abc import Iterable
from itertools import pairwise

import msgspec

from harness.history import records as r
from harness.report.findings import findings
from harness.report.folder import RunResult
from harness.report.lanes import describe
from harness.report.wording import one_line

AROUND_FAILURE = 100
AROUND_DEED = 25
BRIDGED = 3
ALL_UNDER = 800
MOST = 2400
TEXT = 400

ALWAYS = (
    r.Run, r.End, r.DeedDone, r.Canary, r.SignalTold, r.SignalHeard, r.Dial, r.Attempt, r.AttemptEnd, r.Status, r.Gap,
    r.GapSignal, r.Results, r.AppResults, r.Job, r.Subscriber, r.Boxed, r.Snapshot, r.Adopted,
)  # fmt: skip
"""Records that a reader of any run wants: what was done, and what the client made of it."""


class TraceRow(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the trace, or (``skipped`` above 0) so many records left out here."""

    seq: int = 0
    at: float = 0.0
    lane: str = ""
    text: str = ""
    shows: bool = False  # it is evidence of a failure
    skipped: int = 0


def rows(run: RunResult, *, most: int = MOST) -> list[TraceRow]:
    """Return the rows to show, at most ``most`` records in their order, with a row for each stretch left out."""
    history = run.history
    pointed = {item.seq for law in run.verdict.laws for item in law.evidence}
    evidence = {item.seq for finding in findings(run) for item in finding.evidence}
    chosen = _chosen(history.records, evidence, pointed, most)
    shown: list[TraceRow] = []
    before = 0
    _bridge(chosen)
    for record in history.records:
        if record.seq not in chosen:
            continue
        if record.seq > before + 1:
            shown.append(TraceRow(skipped=record.seq - before - 1))
        text = one_line(describe(record, run.plan), TEXT)
        at = history.seconds(record.t_ns)
        shown.append(TraceRow(seq=record.seq, at=at, lane=record.lane, text=text, shows=record.seq in evidence))
        before = record.seq
    rest = len(history.records) - before
    if rest > 0:
        shown.append(TraceRow(skipped=rest))
    return shown


def _chosen(records: list[r.Record], evidence: set[int], pointed: set[int], most: int) -> set[int]:
    """Return the sequence numbers to show, at most ``most``: evidence first, then what matters, then neighbours."""
    if len(records) <= min(most, ALL_UNDER):
        return {record.seq for record in records}
    deeds = {record.seq for record in records if isinstance(record, r.DeedDone)}
    matters = (record.seq for record in records if isinstance(record, ALWAYS))
    chosen: set[int] = set()
    last = len(records)
    for group in (
        evidence,
        sorted(pointed),
        deeds,
        matters,
        _around(evidence, AROUND_FAILURE, last),
        _around(deeds, AROUND_DEED, last),
    ):
        for seq in group:
            if len(chosen) >= most:
                return chosen
            chosen.add(seq)
    return chosen


def _bridge(chosen: set[int]) -> None:
    """Add the records of short stretches left out: a row that says so would take as much room."""
    for before, after in pairwise([0, *sorted(chosen)]):
        if 1 < after - before <= BRIDGED + 1:
            chosen.update(range(before + 1, after))


def _around(centres: Iterable[int], reach: int, last: int) -> Iterable[int]:
    for centre in sorted(centres):
        yield from range(max(1, centre - reach), min(last, centre + reach) + 1)
