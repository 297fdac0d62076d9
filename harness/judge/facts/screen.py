"""The screen, what the app saw: its callbacks against what had reached the radio, and each anomaly where it happened.

What a callback is follows from its content. The digest of its type and payload names an event that was at the radio
by then; or its payload is the body of a status answer that was delivered whole. Of several equal events that are newer
than all shown it is the one of the callback's id, since the app cannot see a difference, else the first. If none is
newer, it is the first that was not shown. Else the id decides only that a payload of nothing is told as a *corrupted*
event and not as a *phantom*.

*Duplicated*: the same (epoch, index) again. *Retold*: that, of an event without an id that had come again: from the id
before it a stream tells it again, and a status answer tells its state under an id that no stream has. So a client takes
it for another event. *Reordered*: a first delivery after a later index of its epoch, or an
epoch gone back. *Unreached*: an event's own content, which had not come to the radio. *Phantom*: content of nothing
that was emitted. *Corrupted*: that, with the id of an event, or by another callback. *Regressed*: older than what was
shown.
A repeat is the concern of law L3 and of L5, not of L4: the order of first deliveries is what L4 is about.
"""

import bisect
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from harness.history import App
from harness.judge.facts.radio import Arrival, StatusArrival
from harness.judge.facts.truth import ACCEPTED, EmittedEvent, Position, Truth

EVENT_CALLBACKS = frozenset({"initialized", "processing", "completed", "failed", "timeout"})
TERMINAL_CALLBACKS = frozenset({"completed", "failed", "timeout"})


class Shown(msgspec.Struct, frozen=True):
    """One event callback of the app. ``event`` is None for a phantom, and for a snapshot older than any event.

    ``answer`` is the status answer that it showed; None for an event of a stream.
    """

    app: App
    event: EmittedEvent | None
    before: Position  # the newest position shown before this callback
    answer: StatusArrival | None = None
    duplicated: bool = False
    retold: bool = False
    reordered: bool = False
    phantom: bool = False
    unreached: bool = False
    corrupted: bool = False
    regressed: bool = False


class _Equals:
    """Events of one content, in the order in which they reached the radio, and how far they have been shown."""

    def __init__(self) -> None:
        self.came: list[tuple[int, EmittedEvent]] = []
        self.ids: dict[str, tuple[int, EmittedEvent]] = {}
        self._newer = 0  # all before are no newer than the newest shown
        self._unseen = 0  # all before were shown

    def add(self, at_ns: int, event: EmittedEvent) -> None:
        """Take in an event that came after the others."""
        self.came.append((at_ns, event))
        self.ids.setdefault(event.record.told_id, (at_ns, event))

    def shown_by(self, app: App, newest: Position, seen: dict[Position, App]) -> EmittedEvent | None:
        """Return which of them a callback showed; None where none had come."""
        came, at_ns = self.came, app.enter_ns
        named = self.ids.get(app.id)
        if named is not None and named[0] <= at_ns and named[1].position > newest:
            return named[1]
        while self._newer < len(came) and came[self._newer][1].position <= newest:
            self._newer += 1
        while self._unseen < len(came) and came[self._unseen][1].position in seen:
            self._unseen += 1
        for place in (self._newer, self._unseen):
            if place < len(came) and came[place][0] <= at_ns:
                return came[place][1]
        place = bisect.bisect_right(came, at_ns, key=_came)
        return came[place - 1][1] if place else None


