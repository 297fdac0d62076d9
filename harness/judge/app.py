"""What the app saw: its callbacks against the truth, and each anomaly where it happened.

*Duplicated*: the same (epoch, index) again. *Reordered*: a first delivery after a later index of its epoch, or an
epoch gone back. *Phantom*: never emitted. *Corrupted*: a payload whose digest differs. *Regressed*: older than what
was shown.
A repeat is the concern of law L3 and of L5, not of L4: the order of first deliveries is what L4 is about.
"""

import bisect

import msgspec

from harness.history import App
from harness.judge.truth import ACCEPTED, Event, Position, Truth

EVENT_CALLBACKS = frozenset({"initialized", "processing", "completed", "failed", "timeout"})
TERMINAL_CALLBACKS = frozenset({"completed", "failed", "timeout"})


class Shown(msgspec.Struct, frozen=True):
    """One event callback of the app. ``event`` is None for a phantom, and for a snapshot older than any event."""

    app: App
    event: Event | None
    before: Position  # the newest position shown before this callback
    duplicated: bool = False
    reordered: bool = False
    phantom: bool = False
    corrupted: bool = False
    regressed: bool = False


class Screen:
    """One client's app over the run, callbacks in the order in which they were entered."""

    def __init__(self, apps: list[App], truth: Truth) -> None:
        ordered = sorted(apps, key=lambda app: (app.enter_ns, app.seq))
        self.callbacks = ordered
        self.errors = [app for app in ordered if app.callback == "error"]
        self.shown: list[Shown] = []
        self.delivered: dict[Position, App] = {}
        self.advances: list[tuple[int, Position]] = []  # (enter_ns, newest position shown from then on)
        newest = ACCEPTED
        progress = None
        for app in ordered:
            if app.callback not in EVENT_CALLBACKS:
                continue
            shown = self._classify(app, truth, newest, progress)
            self.shown.append(shown)
            progress = app.progress if app.progress is not None else progress
            if shown.event is None:
                continue
            self.delivered.setdefault(shown.event.position, app)
            if shown.event.position > newest:
                newest = shown.event.position
                self.advances.append((app.enter_ns, newest))

    def _classify(self, app: App, truth: Truth, newest: Position, progress: float | None) -> Shown:
        event = truth.known(app.id, app.enter_ns) if app.id else None
        if event is None:
            # A snapshot without an id is the accepted job, before any event; a streamed event always has one.
            snapshot = app.source == "poll" and not app.id
            fell = snapshot and app.progress is not None and progress is not None and app.progress < progress
            fell = fell and not truth.begun(newest[0], app.enter_ns)  # the truth itself fell
            return Shown(app, None, newest, phantom=not snapshot, regressed=fell)
        repeat = event.position in self.delivered
        # A snapshot's payload is not the event's: only what was streamed can be compared by digest.
        corrupted = app.source == "stream" and bool(app.digest) and app.digest != event.digest
        backwards = event.position < newest
        return Shown(
            app, event, newest, duplicated=repeat, reordered=backwards and not repeat, corrupted=corrupted,
            regressed=backwards,
        )  # fmt: skip

    @property
    def terminals(self) -> list[Shown]:
        """The terminal callbacks, in order."""
        return [shown for shown in self.shown if shown.app.callback in TERMINAL_CALLBACKS]

    @property
    def newest(self) -> Position:
        """The newest position ever shown."""
        return self.advances[-1][1] if self.advances else ACCEPTED

    def newest_at(self, at_ns: int) -> Position:
        """Return the newest position shown by this stamp."""
        place = bisect.bisect_right(self.advances, at_ns, key=_entered)
        return self.advances[place - 1][1] if place else ACCEPTED

    def first_seen(self, events: list[Event]) -> list[tuple[App, bool] | None]:
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


def _entered(advance: tuple[int, Position]) -> int:
    return advance[0]
