"""The data of the figures, as plain numbers: delays, staleness, path states and connection states of one client.

The judge's own reading of the records is used, so that a figure cannot disagree with the verdict about what was seen.
"""

import math
from collections.abc import Sequence

import msgspec

from harness.history import DeedDone, Gap, Snapshot, Subscriber
from harness.judge.case import Case, ClientCase
from harness.judge.measures.latency import eligible, samples
from harness.judge.measures.staleness import StalenessRamp, staleness
from harness.judge.measures.steady import steady
from harness.judge.verdict import DeedVerdict, Span
from harness.report.actors import merged, other_spans, path_spans, told_by_lane
from harness.report.findings import findings
from harness.report.folder import RunResult
from harness.scenario.deed_text import deed_text

LOOKED_AT = 16
"""Of many clients, the figures show the one with the longest delay among so many."""


BELIED = 2.0
"""Seconds of staleness from which "connected" is drawn as contradicted by what the app got."""


class Update(msgspec.Struct, frozen=True):
    """One emitted event: when it was due, and when the app saw it or a later state (``inf``: never)."""

    index: int  # its number among all that the job emitted, over all epochs
    due: float
    seen: float
    replayed: bool
    superseded: bool
    polled: bool = False  # the app saw it in the answer to a poll

    @property
    def delay(self) -> float:
        """Seconds from intended emission to the app; ``inf`` when it never came."""
        return max(0.0, self.seen - self.due)


class LaneMark(msgspec.Struct, frozen=True):
    """A moment on the connection's lane: ``poll`` answered, ``gap`` told to the app, or ``gap said`` by the server."""

    at: float
    what: str


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One client of one run, ready to draw. Times are scenario seconds."""

    client: str
    caption: str  # which client this is, when there are several
    end: float
    updates: list[Update]
    stale: list[StalenessRamp]
    paths: dict[str, list[Span]]  # label: a path's word, or "" where the device does not have it
    others: dict[str, list[Span]]  # the phone, boxes, the server and the job, where they were told something
    connection: list[Span]
    marks: list[LaneMark]
    crowd: list[tuple[float, float]]  # of many clients, the share that says it is connected, from each moment on
    deeds: list[tuple[float, str]]  # no words where a lane says it
    felt: list[tuple[float, bool]]  # when a deed was done, and whether it touched any client; none of older verdicts
    faults: tuple[Span, ...]
    steady: tuple[Span, ...]
    prompt: tuple[Span, ...]  # steady windows to which the limit of 100 ms applies
    moment: float | None  # to zoom in on: the failing moment, else the first fault
    failing: bool
    caught_up: float | None  # when the app had recovered from the outage of that moment

    @property
    def lost(self) -> list[Update]:
        """Updates that were emitted and never shown, not even by a later state."""
        return [update for update in self.updates if math.isinf(update.seen)]


def read_series(run: RunResult) -> Series:
    """Return the series of a run. Pure, from plan, verdict and history; an empty history gives an empty series."""
    case = Case(run.plan, run.history)
    moment = failing_moment(run)
    client = _chosen(case)
    updates = _updates(client) if client else []
    end = max([run.verdict.seconds, case.end, *(update.due for update in updates)], default=0.0)
    deeds = _deed_times(case)
    others = other_spans(run.plan, deeds, end)
    stale = _stale(client, end) if client else []
    connection = _connection(client, case, end) if client else []
    count = run.plan.client.count
    looked = f"the slowest of {min(count, LOOKED_AT)} looked at" if count > 1 else ""
    return Series(
        client=client.name if client else "",
        caption=f"client {client.name} of {count}, {looked}" if client and looked else "",
        end=end,
        updates=updates,
        stale=stale,
        paths=path_spans(run.plan, deeds, end),
        others=others,
        connection=_belied(connection, stale),
        marks=_marks(client, case) if client else [],
        crowd=_crowd(case) if count > 1 else [],
        deeds=[
            (deeds[deed.index], "" if told_by_lane(deed, deeds, others) else deed_text(deed, run.plan))
            for deed in run.plan.deeds
            if deeds[deed.index] <= end
        ],
        felt=[(deeds[one.deed], not one.unfelt) for one in run.verdict.deeds if _tried(one) and deeds[one.deed] <= end],
        faults=run.verdict.faults,
        steady=run.verdict.steady,
        prompt=_prompt(client) if client else (),
        moment=moment if moment is not None else next((span.start for span in run.verdict.faults), None),
        failing=moment is not None,
        caught_up=_caught_up(run, moment),
    )


def _tried(one: DeedVerdict) -> bool:
    """Return whether a client could have felt a deed. The end of a span and a late deed do not count."""
    return one.unfelt or bool(one.felt and not one.ends)


def failing_moment(run: RunResult) -> float | None:
    """Return when it went wrong: the deed among the first failure's evidence, else the first of it; None: nothing."""
    evidence = [item for finding in findings(run)[:1] for item in finding.evidence]
    deeds = [item.at for item in evidence if item.lane == "gate"]
    return next(iter(deeds or [item.at for item in evidence]), None)


def _caught_up(run: RunResult, moment: float | None) -> float | None:
    """Return when the first outage from this moment on was over for the app; without a moment, the first of all."""
    since = moment if moment is not None else 0.0
    return next((out.caught_up for out in run.verdict.outages if out.caught_up and out.caught_up >= since), None)


