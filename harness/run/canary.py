"""The canary: law L0's proof that a deed took hold, by flows of the harness's own through the same gate and proxies.

Before a deed the canary holds an open connection on each path that lets it in; after the deed it asks what became of
that connection and of a new dial, and compares both with what the deed's word promises. It never asks whether the
client felt anything: a client that never redials must not be excused.
"""

import errno
from collections.abc import Collection, Iterable, Mapping
from typing import Literal

import msgspec
import trio

from harness.device.words import Reach
from harness.network.gate import Gate
from harness.run import boxes
from harness.run.probe import Meeting, Met, Probe
from harness.scenario.model import (
    ComesOnline,
    Cuts,
    Deed,
    GoesOffline,
    Joins,
    KillsIdle,
    Loses,
    Prefers,
    SetReach,
    SetShape,
    SetSlice,
)
from harness.seams import Direction
from harness.toxics.shape import Shape

PATIENCE = 8.0  # for what must happen: the slowest profile takes seconds for a round trip and a handshake
QUIET = 0.15  # for what must not happen, on top of three round trips
GLIMPSE = 0.02  # the least time that means anything when the next deed cuts a proof short
LEAD = 0.6  # before a deed, for opening flows
SLACK = 0.25  # above a shape's own delay: this machine's, with all its runs side by side
TICK = 0.001  # below a shape's own delay: Toxiproxy counts whole milliseconds
ASKS = 3  # questions per measured delay, of which the quickest counts

