"""The canary: law H0's proof that a deed took hold, by flows of the harness's own through the same gate and proxies.

Before a deed the canary opens a feed, fed in both directions, on each path that the deed is about; after it the canary
looks at what became of that feed and of a new dial, and compares both with what the deed's word promises. It never asks
whether the client felt anything: a client that never redials must not be excused.
"""

import errno
import math
from collections.abc import Mapping
from typing import Protocol, assert_never

import msgspec
import trio

from harness.deeds.acts import Act, Cuts, Deed, KillsIdle, Loses, Restarts, SetReach, SetSlice
from harness.deeds.catalogue import ProofKind, Symptom, effect_of, row_of
from harness.deeds.replacement import takes_back
from harness.jobserver.probe_streams import PERIOD
from harness.run import boxes, readbacks
from harness.run.expected import HEAD, ExpectedState, FlowState
from harness.run.flows import Flows, WatchedDeed
from harness.run.interference import FIRST, LEAD, ProofResult, by_reading_back, missed, nothing_to_do, undecided
from harness.run.measure import ON_THE_WAY, SLACK, samples_of
from harness.run.probe import SYMPTOMS, Meeting
from harness.run.probe_stream import ProbeStream
from harness.run.shaping import TIMEOUT, Gauge, sliced
from harness.run.witness import LAG, Observation, Witness, outcome_of
from harness.vocabulary import Direction, Door

QUIET = 0.15  # for what must not happen, on top of the time that a byte takes
GLIMPSE = 0.02  # the least time that means anything when the next deed cuts a proof short
SOON = 3.0  # seconds, on top of the same, for what has happened at the gate by now
EARLIEST = 1.8  # seconds before a deed from which on a feed on the slowest path serves it
AGAIN = 0.1  # seconds after which a path that let no dial in is tried again
BRIEF = 0.5  # a restart shorter than this may be over before a dial gets there

UNDECIDED = "undecided"
STRIKES: Mapping[str, Meeting] = {"closed": "fin", "reset": "rst"}
_DIALED: Mapping[str, Symptom] = {
    "open": "let in",
    "refuse": "refused",
    "hang": "quiet",
    "silence": "quiet",
    "ETIMEDOUT": "quiet",
}
DOWN = Direction.DOWNSTREAM
_BY_FLOWS = {
    ProofKind.WORD, ProofKind.SHAPE, ProofKind.SLICES, ProofKind.RATE, ProofKind.CUT, ProofKind.LOSS, ProofKind.SLEEP,
    ProofKind.AWAY
}  # fmt: skip


class UpcomingDeeds(Protocol):
    """Knows the deeds to come."""

    def __call__(self, *paths: str) -> float:
        """Return when, on trio's clock, a later deed changes what flows on these paths meet."""
        ...


def _never(*_: str) -> float:
    return math.inf


def looks_at_flows(deed: Deed) -> bool:
    """Return whether a deed is proved by flows that were open before it."""
    proof = row_of(deed.act).proof
    return proof in _BY_FLOWS and not (proof is ProofKind.AWAY and takes_back(deed))


