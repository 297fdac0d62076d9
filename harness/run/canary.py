"""The canary: law H0's proof that a deed took hold, by flows of the harness's own through the same gate and proxies.

Before a deed the canary holds an open connection on each path that lets it in; after the deed it asks what became of
that connection and of a new dial, and compares both with what the deed's word promises. It never asks whether the
client felt anything: a client that never redials must not be excused.
"""

import errno
from collections.abc import Mapping
from typing import assert_never

import trio

from harness.deeds.acts import Cuts, Deed, KillsIdle, SetReach, SetSlice
from harness.deeds.catalogue import Proof, Symptom, row_of
from harness.deeds.network_state import NetworkState
from harness.deeds.replacement import takes_back
from harness.network.gate import Gate
from harness.run import boxes
from harness.run.boxes import SYMPTOMS
from harness.run.hidden import LEAD, Miss, Outcome, by_reading_back, missed, undecided
from harness.run.probe import BYTES, HEALTH, Meeting, Met, Probe
from harness.run.promises import STRIKES, Promise, Promises
from harness.run.readbacks import read_back
from harness.toxics.shape import line_time
from harness.vocabulary import Direction, Door

PATIENCE = 8.0  # for what must happen: the slowest profile takes seconds for a round trip and a handshake
QUIET = 0.15  # for what must not happen, on top of three round trips
GLIMPSE = 0.02  # the least time that means anything when the next deed cuts a proof short
SLACK = 0.25  # above a shape's own delay: the question's way up, and this machine's, with all its runs side by side
TICK = 0.001  # below a shape's own delay: Toxiproxy counts whole milliseconds
ON_THE_WAY = 0.2  # seconds that a body by which a rate is proved takes beyond the path's delay
QUICKEST = 0.02  # the least of them that means anything
MOST_BYTES = 65_536  # of such a body, as the server has it
MOST_AT_ONCE = 8_192  # bytes of an answer that come in one read where nothing cuts them
HEAD = 400  # bytes of an answer's head, or more
ASKS = 3  # questions per measured delay, of which the quickest counts

UNDECIDED = "undecided"
FIRST = "the next deed came first"
_DIALED: Mapping[str, Symptom] = {
    "open": "let in",
    "refuse": "refused",
    "hang": "quiet",
    "silence": "quiet",
    "ETIMEDOUT": "quiet",
}


