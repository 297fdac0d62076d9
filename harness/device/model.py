"""The phone and its paths, as a pure machine: what happens goes in, what it means comes out as values.

What drives it: a path takes a word (``reach``), its downstream is paused by weather, the device joins, prefers or loses
a path, goes offline or falls asleep, a dial begins, a flow opens, something arrives at the radio on a flow, an end of a
flow leaves, a flow is gone. It knows no time: a ``Linger`` asks the shell to come back after so many seconds.

TCP never loses bytes in the middle of a stream. So a direction of a flow that dropped one byte, or a FIN, is *dead*: it
stays dropped for ever, also after ``up``. Without this rule a correct client loses events.

A word sets two things: what open flows feel, and what dials feel. ``refused`` and ``unreachable`` leave open flows as
they were, so flows that were stalled stay stalled until ``up``. FIN and RST that come from an end travel like bytes:
they wait, pass or are dropped with them. RST of the word ``reset`` is made by the network and reaches both ends, also
of dead flows; FIN of ``closed`` has a place in the byte stream, and so never passes a dead direction.
"""

import enum
from collections.abc import Iterable

import msgspec

from harness.device.words import Reach
from harness.errors import UsageError
from harness.vocabulary import Direction, Door, Signal

UPSTREAM, DOWNSTREAM = Direction.UPSTREAM, Direction.DOWNSTREAM
BOTH = (UPSTREAM, DOWNSTREAM)


class ChunkFate(enum.StrEnum):
    """The fate of a chunk, FIN or RST at the radio."""

    PASS = "pass"  # noqa: S105 - a fate, no password
    HOLD = "hold"
    DROP = "drop"


class Do(enum.StrEnum):
    """An action of the shell on one direction of a flow. FIN, RST and ABORT act at the end the direction leads to."""

    RELEASE = "release"  # what waits goes on, in order
    DISCARD = "discard"  # what waits, or is blocked half sent, is gone: go on reading
    FIN = "fin"  # after what waits
    RST = "rst"  # at once
    ABORT = "abort"  # the phone's own error, as RST where only a socket can tell; the other end must not learn of it


class Act(msgspec.Struct, frozen=True):
    """Something to do now. Acts of one outcome are done in their order."""

    cid: int
    do: Do
    direction: Direction


class Linger(msgspec.Struct, frozen=True):
    """Call ``Device.linger_over(this)`` after ``seconds``; stale ones are ignored."""

    path: str
    seconds: float
    turn: int


class DeviceChange(msgspec.Struct, frozen=True, kw_only=True):
    """The consequences of an input. ``lost`` names the paths whose sockets the phone's OS kills, dials included."""

    acts: tuple[Act, ...] = ()
    signals: tuple[Signal, ...] = ()
    lost: tuple[str, ...] = ()
    linger: Linger | None = None


NOTHING = DeviceChange()

_FEEL = {Reach.UP: ChunkFate.PASS, Reach.STALLED: ChunkFate.HOLD, Reach.SILENT: ChunkFate.DROP}
_DOORS = {
    Reach.UP: Door.OPEN,
    Reach.STALLED: Door.HANG,
    Reach.SILENT: Door.HANG,
    Reach.CLOSED: Door.REFUSE,
    Reach.RESET: Door.REFUSE,
    Reach.REFUSED: Door.REFUSE,
    Reach.UNREACHABLE: Door.HANG,
}
_STRIKES = {Reach.CLOSED: Do.FIN, Reach.RESET: Do.RST}


class _Path:
    """One path's state: what each direction of its flows feels, what dials meet, and what a latecomer is struck by."""

    def __init__(self) -> None:
        self.word = Reach.UP
        self.feel = {UPSTREAM: ChunkFate.PASS, DOWNSTREAM: ChunkFate.PASS}
        self.door = Door.OPEN
        self.strike: Do | None = None
        self.pauses = 0

    def fate(self, direction: Direction) -> ChunkFate:
        feel = self.feel[direction]
        if feel is ChunkFate.PASS and direction is DOWNSTREAM and self.pauses:
            return ChunkFate.HOLD
        return feel


