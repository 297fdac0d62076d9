"""The events that a live stream could have carried by when, and how long the app was shown none as new (law L16).

1. A state counts that was emitted in a steady window while a stream of the client's stood on its path: no attempt is
   owed, nothing waits, and each live stream is written what is emitted. A stream on another path, or on a connection
   that is severed, may look open to its client for ever: by when that has to be noticed is for L9 and L10 to say.
2. Its path takes L for it, the weather's longest stall included; its radio may have to wake; its line is busy with what
   else comes. So long nothing is owed, nor while the app is inside a callback, in a declared reorder window, or asleep.
3. What happens once the window or the stream is over shows nothing: the time until then counts.
4. A stream that a box acted on, and a time in which a gap is open, are left out.
"""

import bisect

import msgspec

from harness.history import Boxed
from harness.judge.case import ClientCase
from harness.judge.facts.instructions import told_gaps
from harness.judge.facts.network_timeline import NetworkTimeline
from harness.judge.facts.requests import RequestLife, lives_of
from harness.judge.facts.screen import EVENT_CALLBACKS
from harness.judge.facts.shares import HandlerTime
from harness.judge.facts.truth import ACCEPTED, EmittedEvent
from harness.judge.measures.line import LineUse
from harness.judge.measures.outages import latency_bound
from harness.judge.measures.steady import SteadyWindow, steady


class Carried(msgspec.Struct, frozen=True):
    """A state that ``stream`` could have carried by ``due_ns``; for ``seconds`` from then on nothing as new was shown.

    ``allowed`` is how many seconds its path needed for it at most, and its client might wait. ``until_ns`` is when it,
    or a later state, was shown; None: never.
    """

    event: EmittedEvent
    stream: RequestLife
    allowed: float
    due_ns: int
    until_ns: int | None
    seconds: float


def carried(client: ClientCase, *, beyond: float) -> list[Carried]:
    """Return the states, each newer than all before, that came to the app later than so many seconds, or never."""
    found = _Carrying(client)
    newest, late = ACCEPTED, []
    for event in client.truth.events if found.windows else []:
        if event.position > newest and event.type in EVENT_CALLBACKS:
            newest = event.position
            one = found.of(event, beyond)
            late += [one] if one is not None else []
    return late


class _Carrying:
    """One client's steady windows and the streams that stood in them."""

    def __init__(self, client: ClientCase) -> None:
        self.windows = steady(client)
        self._client = client
        self._starts = [window.start for window in self.windows]
        boxed = {one.cid for one in client.case.history.all(Boxed)}
        self._streams = [life for life in lives_of(client, "stream") if life.streams and life.request.cid not in boxed]
        self._gaps = [(gap.record.t_ns, gap.covered_ns) for gap in told_gaps(client)]
        self._positions = [position for _, position in client.screen.advances]

    def of(self, event: EmittedEvent, beyond: float) -> Carried | None:
        """Return what became of a state; None where it was shown soon, or no stream stood that could carry it."""
        client, case, at_ns = self._client, self._client.case, event.actual_ns
        place = bisect.bisect_left(self._positions, event.position)
        shown_ns = client.screen.advances[place][0] if place < len(self._positions) else None
        if shown_ns is not None and shown_ns - at_ns <= beyond * 1e9:
            return None
        at = case.at(at_ns)
        spot = bisect.bisect_right(self._starts, at) - 1
        if spot < 0 or at >= self.windows[spot].end:
            return None
        window = self.windows[spot]
        stream = next((life for life in self._streams if _stood(life, window.interval.path, at_ns)), None)
        if stream is None:
            return None
        over_ns = min(case.ns(window.end), stream.carries_until_ns - case.near_ns)
        until_ns = int(min(case.end_ns if shown_ns is None else shown_ns, over_ns))
        if until_ns <= at_ns or any(since <= until_ns and covered >= at_ns for since, covered in self._gaps):
            return None
        allowed = self._needs(window, at, until_ns)
        due_ns = at_ns + round(allowed * 1e9)
        return Carried(event, stream, allowed, due_ns, shown_ns, self._beyond(due_ns, until_ns))

    def _needs(self, window: SteadyWindow, at: float, until_ns: int) -> float:
        """Return how many seconds the path needs for what was emitted at a time, and the client may wait for."""
        client, plan, until = self._client, self._client.case.plan, self._client.case.at(until_ns)
        radio = plan.paths[window.interval.path].radio if window.interval.path in plan.paths else None
        wakes = radio.wake if radio is not None else 0.0
        window_of_order = plan.client.policies.reorder_window or 0.0
        bound = latency_bound(window.interval, plan, at, until)
        return bound + wakes + client.once(LineUse).busy(at, until) + window_of_order

    def _beyond(self, due_ns: int, until_ns: int) -> float:
        """Return the seconds between two stamps in which the app was awake, and outside of callbacks."""
        if until_ns <= due_ns:
            return 0.0
        at, inside = self._client.case.at, self._client.once(HandlerTime).between(due_ns, until_ns)
        return (until_ns - due_ns - inside) / 1e9 - self._client.once(NetworkTimeline).slept(at(due_ns), at(until_ns))


def _stood(life: RequestLife, path: str | None, at_ns: int) -> bool:
    """Return whether a stream on this path had begun by a stamp, and could still bring what was emitted then."""
    if life.conn is None or life.conn.path != path or life.began is None:
        return False
    return life.began.t_ns <= at_ns < life.carries_until_ns