class Screen:
    """One client's app over the run, callbacks in the order in which they were entered.

    ``arrived`` is None where it is unknown what reached the radio: then all that had been emitted may have.
    """

    def __init__(
        self, apps: list[App], truth: Truth, *, arrived: Iterable[Arrival] | None, answered: Sequence[StatusArrival]
    ) -> None:
        ordered = sorted(apps, key=lambda app: (app.enter_ns, app.seq))
        self.callbacks = ordered
        self.errors = [app for app in ordered if app.callback == "error"]
        self.shown: list[Shown] = []
        self.delivered: dict[Position, App] = {}
        self.advances: list[tuple[int, Position]] = []  # (enter_ns, newest position shown from then on)
        self._truth = truth
        arrived = None if arrived is None else list(arrived)
        self._equals = _equals(truth, arrived)
        self._came_again = None if arrived is None else _came_again(truth, arrived, answered)
        self._retold: Counter[Position] = Counter()
        self._answers: dict[str, list[StatusArrival]] = {}
        for answer in answered:
            self._answers.setdefault(answer.body.digest, []).append(answer)
        newest = ACCEPTED
        progress = None
        for app in ordered:
            if app.callback not in EVENT_CALLBACKS:
                continue
            shown = self._classify(app, newest, progress)
            self.shown.append(shown)
            progress = app.progress if app.progress is not None else progress
            if shown.event is None:
                continue
            self.delivered.setdefault(shown.event.position, app)
            if shown.event.position > newest:
                newest = shown.event.position
                self.advances.append((app.enter_ns, newest))

    def _classify(self, app: App, newest: Position, progress: float | None) -> Shown:
        equals = self._equals.get(app.digest) if app.digest else None
        event = equals.shown_by(app, newest, self.delivered) if equals is not None else None
        answer = self._answer(app) if event is None else None
        corrupted = unreached = False
        if answer is not None:
            event = answer.event
            corrupted = app.callback != _callback(answer)
        elif event is None:
            event = self._named(app) if app.id else None
            unreached = event is not None and event.digest == app.digest
            corrupted = event is not None and not unreached
        if event is None:
            fell = answer is not None and app.progress is not None and progress is not None and app.progress < progress
            fell = fell and not self._truth.begun(newest[0], app.enter_ns)  # the truth itself fell
            return Shown(app, None, newest, answer, phantom=answer is None, corrupted=corrupted, regressed=fell)
        repeat = event.position in self.delivered
        backwards = event.position < newest
        retold = repeat and not corrupted and self._was_retold(event, app)
        return Shown(
            app, event, newest, answer, duplicated=repeat and not retold, retold=retold,
            reordered=backwards and not repeat, unreached=unreached, corrupted=corrupted,
            regressed=backwards and not retold,
        )  # fmt: skip

    def _was_retold(self, event: EmittedEvent, app: App) -> bool:
        """Whether an event that is shown again had no id, and had come again as often as it was shown so."""
        if event.has_id or self._came_again is None:
            return not event.has_id
        came = bisect.bisect_right(self._came_again.get(event.position, ()), app.enter_ns)
        self._retold[event.position] += 1
        return self._retold[event.position] <= came

    def _named(self, app: App) -> EmittedEvent | None:
        """Return the event of a callback's id, and of its content where that id is told with several."""
        return self._truth.carried(app.id, app.digest, app.seq) or self._truth.known(app.id, app.enter_ns)

    def _answer(self, app: App) -> StatusArrival | None:
        """Return the newest answer of this body that had been delivered when a callback was entered."""
        found = self._answers.get(app.body, ()) if app.body else ()
        return next((one for one in reversed(found) if one.body.t_ns <= app.enter_ns), None)

    @property
    def terminals(self) -> list[Shown]:
        """The terminal callbacks, in order."""
        return [shown for shown in self.shown if shown.app.callback in TERMINAL_CALLBACKS]

    @property
    def ends(self) -> list[App]:
        """The callbacks that told the app an end: the job's, or a final error; the terminal ones first."""
        return [shown.app for shown in self.terminals] + self.errors

    @property
    def newest(self) -> Position:
        """The newest position ever shown."""
        return self.advances[-1][1] if self.advances else ACCEPTED

    def newest_at(self, at_ns: int) -> Position:
        """Return the newest position shown by this stamp."""
        place = bisect.bisect_right(self.advances, at_ns, key=_entered)
        return self.advances[place - 1][1] if place else ACCEPTED

    def first_seen(self, events: list[EmittedEvent]) -> list[tuple[App, bool] | None]:
        """For each event, in order of position: the first callback that showed it or a later state, or None.

        The flag says that it was superseded: a later state came, not this one.
        """
        found: list[tuple[App, bool] | None] = []
        steps = [shown for shown in self.shown if shown.event is not None and shown.event.position > shown.before]
        place = 0
        for event in events:
            while place < len(steps) and (steps[place].event or event).position < event.position:
                place += 1
            if place == len(steps):
                found.append(None)
                continue
            step = steps[place]
            found.append((step.app, step.event is not None and step.event.position != event.position))
        return found


def _equals(truth: Truth, arrived: Iterable[Arrival] | None) -> dict[str, _Equals]:
    """Return the events at the radio by their content, each when it first came."""
    if arrived is None:
        came = [(event.actual_ns, event) for event in truth.events]
    else:
        first: dict[Position, tuple[int, EmittedEvent]] = {}
        for one in arrived:
            first.setdefault(one.event.position, (one.record.t_ns, one.event))
        came = sorted(first.values(), key=_came)
    found: dict[str, _Equals] = {}
    for at_ns, event in came:
        found.setdefault(event.digest, _Equals()).add(at_ns, event)
    return found


def _came_again(
    truth: Truth, arrived: Iterable[Arrival], answered: Iterable[StatusArrival]
) -> dict[Position, list[int]]:
    """Return when events without an id came that had come before: by a stream, or once by the status answers.

    What was asked for from an older id than the one before it came again by the client's own doing.
    """
    came: dict[Position, list[tuple[int, bool]]] = {}
    met: set[tuple[int, Position]] = set()
    for one in arrived:
        if one.event.has_id:
            continue
        position, asked = one.event.position, one.request.last_event_id
        place = truth.place(asked, one.request.t_ns) if asked else None
        again = (one.request.rid, position) in met or (place is not None and position <= (place[0], place[1] + 1))
        came.setdefault(position, []).append((one.record.t_ns, again))
        met.add((one.request.rid, position))
    first = {one.position: one.body.t_ns for one in reversed([*answered]) if one.event and not one.event.has_id}
    for position, at_ns in first.items():
        came.setdefault(position, []).append((at_ns, True))
    return {position: [at_ns for at_ns, again in sorted(times)[1:] if again] for position, times in came.items()}


def _callback(answer: StatusArrival) -> str:
    """Return the callback that shows a status: words of the server's own mean work under way."""
    return answer.snapshot.status if answer.snapshot.status in EVENT_CALLBACKS else "processing"


def _came(one: tuple[int, EmittedEvent]) -> int:
    return one[0]


def _entered(advance: tuple[int, Position]) -> int:
    return advance[0]
