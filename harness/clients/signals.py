"""What a client makes of the device's signals: a new way to the server ends whatever waits for the old one."""

from collections.abc import Callable

from harness.seams import Phone
from harness.sse.policy import Policies

ROUSING = ("joins", "prefers", "online")
"""The signals of a device that has a new way to the server. Of a lost one the sockets themselves tell."""


async def listen(phone: Phone, policies: Policies, roused: Callable[[], None]) -> None:
    """Call ``roused`` for each new way, as long as the phone has signals and the policies heed them."""
    if not policies.heeds_signals:
        return
    with phone.signals() as signals:
        async for signal in signals:
            if signal.what in ROUSING:
                roused()