class Canary:
    """The flows of one gate, one per path, and the proofs made with them."""

    def __init__(self, gate: Gate, network: NetworkState) -> None:
        self._gate = gate
        self._flows: dict[str, Probe] = {}
        self._listeners: dict[str, Probe] = {}
        self._promises = Promises(network)

    async def prepare(self, actor: str, *, stream: bool = False) -> None:
        """Hold an open connection on ``actor``, where that is a path, and on every path the device uses.

        With ``stream``, an event stream on ``actor`` too. A path that lets nobody in is left alone. Never takes longer
        than ``LEAD``.
        """
        promises = self._promises
        with trio.move_on_after(LEAD):
            async with trio.open_nursery() as nursery:
                if stream and promises.dial(actor) is Door.OPEN:
                    nursery.start_soon(self._listen, actor)
                for path in promises.paths:
                    if path == actor or path in promises.joined:
                        nursery.start_soon(self._hold, path)

    async def close(self) -> None:
        """Drop all flows."""
        flows = [*self._flows.values(), *self._listeners.values()]
        self._flows.clear()
        self._listeners.clear()
        for flow in flows:
            await flow.close()

    def follow(self, deed: Deed) -> Promise:
        """A deed is done now: return what it promises. To be called for every deed, in order."""
        return self._promises.do(deed)

    async def prove(self, deed: Deed, promise: Promise, readback: Mapping[str, str], until: float) -> Outcome:
        """Meet a deed that has just been carried out. ``until``: when the next deed makes the question moot."""
        act = deed.act
        match row_of(act).proof:
            case Proof.WORD:
                struck = isinstance(act, SetReach) and act.once
                outcome = await self._meet(deed.actor, promise.flow, promise.dial, until, struck=struck)
            case Proof.SHAPE:
                outcome = await self._shape(deed, promise, until)
            case Proof.SLICES:
                assert isinstance(act, SetSlice)
                outcome = await self._slice(deed.actor, act.size, promise, until)
            case Proof.RATE:
                outcome = await self._rate(deed, promise, until)
            case Proof.DEFAULT:
                outcome = await self._default(promise, readback, until)
            case Proof.LOSS:
                outcome = await self._lost(promise, until)
            case Proof.CUT:
                assert isinstance(act, Cuts)
                outcome = await self._cut(deed.actor, STRIKES[act.how], until)
            case Proof.REQUEST:
                outcome = await self._box(deed, promise, until)
            case Proof.READBACK:
                outcome = read_back(deed, readback)
            case other:
                assert_never(other)
        return outcome

    async def _box(self, deed: Deed, promise: Promise, until: float) -> Outcome:
        """What the middle and the server do is met over the path that the deed names, or the default one."""
        path = deed.on or promise.default
        if promise.dial is not Door.OPEN:
            return by_reading_back("no path is up to meet it on")

        async def dial() -> Probe:
            return Probe(await self._gate.dial(path))

        window = _window(until, PATIENCE if not isinstance(deed.act, KillsIdle) else PATIENCE + deed.act.after)
        seen = boxes.Seen(met=False, detail="no answer", symptom="quiet")
        with trio.move_on_after(window):
            try:
                shapes = self._promises.shapes(path)
                blur = 2 * max(shape.jitter for shape in shapes.values()) + line_time(
                    shapes[Direction.DOWNSTREAM], HEAD
                )
                seen = await boxes.see(deed.act, dial, undone=takes_back(deed), blur=blur)
            except OSError as error:
                seen = boxes.Seen(met=False, detail=f"dial: {error.strerror}", symptom="refused")
        if not seen.met and trio.current_time() >= until:
            return undecided(f"{FIRST} ({seen.detail})")
        if seen.met:
            return by_reading_back(seen.detail) if seen.briefly else Outcome(met=True, detail=seen.detail)
        return missed(path, seen.symptom, seen.detail, held=False, stream=seen.stream)

    async def _cut(self, path: str, wants: Meeting, until: float) -> Outcome:
        """The stream held for it ends so, in the middle of an event."""
        listener = self._listeners.pop(path, None)
        if listener is None:
            return by_reading_back("no event stream of the canary was open to be cut")
        try:
            what = await listener.body(_window(until, PATIENCE), least=1 << 20)
        finally:
            await listener.close()
        tail = listener.received
        inside = bool(tail) and not tail.endswith(b"\n\n")
        detail = f"open stream: {what}, {'inside' if inside else 'after'} an event"
        if what == wants and inside:
            return Outcome(met=True, detail=detail)
        if trio.current_time() >= until:
            return undecided(f"{FIRST} ({detail})")
        return missed(path, SYMPTOMS[what], detail, held=True, stream=True)

    async def _default(self, promise: Promise, readback: Mapping[str, str], until: float) -> Outcome:
        """The device's default path is the promised one, and a dial through it meets what that path's word promises."""
        path = readback.get("default", "none")
        if path != (promise.default or "none"):
            return Outcome(met=False, detail=f"the default is {path}, not {promise.default or 'none'}")
        if not promise.default:
            return by_reading_back("the device has no path")
        return await self._meet(path, None, promise.dial, until)

    async def _meet(
        self, path: str, flow_wants: Meeting | None, dial_wants: Door, until: float, *, struck: bool = False
    ) -> Outcome:
        """Ask the open connection and a new dial at once, and hold what they met against what they must.

        ``struck``: only what was open can tell; a dial meets what it met before.
        """
        flow = self._flows.get(path)
        seen: dict[str, str] = {}
        async with trio.open_nursery() as nursery:
            if flow is not None and flow_wants is not None:
                nursery.start_soon(self._ask_flow, flow, flow_wants, until, seen)
            nursery.start_soon(self._ask_dial, path, dial_wants, until, seen)
        if flow_wants in {"fin", "rst"} and flow is not None:
            if self._flows.get(path) is flow:  # and not one that another proof has put there meanwhile
                del self._flows[path]
            await flow.close()
        misses = []
        if seen["dial"] not in {dial_wants, UNDECIDED}:
            misses.append(Miss(path=path, symptom=_DIALED.get(seen["dial"].rpartition(" ")[2], "ended")))
        what = seen.get("open connection", UNDECIDED)
        if what not in {flow_wants, UNDECIDED}:
            symptom = "let in" if what == "answer" else SYMPTOMS[what]
            misses.append(Miss(path=path, symptom=symptom, held=True))
        detail = ", ".join(f"{who}: {seen[who]}" for who in ("open connection", "dial") if who in seen)
        if misses:
            return Outcome(met=False, detail=detail, misses=tuple(misses))
        if struck and "open connection" not in seen:
            return by_reading_back(f"no open connection was there to be ended ({detail})")
        return undecided(detail) if set(seen.values()) == {UNDECIDED} else Outcome(met=True, detail=detail)

    async def _ask_flow(self, flow: Probe, wants: Meeting, until: float, seen: dict[str, str]) -> None:
        """Testify for an open connection, where it can: one that has ended, or was used up, saw nothing of this."""
        patience = QUIET + 3 * flow.round_trip if wants == "silence" else PATIENCE
        async with flow.turn:  # the proof of the deed before may still be at it
            window = _window(until, patience)
            # What silence killed stays dead: it can neither answer nor see the FIN that would come behind lost bytes.
            if not (flow.alive or (flow.mute and wants in {"silence", "rst"})):
                return
            what = await flow.ending(window) if wants in {"fin", "rst"} else (await flow.ask(window)).what
        if flow.closed:
            return
        cut_short = what == "silence" and wants != "silence" and window < patience
        overtaken = what != wants and trio.current_time() >= until
        seen["open connection"] = UNDECIDED if cut_short or overtaken else what

    async def _ask_dial(self, path: str, wants: Door, until: float, seen: dict[str, str]) -> None:
        patience = QUIET if wants is Door.HANG else PATIENCE
        window = _window(until, patience)
        unanswered = UNDECIDED if window < patience else "accepted, then silence"
        what = UNDECIDED if wants is not Door.HANG and window < patience else "hang"
        with trio.move_on_after(window):
            try:
                probe = Probe(await self._gate.dial(path))
            except OSError as error:
                name = errno.errorcode.get(error.errno or 0, str(error))
                what = "refuse" if error.errno == errno.ECONNREFUSED else name
            else:
                # Where nobody must get in, being let in is all there is to see.
                what = unanswered if wants is Door.OPEN else "open"
                try:
                    if wants is Door.OPEN:
                        met = await probe.ask(PATIENCE)
                        what = "open" if met.what == "answer" else f"accepted, then {met.what}"
                finally:
                    await self._keep(path, probe)
        seen["dial"] = UNDECIDED if what != wants and trio.current_time() >= until else what

    async def _shape(self, deed: Deed, promise: Promise, until: float) -> Outcome:
        path = deed.actor
        if promise.dial is not Door.OPEN:
            return by_reading_back(f"{path} is not up, so nothing passes to measure")
        by_way = self._promises.shapes(path)
        shapes = by_way.values()
        if not await self._settled(deed, until):
            return undecided(FIRST)
        mets = await self._ask(path, ASKS, until)
        trips = [met.seconds for met in mets if met.what == "answer"]
        if not trips:
            return _silenced(path, mets, until)
        least = sum(max(0.0, shape.latency - shape.jitter) for shape in shapes) - TICK * len(shapes)
        on_the_line = line_time(by_way[Direction.DOWNSTREAM], max(met.length for met in mets))
        most = sum(shape.latency + shape.jitter for shape in shapes) + on_the_line + SLACK
        quickest = min(trips)
        detail = f"round trip {quickest * 1e3:.1f} ms (at least {max(0.0, least) * 1e3:.0f} ms)"
        if least <= quickest <= most:
            return Outcome(met=True, detail=detail)
        if trips == trips[:1] and trio.current_time() >= until:
            return undecided(f"{FIRST} ({detail})")
        return missed(path, "soon" if quickest < least else "late", detail, held=True)

    async def _settled(self, deed: Deed, until: float) -> bool:
        """Wait until the path has the shape that is promised; False where the next deed comes first."""
        climbing = self._promises.unsettled(deed.actor, deed.at)
        if climbing > until - trio.current_time():
            return False
        await trio.sleep(climbing)
        return True

    async def _slice(self, path: str, size: int, promise: Promise, until: float) -> Outcome:
        """An answer that is longer than a slice comes in several."""
        if size > MOST_AT_ONCE:
            return by_reading_back("so much comes in pieces anyway")
        mets = await self._ask(path, 1, until, target=f"{BYTES}/{size}") if promise.dial is Door.OPEN else []
        if not mets:
            return by_reading_back("no open connection to see the slices on")
        met = mets[0]
        if met.what != "answer":
            return _silenced(path, mets, until)
        if met.length <= size:
            return by_reading_back("the server has no answer longer than a slice")
        detail = f"{met.reads} reads of about {size} B"
        return Outcome(met=True, detail=detail) if met.reads > 1 else missed(path, "whole", detail, held=True)

    async def _rate(self, deed: Deed, promise: Promise, until: float) -> Outcome:
        """An answer takes longer than the path's delay explains, as it is too large for the line."""
        path = deed.actor
        shapes = self._promises.shapes(path)
        rate = shapes[Direction.DOWNSTREAM].down
        assert rate is not None
        delay = sum(shape.latency + shape.jitter for shape in shapes.values())
        size = min(MOST_BYTES, round(rate * (ON_THE_WAY + delay)))
        least = size / rate
        if least < delay + QUICKEST:
            return by_reading_back("a line so fast carries any answer at once")
        if promise.dial is Door.OPEN and not await self._settled(deed, until):
            return undecided(FIRST)
        mets = await self._ask(path, 1, until, target=f"{BYTES}/{size}") if promise.dial is Door.OPEN else []
        if not mets:
            return by_reading_back("no open connection to see the rate on")
        if mets[0].what != "answer":
            return _silenced(path, mets, until)
        if mets[0].length < size:
            return by_reading_back("the server has no answer of that size")
        took = mets[0].seconds
        detail = f"{size} B in {took * 1e3:.0f} ms (at least {least * 1e3:.0f} ms)"
        met = took >= least - TICK
        return Outcome(met=True, detail=detail) if met else missed(path, "soon", detail, held=True)

    async def _ask(self, path: str, times: int, until: float, *, target: str = HEALTH) -> list[Met]:
        """Ask so often on one open connection, until the next deed is done; what was no answer comes last."""
        mets: list[Met] = []
        with trio.move_on_after(_window(until, PATIENCE)):
            met = await self._hold(path)
            if met is not None and met.what != "answer":
                return [met]
        flow = self._flows.get(path)
        while flow is not None and flow.alive and len(mets) < times:
            async with flow.turn:
                if flow.alive:
                    met = await flow.ask(_window(until, PATIENCE), target=target)
                    if mets and trio.current_time() >= until:
                        break
                    mets.append(met)
        return mets

    async def _lost(self, promise: Promise, until: float) -> Outcome:
        """Every open connection on these paths must end with an error of the device's own making."""
        seen: dict[str, str] = {}
        outlived = until - trio.current_time() <= promise.lingers + GLIMPSE

        async def watch(path: str, flow: Probe) -> None:
            async with flow.turn:
                what = await flow.ending(_window(until, promise.lingers + PATIENCE))
            seen[path] = UNDECIDED if what == "silence" and outlived else what
            if self._flows.get(path) is flow:
                del self._flows[path]
            await flow.close()

        async with trio.open_nursery() as nursery:
            for path in promise.lost:
                flow = self._flows.get(path)
                if flow is not None and (flow.alive or flow.mute):
                    nursery.start_soon(watch, path, flow)
        if not seen:
            return by_reading_back("no connection was open to lose")
        detail = ", ".join(f"open connection on {path}: {what}" for path, what in seen.items())
        misses = [Miss(path=path, symptom="quiet", held=True) for path, what in seen.items() if what == "silence"]
        if misses:
            return Outcome(met=False, detail=detail, misses=tuple(misses))
        return undecided(detail) if set(seen.values()) == {UNDECIDED} else Outcome(met=True, detail=detail)

    async def _hold(self, path: str) -> Met | None:
        """Have an open connection on the path: the one held already, if it lives, or a new one where dials get in.

        Returns what the new one met.
        """
        held = self._flows.get(path)
        if held is not None:
            async with held.turn:
                await held.look()
        if (held is not None and held.alive) or self._promises.dial(path) is not Door.OPEN:
            return None
        try:
            probe = Probe(await self._gate.dial(path))
        except OSError:
            return None
        try:
            return await probe.ask(PATIENCE)
        finally:
            await self._keep(path, probe)

    async def _listen(self, path: str) -> None:
        try:
            probe = Probe(await self._gate.dial(path))
        except OSError:
            return
        useless: Probe | None = probe
        try:
            met = await probe.listen(LEAD)
            if met.content_type == "text/event-stream":
                # One that was ready too late for the cut before may have ended since.
                useless, self._listeners[path] = self._listeners.get(path), probe
        finally:
            if useless is not None:
                await useless.close()

    async def _keep(self, path: str, probe: Probe) -> None:
        """Hold this connection as the path's own when it can carry more questions and the held one cannot."""
        held = self._flows.get(path)
        serves = held is not None and (held.alive or held.turn.locked())  # one that is being asked is not done yet
        if probe.alive and not serves:
            self._flows[path] = probe
            if held is not None:
                await held.close()
        else:
            await probe.close()


def _silenced(path: str, mets: list[Met], until: float) -> Outcome:
    """No answer came to measure."""
    what = mets[-1].what if mets else "silence"
    if _window(until, PATIENCE) < PATIENCE:
        return undecided(FIRST)
    return missed(path, SYMPTOMS[what], f"no answer: {what}", held=True)


def _window(until: float, patience: float) -> float:
    return max(GLIMPSE, min(patience, until - trio.current_time()))