class GateCanary:
    """The proofs of one gate, by its flows. ``stepped``: the paths whose rates the weather changes.

    ``slack``: seconds by which this world may be late.
    """

    def __init__(self, flows: Flows, *, stepped: frozenset[str] = frozenset(), slack: float = SLACK) -> None:
        self.flows = flows
        self._stepped = stepped
        self._gauge = Gauge(flows, stepped, slack)

    @property
    def expected(self) -> ExpectedState:
        """The network as the plan has it by now."""
        return self.flows.expected

    def lead(self, deed: Deed) -> float:
        """Return how many seconds before a deed its flows are to be opened, so that they are in use when it is done."""
        return min(EARLIEST, LEAD + max(map(self.flows.round_trip, self._paths_of(deed)), default=0.0))

    async def prepare(self, deed: Deed, until: float) -> None:
        """Open what the proof of a deed looks at, as far as the paths let dials in; it is done at ``until``."""
        if not looks_at_flows(deed):
            return
        with trio.move_on_at(until):
            # A path that is down, or a phone that sleeps, may be back in time.
            while not (paths := [path for path in self._paths_of(deed) if self.expected.passable(path)]):
                await trio.sleep(AGAIN)
                self.expected.advance(trio.current_time())
            for path in paths:
                await self.flows.reserve(deed, path, until, streams=isinstance(deed.act, Cuts))

    def follow(self, deed: Deed, issued: float) -> WatchedDeed:
        """A deed is done now. To be called for every deed, in order, and each answered by ``prove`` or ``leave``."""
        return self.flows.follow(deed, issued, self._paths_of(deed))

    def leave(self, case: WatchedDeed) -> None:
        """Give up what was held for a deed."""
        self.flows.let_go([feed for feed, _ in case.feeds])

    def _paths_of(self, deed: Deed) -> list[str]:
        """Return the paths on which a deed is looked at by a flow that was open before it."""
        if not looks_at_flows(deed):
            return []
        network = self.expected.network
        match row_of(deed.act).proof:
            case ProofKind.LOSS:
                lost = {deed.act.path} if isinstance(deed.act, Loses) else {*network.paths}
                return [path for path in network.joined if path in lost]
            case ProofKind.SLEEP | ProofKind.AWAY:
                return [path] if (path := self._way_out("")) else []
            case _:
                return [deed.actor]

    def _way_out(self, on: str, moot: UpcomingDeeds = _never) -> str:
        """Return a path that is up: this one, or that which stays longest as it is, the default first; or none."""
        network = self.expected.network
        names = [on] if on else [*filter(None, [network.default]), *network.paths]
        return max((path for path in names if self.expected.passable(path)), key=moot, default="")

    def _way(self, path: str) -> boxes.BoxAccess:
        least, most = self.expected.delay(path, DOWN, HEAD)
        return boxes.BoxAccess(dial=lambda: self.flows.dial(path), release=self.flows.release, least=least, most=most)

    async def prove(self, case: WatchedDeed, readback: Mapping[str, str], moot: UpcomingDeeds) -> ProofResult:
        """Meet a deed that has just been carried out. ``moot`` tells when a later one makes the question moot."""
        try:
            return await self._prove(case, readback, moot)
        finally:
            self.leave(case)

    async def _prove(self, case: WatchedDeed, readback: Mapping[str, str], moot: UpcomingDeeds) -> ProofResult:
        actor = case.deed.actor
        match row_of(case.deed.act).proof:
            case ProofKind.WORD:
                outcome = await self._word(case, readback, moot(actor))
            case ProofKind.SHAPE | ProofKind.RATE | ProofKind.SLICES:
                outcome = await self._shape(case, readback, moot(actor))
            case ProofKind.DEFAULT:
                outcome = await self._default(case, readback, moot(case.step.after.default or ""))
            case ProofKind.LOSS:
                outcome = await self._lost(case, readback, moot(*case.step.lost))
            case ProofKind.SLEEP:
                outcome = await self._sleep(case, readback, moot(*case.paths))
            case ProofKind.CUT:
                outcome = await self._cut(case, readback, moot(actor))
            case ProofKind.AWAY if not takes_back(case.deed):
                outcome = await self._away(case, readback, moot)
            case ProofKind.REQUEST | ProofKind.CLEARING | ProofKind.AWAY:
                outcome = await self._box(case, readback, moot)
            case ProofKind.READBACK:
                outcome = self.shown(case, readback, "")
                if outcome.met and (why := readbacks.nothing_for(case.step, readback)):
                    outcome = nothing_to_do(why)
            case other:
                assert_never(other)
        return outcome

    def shown(self, case: WatchedDeed, readback: Mapping[str, str], why: str) -> ProofResult:
        """Prove by what the executor shows, where no flow could meet anything."""
        wrong = readbacks.contradiction(case.step, readback, stepped=case.deed.actor in self._stepped)
        return ProofResult(met=False, detail=wrong) if wrong else by_reading_back(why)

    async def _word(self, case: WatchedDeed, readback: Mapping[str, str], until: float) -> ProofResult:
        """Look at the open feeds and a new dial at once."""
        path, act = case.deed.actor, case.deed.act
        assert isinstance(act, SetReach)
        dials: list[Observation] = []

        async def dial() -> None:
            dials.append(await self._dial(path, case.step.after.paths[path].door, until))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(dial)
            held = await self._held(case, until)
        if act.once and not any(one.met is not None for one in held) and dials[0].met is not False:
            # A dial meets what it met before.
            return self.shown(case, readback, f"no open connection was there to be ended ({dials[0].words})")
        return outcome_of(path, held, dials)

    async def _held(self, case: WatchedDeed, until: float) -> list[Observation]:
        """Return what the feeds that were open saw of a deed."""
        found: dict[ProbeStream, list[Observation]] = {}

        async def watch(feed: ProbeStream, state: FlowState) -> None:
            found[feed] = await self._watch(case, feed, state, until)

        async with trio.open_nursery() as nursery:
            for feed, state in case.feeds:
                nursery.start_soon(watch, feed, state)
        return [one for feed, _ in case.feeds for one in found[feed]]

    async def _watch(self, case: WatchedDeed, feed: ProbeStream, state: FlowState, until: float) -> list[Observation]:
        witness = Witness(feed, state, issued=case.issued, done=case.step.done)
        found = await witness.watch(until, timeout=SOON, quiet=QUIET + LAG)
        return [msgspec.structs.replace(one, path=feed.path) for one in found]

    async def _dial(self, path: str, wants: Door, until: float) -> Observation:
        """Dial, and ask a question where the path must let one in: it needs both directions."""
        timeout = QUIET if wants is Door.HANG else TIMEOUT
        window = _window(until, timeout)
        cut = wants is not Door.HANG and window < timeout
        what = UNDECIDED if cut else "hang"
        with trio.move_on_after(window):
            try:
                probe = await self.flows.probe(path)
            except OSError as error:
                name = errno.errorcode.get(error.errno or 0, str(error))
                what = "refuse" if error.errno == errno.ECONNREFUSED else name
            else:
                # Where no dial may get in, being let in is all there is to see.
                what = (UNDECIDED if cut else "accepted, then silence") if wants is Door.OPEN else "open"
                try:
                    if wants is Door.OPEN:
                        met = await probe.ask(TIMEOUT)
                        what = "open" if met.what == "answer" else f"accepted, then {met.what}"
                finally:
                    probe.close()
        if what == UNDECIDED or (what != wants and trio.current_time() >= until):
            return Observation(None, f"dial: {UNDECIDED}")
        return Observation(what == wants, f"dial: {what}", _DIALED.get(what.rpartition(" ")[2], "ended"))

    async def _default(self, case: WatchedDeed, readback: Mapping[str, str], until: float) -> ProofResult:
        """Prove that the device's default path is the planned one, and a dial through it meets that path's door."""
        path = case.step.after.default
        shown = self.shown(case, readback, "the device has no path")
        if not shown.met or path is None:
            return shown
        dialed = await self._dial(path, case.step.after.paths[path].door, until)
        return outcome_of(path, [], [dialed])

    async def _lost(self, case: WatchedDeed, readback: Mapping[str, str], until: float) -> ProofResult:
        """Prove that the feeds on these paths end with an error of the device's own, and that no server is told."""
        step = case.step
        if not step.lost:
            return nothing_to_do("no path was there to lose")
        grace = 0.0 if step.grace is None else step.grace.seconds
        feeds = case.feeds
        if grace:
            await trio.sleep_until(min(until, step.done + grace + GLIMPSE))
            feeds = tuple((feed, self.flows.now(feed)) for feed, _ in feeds)
            if trio.current_time() >= until:
                return undecided(FIRST)
            if any(state.ended is None for _, state in feeds):
                return undecided("the path was there again before its connections were lost")
        found = await self._held(msgspec.structs.replace(case, feeds=feeds), until)
        if not any(one.met is not None for one in found):
            return self.shown(case, readback, "no connection was open to lose")
        return outcome_of(step.lost[0], found)

    async def _sleep(self, case: WatchedDeed, readback: Mapping[str, str], until: float) -> ProofResult:
        """Prove that nothing comes down while the phone sleeps, and that its flows are gone when it wakes.

        No server is told. A flow that is to die silently is quiet then too, in both directions.
        """
        wakes = self.expected.zero + case.deed.at + (effect_of(case.deed.act).seconds or 0.0)
        found = await self._held(case, min(until, wakes))
        if wakes + GLIMPSE < until and not any(one.met is False for one in found):
            await trio.sleep_until(wakes + GLIMPSE)
            feeds = tuple((feed, self.flows.now(feed)) for feed, _ in case.feeds)
            if all(state.ended is not None or state.dead for _, state in feeds):
                found += await self._held(msgspec.structs.replace(case, feeds=feeds), until)
        if not any(one.met is not None for one in found):
            return self.shown(case, readback, "no connection was open to be held")
        return outcome_of((case.paths or ("",))[0], found)

    async def _cut(self, case: WatchedDeed, readback: Mapping[str, str], until: float) -> ProofResult:
        """Prove that the stream held for it ends so, in the middle of an event, and the server is told."""
        act = case.deed.act
        assert isinstance(act, Cuts)
        under_way = (feed for feed, _ in case.feeds if feed.streams and feed.beats and feed.lived_to(case.issued))
        feed = next(under_way, None)
        if feed is None:
            return self.shown(case, readback, "no event stream of the canary was under way to be cut")
        await feed.until(lambda: bool(feed.end and feed.pulse.ended), trio.current_time() + _window(until, TIMEOUT))
        what, inside = feed.end or "silence", feed.answer.inside
        detail = f"open stream: {what}, {'inside' if inside else 'after'} an event"
        if what == STRIKES[act.how] and inside and feed.pulse.ended:
            return ProofResult(met=True, detail=detail)
        if trio.current_time() >= until:
            return undecided(f"{FIRST} ({detail})")
        return missed(case.deed.actor, SYMPTOMS[what], detail, held=True, stream=True)

    async def _away(self, case: WatchedDeed, readback: Mapping[str, str], moot: UpcomingDeeds) -> ProofResult:
        """Prove that a server that leaves ends its open connections, and refuses dials."""
        path, act = (case.paths or ("",))[0], case.deed.act
        briefly = isinstance(act, Restarts) and act.after < BRIEF
        asked: list[ProofResult] = []

        async def ask() -> None:
            asked.append(await self._box(case, readback, moot))

        async with trio.open_nursery() as nursery:
            if not briefly:
                nursery.start_soon(ask)
            held = await self._held(case, moot(path))
        if any(one.met is False for one in held) or (briefly and any(one.met for one in held)):
            return outcome_of(path, held)
        return self.shown(case, readback, "it was gone too briefly to be met") if briefly else asked[0]

    async def _box(self, case: WatchedDeed, readback: Mapping[str, str], moot: UpcomingDeeds) -> ProofResult:
        """Prove a deed of the middle or the server over the path that the deed names, else over any path that is up."""
        deed = case.deed
        over = self._lifted(case)
        if over is not None and not over:
            return nothing_to_do("nothing was in force")
        path = self._way_out(deed.on, moot)
        if not path:
            return self.shown(case, readback, "no path is up to meet it on")
        until = moot(path)
        timeout = TIMEOUT + max((act.after for act in over or [deed.act] if isinstance(act, KillsIdle)), default=0.0)
        seen = boxes.BoxProof(met=False, detail="no answer", symptom="quiet")
        with trio.move_on_after(_window(until, timeout)):
            try:
                way = self._way(path)
                seen = await (boxes.prove_in_force(deed.act, way) if over is None else boxes.prove_cleared(over, way))
            except OSError as error:
                seen = boxes.BoxProof(met=False, detail=f"dial: {error.strerror}", symptom="refused")
        if seen.met:
            return (
                self.shown(case, readback, seen.detail) if seen.briefly else ProofResult(met=True, detail=seen.detail)
            )
        if trio.current_time() >= until:
            return undecided(f"{FIRST} ({seen.detail})")
        return missed(path, seen.symptom, seen.detail, held=False, stream=seen.stream)

    def _lifted(self, case: WatchedDeed) -> list[Act] | None:
        """Return what is in force no more by a deed, as far as a request can tell; None where it is not that kind."""
        if takes_back(case.deed):
            return [case.deed.act]
        if row_of(case.deed.act).proof is not ProofKind.CLEARING:
            return None
        return [act for act in case.step.lifted if row_of(act).proof in {ProofKind.REQUEST, ProofKind.AWAY}]

    # Shapes.

    async def measure(self, path: str, until: float) -> ProofResult:
        """Meet the shape that a path has at the start, where it is up and has one."""
        shapes = self.expected.network.paths[path].shapes
        if not self.expected.passable(path):
            return by_reading_back(f"{path} is not up, so nothing passes to measure")
        if not readbacks.toxics_shown(shapes):
            return by_reading_back(f"{path} has no toxics to measure")
        return await self._gauge.measured(path, shapes, until)

    def takes(self, path: str) -> float:
        """Return for how many seconds the shape that a path has at the start is measured, at most."""
        shapes = self.expected.network.paths[path].shapes
        samples = max(map(samples_of, shapes.values())) if readbacks.toxics_shown(shapes) else 0
        return samples * PERIOD + 3 * self.flows.round_trip(path) + 2 * ON_THE_WAY if samples else 0.0

    async def _shape(self, case: WatchedDeed, readback: Mapping[str, str], until: float) -> ProofResult:
        """Measure the path, if it is up; what its proxy shows must be right in any case."""
        path, act = case.deed.actor, case.deed.act
        shown = self.shown(case, readback, f"{path} is not up, so nothing passes to measure")
        if not shown.met or not self.expected.passable(path):
            return shown
        if not isinstance(act, SetSlice):
            return await self._gauge.shape(case, until, readbacks.lines_first(readback))
        if not sliced(act):
            return self.shown(case, readback, "so much comes in pieces anyway")
        return await self._gauge.slices(case, act.size, until)


def _window(until: float, timeout: float) -> float:
    return max(GLIMPSE, min(timeout, until - trio.current_time()))
