"""Clients that keep from the app what reached them, and have a word for it; or that poll where they should resume."""

from collections.abc import Sequence

from harness.clients.callbacks import JobEvent
from harness.clients.decisions import Decisions
from harness.clients.follower import JobFollower
from harness.clients.observer import AttemptReport
from harness.sse.events import Event, Wire
from harness.sse.parser import Parser
from harness.sse.reconnection import Output


class ServesNewest(Decisions):
    """Keeps of the updates that wait behind a callback the newest alone, however many may wait."""

    def crowded_out(self, waiting: Sequence[JobEvent]) -> Sequence[JobEvent]:
        """Drop all others."""
        newest = waiting[-1]
        return [one for one in waiting if one is not newest and one.callback == newest.callback == "processing"]


class MergesQueue(ServesNewest):
    """Drops all updates of a queue that is full, but the newest, where one would make room."""

    def crowded_out(self, waiting: Sequence[JobEvent]) -> Sequence[JobEvent]:
        """Drop them, once it is."""
        room = self.policies.queue
        return () if room is None or len(waiting) <= room else super().crowded_out(waiting)


class DropsEverySecond(JobFollower):
    """Drops every second update, and says that it was coalesced."""

    _updates = 0

    def take(self, report: AttemptReport, found: Wire) -> bool:
        """Take the others."""
        if isinstance(found, Event) and found.type == "processing":
            self._updates += 1
            if self._updates % 2 == 0:
                self._observer.absorbed(found.id, "coalesced")
                return self._feed.over
        return super().take(report, found)


class ShowsNewestFirst(Parser):
    """Hands on the newest update of each read first, and the rest behind it: these are late then."""

    def feed(self, data: bytes) -> list[Wire]:
        """Bring the last update to the front."""
        found = super().feed(data)
        updates = [place for place, wire in enumerate(found) if isinstance(wire, Event) and wire.type == "processing"]
        if len(updates) > 1:
            found.insert(updates[0], found.pop(updates[-1]))
        return found


class DropsCrLines(Parser):
    """Knows LF and CRLF: what a CR alone ends is no line to it, and goes on in the next."""

    def feed(self, data: bytes) -> list[Wire]:
        """Read LF alone."""
        return super().feed(data.replace(b"\r\n", b"\n").replace(b"\r", b" "))


class PollsForReplay(JobFollower):
    """Takes a snapshot before the first dial after a stream that broke, and says that it polls; needs no replay."""

    _live = False

    def alive(self, attempt: int) -> None:
        """Note that there was a stream."""
        self._live = True
        super().alive(attempt)

    async def _try(self) -> Output:
        if self._live:
            self._live = False
            self._say("polling")
            await self._feed.poller.ask(adopt=True)
        return await super()._try()


class AsksAtEachDial(JobFollower):
    """Asks for a snapshot before each dial but the first, also while the path is down, and goes on from there."""

    async def _try(self) -> Output:
        if self._last.n:
            await self._feed.poller.ask(adopt=True)
        return await super()._try()
