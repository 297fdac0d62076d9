"""What the figures show, as plain numbers: delays, staleness, path states and connection states of one client.

The judge's own reading of the records is used, so that a figure cannot disagree with the verdict about what was seen.
"""

import math
from collections.abc import Sequence

import msgspec

from harness.history import Deed as DeedDone
from harness.judge.case import Case, ClientCase
from harness.judge.latency import samples
from harness.judge.staleness import Ramp, staleness
from harness.judge.verdict import Span
from harness.report.findings import findings
from harness.report.folder import RunResult
from harness.report.lanes import deed_text
from harness.scenario.model import ComesOnline, GoesOffline, Joins, Loses, Plan, Prefers, SetReach, SetShape

LOOKED_AT = 16
"""Of many clients, the figures show the one with the longest delay among so many."""


BELIED = 2.0
"""Seconds of staleness from which "connected" is drawn as contradicted by what the app got."""


class Update(msgspec.Struct, frozen=True):
    """One emitted event: when it was due, and when the app saw it or a later state (``inf``: never)."""

    index: int
    due: float
    seen: float
    replayed: bool
    superseded: bool

    @property
    def delay(self) -> float:
        """Seconds from intended emission to the app; ``inf`` when it never came."""
        return max(0.0, self.seen - self.due)


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One client of one run, ready to draw. Times are scenario seconds."""

    client: str
    caption: str  # which client this is, when there are several
    end: float
    updates: list[Update]
    stale: list[Ramp]
    paths: dict[str, list[Span]]  # label: a path's word, or "" where the device does not have it
    connection: list[Span]
    deeds: list[tuple[float, str]]
    faults: tuple[Span, ...]
    steady: tuple[Span, ...]
    moment: float | None  # to zoom in on: the failing moment, else the first fault
    failing: bool

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
        paths=_path_spans(run.plan, deeds, end),
        connection=_belied(connection, stale),
        deeds=[(deeds[deed.index], deed_text(deed)) for deed in run.plan.deeds if deeds[deed.index] <= end],
        faults=run.verdict.faults,
        steady=run.verdict.steady,
        moment=moment if moment is not None else next((span.start for span in run.verdict.faults), None),
        failing=moment is not None,
    )


def failing_moment(run: RunResult) -> float | None:
    """Return when it went wrong: the first failed law's first evidence; None when nothing failed."""
    moments = [item.at for finding in findings(run)[:1] for item in finding.evidence]
    return moments[0] if moments else None


def _chosen(case: Case) -> ClientCase | None:
    clients = case.clients[:LOOKED_AT]
    if len(clients) < 2:
        return clients[0] if clients else None
    return max(clients, key=lambda client: max((update.delay for update in _updates(client)), default=-1.0))


def _updates(client: ClientCase) -> list[Update]:
    if not client.reports:
        return []
    at = client.case.at
    replayed = {
        (write.epoch, index) for write in client.writes if write.replay for index in range(write.first, write.last + 1)
    }
    return [
        Update(
            sample.event.index,
            at(sample.event.intended_ns),
            at(sample.event.intended_ns) + sample.latency,
            (sample.event.record.epoch, sample.event.index) in replayed and math.isfinite(sample.latency),
            sample.superseded,
        )
        for sample in samples(client)
    ]


def _stale(client: ClientCase, end: float) -> list[Ramp]:
    """Return the judge's ramps up to the run's end; what it censors at a later horizon is cut there."""
    saw = staleness(client) if client.reports else None
    ramps = saw.ramps if saw else []
    cut = [Ramp(ramp.start, min(end, ramp.end), ramp.low, ramp.high - max(0.0, ramp.end - end)) for ramp in ramps]
    return [ramp for ramp in cut if ramp.end > ramp.start]


def peaks(ramps: Sequence[Ramp], slices: int, end: float) -> list[tuple[float, float]]:
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


def _path_spans(plan: Plan, times: dict[int, float], end: float) -> dict[str, list[Span]]:
    """Return each path's states one after another. A path the device has not joined has an empty label."""
    joined = {deed.act.path for deed in plan.deeds if isinstance(deed.act, Joins)}
    spans = {}
    for name, path in plan.paths.items():
        word = str(path.start)
        # Paths the timeline joins later are not the device's yet; all others it has from the start.
        had = name == plan.device.starts_on or name not in joined
        changes = [(0.0, word if had else "")]
        for deed in sorted(plan.deeds, key=lambda deed: (times[deed.index], deed.index)):
            act, at = deed.act, times[deed.index]
            if isinstance(act, SetReach) and deed.actor == name and not act.once:
                word = str(act.word)
            elif isinstance(act, Joins | Prefers) and act.path == name:
                had = True
            elif (isinstance(act, Loses) and act.path == name) or isinstance(act, GoesOffline):
                had = False
            elif isinstance(act, ComesOnline):
                had = True
            elif isinstance(act, SetShape) or deed.actor != name:
                continue
            changes.append((at, word if had else ""))
        spans[name] = _merged(changes, end)
    return spans


def _connection(client: ClientCase, case: Case, end: float) -> list[Span]:
    return _merged([(case.at(status.t_ns), status.word) for status in client.statuses], end)


def _belied(connection: list[Span], stale: list[Ramp]) -> list[Span]:
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


def _merged(changes: list[tuple[float, str]], end: float) -> list[Span]:
    spans: list[Span] = []
    for place, (at, word) in enumerate(changes):
        until = changes[place + 1][0] if place + 1 < len(changes) else end
        if spans and spans[-1].label == word:
            spans[-1] = Span(start=spans[-1].start, end=until, label=word)
        elif until > at:
            spans.append(Span(start=at, end=until, label=word))
    return spans
