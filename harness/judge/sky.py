"""What one client's network really was, over time: folded from the plan's deeds and when each took hold at its gate.

Never from the client's own state, nor by the model that drives the gate. Deeds that were not carried out (yet) count at
their planned time. Weather is no deed: it ends no usable interval.

A path is *usable* for a client while it is the default, its door is open, both directions pass, the middle and the
server pass streams, and the device is awake. What a deed does only later (a cut in the next event, an idle connection
killed, a token that runs out) counts when the records of the middle and the server say that it was done.
"""

import heapq
import itertools
from collections.abc import Iterable, Iterator

import msgspec

from harness.deeds import acts
from harness.deeds.network_state import Ending, Grace, Mood, after, lingered, over, own_time
from harness.history import ConnEnd, Deed
from harness.judge.case import ClientCase
from harness.judge.strikes import Struck, exhausted, strikes
from harness.scenario.model import network_at_start
from harness.toxics.shape import Shape


class Spell(msgspec.Struct, frozen=True):
    """A stretch of time, in scenario seconds, in which nothing changed. ``path`` is the default, usable or not.

    ``blocked`` is who stopped streams on a path that was up: device, middle or server; ``mute``: without a word.
    """

    start: float
    end: float
    path: str | None
    usable: bool
    shape: Shape
    loss: float
    blocked: str = ""
    mute: bool = False


class _Over(msgspec.Struct, frozen=True):
    """The own time of a deed is over."""

    index: int


_Event = acts.Deed | Grace | Struck | _Over
_State = tuple[str | None, bool, Shape, float, str, bool]


class Cut(msgspec.Struct, frozen=True):
    """A deed ended a live stream of the client: told by FIN, RST or an OS error, or ``silent``."""

    at: float
    path: str
    silent: bool
    deed: int


