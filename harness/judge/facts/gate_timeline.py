"""The timeline of one gate: its treatment of bytes and dials at any stamp, from the deeds done and the weather.

Between the issue of a deed and its record either side of it is right, so what is allowed at a record is one *regime*,
or one of several. Deeds and the beginnings of stalls have a record of their own, and then the order of ``seq`` decides,
not the stamp; the end of a stall has none, and is late by as much as a task of the harness may be.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from harness.deeds import acts
from harness.deeds.catalogue import REQUESTS, FlowEnding
from harness.deeds.network_state import SERVER, Grace, NetworkState, Passage
from harness.history import DeedDone, Response, SignalTold
from harness.judge import phrases
from harness.judge.case import Case, ClientCase
from harness.judge.facts.deeds import Expired, Happened, at_all_gates, at_gate, fold, slack
from harness.judge.facts.weather import made
from harness.scenario.deed_text import deed_text
from harness.scenario.model import StallPulse, network_at_start
from harness.vocabulary import Direction, Door, Signal

DOWN = Direction.DOWNSTREAM

Way = tuple[str, str]
"""A path's name and a direction."""


class Regime:
    """The state of a gate between two changes."""

    __slots__ = ("asleep", "default", "doors", "hangs", "orphans", "passages")

    def __init__(self, state: NetworkState, stalled: frozenset[str]) -> None:
        self.passages: dict[Way, Passage] = {(p, way): state.passage(p, way) for p in state.paths for way in Direction}
        self.doors: dict[str, Door] = {name: path.door for name, path in state.paths.items()}
        self.default = state.default
        self.asleep = state.asleep
        buries = [one.deed.act.after for one in state.standing if isinstance(one.deed.act, acts.Orphans)]
        self.orphans = buries[-1] if buries else None  # after how many seconds the servers' sides of dead flows close
        self.hangs = any(isinstance(one.deed.act, acts.Hangs) for one in state.standing)
        for name in stalled:
            if self.passages[name, DOWN] is Passage.PASS:
                self.passages[name, DOWN] = Passage.HOLD

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Regime) and all(getattr(self, one) == getattr(other, one) for one in self.__slots__)

    __hash__ = object.__hash__


class RegimeChange(msgspec.Struct, kw_only=True):
    """One regime follows another, not before ``since_ns`` and not after ``until_ns``.

    Records behind ``seq`` come after it; 0: no record says. ``what`` names what caused it. ``ended``: the paths whose
    open flows it ends.
    """

    since_ns: int
    until_ns: int
    seq: int
    what: str
    before: Regime
    after: Regime
    ended: Mapping[str, FlowEnding] = {}
    signals: tuple[Signal, ...] = ()


