"""The server's present behaviour, as deeds have changed it: every connection reads it."""

import trio


class ServerBehaviour:
    """The server's behaviour. A task asks it before it writes to a peer."""

    def __init__(self) -> None:
        self.repeats = 0  # events replayed too many at each reconnection; each event is sent twice while above 0
        self.comments = True  # whether silence is filled with keep-alives
        self._awake: trio.Event | None = None

    @property
    def hangs(self) -> bool:
        """True if nothing may be written."""
        return self._awake is not None

    def hang(self, hangs: bool) -> None:
        """Hold all writes from now on, or let them go."""
        if hangs and self._awake is None:
            self._awake = trio.Event()
        elif not hangs and self._awake is not None:
            self._awake.set()
            self._awake = None

    async def leave_to_write(self) -> None:
        """Wait until something may be written. To be asked for where ``hangs``: it costs a checkpoint."""
        while self._awake is not None:
            await self._awake.wait()
