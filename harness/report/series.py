"""What the figures show, as plain numbers: delays, staleness, path states and connection states of one client.

The judge's own reading of the records is used, so that a figure cannot disagree with the verdict about what was seen.
"""

import itertools
import math
from collections.abc import Sequence

import msgspec

from harness.history import Deed as DeedDone
from harness.judge.case import Case, ClientCase
from harness.judge.verdict import Span
from harness.report.findings import findings
from harness.report.folder import RunResult
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
    stale: list[tuple[float, float]]  # (time, seconds stale), straight lines between
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
    stale = _staleness(client, case, end) if client else []
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
        deeds=[(deeds[deed.index], deed.text or deed.actor) for deed in run.plan.deeds if deeds[deed.index] <= end],
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
    case, events = client.case, client.truth.events
    replayed = {
        (write.epoch, index) for write in client.writes if write.replay for index in range(write.first, write.last + 1)
    }
    updates = []
    for event, seen in zip(events, client.screen.first_seen(events), strict=True):
        app, superseded = seen or (None, False)
        updates.append(
            Update(
                event.index,
                case.at(event.intended_ns),
                case.at(app.enter_ns) if app else math.inf,
                (event.record.epoch, event.index) in replayed and app is not None,
                superseded,
            )
        )
    return updates


def _staleness(client: ClientCase, case: Case, end: float) -> list[tuple[float, float]]:
    """Return the sawtooth: time since the oldest due state newer than what is shown, else 0."""
    truth = client.truth
    accepted = truth.accepted_ns
    if accepted is None or not client.reports:
        return []
    shown = [(accepted, (0, -1)), *client.screen.advances]
    points: list[tuple[float, float]] = [(case.at(accepted), 0.0)]
    for place, (since, position) in enumerate(shown):
        until = case.at(shown[place + 1][0]) if place + 1 < len(shown) else end
        waiting = truth.after(position)
        due = case.at(waiting.intended_ns) if waiting else math.inf
        start = max(case.at(since), due)
        points.append((case.at(since), max(0.0, case.at(since) - due) if waiting else 0.0))
        if start < until:
            points += [(start, start - due), (until, until - due)]
        else:
            points.append((until, 0.0))
    return points


def peaks(points: Sequence[tuple[float, float]], slices: int, end: float) -> list[tuple[float, float]]:
    """Return the highest value within each of so many equal slices of time, at the slice's middle.

    Straight lines between points are honoured, so that a long ramp is not lost between its two ends.
    """
    if not points or end <= 0:
        return []
    width = end / slices
    highest = [0.0] * slices
    for (t0, v0), (t1, v1) in itertools.pairwise(points):
        first, last = max(0, int(t0 / width)), min(slices - 1, int(t1 / width))
        for place in range(first, last + 1):
            right = min(t1, (place + 1) * width)
            share = (right - t0) / (t1 - t0) if t1 > t0 else 1.0
            highest[place] = max(highest[place], v0 + (v1 - v0) * max(0.0, share), v0 if place == first else 0.0)
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


def _belied(connection: list[Span], stale: list[tuple[float, float]]) -> list[Span]:
    """Cut "connected" where the screen beside it was stale, from the moment the screen began to age."""
    ageing = [(t0, t1) for (t0, v0), (t1, v1) in itertools.pairwise(stale) if v1 >= BELIED and v1 > v0]
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
