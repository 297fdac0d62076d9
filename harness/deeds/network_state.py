"""The state of a client's network: the one fold of (state, deed) → state.

The judge's timeline, the canary's expectations, the fuzzer's healing and the report's lanes read it; none folds by
itself. It shares no code with the model that drives the gate (``device/model.py``), because that one is on trial: what
a word does to bytes and to dials is written here a second time, and a test walks every word through both.

A state is a value: what each path passes and how a dial through it ends, which paths the device may use, and which
deeds of the device, the middle, the server and the job stand in force. ``Fold`` knows what comes by itself: a deed
whose own time is over, a lost path whose grace is. It knows no clock; its caller says when.
"""

import enum
import heapq
import itertools
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from harness.deeds.acts import (
    Adjusts,
    Clears,
    ComesOnline,
    Deed,
    Ends,
    GoesOffline,
    Joins,
    Loses,
    Pauses,
    Prefers,
    SetReach,
    SetShape,
    Suspends,
)
from harness.deeds.catalogue import FlowEnding, Mood, When, effect_of, path_of
from harness.deeds.replacement import directions, takes_back, takes_the_place_of
from harness.device.words import Radio, Reach
from harness.toxics.shape import Shape
from harness.vocabulary import Direction, Door, Signal

DEVICE, MIDDLE, SERVER, JOB = "device", "middle", "server", "job"


class Passage(enum.StrEnum):
    """The fate of bytes in one direction of a path."""

    PASS = "pass"  # noqa: S105 - a fate, no password
    HOLD = "hold"
    DROP = "drop"


_PASSAGES = {Reach.UP: Passage.PASS, Reach.STALLED: Passage.HOLD, Reach.SILENT: Passage.DROP}
_DOORS = {
    Reach.UP: Door.OPEN,
    Reach.STALLED: Door.HANG,
    Reach.SILENT: Door.HANG,
    Reach.CLOSED: Door.REFUSE,
    Reach.RESET: Door.REFUSE,
    Reach.REFUSED: Door.REFUSE,
    Reach.UNREACHABLE: Door.HANG,
}
STRIKES = (Reach.CLOSED, Reach.RESET)
"""The words that leave nothing held or lost behind them: what is dialled afterwards is a new flow."""


class PathState(msgspec.Struct, frozen=True, kw_only=True):
    """One path: its word, what either direction passes, the dial's fate, its shapes, its radio, when it is settled."""

    word: Reach
    passages: Mapping[Direction, Passage]
    door: Door
    shapes: Mapping[Direction, Shape]
    radio: Radio = Radio()
    loss: float = 0.0
    settled: Mapping[Direction, float] = {}  # scenario seconds at which a change of shape over time is complete

    @property
    def passes(self) -> bool:
        """True if bytes pass in both directions."""
        return all(passage is Passage.PASS for passage in self.passages.values())

    @property
    def up(self) -> bool:
        """True if dials are let in, and bytes pass."""
        return self.passes and self.door is Door.OPEN

    @property
    def shape(self) -> Shape:
        """The shape that a question and its answer meet: of either delay the longer, each rate in its own direction."""
        down, up = self.shapes[Direction.DOWNSTREAM], self.shapes[Direction.UPSTREAM]
        slowest = max(down, up, key=lambda shape: shape.latency + shape.jitter)
        return msgspec.structs.replace(down, latency=slowest.latency, jitter=slowest.jitter, up=up.up)

    def heard(self, act: SetReach) -> "PathState":
        """Return the path once it has taken this word."""
        if act.once:
            return self
        passages = dict(self.passages)
        if act.word in STRIKES:
            passages = dict.fromkeys(Direction, Passage.PASS)
        elif act.word in _PASSAGES:
            passages |= dict.fromkeys(directions(act), _PASSAGES[act.word])
        # A handshake needs both directions.
        half = act.word is Reach.UP and any(passage is not Passage.PASS for passage in passages.values())
        door = Door.HANG if half else _DOORS[act.word]
        return msgspec.structs.replace(self, word=act.word, passages=passages, door=door)

    def reshaped(self, act: SetShape | Adjusts, at: float) -> "PathState":
        """Return the path once its shape is this, or adjusted so."""
        if isinstance(act, Adjusts):
            adjusted = {way: act.upon(shape) for way, shape in self.shapes.items()}
            return msgspec.structs.replace(self, shapes=adjusted)
        ways = directions(act)
        shapes = {**self.shapes, **dict.fromkeys(ways, act.shape)}
        settled = {**self.settled, **dict.fromkeys(ways, at + act.over)}
        return msgspec.structs.replace(self, shapes=shapes, radio=act.radio, loss=act.loss, settled=settled)

    def unsettled(self, now: float) -> float:
        """Return for how many seconds more a direction is on its way to its shape."""
        return max(0.0, *(at - now for at in self.settled.values())) if self.settled else 0.0


