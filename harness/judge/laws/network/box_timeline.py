"""The boxes that stood in the way of one client, as the deeds have it: at a record, or within a stretch of time.

A box is told at once for all gates, and asked as bytes come by. Between the issue of a deed and its record either side
of it is right; behind the record, in ``seq``, only the later one.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from harness.deeds import acts
from harness.deeds.catalogue import REQUESTS
from harness.deeds.network_state import MIDDLE, SERVER, NetworkState, StandingDeed
from harness.judge.case import ClientCase
from harness.judge.facts.deeds import Happened, at_gate, fold
from harness.judge.facts.gate_timeline import happened
from harness.scenario.deed_text import deed_text

Boxes = tuple[StandingDeed, ...]
"""The boxes' acts in force, in the order in which they were said."""

_OF_STREAMS = (acts.MutesStreams, acts.ResetsStreams, acts.Buffers)


class _BoxesChange(msgspec.Struct, frozen=True):
    since_ns: int
    until_ns: int
    seq: int
    boxes: Boxes


class BoxTimeline:
    """The boxes' acts over time."""

    def __init__(self, client: ClientCase) -> None:
        self._turns: list[_BoxesChange] = []
        before: Boxes = ()
        for one in _happened(client):
            boxes = _boxes(one.change.state)
            if boxes != before:
                self._turns.append(_BoxesChange(one.since_ns, one.until_ns, one.seq, boxes))
                before = boxes

    def __bool__(self) -> bool:
        """Return whether there is ever one."""
        return bool(self._turns)

    def ever(self, *kinds: type) -> bool:
        """Return whether there is ever one of these kinds of act."""
        return any(isinstance(one.deed.act, kinds) for turn in self._turns for one in turn.boxes)

    def at(self, t_ns: int, seq: int) -> Sequence[Boxes]:
        """Return those of which one holds at a record, the oldest first."""
        found: list[Boxes] = [()]
        for turn in self._turns:
            if turn.since_ns > t_ns:
                break
            over = turn.seq < seq if turn.seq else turn.until_ns < t_ns
            found = [turn.boxes] if over else [*found, turn.boxes]
        return found

    def from_ns(self, deed: int) -> int:
        """Return from when on an act may have been in force for the first time."""
        return next((turn.since_ns for turn in self._turns if any(one.deed.index == deed for one in turn.boxes)), 0)

    def idle(self, path: str) -> Iterator[tuple[StandingDeed, float, float]]:
        """Yield what kills idle connections on a path, and the stamps between which it surely does."""
        standing: StandingDeed | None = None
        since_ns: float = 0
        for turn in [*self._turns, None]:
            one = of_idle(turn.boxes, path) if turn is not None else None
            if turn is not None and one is not None and standing is not None and one.deed.index == standing.deed.index:
                continue
            if standing is not None:
                yield standing, since_ns, math.inf if turn is None else turn.since_ns
            standing, since_ns = one, 0 if turn is None else turn.until_ns

    def within(self, since_ns: float, until_ns: float) -> Iterator[Boxes]:
        """Yield all that may hold at some time within these stamps, in order."""
        boxes: Boxes = ()
        for turn in self._turns:
            if turn.since_ns > until_ns:
                break
            if turn.until_ns >= since_ns:
                yield boxes
            boxes = turn.boxes
        yield boxes


def _happened(client: ClientCase) -> Sequence[Happened]:
    """Return what was done to the boxes. The caller counts how often one has answered."""
    deeds = client.case.plan.deeds
    if not any(isinstance(deed.act, acts.MiddleAct) for deed in deeds):
        return []
    if not any(isinstance(deed.act, acts.Answers) and deed.act.times for deed in deeds):
        return happened(client)
    done = at_gate(client.deeds)
    return fold(client.case, [deed for deed in deeds if deed.index in done], done, {})


def course(client: ClientCase) -> BoxTimeline:
    """Return the boxes in one client's way."""
    return client.once(BoxTimeline)


def named(client: ClientCase, one: StandingDeed) -> str:
    """Say that an act was in force."""
    return f"{deed_text(one.deed, client.case.plan)} was in force"


def answers(boxes: Boxes, what: str, path: str, spent: Mapping[int, int]) -> StandingDeed | None:
    """Return who answers a request of this kind in the place of the server: the newest that is for it.

    A stream whose body a newer box is for has its head from the server. ``spent``: how often each has answered.
    """
    for one in reversed(boxes):
        act = one.deed.act
        if not one.on(path):
            continue
        if what == "stream" and isinstance(act, _OF_STREAMS):
            return None
        if isinstance(act, acts.ShowsPortal):
            return one
        if isinstance(act, acts.Answers) and act.to in {"everything", *(to for to in REQUESTS if REQUESTS[to] == what)}:
            used_up = act.times is not None and spent.get(one.deed.index, 0) >= act.times
            if not used_up:
                return one
    return None


def of_streams(boxes: Boxes, path: str) -> StandingDeed | None:
    """Return the act that the bodies of streams meet: the newest."""
    mine = (one for one in reversed(boxes) if one.on(path))
    return next((one for one in mine if isinstance(one.deed.act, _OF_STREAMS)), None)


def of_idle(boxes: Boxes, path: str) -> StandingDeed | None:
    """Return the act that idle connections meet: the newest."""
    mine = (one for one in reversed(boxes) if one.on(path))
    return next((one for one in mine if isinstance(one.deed.act, acts.KillsIdle)), None)


def _boxes(state: NetworkState) -> Boxes:
    return tuple(one for one in state.standing if _is_a_box(one))


def _is_a_box(one: StandingDeed) -> bool:
    return one.actor == MIDDLE or (one.actor == SERVER and isinstance(one.deed.act, acts.Answers))
