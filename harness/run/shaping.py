"""Proofs of shapes: delays, rates and slices of a path that is up, measured on the canary's own flows."""

import math
import statistics
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from functools import partial

import trio

from harness.deeds.acts import SetShape, SetSlice
from harness.deeds.catalogue import Symptom
from harness.run import measure
from harness.run.actuator import STEP
from harness.run.expected import span_of
from harness.run.flows import Flows, WatchedDeed
from harness.run.interference import FIRST, ProofResult, missed, undecided
from harness.run.probe import BYTES, SYMPTOMS, Met
from harness.run.probe_stream import ProbeStream
from harness.run.witness import LAG, Observation, outcome_of
from harness.toxics.shape import Shape
from harness.vocabulary import Direction, Door

TIMEOUT = 8.0  # seconds for what must happen
FRAME = 8  # bytes of a pushed chunk's frame
TRIES = 3  # of a rate that seems too low or of slices that seem to be none: this machine may be late once
MORE_SLICES = (2, 16, 64)  # slices of each try: the more, the longer must a machine be late to read them at once
ENOUGH = 512, 0.1  # bytes, and seconds of the line, of which so many are made at most: what is whole comes at once
EARLY = 0.25  # the part of a change over time in which it is seen to have begun, and no more
DOWN, UP = Direction.DOWNSTREAM, Direction.UPSTREAM
Shapes = Mapping[Direction, Shape]
Ways = Collection[Direction]