class StandingDeed(msgspec.Struct, frozen=True, kw_only=True):
    """A deed that is in force, of no path. ``lifted``: paths on which it was cleared."""

    deed: Deed
    lifted: frozenset[str] = frozenset()

    @property
    def actor(self) -> str:
        """``device``, ``middle``, ``server`` or ``job``."""
        return self.deed.actor

    @property
    def mood(self) -> Mood | None:
        """The way it keeps streams from passing; None: it lets them pass."""
        barrier = effect_of(self.deed.act).barrier
        return barrier.mood if barrier is not None and "streams" in barrier.kinds else None

    def on(self, path: str) -> bool:
        """Return whether it stands on this path."""
        return self.deed.on in {"", path} and path not in self.lifted


class Grace(msgspec.Struct, frozen=True):
    """The open flows of a lost default path live for ``seconds`` more, unless it was joined or lost again meanwhile."""

    path: str
    seconds: float
    turn: int  # which loss it was


class NetworkState(msgspec.Struct, frozen=True, kw_only=True):
    """All that deeds have made of one client's network. ``linger``: the grace of a lost default path, in seconds."""

    paths: Mapping[str, PathState]
    joined: tuple[str, ...]  # in order of joining
    default: str | None
    away: tuple[tuple[str, ...], str | None] | None = None  # offline: the paths and the default that come back
    linger: float = 0.0
    lingering: Mapping[str, int] = {}  # path → turn
    turn: int = 0
    standing: tuple[StandingDeed, ...] = ()  # in the order of their deeds
    job_over: bool = False  # a deed has ended it

    @property
    def has(self) -> frozenset[str]:
        """The paths that the device has, those that come back when it is online again among them."""
        return frozenset((*self.joined, *(self.away[0] if self.away is not None else ())))

    @property
    def passes(self) -> bool:
        """True if the device has a default path, and that path is up."""
        return self.default is not None and self.paths[self.default].up

    @property
    def asleep(self) -> bool:
        """True if the device sleeps: what comes for it waits."""
        return any(isinstance(one.deed.act, Suspends) for one in self.standing)

    @property
    def paused(self) -> bool:
        """True if the job stands still."""
        return any(isinstance(one.deed.act, Pauses) for one in self.standing)

    def passage(self, path: str, way: Direction) -> Passage:
        """Return what becomes of bytes in one direction of a path, as its word and the device's sleep have it."""
        passage = self.paths[path].passages[way]
        return Passage.HOLD if passage is Passage.PASS and way is Direction.DOWNSTREAM and self.asleep else passage

    def barriers(self, path: str) -> Iterator[StandingDeed]:
        """Yield what keeps streams from passing on this path, the oldest first."""
        return (one for one in self.standing if one.mood is not None and one.on(path))


class StateChange(msgspec.Struct, frozen=True, kw_only=True):
    """A deed's change of a state: the new state, the open flows it ended, by path, and the OS's words to the app."""

    state: NetworkState
    ended: Mapping[str, FlowEnding] = {}
    grace: Grace | None = None
    signals: tuple[Signal, ...] = ()


def beginning(paths: Mapping[str, PathState], *, starts_on: str, linger: float) -> NetworkState:
    """Return the state before any deed: the device has one path."""
    return NetworkState(paths=paths, joined=(starts_on,), default=starts_on, linger=linger)


def path_at_start(shape: Shape, *, word: Reach = Reach.UP, radio: Radio | None = None, loss: float = 0.0) -> PathState:
    """Return a path that has this word, shape and radio from the beginning."""
    fresh = PathState(
        word=Reach.UP,
        passages=dict.fromkeys(Direction, Passage.PASS),
        door=Door.OPEN,
        shapes=dict.fromkeys(Direction, shape),
        radio=radio or Radio(),
        loss=loss,
    )
    return fresh if word is Reach.UP else fresh.heard(SetReach(word=word))


