"""Hands events to the app: one at a time, in order, through a bounded queue.

A callback that is plain and quick runs where the event was read: it costs no switch of tasks, and a burst of a thousand
events is no backlog. What takes time is awaited by ``run``, and events queue up behind it: the reader of the stream
never waits for the app. Where the queue is full, one more update pushes out the oldest that waits: an app that cannot
keep up wants the newest of what there is. Nothing else is ever dropped.
"""

import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable

import trio

from harness.clients.callbacks import Callbacks, JobEvent
from harness.clients.decisions import Decisions
from harness.clients.observer import Observer

LOGGER = logging.getLogger("harness.clients")
"""Where an app finds what its own callbacks raised."""


class CallbackErrors:
    """The handler of exceptions that a callback raises: the app's log and its ``hook`` get them, and the job goes on.

    The log gets it with its traceback, once for each callback and kind of exception, since a callback that is wrong is
    wrong for each of a thousand events; the ``hook`` gets every one. What the hook itself raises is logged the same.
    """

    def __init__(self, hook: Callable[[str, Exception], None] | None = None) -> None:
        self._hook = hook
        self._logged: set[tuple[str, str]] = set()

    def tell(self, callback: str, error: Exception) -> None:
        """Tell of an ``error`` that came out of this callback. Never raises an ``Exception``."""
        self._log(f"on_{callback}", error)
        if self._hook is not None:
            try:
                self._hook(callback, error)
            except Exception as another:  # noqa: BLE001 - the app's bug must not end the client
                self._log("on_callback_error", another)

    def _log(self, name: str, error: Exception) -> None:
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        if (name, kind) not in self._logged:
            self._logged.add((name, kind))
            LOGGER.error(
                "%s raised %s; the job is followed on (logged once for each callback and kind of exception)",
                name,
                type(error).__name__,
                exc_info=error,
            )


class Dispatcher:
    """The queue between a client and its app. ``run`` serves it until ``finish``, and then what is left in it."""

    def __init__(
        self,
        callbacks: Callbacks,
        *,
        decisions: Decisions,
        observer: Observer,
        errors: CallbackErrors,
    ) -> None:
        self._errors = errors
        self._callbacks = callbacks
        self._decisions = decisions
        self._observer = observer
        self._queue: deque[JobEvent] = deque()
        self._taking: tuple[JobEvent, Awaitable[None]] | None = None  # begun, and not yet awaited
        self._busy = False
        self._finished = False
        self._idle = trio.Event()
        self.shown = 0
        self.coalesced = 0

    def offer(self, event: JobEvent) -> None:
        """Show an event, now or as soon as it is its turn. Never waits, never refuses."""
        if not self._busy and not self._queue:
            self._begin(event)
            return
        self._queue.append(event)
        for one in self._decisions.crowded_out(self._queue):
            self._queue.remove(one)
            self.coalesced += 1
            self._observer.absorbed(one.id, "coalesced")

    def finish(self) -> None:
        """No more events: ``run`` returns once the queue is served."""
        self._finished = True
        self._idle.set()

    async def run(self) -> None:
        """Await what callbacks have begun, until ``finish``."""
        try:
            while True:
                if self._taking is not None:
                    await self._complete(*self._taking)
                elif self._queue:
                    self._begin(self._queue.popleft())
                elif self._finished:
                    return
                else:
                    self._idle = trio.Event()
                    await self._idle.wait()
        finally:
            if self._taking is not None:  # cancelled before its first step
                _, outcome = self._taking
                if inspect.iscoroutine(outcome):
                    outcome.close()

    def _begin(self, event: JobEvent) -> None:
        """Call the app; what it wants awaited is left to ``run``."""
        try:
            outcome = self._callbacks.handler(event.callback)(event)
        except Exception as error:  # noqa: BLE001 - the app's bug must not end the client: reported, and on it goes
            self._errors.tell(event.callback, error)
            outcome = None
        if outcome is None or not inspect.isawaitable(outcome):
            self.shown += 1
        else:
            self._busy = True
            self._taking = event, outcome
            self._idle.set()

    async def _complete(self, event: JobEvent, outcome: Awaitable[None]) -> None:
        self._taking = None
        try:
            await outcome
        except Exception as error:  # noqa: BLE001 - as above
            self._errors.tell(event.callback, error)
        finally:
            self._busy = False
            self.shown += 1