class Gauge:
    """Measures paths by these flows. ``stepped``: the paths whose rates the weather changes.

    ``slack``: seconds by which this world may be late.
    """

    def __init__(self, flows: Flows, stepped: frozenset[str], slack: float) -> None:
        self._flows = flows
        self._stepped = stepped
        self._slack = slack

    async def shape(self, case: WatchedDeed, until: float, ahead: Ways) -> ProofResult:
        """Meet the shape that a path, which is up, has taken, in either direction."""
        path, step = case.deed.actor, case.step
        shapes, before = (state.paths[path].shapes for state in (step.after, step.before))
        climbing = self._flows.expected.unsettled(path, case.deed.at)
        if climbing > until - trio.current_time():
            return undecided(FIRST)
        feed = next((feed for feed, _ in case.feeds if self._flows.serves(feed)), None)
        if not climbing:
            return await self.measured(path, shapes, until, ahead=ahead, feed=feed, before=before)
        settled = trio.current_time() + climbing
        over = case.deed.act.over if isinstance(case.deed.act, SetShape) else 0.0
        if over and feed is not None and not step.before.paths[path].unsettled(case.deed.at):
            early = await self._early(feed, case, over, shapes, before)
            if early is not None:
                return early
        await trio.sleep_until(settled)
        return await self.measured(path, shapes, until, ahead=ahead)

    async def _early(
        self, feed: ProbeStream, case: WatchedDeed, over: float, shapes: Shapes, before: Shapes
    ) -> ProofResult | None:
        """Return what is wrong where a change over time came at once; None where it did not, or nothing can tell."""
        done = case.step.done
        share = min(1.0, EARLY + STEP / over)
        upto = done + EARLY * over
        await feed.until(lambda: False, upto + max(span_of(shape, way)[1] for way, shape in shapes.items()))
        found = []
        for way in Direction:
            took = measure.delays(feed, way, done, upto)
            if not measure.begun(shapes[way], before[way], way, share, took, slack=self._slack):
                words = f"{way} {statistics.median(took) * 1e3:.1f} ms when a quarter of the change was over"
                found.append(Observation(False, words, "late" if shapes[way].latency > before[way].latency else "soon"))
        return outcome_of(case.deed.actor, found) if found else None

    async def measured(
        self,
        path: str,
        shapes: Shapes,
        until: float,
        *,
        ahead: Ways = frozenset(),
        feed: ProbeStream | None = None,
        before: Shapes | None = None,
    ) -> ProofResult:
        """Hold what a path does from now on against these shapes; ``before``: what it did until now.

        ``ahead``: the directions in which the line comes before the delay.
        """
        since, held = trio.current_time(), feed is not None
        feed = feed or await self._flows.open(path)
        if feed is None:
            return missed(path, self._shut(path), "no dial was let in to measure", held=False)
        self._flows.use(feed)
        try:
            await feed.until(lambda: self._measured(feed, shapes, since), min(until, since + TIMEOUT))
            found = [self._delay(feed, way, since, shapes, before) for way in Direction]
            if all(one.met for one in found):
                found += await self._rates(feed, shapes, until, ahead)
        finally:
            self._flows.let_go([feed])
        return outcome_of(path, _in_time(found, until), before=held)

    @staticmethod
    def _measured(feed: ProbeStream, shapes: Shapes, since: float) -> bool:
        """Return whether there is no more to come that would tell of a delay."""
        if feed.end or feed.answer.stranger or feed.wrong:
            return True
        return all(len(measure.delays(feed, way, since)) >= measure.samples_of(shapes[way]) for way in Direction)

    def _delay(
        self, feed: ProbeStream, way: Direction, since: float, shapes: Shapes, before: Shapes | None
    ) -> Observation:
        took, wanted = measure.delays(feed, way, since), measure.samples_of(shapes[way])
        if feed.wrong:
            return Observation(False, feed.wrong, "spoiled")
        was = before[way] if before is not None else None
        if len(took) >= wanted or measure.tells(shapes[way], was, way, took, slack=self._slack):
            return measure.delay_met(shapes[way], way, took)
        return Observation(False, f"{way} {len(took)} of {wanted} bytes came", _instead(feed))

    async def _rates(self, feed: ProbeStream, shapes: Shapes, until: float, ahead: Ways) -> list[Observation]:
        """Send at once what occupies the line, in each direction that has a rate which shows."""
        if feed.path in self._stepped:
            return []
        found = []
        for way, push in ((UP, self._pushed_up), (DOWN, self._pushed_down)):
            shape, first = shapes[way], way in ahead
            if size := measure.occupies(shape, way, ahead=first):
                met = partial(measure.rate_met, shape, way, size, ahead=first, slack=min(self._slack, LAG))
                found += await self._tried(partial(self._rate, partial(push, feed, size, until), met), "late")
            elif measure.rate_of(shape, way):
                found.append(Observation(None, f"{way} rate read back only"))
        return found

    @staticmethod
    async def _tried(look: Callable[[], Awaitable[list[Observation]]], excuse: Symptom) -> list[Observation]:
        """Return what a look met, or the last of several, where this machine may be what a symptom comes from."""
        found: list[Observation] = []
        for _ in range(TRIES):
            again = await look()
            found = again or found
            if not again or again[0].met or again[0].symptom != excuse:
                break
        return found

    @staticmethod
    async def _rate(push: Callable[[], Awaitable[float]], met: Callable[[float], Observation]) -> list[Observation]:
        """Return what a push met; nothing where it did not come."""
        took = await push()
        return [met(took)] if took else []

    async def _pushed_up(self, feed: ProbeStream, size: int, until: float) -> float:
        """Return for how many seconds so many bytes were on their way upstream, or 0 where they did not come."""
        began = trio.current_time()
        at = await self._pushed(feed, size, until)
        return at - began if at else 0.0

    async def _pushed_down(self, feed: ProbeStream, size: int, until: float) -> float:
        met = None
        with suppress(OSError):  # who refuses a dial has a proof of its own
            met = await self._asked(feed.path, size, until)
        return met.took if met is not None and met.length >= size and not math.isnan(met.took) else 0.0

    async def slices(self, case: WatchedDeed, size: int, until: float) -> ProofResult:
        """Prove that bytes longer than a slice come in several reads, in either direction."""
        path = case.deed.actor
        feed = next((feed for feed, _ in case.feeds if self._flows.serves(feed)), None)
        held = feed is not None
        feed = feed or await self._flows.open(path)
        if feed is None:
            return missed(path, self._shut(path), "no dial was let in to see the slices on", held=False)
        self._flows.use(feed)
        try:
            begun = min(until, trio.current_time() + TIMEOUT)
            await feed.until(lambda: bool(feed.beats or feed.end or feed.answer.stranger), begun)
            shapes = case.step.after.paths[path].shapes
            up, down = (iter(_lengths(size, shapes[way], way)) for way in (UP, DOWN))
            found = await self._tried(lambda: self._sliced_up(feed, shapes[UP], next(up), until), "whole")
            found += await self._tried(lambda: self._sliced_down(path, shapes[DOWN], next(down), until), "whole")
        finally:
            self._flows.let_go([feed])
        return outcome_of(path, _in_time(found, until), before=held)

    def _shut(self, path: str) -> Symptom:
        """Return what a dial meets on a path that carries nothing both ways: one that hangs is told of nothing."""
        state = self._flows.expected.network.paths[path]
        return "quiet" if state.door is Door.HANG or not state.passes else "refused"

    async def _sliced_up(self, feed: ProbeStream, shape: Shape, length: int, until: float) -> list[Observation]:
        first = feed.sent_by(math.inf)
        if not await self._pushed(feed, length, until):
            return [Observation(False, f"{UP} nothing", _instead(feed))]
        reads = sum(first < came <= first + length for _, came in feed.pulse.arrivals)
        return [measure.slices_met(shape, UP, length + FRAME, reads)]

    async def _sliced_down(self, path: str, shape: Shape, length: int, until: float) -> list[Observation]:
        try:
            met = await self._asked(path, length, until)
        except OSError as error:
            symptom: Symptom = "quiet" if isinstance(error, TimeoutError) else "refused"
            return [Observation(False, f"{DOWN} no answer: {error.strerror}", symptom)]
        if met is None or met.what != "answer" or met.length <= (shape.slice_size or 0):
            what = "silence" if met is None else met.what
            return [Observation(False, f"{DOWN} no answer: {what}", SYMPTOMS[what])]
        return [measure.slices_met(shape, DOWN, met.length, met.reads)]

    async def _pushed(self, feed: ProbeStream, size: int, until: float) -> float:
        """Send so many bytes at once; return when the last of them came, or 0 where it did not."""
        upto = feed.push(size)
        await feed.until(lambda: feed.pulse.came >= upto or bool(feed.end), min(until, trio.current_time() + TIMEOUT))
        return next((at for at, came in feed.pulse.arrivals if came >= upto), 0.0)

    async def _asked(self, path: str, size: int, until: float) -> Met | None:
        """Ask for so many bytes on a connection of its own. Raises ``OSError`` where that is refused."""
        with trio.move_on_at(min(until, trio.current_time() + TIMEOUT)):
            probe = await self._flows.probe(path)
            try:
                return await probe.ask(TIMEOUT, target=f"{BYTES}/{size}")
            finally:
                probe.close()
        return None


def _instead(feed: ProbeStream) -> Symptom:
    """Return what is the matter with a feed of which nothing came."""
    return "otherwise" if feed.answer.stranger else "ended" if feed.end else "quiet"


def sliced(act: SetSlice) -> bool:
    """Return whether slices of this size can be seen: nothing comes in one read that is longer than some."""
    return act.size <= measure.MOST_AT_ONCE


def _lengths(size: int, shape: Shape, way: Direction) -> list[int]:
    """Return how many bytes are sent in one direction at each try to see slices of this size."""
    least, seconds = ENOUGH
    most = min(measure.MOST_AT_ONCE, max(least, seconds * (measure.rate_of(shape, way) or math.inf)))
    return [max(2 * size, int(min(many * size, most))) for many in MORE_SLICES]


def _in_time(found: list[Observation], until: float) -> list[Observation]:
    """Return what the next deed has not made doubtful."""
    late = trio.current_time() >= until
    return [Observation(None, f"{FIRST} ({one.words})") if late and one.met is False else one for one in found]
