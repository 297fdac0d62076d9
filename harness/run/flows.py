"""The flows that a canary holds at one gate: opened before a deed, kept as long as they have something to tell."""

from collections import Counter
from collections.abc import Sequence

import msgspec
import trio

from harness.deeds.acts import Deed
from harness.deeds.network_state import Passage
from harness.jobserver.probe_streams import LASTS, PERIOD, ProbePosts
from harness.network.gate import Gate
from harness.run.expected import HEAD, DeedStep, ExpectedState, FlowState
from harness.run.probe import Probe
from harness.run.probe_stream import ProbeStream
from harness.seams import Stream
from harness.vocabulary import Direction

SOME = 1.2
"""Seconds after a deed for which a feed that was opened for another must still be in use."""


class WatchedDeed(msgspec.Struct, frozen=True, kw_only=True):
    """A deed that is done, and the feeds that were open meanwhile, each with what it had to meet."""

    step: DeedStep
    issued: float
    feeds: tuple[tuple[ProbeStream, FlowState], ...] = ()

    @property
    def deed(self) -> Deed:
        """The deed."""
        return self.step.deed

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the feeds."""
        return tuple(dict.fromkeys(feed.path for feed, _ in self.feeds))


class Flows:
    """Feeds by path, and who looks at them. ``begin`` before use; 0 s of the scenario is then known."""

    def __init__(self, gate: Gate, expected: ExpectedState, pulses: ProbePosts) -> None:
        self.expected = expected
        self._gate = gate
        self._pulses = pulses
        self._nursery: trio.Nursery | None = None
        self._feeds: dict[str, list[ProbeStream]] = {path: [] for path in expected.network.paths}
        self._users: Counter[ProbeStream] = Counter()  # proofs that look at it, or are going to
        self._awaiting: dict[int, list[ProbeStream]] = {}  # by the deed that they were opened for

    def begin(self, nursery: trio.Nursery, zero: float) -> None:
        """Hold flows in this nursery; 0 s of the scenario is at this instant."""
        self._nursery = nursery
        self.expected.zero = zero

    async def dial(self, path: str) -> Stream:
        """Dial a path. Hangs and fails as any dial."""
        return await self._gate.dial(path)

    async def probe(self, path: str) -> Probe:
        """Return a new connection for questions; hangs and fails as any dial."""
        return Probe(await self._gate.dial(path), self._gate.release)

    def release(self, stream: Stream) -> None:
        """Let the server's side of a dialed stream end with it."""
        self._gate.release(stream)

    def round_trip(self, path: str) -> float:
        """Return how many seconds a question and its answer take on this path, at most."""
        return sum(self.expected.delay(path, way, HEAD)[1] for way in Direction)

    async def reserve(self, deed: Deed, path: str, until: float, *, streams: bool = False) -> None:
        """Have a feed on a path for a deed that is done at ``until``, where the path carries one.

        ``streams``: one that is an event stream.
        """
        feed = self._fresh(path, until, streams) or await self.open(path, streams=streams)
        if feed is not None:
            self._users[feed] += 1
            self._awaiting.setdefault(deed.index, []).append(feed)

    def follow(self, deed: Deed, issued: float, paths: Sequence[str]) -> WatchedDeed:
        """A deed is done now that is about these paths: return it with the feeds that have something to say of it."""
        step = self.expected.do(deed, trio.current_time())
        looked = dict.fromkeys((*paths, *step.lost))
        feeds = [feed for path in looked for feed in self._feeds[path]]
        self._users.update(feeds)
        for feed in feeds:
            feed.hurry()
        self.let_go(self._awaiting.pop(deed.index, []))
        return WatchedDeed(step=step, issued=issued, feeds=tuple((feed, self.expected.of(feed)) for feed in feeds))

    async def open(self, path: str, *, streams: bool = False) -> ProbeStream | None:
        """Open a feed, where the path lets it in and carries it."""
        assert self._nursery is not None, "a canary holds nothing before it has begun"
        if not self.expected.passable(path):
            return None
        try:
            feed = await ProbeStream.open(self._gate, path, self._pulses, streams=streams)
        except OSError:
            return None
        self._feeds[path].append(feed)
        self.expected.hold(feed, path, trio.current_time())
        self._nursery.start_soon(feed.run)
        return feed

    def use(self, feed: ProbeStream) -> None:
        """Look at a feed, and keep it, until it is let go."""
        self._users[feed] += 1
        feed.hurry()

    def let_go(self, feeds: Sequence[ProbeStream]) -> None:
        """Learn that a proof is over. A feed whose bytes a path holds or drops stays until the path's next word."""
        for feed in feeds:
            self._users[feed] -= 1
            if self._users[feed] <= 0 and not self._tells_more(feed):
                self._drop(feed)

    def serves(self, feed: ProbeStream) -> bool:
        """Return whether this feed can still bring as many beats as the mean of a delay needs."""
        needs = LASTS / 3 + PERIOD + self.round_trip(feed.path)
        return self._usable(feed) and trio.current_time() + needs <= feed.opened + LASTS

    def now(self, feed: ProbeStream) -> FlowState:
        """Return what a feed has to meet by now."""
        self.expected.advance(trio.current_time())
        return self.expected.of(feed)

    def close(self) -> None:
        """Drop all flows."""
        for feeds in self._feeds.values():
            for feed in tuple(feeds):
                self._drop(feed)

    def _fresh(self, path: str, until: float, streams: bool) -> ProbeStream | None:
        """Return a feed that will be in use at this instant and for a while after, if there is one."""
        enough = until + SOME + self.round_trip(path) - LASTS
        found = (feed for feed in self._feeds[path] if feed.opened >= enough and feed.streams is streams)
        return next((feed for feed in found if self._usable(feed) and self._untouched(feed)), None)

    @staticmethod
    def _usable(feed: ProbeStream) -> bool:
        return not (feed.end or feed.answer.stranger or feed.pushed)

    def _untouched(self, feed: ProbeStream) -> bool:
        state = self.expected.of(feed)
        return state.ended is None and all(len(spans) == 1 for spans in state.spans.values())

    def _tells_more(self, feed: ProbeStream) -> bool:
        if feed.closed or feed.end or feed.pulse.ended or self.expected.of(feed).ended is not None:
            return False
        return any(self.expected.of(feed).now(way).passage is not Passage.PASS for way in Direction)

    def _drop(self, feed: ProbeStream) -> None:
        feed.close()
        self.expected.drop(feed)
        del self._users[feed]
        if feed in self._feeds[feed.path]:
            self._feeds[feed.path].remove(feed)
