"""What stands between a client's network and the job beside its paths: the middle's boxes, the server, sleep.

Folded from the plan's deeds alone. Deeds of one actor stand side by side until a later one of the same kind replaces
them (answers: of the same kind of request), ``clears`` or ``recovers`` ends them, or their own time is over. A new
process neither drains nor hangs.
"""

import enum

import msgspec

from harness.deeds import acts
from harness.deeds.acts import Act, Deed

DEVICE, MIDDLE, SERVER = "device", "middle", "server"


class Mood(enum.StrEnum):
    """How a barrier ends what comes to it."""

    TOLD = "told"  # by an answer, FIN or RST: whoever tries knows
    MUTE = "mute"  # by nothing: only a deadline of the client's own can tell


_MOODS: dict[type, Mood] = {
    acts.Answers: Mood.TOLD,
    acts.ShowsPortal: Mood.TOLD,
    acts.MutesStreams: Mood.MUTE,
    acts.ResetsStreams: Mood.TOLD,
    acts.Buffers: Mood.MUTE,
    acts.Drains: Mood.TOLD,
    acts.Restarts: Mood.TOLD,
    acts.Hangs: Mood.MUTE,
    acts.Suspends: Mood.MUTE,
}
"""The acts that keep streams from passing while they stand."""

_RECOVERED = (acts.Drains, acts.Hangs, acts.Answers)
_RESTARTED = (acts.Drains, acts.Hangs)


class Barrier(msgspec.Struct, frozen=True):
    """One deed in force."""

    deed: Deed
    actor: str  # device, middle or server
    mood: Mood
    lifted: frozenset[str] = frozenset()  # paths on which it was cleared

    def stops(self, path: str) -> bool:
        """Whether it stands on this path."""
        return self.deed.on in {"", path} and path not in self.lifted


class Barriers:
    """Those in force, in the order of their deeds."""

    def __init__(self) -> None:
        self._standing: dict[int, Barrier] = {}

    def on(self, path: str) -> Barrier | None:
        """Return the first that keeps streams from passing on this path."""
        return next((barrier for barrier in self._standing.values() if barrier.stops(path)), None)

    def do(self, deed: Deed) -> None:
        """Let a deed of the device, the middle or the server take hold, or be taken back."""
        actor = deed.actor.split()[0]
        if deed.undoes is not None and actor in {MIDDLE, SERVER}:
            self.over(deed.undoes)
            return
        self._replace(deed, actor)
        mood = _MOODS.get(type(deed.act))
        if mood is not None and not (isinstance(deed.act, acts.Answers) and not _of_streams(deed.act)):
            self._standing[deed.index] = Barrier(deed, actor, mood)

    def over(self, index: int) -> None:
        """The deed of this index is over."""
        self._standing.pop(index, None)

    def _replace(self, deed: Deed, actor: str) -> None:
        for index, barrier in list(self._standing.items()):
            if isinstance(deed.act, acts.Clears) and deed.on and barrier.actor == actor and not barrier.deed.on:
                lifted = barrier.lifted | {deed.on}
                self._standing[index] = msgspec.structs.replace(barrier, lifted=lifted)
            same = barrier.actor == actor and deed.on in {"", barrier.deed.on}
            if same and _replaces(deed.act, barrier.deed.act):
                del self._standing[index]


def _replaces(later: Act, first: Act) -> bool:
    match later:
        case acts.Clears():
            return True
        case acts.Recovers():
            return isinstance(first, _RECOVERED)
        case acts.Restarts():
            return isinstance(first, (*_RESTARTED, acts.Restarts))
        case acts.Answers(to=to):
            return isinstance(first, acts.Answers) and first.to == to
        case _:
            return type(later) is type(first)


def _of_streams(act: acts.Answers) -> bool:
    return act.to in {"everything", "streams"}


def lasts(act: Act) -> float | None:
    """Return for how long an act stands that ends by itself; None where a later deed ends it."""
    match act:
        case acts.Suspends(lasts=seconds) | acts.Restarts(after=seconds):
            return seconds
        case _:
            return None


def ends_streams(act: Act) -> bool:
    """Whether an act ends every open stream at once, whatever its path: told by FIN."""
    return isinstance(act, acts.Drains | acts.Restarts)