def _chosen(case: Case) -> ClientCase | None:
    clients = case.clients[:LOOKED_AT]
    if len(clients) < 2:
        return clients[0] if clients else None
    return max(clients, key=lambda client: max((update.delay for update in _updates(client)), default=-1.0))


def _updates(client: ClientCase) -> list[Update]:
    if not client.reports:
        return []
    at = client.case.at
    replayed = _replayed(client)
    polled = {app.enter_ns for app in client.apps if app.source == "poll"}
    seen = {event.position: one for event, one in zip(client.truth.events, _seen(client), strict=True)}
    number = {event.position: place for place, event in enumerate(client.truth.events)}
    return [
        Update(
            number[sample.event.position],
            at(sample.event.intended_ns),
            at(sample.event.intended_ns) + sample.latency,
            (sample.event.record.epoch, sample.event.index) in replayed and math.isfinite(sample.latency),
            sample.superseded,
            seen[sample.event.position] in polled,
        )
        for sample in samples(client)
    ]


def _replayed(client: ClientCase) -> set[tuple[str, int]]:
    """Return what reached the client as a replay. What its first stream began with is no replay of anything."""
    jobs = set(client.jobs)
    first = next((sub.sub for sub in client.case.history.all(Subscriber) if sub.job in jobs), None)
    return {
        (write.epoch, index)
        for write in client.writes
        if write.replay and write.sub != first
        for index in range(write.first, write.last + 1)
    }


def _seen(client: ClientCase) -> list[int | None]:
    """Return for each event the stamp of the callback by which the app saw it, or a later state; None: never."""
    return [seen[0].enter_ns if seen else None for seen in client.screen.first_seen(client.truth.events)]


def _prompt(client: ClientCase) -> tuple[Span, ...]:
    windows = [window for window in steady(client) if eligible(window, client.case.plan)]
    return tuple(Span(start=window.start, end=window.end, label=window.interval.path or "") for window in windows)


def _marks(client: ClientCase, case: Case) -> list[LaneMark]:
    marks = [LaneMark(case.at(told.t_ns), "gap") for told in client.said(Gap) if not told.healed]
    marks += [LaneMark(case.at(told.t_ns), "gap said") for told in client.gap_signals]
    jobs = set(client.jobs)
    marks += [LaneMark(case.at(told.t_ns), "poll") for told in case.history.all(Snapshot) if told.job in jobs]
    return sorted(marks, key=lambda mark: mark.at)


def _crowd(case: Case) -> list[tuple[float, float]]:
    """Return how large a share of all clients says "connected", from each change on."""
    changes = [(status.t_ns, client.name, status.word) for client in case.clients for status in client.statuses]
    words: dict[str, str] = {}
    connected, shares = 0, [(0.0, 0.0)]
    for t_ns, name, word in sorted(changes):
        connected += (word == "connected") - (words.get(name) == "connected")
        words[name] = word
        shares.append((case.at(t_ns), connected / case.plan.client.count))
    return shares


def _stale(client: ClientCase, end: float) -> list[StalenessRamp]:
    """Return the judge's ramps up to the run's end; what it censors at a later horizon is cut there."""
    saw = staleness(client) if client.reports else None
    ramps = saw.ramps if saw else []
    cut = [
        StalenessRamp(ramp.start, min(end, ramp.end), ramp.low, ramp.high - max(0.0, ramp.end - end)) for ramp in ramps
    ]
    return [ramp for ramp in cut if ramp.end > ramp.start]


def peaks(ramps: Sequence[StalenessRamp], slices: int, end: float) -> list[tuple[float, float]]:
    """Return the highest value within each of so many equal slices of time, at the slice's middle."""
    width = end / slices
    highest = [0.0] * slices
    for ramp in ramps:
        first, last = max(0, int(ramp.start / width)), min(slices - 1, int(ramp.end / width))
        for place in range(first, last + 1):
            until = min(ramp.end, (place + 1) * width)
            highest[place] = max(highest[place], ramp.low + until - ramp.start)
    return [((place + 0.5) * width, value) for place, value in enumerate(highest)]


def _deed_times(case: Case) -> dict[int, float]:
    """Return when each deed took force: when its call returned, else when it was planned."""
    times = {deed.index: deed.at for deed in case.plan.deeds}
    for done in case.history.all(DeedDone):
        if done.deed in times and not done.error:
            times[done.deed] = case.at(done.returned_ns)
    return times


def _connection(client: ClientCase, case: Case, end: float) -> list[Span]:
    return merged([(case.at(status.t_ns), status.word) for status in client.statuses], end)


def _belied(connection: list[Span], stale: list[StalenessRamp]) -> list[Span]:
    """Cut "connected" where the screen beside it was stale, from the moment the screen began to age."""
    ageing = [(ramp.start, ramp.end) for ramp in stale if ramp.high >= BELIED]
    spans: list[Span] = []
    for span in connection:
        cursor = span.start
        for t0, t1 in ageing if span.label == "connected" else ():
            start, end = max(cursor, t0), min(span.end, t1)
            if end - start >= BELIED:
                spans += [Span(start=cursor, end=start, label=span.label)] if start > cursor else []
                spans.append(Span(start=start, end=end, label="connected, yet stale"))
                cursor = end
        if cursor < span.end:
            spans.append(Span(start=cursor, end=span.end, label=span.label))
    return spans