class Sky:
    """The spells of one client from 0 s to the horizon, and the cuts of its streams."""

    def __init__(self, client: ClientCase) -> None:
        self._client = client
        self._plan = client.case.plan
        self._network = network_at_start(self._plan)
        self._flows = _flows(client)
        self.spells: list[Spell] = []
        self.cuts: list[Cut] = []
        self.asleep: list[tuple[float, float]] = []
        self._fold()

    @property
    def horizon(self) -> float:
        """The end of the last spell."""
        return max(self._client.case.horizon, self._client.case.end)

    def at(self, when: float) -> Spell:
        """Return the spell in force at this time."""
        return next((spell for spell in reversed(self.spells) if spell.start <= when), self.spells[0])

    def before(self, when: float) -> Spell:
        """Return the spell in force until this time."""
        return next((spell for spell in reversed(self.spells) if spell.start < when), self.spells[0])

    def carrying(self, start: float, end: float) -> set[str | None]:
        """Return the paths on which the client had a stream open at some time within these."""
        since, until = self._client.case.ns(start), self._client.case.ns(end)
        return {path for path, begun, ended in self._flows if begun <= until and since < ended}

    def usable_stretches(self) -> list[tuple[float, float]]:
        """Return the times in which streams could pass all along, whichever the path."""
        found: list[tuple[float, float]] = []
        for spell in self.spells:
            if spell.usable and found and found[-1][1] == spell.start:
                found[-1] = (found[-1][0], spell.end)
            elif spell.usable:
                found.append((spell.start, spell.end))
        return found

    def slept(self, start: float, end: float) -> float:
        """Return for how many seconds of this time the device was suspended."""
        slept, awake = 0.0, start
        for since, until in sorted(self.asleep):  # of two sleeps at once the longer counts, and each second once
            slept += max(0.0, min(end, until) - max(awake, since))
            awake = max(awake, until)
        return slept

    def _fold(self) -> None:
        since = 0.0
        for at, issued_ns, what in self._changes():
            before = self._state()
            deed = what.index if isinstance(what, acts.Deed) else -1
            if isinstance(what, Struck):
                live = [(what.path, what.silent)]
            else:
                live = [(path, silent) for path, silent in self._take(what, at) if self._live(path, issued_ns)]
            self.cuts += [Cut(at, path, silent, deed) for path, silent in live]
            if (live or self._state() != before) and at > since:
                self.spells.append(Spell(since, at, *before))
                since = at
        self.spells.append(Spell(since, max(self.horizon, since), *self._state()))

    def _take(self, what: acts.Deed | Grace | _Over, at: float) -> Iterable[tuple[str, bool]]:
        """Fold what happened; return the paths whose flows it ended, and whether silently."""
        match what:
            case Grace():
                change = lingered(self._network, what)
            case _Over(index=index):
                self._network = over(self._network, index).state
                return []  # what a sleep ends was cut off when it began
            case _:
                change = after(self._network, what, at)
        self._network = change.state
        if change.grace is not None:
            self._graces.append(change.grace)
        return [(path, ending is Ending.DROPPED) for path, ending in change.ended.items()]

    def _changes(self) -> Iterator[tuple[float, int, _Event]]:
        """Yield deeds, and what they bring about later, in order of time."""
        done = _done(self._client)
        case, ties = self._client.case, itertools.count()
        queue: list[tuple[float, int, int, _Event]] = []
        for deed in self._plan.deeds:
            record = done.get(deed.index)
            at = case.at(record.returned_ns) if record else deed.at
            issued_ns = record.issued_ns if record else case.ns(deed.at)
            own = own_time(deed.act)
            if own is not None and deed.undoes is None:
                # A call that returns only when it is over began when it was made.
                at = case.at(issued_ns) if record and at - case.at(issued_ns) > own / 2 else at
                ends = max(at + own, case.at(record.returned_ns) if record else 0.0)
                queue.append((ends, next(ties), case.ns(ends), _Over(deed.index)))
                if isinstance(deed.act, acts.Suspends):
                    self.asleep.append((at, ends))
            queue.append((at, next(ties), issued_ns, deed))
            spent_ns = exhausted(self._client, deed, issued_ns)
            if spent_ns is not None:
                queue.append((max(at, case.at(spent_ns)), next(ties), spent_ns, _Over(deed.index)))
        queue += [(case.at(one.t_ns), next(ties), one.t_ns, one) for one in strikes(self._client)]
        heapq.heapify(queue)
        self._graces: list[Grace] = []
        while queue:
            at, _, issued_ns, what = heapq.heappop(queue)
            yield at, issued_ns, what
            for grace in self._graces:
                due = at + grace.seconds
                heapq.heappush(queue, (due, next(ties), case.ns(due), grace))
            self._graces.clear()

    def _state(self) -> _State:
        network, name = self._network, self._network.default
        if name is None:
            return None, False, Shape(), 0.0, "", False
        path = network.paths[name]
        barrier = next(network.barriers(name), None)
        if not path.up or barrier is None:
            return name, path.up, path.shape, path.loss, "", False
        return name, False, path.shape, path.loss, barrier.actor, barrier.mood is Mood.MUTE

    def _live(self, path: str, at_ns: int) -> bool:
        # In virtual time what a deed ends has ended at its very stamp.
        return any(name == path and begun <= at_ns <= ended for name, begun, ended in self._flows)


def _done(client: ClientCase) -> dict[int, Deed]:
    """When each deed took hold for this client: its own gate's record before the shared one."""
    found: dict[int, Deed] = {}
    for record in client.deeds:
        if not record.error and (record.client or record.deed not in found):
            found[record.deed] = record
    return found


def _flows(client: ClientCase) -> list[tuple[str, int, int]]:
    """Path, beginning and end of each connection that carried a stream, as the gate saw them.

    One that asks for a token is on the way to a stream: a client whose token is cut off has as much to do again.
    """
    other = {request.cid for request in client.requests if request.what not in {"stream", "token"}}
    ends: dict[int, ConnEnd] = {}
    for end in client.conn_ends:
        if end.side == "client":
            ends.setdefault(end.cid, end)
    never = client.case.end_ns + 1
    return [
        (conn.path, conn.t_ns, ends[conn.cid].t_ns if conn.cid in ends else never)
        for conn in client.conns
        if conn.cid not in other
    ]
