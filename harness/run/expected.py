"""The state that the plan lets a canary expect: folded from the deeds alone, never from what a gate says of itself.

A flow that was open has a history: what its path did to either direction, and since when. From that, and from when its
bytes were sent, follows what it must meet. The rules:

1. Bytes that a path drops are lost for good, and with them the direction of that flow: what comes behind them never
   passes, be the path up again or not. So do bytes that were held when the path began to drop.
2. Bytes that a path holds come at once, and in order, when it lets them.
3. FIN stands in line with the bytes: it passes no direction that has lost some. RST passes always.
4. What the phone's own OS ends, it ends at the phone: the server is told nothing.
5. What dies silently passes nothing any more, whatever its path does.
"""

import enum
import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from harness.deeds.acts import Act, Deed, Restarts
from harness.deeds.catalogue import FlowEnding
from harness.deeds.network_state import Fold, Grace, NetworkState, Passage, StateChange
from harness.toxics.shape import Shape, line_time
from harness.vocabulary import Direction, Door

BEAT = 60  # bytes of a beat or a piece on the wire, or more
HEAD = 400  # bytes of an answer's head, or more
OPENS = 0.25  # seconds within which a server that restarted is open again


class ByteLoss(enum.Enum):
    """The loss of bytes in one direction of a flow: yes, no or unknown."""

    NO = enum.auto()
    MAYBE = enum.auto()
    YES = enum.auto()


class PassageSpan(msgspec.Struct, frozen=True):
    """The effect of one direction of a path on bytes, from one instant to another, in seconds of trio's clock."""

    passage: Passage
    since: float
    until: float = math.inf


class FlowState(msgspec.Struct, frozen=True, kw_only=True):
    """One flow that the canary holds: what either direction of its path has done since it began, and what ended it."""

    spans: Mapping[Direction, tuple[PassageSpan, ...]]
    shapes: Mapping[Direction, tuple[Shape, ...]] = {}  # that its path has had since
    ended: FlowEnding | None = None
    by_server: bool = False  # the server ended it, not the path
    dead: bool = False  # silently: nothing passes any more
    ended_by: int = -1  # the deed's index; -1 where it was the end of a sleep or of a grace

    def now(self, way: Direction) -> PassageSpan:
        """Return what this direction does at present."""
        return self.spans[way][-1]

    def changed(self, way: Direction, passage: Passage, at: float) -> "FlowState":
        """Return it once this direction does something else."""
        *before, last = self.spans[way]
        if last.passage is passage or self.dead:
            return self
        ended = msgspec.structs.replace(last, until=at)
        return msgspec.structs.replace(self, spans={**self.spans, way: (*before, ended, PassageSpan(passage, at))})

    def died(self, at: float) -> "FlowState":
        """Return the flow after a silent death: both directions lose every byte from then on, and no end is told."""
        state = self
        for way in Direction:
            state = state.changed(way, Passage.DROP, at)
        return msgspec.structs.replace(state, dead=True)

    def shaped(self, shapes: Mapping[Direction, Shape]) -> "FlowState":
        """Return it once its path has these shapes."""
        if all(shape in self.shapes.get(way, ()) for way, shape in shapes.items()):
            return self
        had = {way: (*self.shapes.get(way, ()), shape) for way, shape in shapes.items()}
        return msgspec.structs.replace(self, shapes=had)

    @property
    def delay(self) -> dict[Direction, tuple[float, float]]:
        """Return how many seconds, at least and at most, a beat or its answer's head was on its way at any time."""
        found = {way: [span_of(shape, way, HEAD) for shape in shapes] for way, shapes in self.shapes.items()}
        return {way: (min(least for least, _ in each), max(most for _, most in each)) for way, each in found.items()}

    def loss(self, way: Direction, sent: Sequence[float], delay: tuple[float, float]) -> tuple[ByteLoss, float]:
        """Return whether this direction has lost a byte, and since when nothing of it may pass.

        ``sent``: when its bytes were sent; ``delay``: how many seconds, at least and at most, they take to the gate.
        """
        found = ByteLoss.NO, math.inf
        for before, span in _pairs(self.spans[way]):
            if span.passage is not Passage.DROP:
                continue
            spans = [span] if before is None or before.passage is not Passage.HOLD else [before, span]
            for each in spans:
                if any(each.since < at + delay[0] and at + delay[1] < each.until for at in sent):
                    return ByteLoss.YES, each.since
                if any(each.since <= at + delay[1] and at + delay[0] <= each.until for at in sent):
                    found = ByteLoss.MAYBE, each.since
        return found


def _pairs(spans: Sequence[PassageSpan]) -> Iterator[tuple[PassageSpan | None, PassageSpan]]:
    return zip((None, *spans[:-1]), spans, strict=True)


class DeedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A deed, done: the network before and after it, and the flows it ended, by their paths."""

    deed: Deed
    done: float  # in seconds of trio's clock
    before: NetworkState
    after: NetworkState
    ended: Mapping[str, FlowEnding] = {}
    grace: Grace | None = None
    opening: bool = False  # a restart is over at about this instant: which came first is unknown

    @property
    def lost(self) -> tuple[str, ...]:
        """The paths whose open flows end with an error of the device's own, at once or when they have lingered."""
        at_once = tuple(path for path, ending in self.ended.items() if ending is FlowEnding.ABORTED)
        return at_once if self.grace is None else (self.grace.path,)

    @property
    def lifted(self) -> tuple[Act, ...]:
        """The acts of the middle and the server that this one has ended."""
        left = {one.deed.index: one.lifted for one in self.after.standing}
        gone = (one for one in self.before.standing if left.get(one.deed.index) != one.lifted)
        return tuple(one.deed.act for one in gone)


class ExpectedState:
    """The network as the deeds done so far make it. ``zero``: the instant of 0 s on trio's clock."""

    def __init__(self, network: NetworkState, zero: float = 0.0) -> None:
        self.zero = zero
        self.flows: dict[object, tuple[str, FlowState]] = {}  # those that are held, and their paths
        self._fold = Fold(network)
        self._restarted = -math.inf  # when a restart was over last, in scenario seconds

    @property
    def network(self) -> NetworkState:
        """The network by now."""
        return self._fold.state

    def dial(self, path: str) -> Door:
        """Return what a dial through this path meets now."""
        return self.network.paths[path].door

    def passable(self, path: str) -> bool:
        """Return whether a new flow through this path would carry bytes in both directions."""
        return self.network.paths[path].up and not self.network.asleep

    def delay(self, path: str, way: Direction, size: int = BEAT) -> tuple[float, float]:
        """Return how many seconds, at least and at most, so many bytes are on their way in one direction."""
        return span_of(self.network.paths[path].shapes[way], way, size)

    def unsettled(self, path: str, now: float) -> float:
        """Return for how many seconds more a direction of this path is on its way to its shape."""
        return self.network.paths[path].unsettled(now)

    def hold(self, flow: object, path: str, now: float) -> None:
        """Learn that a flow through this path is open from now on; what was over by itself before has not met it."""
        self.advance(now)
        spans = {way: (PassageSpan(self.network.passage(path, way), now),) for way in Direction}
        self.flows[flow] = path, FlowState(spans=spans).shaped(self.network.paths[path].shapes)

    def drop(self, flow: object) -> None:
        """Forget this flow: its holder has gone."""
        self.flows.pop(flow, None)

    def of(self, flow: object) -> FlowState:
        """Return what this flow has met so far."""
        return self.flows[flow][1]

    def advance(self, now: float) -> None:
        """Let pass what is over by itself by now: a sleep, a restart, the grace of a lost path."""
        for passed in self._fold.pass_to(now - self.zero):
            self._turn(passed.change, self.zero + passed.at, -1, by_server=False)
            if isinstance(passed.deed.act, Restarts):
                self._restarted = passed.at

    def do(self, deed: Deed, done: float) -> DeedStep:
        """Learn that a deed is done now."""
        self.advance(done)
        before = self.network
        change = self._fold.do(deed, deed.at)
        self._turn(change, done, deed.index, by_server=deed.actor == "server")
        opening = deed.at - self._restarted <= OPENS
        return DeedStep(
            deed=deed,
            done=done,
            before=before,
            after=change.state,
            ended=change.ended,
            grace=change.grace,
            opening=opening,
        )

    def _turn(self, change: StateChange, at: float, index: int, *, by_server: bool) -> None:
        for flow, (path, state) in self.flows.items():
            state = state.shaped(self.network.paths[path].shapes)  # noqa: PLW2901 - a fold
            for way in Direction:
                state = state.changed(way, self.network.passage(path, way), at)  # noqa: PLW2901 - a fold
            ending = change.ended.get(path)
            if ending is FlowEnding.DEAD:
                state = state.died(at)  # noqa: PLW2901 - the same
            elif ending not in (None, FlowEnding.DROPPED) and state.ended is None:
                state = msgspec.structs.replace(  # noqa: PLW2901 - the same
                    state, ended=ending, ended_by=index, by_server=by_server
                )
            self.flows[flow] = path, state


def span_of(shape: Shape, way: Direction, size: int = BEAT) -> tuple[float, float]:
    """Return how many seconds, at least and at most, so many bytes are on their way through this shape."""
    rates = shape if way is Direction.DOWNSTREAM else msgspec.structs.replace(shape, down=shape.up)
    line = line_time(rates, size)
    return max(0.0, shape.latency - shape.jitter), shape.latency + shape.jitter + line
