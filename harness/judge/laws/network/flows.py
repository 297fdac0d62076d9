"""Every connection at the gates, as its records tell it: read once, in their order, each beside its timeline.

The rules of bytes are in ``passage``, those of ends in ``ends``, the radio's in ``radios``; here is what they share.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.deeds.catalogue import FlowEnding
from harness.history import Boxed, Chunk, Conn, ConnEnd, Waited
from harness.history.records import Record
from harness.judge import phrases
from harness.judge.facts.gate_timeline import Regime, RegimeChange, Timeline, TimelineReader
from harness.judge.laws.network.faults import NetworkDeviation
from harness.vocabulary import CANARY, Direction

if TYPE_CHECKING:
    from harness.judge.laws.network.radios import ExpectedRadio

UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM
CLIENT, SERVER = "client", "server"
AWAY = {CLIENT: UP, SERVER: DOWN}
"""The direction in which the end of a side travels."""
TOWARD = {CLIENT: DOWN, SERVER: UP}
SINK: Mapping[str, str] = {UP: SERVER, DOWN: CLIENT}


class RecordedFlow:
    """One connection: what has become of its bytes and ends so far."""

    def __init__(
        self, conn: Conn, timeline: Timeline, watch: TimelineReader, expected_radio: "ExpectedRadio | None"
    ) -> None:
        self.conn = conn
        self.cid = conn.cid
        self.path = conn.path
        self.timeline = timeline
        self.watch = watch
        self.expected_radio = expected_radio
        self.ready: tuple[float, float] = (
            -math.inf,
            -math.inf,
        )  # from when on its bytes may pass, at the least and most
        self.waits: dict[tuple[str, int], Waited] = {}  # for the radio, by direction and offset
        self.queued: set[str] = set()  # directions whose last bytes came by the queue, uncharged
        self.dead: dict[str, Record] = {}  # direction → what says first that all behind it is lost
        self.held: dict[str, dict[int, Chunk]] = {UP: {}, DOWN: {}}  # by offset; neither passed nor lost yet
        self.passed: dict[str, int] = {UP: 0, DOWN: 0}  # bytes
        self.last: dict[str, Chunk] = {}  # that passed, by direction
        self.ends: dict[str, ConnEnd] = {}
        self.ends_passed: dict[str, int] = {}  # when a side's end, having been held, went on
        self.lost: list[tuple[Chunk, Sequence[Regime]]] = []  # bytes, and nothing says yet why they may be
        self.boxed: list[Boxed] = []
        self.asked: list[int] = []  # requests whose heads are whole at the gate, and have not passed the radio
        self.asked_ns = 0  # when the last of them was
        self.sent: dict[int, Chunk] = {}  # the bytes with which each passed
        self.killed = ""  # what has let it die silently, whatever its path does
        self._deaths = list(timeline.deaths(conn.path))
        self.died_ns: int | None = None  # nothing reaches the client any more, and the server was not told
        self.faults: dict[str, NetworkDeviation] = {}  # the first of each kind

    @property
    def name(self) -> str:
        """The name of the flow in a sentence."""
        whose = "a canary's connection" if self.conn.client == CANARY else "connection"
        return f"{whose} {self.cid} on {self.path}"

    def at(self, record: Record) -> Sequence[Regime]:
        """Return the regimes of which one holds at a record of this connection."""
        return self.watch.at(record.t_ns, record.seq)

    def fault(self, kind: str, record: Record, text: str, *, t_ns: int = 0) -> NetworkDeviation:
        """Return a fault of it. ``t_ns``: when, where that is not the record's own stamp."""
        when = self.timeline.case.at(t_ns or record.t_ns)
        return NetworkDeviation(kind, f"{self.name}: at {phrases.limit(when)} {text}", ((record, text),))

    def fail(self, kind: str, record: Record, text: str, *, t_ns: int = 0) -> None:
        """Note a fault, once of each kind."""
        if kind not in self.faults:
            self.faults[kind] = self.fault(kind, record, text, t_ns=t_ns)

    def surely_dead(self, way: str) -> bool:
        """Return whether nothing can pass a direction any more. A swallowed end had no place among the bytes."""
        dead = self.dead.get(way)
        return bool(self.killed) or isinstance(dead, Chunk) or (dead is not None and not self.boxed)

    def strikes(self, until_ns: int) -> Iterator[tuple[RegimeChange, FlowEnding]]:
        """Yield what may have ended it up to a stamp."""
        for change, path, ending in self.timeline.ends():
            if path == self.path and change.since_ns <= until_ns and change.until_ns >= self.conn.t_ns:
                yield change, ending

    def note_death(self, record: Record) -> None:
        """Note that the connection had surely died silently before this record of it."""
        if self.killed:
            return
        for change in self._deaths:
            behind = record.seq > change.seq if change.seq else record.t_ns > change.until_ns
            if self.conn.seq < change.seq and self.conn.t_ns < change.since_ns and behind:
                self.killed = change.what
                for way in (UP, DOWN):
                    self.dead.setdefault(way, record)

    def orphaned(self, until_ns: int) -> bool:
        """Return whether it had been dead by then for as long as a deed lets dead connections be."""
        if self.died_ns is None:
            return False
        regimes = self.timeline.within(self.died_ns, until_ns)
        least = min((one.orphans for one in regimes if one.orphans is not None), default=math.inf)
        return self.died_ns + least * 1e9 <= until_ns + self.timeline.slack.tick_ns

    def struck(self, until_ns: int) -> bool:
        """Return whether a deed, a grace or a waking device may have ended it up to a stamp, or let it die silently."""
        return any(True for _ in self.strikes(until_ns)) or self.silenced(until_ns)

    def silenced(self, until_ns: int) -> bool:
        """Return whether it may have died silently up to a stamp."""
        return any(one.since_ns <= until_ns and one.until_ns >= self.conn.t_ns for one in self._deaths)
