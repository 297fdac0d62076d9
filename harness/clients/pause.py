"""A sleep that can be cut short, with a word about why."""

import random
from collections.abc import Callable

import trio

from harness.clock import MovableSleep
from harness.seams import Phone

Draws = Callable[[int], random.Random]
"""The generator of one wait, by the number of the attempt before it: one more attempt shifts no other's draws."""


class Pause:
    """The waits of one task, on the phone: frozen while the device is suspended."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone
        self._movable_sleep = MovableSleep()
        self._why = ""

    async def until(self, deadline: float) -> str:
        """Sleep to this instant of trio's clock. Returns why it was cut short; empty where it was not.

        A word that came since ``forget``, before this sleep began, ends the sleep at once.
        """
        if self._why:
            await trio.lowlevel.checkpoint()
        else:
            await self._phone.sleep_until(deadline, self._movable_sleep)
        why, self._why = self._why, ""
        return why

    def wake(self, why: str) -> None:
        """End the sleep, or the next one."""
        self._why = why
        self._movable_sleep.end()

    def forget(self) -> None:
        """Take back a word that ended no sleep."""
        self._why = ""
