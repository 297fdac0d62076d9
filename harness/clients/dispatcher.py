"""Hands events to the app: one at a time, in order, through a bounded queue.

The reader of the stream never waits for the app. Where the queue is full, the waiting ``processing`` updates give way
to the newest one: an app that cannot keep up wants the present, not the history. Nothing else is ever dropped.
"""

import inspect
from collections import deque

import trio

from harness.clients.callbacks import Callbacks, JobEvent
from harness.clients.observer import Observer
from harness.seams import Phone
from harness.sse.policy import Policies


class Dispatcher:
    """The queue between a client and its app. ``run`` serves it until ``finish``, and then what is left in it."""

    def __init__(self, job: str, callbacks: Callbacks, *, policies: Policies, phone: Phone, observer: Observer) -> None:
        self._job = job
        self._callbacks = callbacks
        self._policies = policies
        self._phone = phone
        self._observer = observer
        self._queue: deque[JobEvent] = deque()
        self._finished = False
        self._idle = trio.Event()
        self.shown = 0
        self.coalesced = 0

    def offer(self, event: JobEvent) -> None:
        """Queue an event. Never waits, never refuses."""
        bound = self._policies.queue
        if bound is not None and len(self._queue) >= bound and event.callback == "processing":
            self._coalesce()
        self._queue.append(event)
        self._idle.set()

    def finish(self) -> None:
        """No more events: ``run`` returns once the queue is served."""
        self._finished = True
        self._idle.set()

    async def run(self) -> None:
        """Call the app's callbacks until ``finish``."""
        while True:
            while self._queue:
                await self._hand_on(self._queue.popleft())
            if self._finished:
                return
            self._idle = trio.Event()
            await self._idle.wait()

    def _coalesce(self) -> None:
        kept: deque[JobEvent] = deque()
        for event in self._queue:
            if event.callback == "processing":
                self.coalesced += 1
                self._observer.absorbed(event.id, "coalesced")
            else:
                kept.append(event)
        self._queue = kept

    async def _hand_on(self, event: JobEvent) -> None:
        raised = "Cancelled"
        self._observer.entered(self._job, event)
        try:
            outcome = self._callbacks.handler(event.callback)(event)
            if inspect.isawaitable(outcome):
                await outcome
            if self._policies.handler_takes:
                await self._phone.sleep_until(trio.current_time() + self._policies.handler_takes)
            raised = ""
        except Exception as error:  # noqa: BLE001 - the app's bug must not end the client: reported, and on it goes
            raised = repr(error)
        finally:
            self.shown += 1
            self._observer.left(self._job, event, raised)