class Timeline:
    """The regimes of one gate, or of all gates at once, as the harness's own flows meet them."""

    def __init__(self, case: Case, happened: Sequence[Happened], told: Sequence[SignalTold]) -> None:
        self.case = case
        self.slack = slack(case)
        self.start = Regime(network_at_start(case.plan), frozenset())
        self.changes = list(self._changes(happened, told))
        for earlier, later in zip(self.changes[-2::-1], self.changes[:0:-1], strict=True):
            earlier.since_ns = min(earlier.since_ns, later.since_ns)

    def ends(self) -> Iterator[tuple[RegimeChange, str, FlowEnding]]:
        """Yield each change that ended open flows, once for each path."""
        for change in self.changes:
            for path, ending in change.ended.items():
                if ending not in {FlowEnding.DROPPED, FlowEnding.DEAD}:
                    yield change, path, ending

    def deaths(self, path: str) -> Iterator[RegimeChange]:
        """Yield each change that let a path's open flows die silently, for good."""
        return (change for change in self.changes if change.ended.get(path) is FlowEnding.DEAD)

    def within(self, since_ns: int, until_ns: int) -> Iterator[Regime]:
        """Yield the regimes that may hold at some time within these stamps, in order."""
        regime = self.start
        for change in self.changes:
            if change.since_ns > until_ns:
                break
            if change.until_ns >= since_ns:
                yield regime
            regime = change.after
        yield regime

    def stretches(self, test: Callable[[Regime], bool]) -> list[tuple[float, float]]:
        """Return the stretches in which all that can have held passes a test, in order."""
        found: list[tuple[float, float]] = []
        since: float | None = -math.inf if test(self.start) else None
        for change in self.changes:
            passes = test(change.after)
            if since is not None and not passes:
                if since < change.since_ns:
                    found.append((since, change.since_ns))
                since = None
            elif since is None and passes:
                since = change.until_ns
        return found if since is None else [*found, (since, math.inf)]

    def stands(self, of: Callable[[Regime], object]) -> Iterator[tuple[RegimeChange, float]]:
        """Yield each change of something about the regimes, and the stamp up to which it surely stood."""
        changes = [change for change in self.changes if of(change.before) != of(change.after)]
        for place, change in enumerate(changes, start=1):
            yield change, changes[place].since_ns if place < len(changes) else math.inf

    def surely_since(self, test: Callable[[Regime], bool], t_ns: int) -> float:
        """Return since when, up to this stamp, all that can have held passes a test; infinity: not all does now."""
        return next((since for since, until in self.stretches(test) if since <= t_ns <= until), math.inf)

    def because(self, regime: Regime, of: Callable[[Regime], object]) -> str:
        """Say what made a regime be as it is in this respect."""
        place = next((at for at, change in enumerate(self.changes) if change.after is regime), -1)
        for change in reversed(self.changes[: place + 1]):
            if of(change.before) != of(change.after):
                return change.what
        return "the plan from its beginning"

    def _changes(self, happened: Sequence[Happened], told: Sequence[SignalTold]) -> Iterator[RegimeChange]:
        """Tell the deeds and the stalls as one story."""
        state, stalled, before = network_at_start(self.case.plan), frozenset[str](), self.start
        stalls = self._stalls()
        for one in [*happened, None]:
            while stalls and (one is None or stalls[0][0] < one.since_ns):
                since_ns, until_ns, seq, path, what = stalls.pop(0)
                stalled = stalled ^ {path}
                regime = Regime(state, stalled)
                yield RegimeChange(
                    since_ns=since_ns, until_ns=until_ns, seq=seq, what=what, before=before, after=regime
                )
                before = regime
            if one is not None:
                state = one.change.state
                regime = Regime(state, stalled)
                change = self._change(one, before, regime)
                if change.ended or change.signals or regime != before:
                    _tell(change, told)
                    yield change
                    before = regime

    def _change(self, one: Happened, before: Regime, regime: Regime) -> RegimeChange:
        of_server = isinstance(one.what, acts.Deed) and one.what.actor == SERVER  # it ends its streams, not the gate
        return RegimeChange(
            since_ns=one.since_ns,
            until_ns=one.until_ns,
            seq=one.seq,
            what=self._said(one),
            before=before,
            after=regime,
            ended={} if of_server else one.change.ended,
            signals=one.change.signals,
        )

    def _said(self, one: Happened) -> str:
        at = phrases.limit(one.at)
        match one.what:
            case acts.Deed() as deed:
                return f"{deed_text(deed, self.case.plan)} at {at}"
            case Grace(path=path):
                return f"the end of {path}'s grace at {at}"
            case Expired(index=index):
                return f"the end of {deed_text(self.case.plan.deeds[index])} at {at}"

    def _stalls(self) -> list[tuple[int, int, int, str, str]]:
        """Return the beginnings and ends of stalls that were made, in order."""
        found = []
        for one in made(self.case):
            if isinstance(one.planned, StallPulse) and one.record is not None:
                path, at = one.planned.path, phrases.limit(one.planned.at)
                begun, due_ns = one.record.t_ns, self.case.ns(one.planned.at + one.planned.lasts)
                over_ns = max(begun, due_ns - self.slack.tick_ns)
                found.append((begun, begun, one.record.seq, path, f"{path}'s stall at {at}"))
                until_ns = max(begun, due_ns) + self.slack.late_ns
                found.append((over_ns, until_ns, 0, path, f"the end of {path}'s stall at {at}"))
        return sorted(found)


