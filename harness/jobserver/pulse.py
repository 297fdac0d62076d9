"""``GET /healthz/stream``: an event stream for the harness's own probes, of no job and in no record.

A canary listens to it to see whether an event stream passes at all, promptly and whole: it is held against what a box
on the way promises to do to streams.
"""

import trio

from harness.jobserver.connection import Connection
from harness.jobserver.streams import HEADERS
from harness.sse import encode

PERIOD = 0.1
BEATS = 300
"""After so many the stream ends: a listener that was forgotten costs half a minute."""


def beat(number: int) -> bytes:
    """Return the event of this number, as it is written on a stream's body."""
    return encode("pulse", f"beat {number}, é", f"pulse-{number}")


async def pulse(connection: Connection) -> bool:
    """Send an event each ``PERIOD``; return whether the connection is still good.

    Raises trio's ``BrokenResourceError`` when the listener has left.
    """
    opening = connection.begin_stream(HEADERS)
    began = trio.current_time()
    for number in range(BEATS):
        data = connection.frame(beat(number))
        await connection.send(opening + data if number == 0 else data)
        with trio.CancelScope(deadline=began + (number + 1) * PERIOD):
            await connection.leaving.wait()
            break
    await connection.send(connection.end_stream())
    return connection.reusable()
