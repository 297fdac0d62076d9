"""The reorder window: an event that came too early waits a moment for those before it.

It waits until they have come, until its own deadline has passed, or until a terminal event comes, whichever is first.
What comes after that is late, and dropped. Only ids that tell their order (``harness.clients.cursor``) can be waited
for.
"""

from collections.abc import Callable

import trio

from harness.clients.callbacks import TERMINAL
from harness.clients.cursor import NEWS, Cursor, position
from harness.seams import Phone
from harness.sse.events import Event

MOST_HELD = 256
"""Events held at most: where one more comes, the eldest goes."""


class Reordering:
    """The events held back, in the order in which they came. ``run`` lets go of those that have waited ``window``."""

    def __init__(
        self,
        window: float,
        *,
        cursor: Cursor,
        show: Callable[[Event], None],
        drop: Callable[[Event], None],
        phone: Phone,
    ) -> None:
        self._window = window
        self._cursor = cursor
        self._show = show
        self._drop = drop
        self._phone = phone
        self._held: dict[tuple[str, int], tuple[float, Event]] = {}
        self._came = trio.Event()

    def holds(self, event_id: str) -> bool:
        """Return whether an event is waiting whose own id this is."""
        return (event_id, 0) in self._held

    def take(self, event: Event) -> None:
        """Show an event that is news: at once if it is its turn, with those that waited for it; else hold it."""
        if event.type in TERMINAL:
            self._let_go(len(self._held))
        elif not self._cursor.follows(event.id):
            self._held[_key(event)] = (trio.current_time() + self._window, event)
            self._let_go(len(self._held) - MOST_HELD)
            self._came.set()
            return
        self._show(event)
        self._let_go(0)

    async def run(self) -> None:
        """Let go of events whose deadline has passed, for ever."""
        while True:
            if not self._held:
                self._came = trio.Event()
                await self._came.wait()
                continue
            due, eldest = next(iter(self._held.values()))
            await self._phone.sleep_until(due)
            if _key(eldest) in self._held:
                self._let_go(1)

    def _let_go(self, count: int) -> None:
        """Show the ``count`` lowest, and then all whose turn it is."""
        for _due, event in sorted(self._held.values(), key=_order):
            if count <= 0 and not self._cursor.follows(event.id):
                break
            count -= 1
            del self._held[_key(event)]
            # A snapshot may have overtaken it.
            news = self._cursor.standing_of(event) in NEWS
            (self._show if news else self._drop)(event)


def _key(event: Event) -> tuple[str, int]:
    """Return what tells a held event from others: its own id; without one it is no other's repeat."""
    return event.id, 0 if event.has_id else id(event)


def _order(held: tuple[float, Event]) -> int:
    at = position(held[1].id)
    return at.ordinal if at is not None else 0
