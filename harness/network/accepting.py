"""A server's loop over ``accept`` that survives a process without a file descriptor for another connection.

The kernel keeps a connection that cannot be accepted in the listener's queue, so waiting loses none. The server
goes on with the connections it has, says what is the matter, and tries again. The gate does not wait: the judge would
take a dial that this machine holds up for the network's doing, so there the fault ends the run.
"""

import logging

import trio

from harness.errors import OutOfFiles
from harness.seams import Listener, Stream

PAUSE = 0.1
"""Seconds between two tries. Go's net/http waits 5 ms, and doubles that up to 1 s."""

log = logging.getLogger(__name__)


async def accept(listener: Listener, server: str) -> Stream:
    """Return the next connection of ``server``, whose name stands in the log where it has to wait for a free file."""
    said = False
    while True:
        try:
            return await listener.accept()
        except OutOfFiles as fault:
            if not said:
                log.warning("%s waits: %s", server, fault)
                said = True
            await trio.sleep(PAUSE)
