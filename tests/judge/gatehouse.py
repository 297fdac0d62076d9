"""A gate's additions to a story: the ends that deeds bring, and the signals that they tell.

Made by the model that drives the real gate, so that a told story is a lawful one for the judge's own fold.
"""

import heapq
import itertools

from harness.deeds import acts
from harness.device.model import ChunkFate, Device, DeviceChange, Do, Linger
from harness.device.words import Reach
from harness.history import Chunk, Conn, ConnEnd, DeedDone, SignalTold
from harness.history.records import Record
from harness.scenario.model import Plan
from harness.vocabulary import Direction

SIDE = {Direction.UPSTREAM: "server", Direction.DOWNSTREAM: "client"}
NEAR = 300_000_000
"""Nanoseconds within which a signal of the story is the one that a deed tells."""


class Gatehouse:
    """One client's gate, told the records of a story in their order."""

    def __init__(self, plan: Plan, client: str, told: list[SignalTold]) -> None:
        self.plan = plan
        self.client = client
        self.told = told
        self.device = Device(plan.paths, starts_on=plan.device.starts_on, linger=plan.device.linger)
        for name, spec in plan.paths.items():
            if spec.start is not Reach.UP:
                self.device.reach(name, spec.start)
        self.flows: dict[int, set[str]] = {}  # cid → sides that have ended
        self.later: list[tuple[int, int, Linger | None]] = []  # when, which, a grace that is over or a waking
        self.ties = itertools.count()
        self.asleep_until = 0
        self.silently = False

    def before(self, record: Record) -> list[Record]:
        """Return what comes by itself before this record."""
        found: list[Record] = []
        while self.later and self.later[0][0] < record.t_ns:  # what is told at that instant is told before
            at, _, linger = heapq.heappop(self.later)
            if linger is not None:
                found += self._do(self.device.linger_over(linger), at)
            elif at >= self.asleep_until:
                found += self._do(self.device.wakes(silently=self.silently), at)
        return found

    def take(self, record: Record) -> list[Record]:
        """This record, with what goes with it; nothing, where the gate writes no such record."""
        if isinstance(record, DeedDone) and not record.error:
            return [*self._do(self._deed(record), record.returned_ns), record]
        if isinstance(record, Conn):
            self.flows[record.cid] = set()
            return [record, *self._do(self.device.opened(record.cid, record.path), record.t_ns)]
        if isinstance(record, ConnEnd) and record.cid in self.flows:
            return self._end(record)
        if isinstance(record, Chunk) and record.cid in self.flows:
            self.device.arrives(record.cid, Direction(record.direction))
        return [record]

    def _deed(self, record: DeedDone) -> DeviceChange:
        deed, device = self.plan.deeds[record.deed], self.device
        match deed.act:
            case acts.SetReach(word=word, direction=direction, once=once):
                return device.reach(deed.actor, word, direction=direction, once=once)
            case acts.Joins(path=path):
                return device.joins(path)
            case acts.Prefers(path=path):
                return device.prefers(path)
            case acts.Loses(path=path):
                return device.loses(path)
            case acts.GoesOffline():
                return device.goes_offline()
            case acts.ComesOnline():
                return device.comes_online()
            case acts.Suspends(lasts=lasts, silently=silently):
                until_ns = record.issued_ns + round(lasts * 1e9)
                if until_ns >= self.asleep_until:
                    self.asleep_until, self.silently = until_ns, silently
                heapq.heappush(self.later, (self.asleep_until, next(self.ties), None))
                return device.suspends(silently=silently)
        return DeviceChange()

    def _do(self, outcome: DeviceChange, t_ns: int) -> list[Record]:
        found: list[Record] = []
        ended_ns = t_ns
        for signal in outcome.signals:
            what, path = signal.what, signal.path or ""
            mine = [one for one in self.told if (one.what, one.path) == (what, path) and abs(one.t_ns - t_ns) < NEAR]
            if mine:
                ended_ns = max(ended_ns, mine[0].t_ns + 1)  # the OS knows before its sockets die
            else:
                found.append(SignalTold(client=self.client, what=what, path=path, t_ns=t_ns))
        for act in outcome.acts:
            side = SIDE[act.direction]
            if act.do in {Do.FIN, Do.RST, Do.ABORT} and side not in self.flows[act.cid]:
                self.flows[act.cid].add(side)
                swallowed = act.do is Do.ABORT
                found.append(ConnEnd(cid=act.cid, side=side, how="closed", swallowed=swallowed, t_ns=ended_ns))
        if outcome.linger is not None:
            due = t_ns + round(outcome.linger.seconds * 1e9)
            heapq.heappush(self.later, (due, next(self.ties), outcome.linger))
        return found

    def _end(self, record: ConnEnd) -> list[Record]:
        if record.side in self.flows[record.cid]:
            return []
        self.flows[record.cid].add(record.side)
        if record.how != "closed" and not (record.swallowed or record.held):
            away = Direction.UPSTREAM if record.side == "client" else Direction.DOWNSTREAM
            fate = self.device.arrives(record.cid, away)
            record.swallowed, record.held = fate is ChunkFate.DROP, fate is ChunkFate.HOLD
        return [record]


def as_the_gates_have_it(plan: Plan, records: list[Record]) -> list[Record]:
    """The records of a story, in order, with what every client's gate adds to them."""
    names = [f"c{number}" for number in range(1, plan.client.count + 1)]
    told = [record for record in records if isinstance(record, SignalTold)]
    houses = {name: Gatehouse(plan, name, [one for one in told if one.client == name]) for name in names}
    whose: dict[int, str] = {}
    found: list[Record] = []
    for record in records:
        for house in houses.values():
            found += house.before(record)
        if isinstance(record, Conn):
            whose[record.cid] = record.client
        client = getattr(record, "client", "") or whose.get(getattr(record, "cid", 0), "")
        if client in houses:
            found += houses[client].take(record)
        elif isinstance(record, DeedDone):
            for house in houses.values():
                found += house.take(record)[:-1]
            found.append(record)
        else:
            found.append(record)
    return found
