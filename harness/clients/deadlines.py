"""The deadlines of one exchange, as one moving deadline: whichever is due first ends the exchange, and says its name.

An exchange lives through four phases, each with its own deadline:

=============  =====================================  ===================================
phase          what is waited for                     what ends it
=============  =====================================  ===================================
``dialling``   the connection, TLS included           ``timeout``: the connect deadline
``asking``     the head of the response               ``watchdog``
``opened``     the first byte of an event stream      as ``await_body`` was told
``flowing``    the next byte, or the next event       ``watchdog``
=============  =====================================  ===================================

The head is the watchdog's, not the connect deadline's: servers exist that send it with their first event. Feeding
costs one reading of the clock and no scheduling, since a task of its own sleeps towards the deadline, and looks again
when it gets there. It sleeps on the phone, and the time of a device's sleep is no silence: a deadline that
passed in a sleep restarts at the waking.
"""

import enum
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import trio

from harness.clock import MovableSleep
from harness.seams import Phone
from harness.sse.policy import Policies

_OVERSLEPT = 1.0
"""Seconds past its deadline after which a sleep was the device's own, and not a busy scheduler's."""


class Phase(enum.Enum):
    """The phase that an exchange has reached."""

    DIALLING = enum.auto()
    ASKING = enum.auto()
    OPENED = enum.auto()
    FLOWING = enum.auto()


class Deadlines:
    """Watches one exchange. ``ended_by`` names what cut it short, and is empty as long as nothing did."""

    def __init__(self, phone: Phone, policies: Policies) -> None:
        self._phone = phone
        self._limits = {
            Phase.DIALLING: _or_never(policies.connect_timeout),
            Phase.ASKING: _or_never(policies.watchdog),
            Phase.FLOWING: _or_never(policies.watchdog),
        }
        self._first_byte = math.inf, ""
        self._deadline = math.inf
        self._name = ""
        self._movable_sleep = MovableSleep()
        self._scope = trio.CancelScope()
        self.phase = Phase.DIALLING
        self.ended_by = ""

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[None]:
        """Guard the block. Where a deadline is met the block is cancelled and left quietly: look at ``ended_by``.

        Of the block's exceptions ``httpx.HTTPError`` passes as it is.
        """
        failed: httpx.HTTPError | None = None
        async with trio.open_nursery() as nursery:
            self.enter(Phase.DIALLING)
            nursery.start_soon(self._watch)
            try:
                with self._scope:
                    yield
            except httpx.HTTPError as error:
                failed = error  # carried past the nursery, which would wrap it in a group
            nursery.cancel_scope.cancel()
        if failed is not None and not self.ended_by:
            raise failed

    def enter(self, phase: Phase) -> None:
        """Move to this phase; its deadline counts from now."""
        self.phase = phase
        self.feed()
        self._look_again()

    def feed(self) -> None:
        """Restart the deadline of the phase from now: something came."""
        self._fed = trio.current_time()

    def await_body(self, due: float, name: str) -> None:
        """Move on to ``opened``: at this instant the exchange ends under this name, unless a byte has come by then."""
        self._first_byte = due, name
        self.enter(Phase.OPENED)

    def cut(self, why: str) -> None:
        """End the exchange at once, for a reason of the caller's. The first reason stays."""
        self.ended_by = self.ended_by or why
        self._scope.cancel()

    def _look_again(self) -> None:
        if self._deadline_now()[0] < self._deadline:
            self._movable_sleep.end()

    def _deadline_now(self) -> tuple[float, str]:
        if self.phase is Phase.OPENED:
            return self._first_byte
        due = self._fed + self._limits[self.phase]
        return due, "timeout" if self.phase is Phase.DIALLING else "watchdog"

    async def _watch(self) -> None:
        while True:
            self._deadline, name = self._deadline_now()
            if self._deadline <= trio.current_time():
                self.cut(name)
                return
            await self._phone.sleep_until(self._deadline, self._movable_sleep)
            if trio.current_time() > self._deadline + _OVERSLEPT:
                self._count_anew()

    def _count_anew(self) -> None:
        """Restart the deadline after a sleep of the device: the client could hear nothing meanwhile."""
        due, name = self._first_byte
        self._first_byte = due + trio.current_time() - self._fed, name
        self.feed()


def _or_never(timeout: float | None) -> float:
    return math.inf if timeout is None else timeout
