"""What the plan promises a flow of the canary: folded from the deeds alone, never from what a gate says of itself."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from harness.deeds.acts import ComesOnline, Deed, GoesOffline, Joins, Loses, Prefers, SetReach, SetShape
from harness.device.model import Device, Linger
from harness.device.model import Outcome as DeviceOutcome
from harness.device.words import Reach
from harness.run.probe import Meeting
from harness.toxics.shape import Shape
from harness.vocabulary import Direction

Dial = Literal["open", "refuse", "hang"]

DIALS: Mapping[Reach, Dial] = {
    Reach.UP: "open",
    Reach.STALLED: "hang",
    Reach.SILENT: "hang",
    Reach.CLOSED: "refuse",
    Reach.RESET: "refuse",
    Reach.REFUSED: "refuse",
    Reach.UNREACHABLE: "hang",
}
STRIKES: Mapping[Reach, Meeting] = {Reach.CLOSED: "fin", Reach.RESET: "rst"}
"""The words that end what is open."""
_ONE_WAY = {Reach.UP, Reach.STALLED, Reach.SILENT}


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """What a deed lets be met, as things stand once it is done."""

    flow: Meeting = "answer"  # by a connection that was open on the deed's path
    dial: Dial = "open"  # by a new one
    default: str = ""  # the path that the device's connections use; empty: none
    lost: tuple[str, ...] = ()  # the paths whose open connections end with an error of the device's own
    lingers: float = 0.0  # seconds until they do


class _Word:
    """A path's word, and what either direction was told last."""

    def __init__(self, word: Reach) -> None:
        self._word = word
        self._feels = dict.fromkeys(Direction, word if word in _ONE_WAY else Reach.UP)

    def take(self, act: SetReach) -> None:
        if act.once:
            return
        self._word = act.word
        if act.word in STRIKES:
            self._feels = dict.fromkeys(Direction, Reach.UP)
        elif act.word in _ONE_WAY:
            self._feels.update(dict.fromkeys([act.direction] if act.direction else Direction, act.word))

    @property
    def free(self) -> bool:
        return all(feel is Reach.UP for feel in self._feels.values())

    @property
    def dial(self) -> Dial:
        """A handshake needs both directions."""
        return "hang" if self._word is Reach.UP and not self.free else DIALS[self._word]


class Promises:
    """Folds the deeds, in order, as they are done. ``linger`` as in ``Device``."""

    def __init__(
        self, shapes: Mapping[str, Shape], words: Mapping[str, Reach], *, starts_on: str, linger: float = 0.0
    ) -> None:
        self._words = {path: _Word(word) for path, word in words.items()}
        self._shapes = {(path, way): shape for path, shape in shapes.items() for way in Direction}
        self._settled = dict.fromkeys(self._shapes, 0.0)  # when a change over time is over
        self._device = Device(words, starts_on=starts_on, linger=linger)
        self._lingering: list[tuple[float, Linger]] = []  # and when it is over

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths, in the order given."""
        return self._device.paths

    @property
    def joined(self) -> tuple[str, ...]:
        """The paths that the device may use."""
        return self._device.joined

    def dial(self, path: str) -> Dial:
        """Return what a dial through this path meets now."""
        return self._words[path].dial

    def shapes(self, path: str) -> list[Shape]:
        """Return the shape of each direction of this path."""
        return [self._shapes[path, way] for way in Direction]

    def unsettled(self, path: str, now: float) -> float:
        """Return for how many seconds more a direction of this path is on its way to its shape."""
        return max(0.0, *(self._settled[path, way] - now for way in Direction))

    def do(self, deed: Deed) -> Promise:
        """A deed is done now."""
        for over, linger in self._lingering:
            if over <= deed.at:
                self._device.linger_over(linger)  # one that is stale, or was over before, changes nothing
        outcome = DeviceOutcome()
        flow: Meeting | None = None
        match deed.act:
            case SetReach() as act:
                self._words[deed.actor].take(act)
                flow = STRIKES.get(act.word)
            case SetShape(shape=shape, direction=direction, over=over):
                for way in [direction] if direction is not None else Direction:
                    self._shapes[deed.actor, way] = shape
                    self._settled[deed.actor, way] = deed.at + over
            case Joins(path=path):
                outcome = self._device.joins(path)
            case Prefers(path=path):
                outcome = self._device.prefers(path)
            case Loses(path=path):
                outcome = self._device.loses(path)
            case GoesOffline():
                outcome = self._device.goes_offline()
            case ComesOnline():
                outcome = self._device.comes_online()
            case _:
                pass
        return self._promise(deed, flow, outcome)

    def _promise(self, deed: Deed, flow: Meeting | None, outcome: DeviceOutcome) -> Promise:
        default = self._device.default or ""
        word = self._words.get(deed.actor) or self._words.get(deed.on or default)
        linger = outcome.linger
        if linger is not None:
            self._lingering.append((deed.at + linger.seconds, linger))
        return Promise(
            flow=flow or ("answer" if word is None or word.free else "silence"),
            dial=word.dial if word is not None else "hang",
            default=default,
            lost=outcome.lost if linger is None else (linger.path,),
            lingers=0.0 if linger is None else linger.seconds,
        )
