"""A client's reaction to the device's signals.

A new way to the server ends whatever waits for the old one. A device that wakes has lost its sockets, whatever they
look like: the system takes them from an app that it suspends.
"""

from collections.abc import Callable

from harness.seams import Phone
from harness.sse.policy import Policies

NETWORK_CHANGES = ("joins", "prefers", "online")
"""The signals of a device that has a new way to the server. Of a lost one the sockets themselves tell."""

RESUMED = "resumed"
"""The signal of a device that was suspended, and wakes."""


async def listen(
    phone: Phone, policies: Policies, *, network_changed: Callable[[], None], resumed: Callable[[], None]
) -> None:
    """Call ``network_changed`` for each new way and ``resumed`` at each waking.

    It does so as long as the phone has signals, where the policies say that it reacts to them.
    """
    if not policies.heeds_signals:
        return
    async with phone.signals() as signals:
        async for signal in signals:
            if signal.what in NETWORK_CHANGES:
                network_changed()
            elif signal.what == RESUMED:
                resumed()