def after(state: NetworkState, deed: Deed, at: float) -> StateChange:
    """Return what a deed that took hold at this scenario second makes of a state."""
    act = deed.act
    match act:
        case SetReach():
            path = state.paths[deed.actor].heard(act)
            return StateChange(state=_with_path(state, deed.actor, path), ended=_ended(deed, state))
        case SetShape() | Adjusts():
            return StateChange(state=_with_path(state, deed.actor, state.paths[deed.actor].reshaped(act, at)))
        case Joins(path=name):
            return StateChange(state=_joined(state, name), signals=_news(state, name))
        case Prefers(path=name):
            joined = _joined(state, name)
            signals = (*_news(state, name), *_told("prefers", name, joined.default != name))
            return StateChange(state=msgspec.structs.replace(joined, default=name), signals=signals)
        case Loses(path=name):
            return _lost(state, name)
        case GoesOffline():
            return _offline(state)
        case ComesOnline():
            return StateChange(state=_online(state), signals=_told("online", None, state.away is not None))
        case _:
            return _stand(state, deed)


def over(state: NetworkState, index: int) -> StateChange:
    """Return what is left once the own time of the deed with this index is over, or it has been taken back.

    A device that wakes up by it finds that its OS has made every socket defunct, and the servers were told nothing. Of
    two sleeps at once, the one that ends last tells the sockets of it or does not.
    """
    silently = any(
        isinstance(one.deed.act, Suspends) and one.deed.act.silently
        for one in state.standing
        if one.deed.index == index
    )
    left = msgspec.structs.replace(state, standing=tuple(one for one in state.standing if one.deed.index != index))
    if left.asleep or not state.asleep:
        return StateChange(state=left)
    ended = {} if silently else dict.fromkeys(state.paths, FlowEnding.ABORTED)
    return StateChange(state=left, ended=ended, signals=_told("resumed"))


def lingered(state: NetworkState, grace: Grace) -> StateChange:
    """Return what is left when the grace of a lost path has passed: nothing new where it was joined or lost again."""
    if state.lingering.get(grace.path) != grace.turn:
        return StateChange(state=state)
    return StateChange(state=_without_grace(state, grace.path), ended={grace.path: FlowEnding.ABORTED})


class Passed(NamedTuple):
    """A change by itself: at this second the own time of a deed was over, or the ``grace`` of the path it lost."""

    at: float
    deed: Deed
    grace: Grace | None
    change: StateChange


class Fold:
    """A network while its deeds are told, in order of time, with what comes by itself.

    At one instant what is over is over before the deeds of that instant, as the end of a span comes before them.
    """

    def __init__(self, state: NetworkState) -> None:
        self.state = state
        self._ahead: list[tuple[float, int, Deed, Grace | None]] = []
        self._order = itertools.count()

    def do(self, deed: Deed, at: float, *, until: float | None = None) -> StateChange:
        """Let time pass to this second, and a deed take hold.

        ``until``: when its own time is over, where that is not by the plan.
        """
        for _ in self.pass_to(at):
            pass
        change = after(self.state, deed, at)
        self.state = change.state
        if seconds := effect_of(deed.act).seconds:
            heapq.heappush(self._ahead, (at + seconds if until is None else until, next(self._order), deed, None))
        if change.grace is not None:
            due = at + change.grace.seconds
            heapq.heappush(self._ahead, (due, next(self._order), deed, change.grace))
        return change

    def take_back(self, index: int) -> StateChange:
        """Take back the deed with this index."""
        change = over(self.state, index)
        self.state = change.state
        return change

    def pass_to(self, at: float) -> Iterator[Passed]:
        """Let time pass to this second; yield what comes by itself until then, in order, each as it is folded."""
        while self._ahead and self._ahead[0][0] <= at:
            due, _, deed, grace = heapq.heappop(self._ahead)
            change = over(self.state, deed.index) if grace is None else lingered(self.state, grace)
            self.state = change.state
            yield Passed(due, deed, grace, change)