def passing(way: Way) -> Callable[[Regime], bool]:
    """Return the test whether a regime lets bytes of this direction of a path pass."""
    return lambda regime: regime.passages[way] is Passage.PASS


class TimelineReader:
    """Reads a timeline along with the records, in their order: what is allowed now."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self._changes = timeline.changes
        self._next = 0
        self._now: tuple[Regime, ...] = (timeline.start,)
        self._until: float = -math.inf if self._changes else math.inf

    def at(self, t_ns: int, seq: int) -> Sequence[Regime]:
        """Return the regimes of which one holds at this record, the oldest first. None may be asked for out of turn."""
        if t_ns < self._until:
            return self._now
        changes = self._changes
        while self._next < len(changes):
            change = changes[self._next]
            if seq <= change.seq if change.seq else t_ns <= change.until_ns:
                break
            self._next += 1
            self._now = (change.after,)
        if self._next == len(changes):
            self._until = math.inf
            return self._now
        self._until = changes[self._next].since_ns
        if t_ns < self._until:
            return self._now
        return (*self._now, *(change.after for change in changes[self._next :] if change.since_ns <= t_ns))


def timeline(client: ClientCase) -> Timeline:
    """Return the timeline of a client's gate."""
    return client.once(_timeline)


def everywhere(case: Case) -> Timeline:
    """Return what a flow of the harness meets that may be at any client's gate."""
    return timeline(case.clients[0]) if len(case.clients) == 1 else case.once(_everywhere)


def happened(client: ClientCase) -> list[Happened]:
    """Return what was done to a client's network, in order of time. What was not done is for law H0."""
    return client.once(_happened)


def foreseen(client: ClientCase) -> list[Happened]:
    """Return the same with what was not done, or not yet, at its planned time."""
    return client.once(_foreseen)


def _happened(client: ClientCase) -> list[Happened]:
    done = at_gate(client.deeds)
    if len(done) == len(client.case.plan.deeds):
        return foreseen(client)
    return fold(client.case, [deed for deed in client.case.plan.deeds if deed.index in done], done, {})


def _foreseen(client: ClientCase) -> list[Happened]:
    done = at_gate(client.deeds)
    spent = {}
    for deed in client.case.plan.deeds:
        one = done.get(deed.index)
        spent_ns = _exhausted(client, deed, one.issued_ns if one else client.case.ns(deed.at))
        if spent_ns is not None:
            spent[deed.index] = spent_ns
    return fold(client.case, client.case.plan.deeds, done, spent)


def _exhausted(client: ClientCase, deed: acts.Deed, issued_ns: int) -> int | None:
    """Return when answers that were to be given so many times had been; None: not so far, or no such deed.

    Each gate counts for itself, and the canary's questions count too; so a stream that the server answered after the
    deed says it as well.
    """
    act = deed.act
    if not isinstance(act, acts.Answers) or act.times is None or deed.undoes is not None:
        return None
    given = 0
    for request in client.requests:
        answer: Response | None = client.responses.get(request.rid)
        if answer is None or answer.t_ns < issued_ns or request.t_ns < issued_ns:
            continue
        if act.to != "everything" and request.what != REQUESTS[act.to]:
            continue
        if not answer.by and answer.status == 200 != act.status and request.what == "stream":
            return answer.t_ns
        given += answer.status == act.status
        if given == act.times:
            return answer.t_ns
    return None


def _timeline(client: ClientCase) -> Timeline:
    return Timeline(client.case, happened(client), client.case.grouped(SignalTold, "client").get(client.name, []))


def _everywhere(case: Case) -> Timeline:
    done = at_all_gates(case.history.all(DeedDone))
    return Timeline(case, fold(case, [deed for deed in case.plan.deeds if deed.index in done], done, {}), [])


def _tell(change: RegimeChange, told: Sequence[SignalTold]) -> None:
    """Let what comes of itself and is told by a record take hold at that record: a device that wakes says so first."""
    if change.seq or not change.signals:
        return
    for record in told:
        if record.what == change.signals[0].what and change.since_ns <= record.t_ns <= change.until_ns:
            change.since_ns = change.until_ns = record.t_ns
            change.seq = record.seq