Dial = Literal["open", "refuse", "hang"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the canary met the deed, and what it saw."""

    met: bool
    detail: str


FLOWS: Mapping[Reach, Meeting] = {
    Reach.UP: "answer",
    Reach.STALLED: "silence",
    Reach.SILENT: "silence",
    Reach.CLOSED: "fin",
    Reach.RESET: "rst",
    Reach.REFUSED: "answer",
    Reach.UNREACHABLE: "answer",
}
DIALS: Mapping[Reach, Dial] = {
    Reach.UP: "open",
    Reach.STALLED: "hang",
    Reach.SILENT: "hang",
    Reach.CLOSED: "refuse",
    Reach.RESET: "refuse",
    Reach.REFUSED: "refuse",
    Reach.UNREACHABLE: "hang",
}


class Canary:
    """The flows of one gate, one per path, and the proofs made with them."""

    def __init__(self, gate: Gate, shapes: Mapping[str, Shape], words: Mapping[str, Reach]) -> None:
        self._gate = gate
        self._flows: dict[str, Probe] = {}
        self._words = dict(words)
        self._listeners: dict[str, Probe] = {}
        self._joined = list(gate.device.joined)
        self._shapes = {(path, way): shape for path, shape in shapes.items() for way in Direction}

    @property
    def path(self) -> str:
        """The path that the device uses, or would use first."""
        return self._gate.device.default or next(iter(self._words))

    async def prepare(self, actor: str, *, stream: bool = False) -> None:
        """Hold an open connection on ``actor``, where that is a path, and on every path the device uses.

        With ``stream``, an event stream on ``actor`` too. A path that lets nobody in is left alone. Never takes longer
        than ``LEAD``.
        """
        self._joined = list(self._gate.device.joined)
        with trio.move_on_after(LEAD):
            async with trio.open_nursery() as nursery:
                if stream and DIALS[self._words[actor]] == "open":
                    nursery.start_soon(self._listen, actor)
                for path, word in self._words.items():
                    if path == actor or path in self._joined:
                        nursery.start_soon(self._hold, path, DIALS[word])

    async def close(self) -> None:
        """Drop all flows."""
        flows = [*self._flows.values(), *self._listeners.values()]
        self._flows.clear()
        self._listeners.clear()
        for flow in flows:
            await flow.close()

    def learn(self, deed: Deed) -> None:
        """A deed has been carried out: know what its path promises from now on."""
        if isinstance(deed.act, SetReach) and not deed.act.once:
            self._words[deed.actor] = deed.act.word

    async def prove(self, deed: Deed, readback: Mapping[str, str], until: float) -> Outcome:
        """Meet a deed that has just been carried out. ``until``: when the next deed makes the question moot."""
        match deed.act:
            case SetReach(word=word, once=once):
                # A dial needs both directions: after a word of one of them the path as a whole says what it meets.
                dial = DIALS[self._words[deed.actor]] if once or deed.act.direction is None else _door(readback)
                outcome = await self._meet(deed.actor, FLOWS[word], dial, until)
            case SetShape() as act:
                outcome = await self._shape(deed.actor, act, until)
            case SetSlice(size=size):
                outcome = await self._slice(deed.actor, size, until)
            case Joins(path=path):
                # Joining makes a path the default only where there was none.
                outcome = await self._default({path}, readback, until, must=False)
            case Prefers(path=path):
                outcome = await self._default({path}, readback, until, must=True)
            case Loses(path=path):
                outcome = await self._lost([path], until)
            case GoesOffline():
                outcome = await self._lost(self._joined, until)
            case ComesOnline():
                outcome = await self._default(self._words, readback, until, must=True)
            case Cuts(how=how):
                outcome = await self._cut(deed.actor, FLOWS[how], until)
            case _:
                outcome = await self._box(deed, until)
        return outcome

    async def _box(self, deed: Deed, until: float) -> Outcome:
        """What the middle and the server do is met over the path that the deed names, or the default one."""
        path = deed.on or self._gate.device.default or ""
        if DIALS.get(self._words.get(path, Reach.SILENT)) != "open":
            return Outcome(met=True, detail="read back; no path is up to meet it on")

        async def dial() -> Probe:
            return Probe(await self._gate.dial(path))

        window = _window(until, PATIENCE if not isinstance(deed.act, KillsIdle) else PATIENCE + deed.act.after)
        with trio.move_on_after(window) as scope:
            try:
                seen = await boxes.see(deed.act, dial, undone=deed.undoes is not None)
            except OSError as error:
                seen = boxes.Seen(met=False, detail=f"dial: {error.strerror}")
        if scope.cancelled_caught:
            cut = trio.current_time() >= until
            return Outcome(met=cut, detail="undecided: the next deed came first" if cut else "no answer")
        return Outcome(met=seen.met, detail=seen.detail)

    async def _cut(self, path: str, wants: Meeting, until: float) -> Outcome:
        """The stream held for it ends so, in the middle of an event."""
        listener = self._listeners.pop(path, None)
        if listener is None:
            return Outcome(met=True, detail="read back; no event stream of the canary was open to be cut")
        what = await listener.body(_window(until, PATIENCE), least=1 << 20)
        tail = listener.received
        await listener.close()
        inside = bool(tail) and not tail.endswith(b"\n\n")
        if what == "silence" and _window(until, PATIENCE) < PATIENCE:
            return Outcome(met=True, detail="undecided: the next deed came before the next event")
        return Outcome(
            met=what == wants and inside, detail=f"open stream: {what}, {'inside' if inside else 'after'} an event"
        )

    async def _default(
        self, among: Collection[str], readback: Mapping[str, str], until: float, *, must: bool
    ) -> Outcome:
        """The device's default path is one of these, and a dial through it meets what that path's word promises."""
        path = readback.get("default", "")
        if path not in among:
            return Outcome(met=not must, detail=f"the default is {path or 'none'}")
        return await self._meet(path, None, DIALS[self._words[path]], until)

    async def _meet(self, path: str, flow_wants: Meeting | None, dial_wants: Dial | None, until: float) -> Outcome:
        """Ask the open connection and a new dial at once, and hold what they met against what they must."""
        flow = self._flows.get(path)
        seen: dict[str, str] = {}
        async with trio.open_nursery() as nursery:
            # What silence killed stays dead: it can neither answer nor see the FIN that would come behind lost bytes.
            if flow is not None and flow_wants is not None and (flow.alive or flow_wants in {"silence", "rst"}):
                nursery.start_soon(self._ask_flow, flow, flow_wants, until, seen)
            if dial_wants is not None:
                nursery.start_soon(self._ask_dial, path, dial_wants, until, seen)
        if dial_wants is not None and seen["dial"] != dial_wants and trio.current_time() >= until:
            seen["dial"] = "undecided"
        if flow_wants in {"fin", "rst"} and flow is not None:
            if self._flows.get(path) is flow:  # and not one that another proof has put there meanwhile
                del self._flows[path]
            await flow.close()
        if not seen:
            return Outcome(met=False, detail="no flow of the canary was there to meet it")
        wants = {"open connection": flow_wants, "dial": dial_wants}
        met = all(what in {wants[who], "undecided"} for who, what in seen.items())
        return Outcome(met=met, detail=", ".join(f"{who}: {what}" for who, what in seen.items()))

    async def _ask_flow(self, flow: Probe, wants: Meeting, until: float, seen: dict[str, str]) -> None:
        patience = QUIET + 3 * flow.round_trip if wants == "silence" else PATIENCE
        async with flow.turn:  # the proof of the deed before may still be at it
            window = _window(until, patience)
            if wants in {"fin", "rst"} or not flow.alive:
                if wants == "answer":
                    return  # that proof has used it up
                what = await flow.ending(window)
            else:
                what = (await flow.ask(window)).what
        cut_short = what == "silence" and wants != "silence" and window < patience
        overtaken = what != wants and trio.current_time() >= until
        seen["open connection"] = "undecided" if cut_short or overtaken else what

    async def _ask_dial(self, path: str, wants: Dial, until: float, seen: dict[str, str]) -> None:
        patience = QUIET if wants == "hang" else PATIENCE
        window = _window(until, patience)
        seen["dial"] = "undecided" if wants != "hang" and window < patience else "hang"
        with trio.move_on_after(window):
            try:
                probe = Probe(await self._gate.dial(path))
            except OSError as error:
                name = errno.errorcode.get(error.errno or 0, str(error))
                seen["dial"] = "refuse" if error.errno == errno.ECONNREFUSED else name
                return
            seen["dial"] = "undecided" if window < patience else "accepted, no answer"
            try:
                met = await probe.ask(PATIENCE)
                seen["dial"] = "open" if met.what == "answer" else met.what
            finally:
                await self._keep(path, probe)

    async def _shape(self, path: str, act: SetShape, until: float) -> Outcome:
        ways = [act.direction] if act.direction is not None else list(Direction)
        for way in ways:
            self._shapes[path, way] = act.shape
        if DIALS[self._words[path]] != "open":
            return Outcome(met=True, detail=f"read back; {path} is {self._words[path]}, so nothing passes to measure")
        if act.over > until - trio.current_time():
            return Outcome(met=True, detail="undecided: the next deed came before the last step")
        await trio.sleep(act.over)
        shapes = [self._shapes[path, way] for way in Direction]
        least = sum(max(0.0, shape.latency - shape.jitter) for shape in shapes) - TICK * len(shapes)
        most = sum(shape.latency + shape.jitter for shape in shapes) + SLACK
        quickest = await self._quickest(path, until)
        if quickest is None:
            cut = _window(until, PATIENCE) < PATIENCE
            return Outcome(met=cut, detail="undecided: the next deed came first" if cut else "no answer")
        met = quickest >= least and (quickest <= most or any(shape.up or shape.down for shape in shapes))
        return Outcome(met=met, detail=f"round trip {quickest * 1e3:.1f} ms (at least {max(0.0, least) * 1e3:.0f} ms)")

    async def _quickest(self, path: str, until: float) -> float | None:
        """The shortest of a few round trips through this path, on an open connection."""
        await self.prepare(path)
        flow = self._flows.get(path)
        trips: list[float] = []
        while flow is not None and flow.alive and len(trips) < ASKS:
            met = await _ask(flow, until)
            if met is not None and met.what == "answer":
                trips.append(met.seconds)
        return min(trips, default=None)

    async def _slice(self, path: str, size: int, until: float) -> Outcome:
        await self.prepare(path)
        flow = self._flows.get(path)
        met = await _ask(flow, until) if flow is not None else None
        if met is None:
            return Outcome(met=True, detail="read back; no open connection to see the slices on")
        if met.what == "silence" and _window(until, PATIENCE) < PATIENCE:
            return Outcome(met=True, detail="undecided: the next deed came first")
        return Outcome(met=met.what == "answer" and met.reads > 1, detail=f"{met.reads} reads of about {size} B")

    async def _lost(self, paths: Iterable[str], until: float) -> Outcome:
        """Every open connection on these paths must end with an error of the device's own making."""
        seen: dict[str, str] = {}
        lingers = self._gate.device.linger
        outlived = until - trio.current_time() <= lingers

        async def watch(path: str, flow: Probe) -> None:
            async with flow.turn:
                seen[path] = await flow.ending(_window(until, PATIENCE + lingers))
            await flow.close()

        async with trio.open_nursery() as nursery:
            for path in paths:
                flow = self._flows.pop(path, None)
                if flow is not None:
                    nursery.start_soon(watch, path, flow)
        if not seen:
            return Outcome(met=True, detail="read back; no connection was open to lose")
        if outlived and "silence" in seen.values():
            return Outcome(met=True, detail="undecided: the next deed came while open connections still lingered")
        met = all(what != "silence" for what in seen.values())
        return Outcome(met=met, detail=", ".join(f"open connection on {path}: {what}" for path, what in seen.items()))

    async def _hold(self, path: str, dial: Dial) -> None:
        """Have an open connection on the path: the one held already, if it lives, or a new one if one can be had."""
        held = self._flows.get(path)
        if held is not None:
            async with held.turn:
                await held.look()
            if held.alive:
                return
        if dial != "open":
            return
        try:
            probe = Probe(await self._gate.dial(path))
        except OSError:
            return
        try:
            await probe.ask(LEAD)
        finally:
            await self._keep(path, probe)

    async def _listen(self, path: str) -> None:
        try:
            probe = Probe(await self._gate.dial(path))
        except OSError:
            return
        try:
            met = await probe.listen(LEAD)
            if met.content_type == "text/event-stream" and path not in self._listeners:
                self._listeners[path] = probe
        finally:
            if self._listeners.get(path) is not probe:
                with trio.CancelScope(shield=True):
                    await probe.close()

    async def _keep(self, path: str, probe: Probe) -> None:
        """Hold this connection as the path's own when it can carry more questions and the held one cannot."""
        held = self._flows.get(path)
        # Whoever is being asked may well answer yet.
        if probe.alive and (held is None or not (held.alive or held.turn.locked())):
            self._flows[path] = probe
            probe = held if held is not None else probe
            if held is None:
                return
        with trio.CancelScope(shield=True):
            await probe.close()


def _door(readback: Mapping[str, str]) -> Dial | None:
    """What a dial meets, as the gate read it back."""
    doors: dict[str, Dial] = {"open": "open", "refuse": "refuse", "hang": "hang"}
    return doors.get(readback.get("door", ""))


async def _ask(flow: Probe, until: float) -> Met | None:
    """Ask, in turn; None where the flow carries no more questions by then."""
    async with flow.turn:
        return await flow.ask(_window(until, PATIENCE)) if flow.alive else None


def _window(until: float, patience: float) -> float:
    return max(GLIMPSE, min(patience, until - trio.current_time()))
