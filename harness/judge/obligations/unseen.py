"""The states in which an unseen client may be: its waits, and its dials that no gate let in, over sets of instants.

A wait smears a set, the door of the default path masks it, and a dial that hangs goes knock by knock. A dial that is
let in leaves a record, so the walk ends there: with every instant at which a lawful client may be let in.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from harness.judge.facts.network_timeline import DoorStretch
from harness.judge.obligations.doors import Doors
from harness.judge.obligations.instants import Instants, between, clip, smear
from harness.judge.obligations.rows import AT_ONCE, LARGEST_POWER, waits
from harness.scenario.deadlines import UNLIMITED_DIAL
from harness.sse.policy import Policies
from harness.vocabulary import Door

FURTHEST = 3600.0
"""Seconds beyond which no walk goes: what is due later is due in no run."""


class Unseen:
    """One client's moves from a state on, while its network is as its ``doors`` have it; usable from ``healed`` on.

    ``knocks`` are the host's SYN retries, in seconds from a dial's beginning. ``retries`` is what a ``retry:`` in force
    may ask for (milliseconds). ``signals`` are the times at which a client that reconnects at them was told of a way.
    ``near``: seconds within which two facts have no order.
    """

    def __init__(
        self,
        policies: Policies,
        doors: Doors,
        *,
        healed: float,
        knocks: Sequence[float],
        retries: Iterable[int | None] = (None,),
        signals: Sequence[float] = (),
        near: float = 0.0,
        limit: float = 0.0,
    ) -> None:
        self._policies, self._doors, self._healed = policies, doors, healed
        self._knocks, self._retries, self._signals, self._near = knocks, tuple(retries), signals, near
        self._limit = limit  # how long a stream that is let in may be kept waiting before the healing
        timeout: object = policies.connect_timeout
        self._timeout = timeout if isinstance(timeout, float | int) else UNLIMITED_DIAL
        self._ahead: dict[int, Instants] = defaultdict(int)
        self._been: dict[int, Instants] = defaultdict(int)
        self._in: Instants = 0
        self._bounded = True

    def let_in(self, dials: Mapping[int, Instants]) -> Instants:
        """Return when a client may be let in that dials at these instants; n (of the wait after such a dial) → when.

        None, an empty set, where there is no bound: an undeclared wait.
        """
        for n, instants in dials.items():
            self._put(n, instants)
        while self._ahead and self._bounded:
            n, instants = self._ahead.popitem()
            instants &= ~self._been[n]
            self._been[n] |= instants
            if instants:
                self._dial(instants, n)
        return self._in if self._bounded else 0

    def _put(self, n: int, instants: Instants) -> None:
        if instants := clip(instants, 0.0, FURTHEST):
            self._ahead[min(n, LARGEST_POWER)] |= instants

    def _dial(self, instants: Instants, n: int) -> None:
        self._in |= clip(instants, self._healed, math.inf)
        for part, stretch in self._doors.parts(clip(instants, 0.0, self._healed)):
            if stretch.asleep:
                self._put(n, between(stretch.until, stretch.until))
            elif stretch.door is None or stretch.door is Door.REFUSE:
                self._wait(part, n)
            elif stretch.door is Door.HANG:
                self._hang(part, stretch, n)
            else:
                self._behind_the_door(part, stretch, n)

    def _hang(self, instants: Instants, stretch: DoorStretch, n: int) -> None:
        """Walk dials that are not answered, until the door turns, the path goes, a signal comes, or time is up."""
        assert stretch.path is not None
        turns, door = self._doors.answers(stretch.path, stretch.since)
        for mine, signal in self._until_signals(instants, 0.0):
            early = clip(mine, 0.0, max(0.0, turns - self._timeout))
            failed, answered = smear(early, self._timeout, self._timeout), 0
            if door is None:
                failed |= between(turns, turns) if mine & ~early else 0
            else:
                more, answered = self._knock(mine & ~early, turns)
                failed |= more
            if signal < math.inf and clip(failed | answered, signal, math.inf):
                self._put(n + 1, between(signal, signal + AT_ONCE))
            self._wait(clip(failed, 0.0, signal), n)
            met = clip(answered, 0.0, signal + AT_ONCE)
            if door is Door.OPEN:
                self._dial_in(met, n)
            else:
                self._wait(met, n)

    def _dial_in(self, instants: Instants, n: int) -> None:
        """Dials that were let in by a knock."""
        self._in |= clip(instants, self._healed, math.inf)
        for part, stretch in self._doors.parts(clip(instants, 0.0, self._healed)):
            self._behind_the_door(part, stretch, n)

    def _behind_the_door(self, instants: Instants, stretch: DoorStretch, n: int) -> None:
        """Dials that are let in before the healing: their streams live until they are struck, or are turned away."""
        assert stretch.path is not None
        if not stretch.passes:
            self._wait(smear(instants, 0.0, self._limit), n)
        elif (struck := self._doors.strikes(stretch.path, stretch.since)) < self._healed:
            self._wait(between(struck, struck), 0)
        else:
            self._in |= between(self._healed, self._healed)

    def _knock(self, dials: Instants, turns: float) -> tuple[Instants, Instants]:
        """Return when dials under way fail, and when they are answered, if their door turns at an instant."""
        failed = answered = 0
        before = 0.0
        for knock in self._knocks:
            mine = clip(dials, max(0.0, turns - knock), max(0.0, turns - before) + (0.0 if before else self._timeout))
            before = knock
            if knock < self._timeout:
                answered |= smear(mine, knock, knock)
            else:
                failed |= smear(mine, self._timeout, self._timeout)
        if before < self._timeout:
            failed |= smear(clip(dials, 0.0, max(0.0, turns - before)), self._timeout, self._timeout)
        return failed, answered

    def _wait(self, instants: Instants, n: int) -> None:
        if not instants:
            return
        due = 0
        for low, high in self._windows(n):
            if math.isinf(high):
                self._bounded = False
                return
            for mine, signal in self._until_signals(instants, self._near):
                then = smear(mine, low, high)
                if signal < math.inf and clip(then, signal + AT_ONCE, math.inf):
                    then = clip(then, 0.0, signal) | between(signal, signal + AT_ONCE)
                due |= then
        for since, until in self._doors.sleeps():  # the rest of a wait may be waited out behind a sleep
            if until < math.inf and (late := clip(due, since, math.inf)):
                due |= smear(late, 0.0, until - since)
        self._put(n + 1, due)

    def _windows(self, n: int) -> Iterable[tuple[float, float]]:
        for milliseconds in self._retries:
            for window in waits(self._policies, (0.0, 0.0), n, milliseconds, None):
                yield window.low, window.high

    def _until_signals(self, instants: Instants, near: float) -> Iterable[tuple[Instants, float]]:
        """Yield those of a set between one signal and the next, each with the signal that is the first for them."""
        since = 0.0
        for signal in self._signals:
            if mine := clip(instants, since, max(since, signal - near)):
                yield mine, signal
            since = max(since, signal - near)
        if mine := clip(instants, since, math.inf):
            yield mine, math.inf