class _Flow:
    """One open flow. ``dead`` and ``held`` are directions; ``left`` are those that lead to an end that is gone."""

    def __init__(self, cid: int, path: str) -> None:
        self.cid = cid
        self.path = path
        self.dead: set[Direction] = set()
        self.held: set[Direction] = set()
        self.left: set[Direction] = set()

    def strike(self, do: Do) -> list[Act]:
        """Return what ends this flow from within the network, and let nothing pass from then on."""
        acts = []
        for direction in BOTH:
            if do is Do.RST and direction not in self.left:
                acts.append(Act(self.cid, Do.RST, direction))
            if do is Do.FIN and direction not in self.dead:
                acts.append(Act(self.cid, Do.FIN, direction))
        self.kill()
        return acts

    def kill(self) -> None:
        self.dead.update(BOTH)
        self.held.clear()


class Device:
    """A phone with named paths. Only ``starts_on`` is joined, and so the default, at first.

    ``linger`` is how many seconds open flows outlive the loss of the default path. Raises ``UsageError`` for a path
    it does not have; a ``cid`` it does not know is a bug of the caller.
    """

    def __init__(self, paths: Iterable[str], *, starts_on: str, linger: float = 0.0) -> None:
        self._paths = {name: _Path() for name in paths}
        self._known(starts_on)
        self.linger = linger
        self._joined = [starts_on]  # in order of joining
        self._default: str | None = starts_on
        self._offline: tuple[list[str], str | None] | None = None  # what comes back when the device is online again
        self._lingering: dict[str, int] = {}
        self._turns = 0
        self._suspended = False
        self._flows: dict[int, _Flow] = {}

    # What a shell reads.

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths, in the order given."""
        return tuple(self._paths)

    @property
    def default(self) -> str | None:
        """The path that a dial begun now belongs to; None: there is no network."""
        return self._default

    @property
    def joined(self) -> tuple[str, ...]:
        """The paths the device may use, in order of joining."""
        return tuple(self._joined)

    @property
    def offline(self) -> bool:
        """True if the device went offline and has not come back."""
        return self._offline is not None

    @property
    def suspended(self) -> bool:
        """True if the device sleeps."""
        return self._suspended

    def door(self, path: str) -> Door:
        """Return what a dial through this path meets: its word's, whether or not the device may use the path."""
        return self._known(path).door

    def word(self, path: str) -> Reach:
        """Return the word the path took last."""
        return self._known(path).word

    def feels(self, path: str, direction: Direction) -> ChunkFate:
        """Return what a live flow of this path meets in this direction now, weather included."""
        return self._known(path).fate(direction)

    # Words of paths.

    def reach(self, path: str, word: Reach, *, direction: Direction | None = None, once: bool = False) -> DeviceChange:
        """Let the path take this word. ``once`` strikes open flows and leaves the word as it was.

        A direction goes with ``up``, ``stalled`` and ``silent``, ``once`` with ``closed`` and ``reset``; anything else
        raises ``UsageError``. Dials hang where either direction is not up: a handshake needs both.
        """
        state = self._known(path)
        self.check_word(word, direction=direction, once=once)
        strike = _STRIKES.get(word)
        if once:
            assert strike is not None
            return DeviceChange(acts=self._strike(path, strike))
        state.word = word
        state.strike = strike
        if strike is not None:
            acts = self._strike(path, strike)
            state.feel = dict.fromkeys(BOTH, ChunkFate.PASS)
        else:
            acts = ()
            if word in _FEEL:
                turned = BOTH if direction is None else (direction,)
                state.feel.update(dict.fromkeys(turned, _FEEL[word]))
                acts = self._settle(path, turned)
        half_up = word is Reach.UP and any(feel is not ChunkFate.PASS for feel in state.feel.values())
        state.door = Door.HANG if half_up else _DOORS[word]
        return DeviceChange(acts=acts)

    @staticmethod
    def check_word(word: Reach, *, direction: Direction | None, once: bool) -> None:
        """Raise ``UsageError`` where a word does not take this direction, or ``once``."""
        if direction is not None and word not in _FEEL:
            raise UsageError(f"{word!s} takes no direction, got {direction!s}: only up, stalled and silent do")
        if once and word not in _STRIKES:
            raise UsageError(f"{word!s} takes no once: only closed and reset do")

    @staticmethod
    def refuses(word: Reach, *, once: bool = False) -> bool:
        """Return whether the shell must shut the door before the word: who sees its FIN may redial at once."""
        return not once and _DOORS[word] is Door.REFUSE

    def pause(self, path: str) -> DeviceChange:
        """Weather: hold the path's downstream, whatever its word. Nests; dials do not feel it."""
        self._known(path).pauses += 1
        return NOTHING

    def resume(self, path: str) -> DeviceChange:
        """End one pause; what it held goes on when it was the last and the word allows it."""
        state = self._known(path)
        assert state.pauses, f"{path} is not paused"
        state.pauses -= 1
        return DeviceChange(acts=self._settle(path, (DOWNSTREAM,)))

    # What the OS knows.

    def joins(self, path: str) -> DeviceChange:
        """The path becomes usable, and the default if there is none. Open flows stay. Nothing new: no signal."""
        self._known(path)
        self._lingering.pop(path, None)
        if path in self._joined:
            return NOTHING
        self._joined.append(path)
        if self._default is None:
            self._default = path
        return DeviceChange(signals=(Signal(what="joins", path=path),))

    def prefers(self, path: str) -> DeviceChange:
        """New dials use the path (it is joined first if it was not); open flows stay where they are."""
        signals = self.joins(path).signals
        if self._default != path:
            self._default = path
            signals += (Signal(what="prefers", path=path),)
        return DeviceChange(signals=signals)

    def loses(self, path: str) -> DeviceChange:
        """The path is gone for the device; the one joined last takes its place. Its flows die at the phone's end."""
        self._known(path)
        if self._offline is not None:
            joined, default = self._offline
            kept = [name for name in joined if name != path]
            self._offline = (kept, default if default != path else (kept[-1] if kept else None))
        if path not in self._joined:
            return NOTHING
        was_default = path == self._default
        self._joined.remove(path)
        if was_default:
            self._default = self._joined[-1] if self._joined else None
        signals = (Signal(what="loses", path=path),)
        if was_default and self.linger > 0:
            self._turns += 1
            self._lingering[path] = self._turns
            return DeviceChange(signals=signals, linger=Linger(path, self.linger, self._turns))
        return DeviceChange(acts=self._abort((path,)), signals=signals, lost=(path,))

    def linger_over(self, linger: Linger) -> DeviceChange:
        """The flows of a lost path die now, unless it was joined again or lost anew since."""
        if self._lingering.get(linger.path) != linger.turn:
            return NOTHING
        del self._lingering[linger.path]
        return DeviceChange(acts=self._abort((linger.path,)), lost=(linger.path,))

    def goes_offline(self) -> DeviceChange:
        """Lose all paths at once, lingering ones too. Already offline: nothing, unless a path was joined since."""
        lost = (*self._joined, *self._lingering)
        if self._offline is None:
            self._offline = (self._joined, self._default)
        elif not lost:
            return NOTHING
        self._joined, self._default = [], None
        self._lingering.clear()
        return DeviceChange(acts=self._abort(lost), signals=(Signal(what="offline"),), lost=lost)

    def comes_online(self) -> DeviceChange:
        """Undo ``goes_offline``: the paths it took are back, behind none that was joined since."""
        if self._offline is None:
            return NOTHING
        joined, default = self._offline
        self._offline = None
        self._joined = [name for name in joined if name not in self._joined] + self._joined
        if self._default is None:
            self._default = default
        return DeviceChange(signals=(Signal(what="online"),))

    def suspends(self, *, silently: bool = False) -> DeviceChange:
        """Fall asleep: what comes for the client waits, on every path. Asleep already: that goes on.

        ``silently``: the flows that are open now are dead, and neither end is told.
        """
        acts = self._silence() if silently else ()
        if self._suspended:
            return DeviceChange(acts=acts)
        self._suspended = True
        for state in self._paths.values():
            state.pauses += 1
        return DeviceChange(acts=acts, signals=(Signal(what="suspended"),))

    def wakes(self, *, silently: bool = False) -> DeviceChange:
        """Wake up: the OS has made every socket defunct meanwhile, as iOS does; the servers were told nothing.

        ``silently``: no socket is told either.
        """
        if not self._suspended:
            return NOTHING
        self._suspended = False
        for state in self._paths.values():
            state.pauses -= 1
        resumed = (Signal(what="resumed"),)
        if silently:
            acts = tuple(act for path in self._paths for act in self._settle(path, (DOWNSTREAM,)))
            return DeviceChange(acts=acts, signals=resumed)
        return DeviceChange(acts=self._abort(self._paths), signals=resumed, lost=self.paths)

    # Flows.

    def opened(self, cid: int, path: str) -> DeviceChange:
        """A flow was accepted on this path. Where its dial was let in just before ``closed``, it is struck now."""
        state = self._known(path)
        assert cid not in self._flows, f"flow {cid} is open already"
        flow = self._flows[cid] = _Flow(cid, path)
        return DeviceChange(acts=tuple(flow.strike(state.strike))) if state.strike else NOTHING

    def passes(self, cid: int, direction: Direction) -> bool:
        """Return whether something that arrived now would pass. Asking changes nothing."""
        flow = self._flows[cid]
        return direction not in flow.dead and self._paths[flow.path].fate(direction) is ChunkFate.PASS

    def arrives(self, cid: int, direction: Direction) -> ChunkFate:
        """Decide on a chunk, FIN or RST at the radio. Ask again for what was held, when it is to go on."""
        flow = self._flows[cid]
        if direction in flow.dead:
            return ChunkFate.DROP
        fate = self._paths[flow.path].fate(direction)
        if fate is ChunkFate.DROP:
            flow.dead.add(direction)
        elif fate is ChunkFate.HOLD:
            flow.held.add(direction)
        return fate

    def leaves(self, cid: int, direction: Direction) -> None:
        """Learn that the end to which this direction leads is gone (RST, or a broken socket): nothing reaches it."""
        flow = self._flows[cid]
        flow.left.add(direction)
        flow.dead.add(direction)
        flow.held.discard(direction)

    def gone(self, cid: int) -> None:
        """Learn that the flow is over at both ends. Idempotent."""
        self._flows.pop(cid, None)

    # Within.

    def _known(self, path: str) -> _Path:
        try:
            return self._paths[path]
        except KeyError:
            raise UsageError(f"no path {path!r}: this device has {', '.join(self._paths)}") from None

    def _of(self, paths: Iterable[str]) -> list[_Flow]:
        chosen = tuple(paths)
        return [flow for flow in self._flows.values() if flow.path in chosen]

    def _strike(self, path: str, do: Do) -> tuple[Act, ...]:
        return tuple(act for flow in self._of((path,)) for act in flow.strike(do))

    def _abort(self, paths: Iterable[str]) -> tuple[Act, ...]:
        acts = []
        for flow in self._of(paths):
            if DOWNSTREAM not in flow.left:
                acts.append(Act(flow.cid, Do.ABORT, DOWNSTREAM))
            acts.append(Act(flow.cid, Do.DISCARD, UPSTREAM))
            flow.left.add(DOWNSTREAM)
            flow.kill()
        return tuple(acts)

    def _silence(self) -> tuple[Act, ...]:
        """Let nothing pass any more on any flow that is open, in either direction."""
        acts = []
        for flow in self._flows.values():
            acts += [Act(flow.cid, Do.DISCARD, direction) for direction in BOTH if direction not in flow.dead]
            flow.kill()
        return tuple(acts)

    def _settle(self, path: str, directions: Iterable[Direction]) -> tuple[Act, ...]:
        """Let flows feel a change of these directions: held bytes go on, or are gone."""
        acts = []
        for direction in directions:
            fate = self._paths[path].fate(direction)
            for flow in self._of((path,)):
                if direction in flow.dead:
                    continue
                if fate is ChunkFate.DROP:
                    acts.append(Act(flow.cid, Do.DISCARD, direction))
                    if direction in flow.held:
                        flow.held.discard(direction)
                        flow.dead.add(direction)
                elif fate is ChunkFate.PASS and direction in flow.held:
                    flow.held.discard(direction)
                    acts.append(Act(flow.cid, Do.RELEASE, direction))
        return tuple(acts)