def _told(what: str, path: str | None = None, so: bool = True) -> tuple[Signal, ...]:
    """Return the signal, where it is ``so``."""
    return (Signal(what=what, path=path),) if so else ()


def _news(state: NetworkState, path: str) -> tuple[Signal, ...]:
    """Return what the app is told of a path that the device may use now."""
    return _told("joins", path, path not in state.joined)


def _with_path(state: NetworkState, name: str, path: PathState) -> NetworkState:
    return msgspec.structs.replace(state, paths={**state.paths, name: path})


def _without_grace(state: NetworkState, path: str) -> NetworkState:
    left = {name: turn for name, turn in state.lingering.items() if name != path}
    return msgspec.structs.replace(state, lingering=left)


def _joined(state: NetworkState, path: str) -> NetworkState:
    """Return the state with another usable path, which is the default where there is none."""
    state = _without_grace(state, path)
    if path in state.joined:
        return state
    return msgspec.structs.replace(state, joined=(*state.joined, path), default=state.default or path)


def _lost(state: NetworkState, path: str) -> StateChange:
    """The one joined last takes the place of a lost default, whose open flows may have a grace."""
    if state.away is not None:
        joined, default = state.away
        kept = tuple(name for name in joined if name != path)
        back = default if default != path else (kept[-1] if kept else None)
        state = msgspec.structs.replace(state, away=(kept, back))
    if path not in state.joined:
        return StateChange(state=state)
    was_default = path == state.default
    kept = tuple(name for name in state.joined if name != path)
    default = state.default if not was_default else (kept[-1] if kept else None)
    left = msgspec.structs.replace(state, joined=kept, default=default)
    signals = _told("loses", path)
    if not was_default or state.linger <= 0:
        return StateChange(state=left, ended={path: FlowEnding.ABORTED}, signals=signals)
    grace = Grace(path, state.linger, state.turn + 1)
    lingering = {**state.lingering, path: grace.turn}
    left = msgspec.structs.replace(left, lingering=lingering, turn=grace.turn)
    return StateChange(state=left, grace=grace, signals=signals)


def _offline(state: NetworkState) -> StateChange:
    """Every path is lost at once, one in its grace too. What was joined since the device went offline stays gone."""
    lost = (*state.joined, *state.lingering)
    away = (state.joined, state.default) if state.away is None else state.away
    gone = msgspec.structs.replace(state, away=away, joined=(), default=None, lingering={})
    signals = _told("offline", None, state.away is None or bool(lost))
    return StateChange(state=gone, ended=dict.fromkeys(lost, FlowEnding.ABORTED), signals=signals)


def _online(state: NetworkState) -> NetworkState:
    """Return the state with its lost paths back, listed before each path that was joined since."""
    if state.away is None:
        return state
    before, default = state.away
    joined = (*(name for name in before if name not in state.joined), *state.joined)
    return msgspec.structs.replace(state, away=None, joined=joined, default=state.default or default)


def _ended(deed: Deed, state: NetworkState) -> Mapping[str, FlowEnding]:
    """Return how what is open ends as the deed is done, by path."""
    severs = effect_of(deed.act).severs
    if severs is None or severs.when is not When.DONE:
        return {}
    return dict.fromkeys([path_of(deed)] if path_of(deed) else state.paths, severs.how)


def _stand(state: NetworkState, deed: Deed) -> StateChange:
    """Let a deed take its place among those in force, or take another back."""
    if takes_back(deed):
        assert deed.undoes is not None
        return over(state, deed.undoes)
    left: list[StandingDeed] = []
    for one in state.standing:
        if isinstance(deed.act, Clears) and deed.on and one.actor == deed.actor and not one.deed.on:
            left.append(msgspec.structs.replace(one, lifted=one.lifted | {deed.on}))
        elif not takes_the_place_of(deed, one.deed):
            left.append(one)
    if effect_of(deed.act).seconds != 0.0:
        left.append(StandingDeed(deed=deed))
    over_now = state.job_over or isinstance(deed.act, Ends)
    return StateChange(
        state=msgspec.structs.replace(state, standing=tuple(left), job_over=over_now),
        ended=_ended(deed, state),
        signals=_told("suspended", None, isinstance(deed.act, Suspends) and not state.asleep),
    )
