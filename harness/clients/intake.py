"""Decides what of a stream or a snapshot the app gets to see, and in which order.

Both sources meet here, and one cursor serves both: what one has shown the other never shows again, and nothing older
than what was shown is shown. A terminal event is the last thing taken.
"""

from collections.abc import Callable

import msgspec

from harness.clients.callbacks import EVENTS, TERMINAL, JobEvent
from harness.clients.cursor import NEWS, Cursor, IdStanding
from harness.clients.dispatcher import Dispatcher
from harness.clients.observer import AttemptReport, Observer
from harness.clients.reordering import Reordering
from harness.seams import Phone
from harness.sse.events import Event, IdChange, Wire
from harness.sse.session import Session

RESET = "reset"
"""The event by which a server says that it no longer has what the cursor asked for."""

_ABSORBED = {IdStanding.REPEAT: "repeat", IdStanding.LATE: "late"}
_RANK = {"initialized": 0, "processing": 1, "completed": 2, "failed": 2, "timeout": 2}


class StatusAnswer(msgspec.Struct, rename="camel"):
    """The part of a status snapshot that the client reads; the app gets all of it. ``last_event_id`` None: not sent."""

    status: str
    last_event_id: str | None = None

    @property
    def callback(self) -> str:
        """The callback that shows this state. Words of the server's own mean work under way."""
        return self.status if self.status in EVENTS else "processing"


class Intake:
    """The one way to the app. ``terminal`` is the event that ended the job, once there was one.

    ``on_gap`` is told why events of the stream are missing for good, and whether the stream begins with that: then the
    cursor was refused. It returns whether a snapshot is needed. If so, nothing more of the stream may come until the
    gap is settled by one (or that failed) and ``resume`` was called.
    ``on_end`` is asked before the stream's terminal event is shown; True where a gap has to be settled first.
    Where the policies have a reorder ``window``, ``reordering.run`` has to be running.
    """

    def __init__(
        self,
        *,
        session: Session,
        dispatcher: Dispatcher,
        observer: Observer,
        on_gap: Callable[[str, bool], bool],
        on_end: Callable[[], bool],
        cursor: Cursor,
        window: float | None,
        phone: Phone,
    ) -> None:
        self._session = session
        self._dispatcher = dispatcher
        self._observer = observer
        self._on_gap = on_gap
        self._on_end = on_end
        self._cursor = cursor
        self._last: JobEvent | None = None
        self._report: AttemptReport | None = None  # of the connection that brought something last
        self._deferred: Event | None = None  # a new epoch's first, or the end: the snapshot comes before it
        self.reordering = (
            None
            if window is None
            else Reordering(
                window, cursor=self._cursor, show=self._show_streamed, drop=self._drop_overtaken, phone=phone
            )
        )
        self.terminal: JobEvent | None = None
        self.absorbed = 0
        self.fresh = 0  # events of streams that were news

    @property
    def ending(self) -> bool:
        """True if what waits for a gap in the stream to be settled is the job's end."""
        return self._deferred is not None and self._deferred.type in TERMINAL

    def stream(self, report: AttemptReport, found: Wire) -> bool:
        """Take what a stream's parser found. True once the job has ended."""
        if report is not self._report:
            self._report = report
            self._cursor.connected()
        if isinstance(found, Event):
            self._observer.block(report.n, found.id, event=True)
            self._take(report, found)
        elif isinstance(found, IdChange):
            self._observer.block(report.n, found.id, event=False)
        return self.terminal is not None

    def _take(self, report: AttemptReport, event: Event) -> None:
        if event.type == RESET:
            self._on_gap(RESET, report.events == 1)
            return
        if event.type not in EVENTS and not event.has_id:
            return  # of a type that no app is shown, and no place in any order: no news, so no reason to trust a stream
        standing = self._cursor.standing_of(event)
        news = standing is IdStanding.NEW_EPOCH and self._on_gap("new epoch", False)
        if news or (event.type in TERMINAL and self._on_end()):
            self._deferred = event
        else:
            self._event(report, event, standing)

    def resume(self, report: AttemptReport) -> bool:
        """Go on after a gap in the stream was settled. True once the job has ended."""
        deferred, self._deferred = self._deferred, None
        if deferred is not None and self.terminal is None:
            self._event(report, deferred, self._cursor.standing_of(deferred))
        return self.terminal is not None

    def _event(self, report: AttemptReport, event: Event, standing: IdStanding) -> None:
        if not self._admits(event, standing):
            return
        report.fresh += 1
        self.fresh += 1
        if self.reordering is None:
            self._show_streamed(event)
        else:
            self.reordering.take(event)

    def snapshot(self, answer: StatusAnswer, data: str, *, adopt: bool = False) -> bool:
        """Take a status snapshot: show it where it is news, and adopt its cursor. True once the job has ended.

        ``adopt`` takes the cursor even where there is no news in it: the server has refused the one there was.
        """
        event_id = answer.last_event_id
        event = JobEvent(answer.callback, data, event_id or "", "poll")
        news = bool(event_id) and self._cursor.standing(event_id or "") in NEWS
        if news or adopt:
            self._session.last_event_id = event_id or ""
            self._observer.adopted(event_id or "")
        if news:
            self._cursor.show(event.id, complete=True)
            self._show(event)
        elif (event_id is None and self._is_news(event)) or (event.terminal and self.terminal is None):
            self._show(event)
        return self.terminal is not None

    def _show_streamed(self, event: Event) -> None:
        self._cursor.show_event(event)
        if event.type in EVENTS:
            self._show(JobEvent(event.type, event.data, event.id))

    def _admits(self, event: Event, standing: IdStanding) -> bool:
        if self.reordering is not None and event.has_id and self.reordering.holds(event.id):
            standing = IdStanding.REPEAT
        if standing not in _ABSORBED or event.type in TERMINAL:  # an end is never old: it would have been the end
            return True
        self._absorb(event, _ABSORBED[standing])
        return False

    def _drop_overtaken(self, event: Event) -> None:
        self._absorb(event, "late")

    def _absorb(self, event: Event, why: str) -> None:
        self.absorbed += 1
        self._observer.absorbed(event.id, why)

    def _is_news(self, event: JobEvent) -> bool:
        """Compare a snapshot without a cursor with what was shown: all that is left is how far the work has come."""
        return self._last is None or _how_far(event) > _how_far(self._last)

    def _show(self, event: JobEvent) -> None:
        if self.terminal is not None:
            return
        self._last = event
        if event.terminal:
            self.terminal = event
        self._dispatcher.offer(event)


def _how_far(event: JobEvent) -> tuple[int, float]:
    progress = event.payload.get("progress")
    return _RANK[event.callback], float(progress) if isinstance(progress, int | float) else 0.0
