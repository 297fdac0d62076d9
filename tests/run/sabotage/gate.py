# ruff: noqa: E501 - a table
"""Faults of the gate: what a path's word does to open flows and to dials, and what the bytes on their way meet."""

import contextvars
import re
from collections.abc import Callable
from typing import Any

import pytest
import trio

from harness.device.model import Act, ChunkFate, Device, Do, _Flow
from harness.device.words import Reach
from harness.network.ends import How, Side
from harness.network.gate import Gate
from harness.network.link import SINK, Link
from harness.network.phone import GatePhone
from harness.network.relay import RelayedFlow
from harness.network.simulated import SimNetwork
from harness.vocabulary import Direction, Door
from tests.run.sabotage.row import Once, Plant, Row, around, both, planted

UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM
BOTH = (UP, DOWN)


def canary_flows(patch: pytest.MonkeyPatch) -> set[int]:
    """Return the cids of the canary's flows, as they come."""
    cids: set[int] = set()

    def wrap(admit: Any) -> Any:
        def admitting(gate: Gate, path: str, stream: Any) -> None:
            if stream.peer in gate._canaries:
                cids.add(gate._journal.written + 1)
            admit(gate, path, stream)

        return admitting

    around(patch, Gate, "_admit", wrap)
    return cids


def meets(
    word: Reach, fate: ChunkFate, *ways: Direction, canary: bool = True, client: bool = True, after: float = 0.0
) -> Plant:
    """Let bytes meet this fate where the path has this word, ``after`` so many seconds of it."""
    since: dict[int, float] = {}

    def plant(patch: pytest.MonkeyPatch) -> None:
        canaries = canary_flows(patch)

        def concerns(device: Device, cid: int, way: Direction) -> bool:
            flow = device._flows.get(cid)
            if flow is None or device._paths[flow.path].word is not word:
                return False
            began = since.setdefault(id(device), trio.current_time())
            mine = canary if cid in canaries else client
            return mine and way in (ways or BOTH) and trio.current_time() >= began + after and way not in flow.left

        def arriving(arrives: Any) -> Any:
            def arrive(device: Device, cid: int, way: Direction) -> ChunkFate:
                if not concerns(device, cid, way):
                    met: ChunkFate = arrives(device, cid, way)
                    return met
                if fate is ChunkFate.DROP:
                    device._flows[cid].dead.add(way)
                return fate

            return arrive

        def passing(passes: Any) -> Any:
            return lambda device, cid, way: (
                fate is ChunkFate.PASS if concerns(device, cid, way) else passes(device, cid, way)
            )

        since.clear()
        around(patch, Device, "arrives", arriving)
        around(patch, Device, "passes", passing)

    return plant


def lets_go(after: float, *, canary: bool = True) -> Plant:
    """A stalled path lets go of what it has held ``after`` so many seconds, and holds nothing more."""

    def wrap(reach: Any) -> Any:
        async def look_again(gate: Gate, path: str) -> None:
            await trio.sleep(after + 0.5)  # the time counts from the first byte that the path has held
            for flow in [one for one in gate._flows.values() if one.path == path]:
                for link in flow._links.values():
                    link.release()

        async def reaching(gate: Gate, path: str, its: Reach, **options: Any) -> Any:
            if its is Reach.STALLED and gate._nursery is not None:
                gate._nursery.start_soon(look_again, gate, path)
            return await reach(gate, path, its, **options)

        return reaching

    return both(
        meets(Reach.STALLED, ChunkFate.PASS, canary=canary, after=after),
        planted(Gate, "reach", wrap),
    )


def ends(change: Callable[[Act], Act | None], *, canary: bool = True, says: bool = True) -> Plant:
    """Let the strikes at the clients' flows, and at the ``canary``'s, be others; None: none, but ``says`` so."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        canaries = canary_flows(patch)

        def wrap(apply: Any) -> Any:
            def applying(flow: RelayedFlow, act: Act) -> None:
                if act.do not in (Do.FIN, Do.RST) or (flow.cid in canaries and not canary):
                    apply(flow, act)
                elif (other := change(act)) is not None:
                    apply(flow, other)
                elif says:
                    flow.note(SINK[act.direction], How.CLOSED)

            return applying

        around(patch, RelayedFlow, "apply", wrap)

    return plant


def _instead(do: Do) -> Callable[[Act], Act]:
    return lambda act: Act(act.cid, do, act.direction)


def _only(way: Direction) -> Callable[[Act], Act | None]:
    return lambda act: act if act.direction is way else None


def _nothing_at_all(canary: bool) -> Plant:
    """Let each strike miss, so that all open connections live on."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        canaries = canary_flows(patch)

        def wrap(strike: Any) -> Any:
            return lambda flow, do: strike(flow, do) if flow.cid in canaries and not canary else []

        around(patch, _Flow, "strike", wrap)

    return plant


def released(canary: bool) -> Plant:
    """Never let go of what a stalled path has held."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        canaries = canary_flows(patch)

        def wrap(release: Any) -> Any:
            return lambda link: release(link) if link.flow.cid in canaries and not canary else None

        around(patch, Link, "release", wrap)

    return plant


def tells(side: Side, how: How = How.FIN) -> Plant:
    """An end that a silent path swallows is told to the other side, while the records say that it was swallowed."""

    def wrap(leave: Any) -> Any:
        def leaving(flow: RelayedFlow, which: Side, its: How) -> None:
            leave(flow, which, its)
            other = Side.SERVER if which is Side.CLIENT else Side.CLIENT
            if which is side and flow.device.word(flow.path) is Reach.SILENT and other in flow.streams:
                flow.streams[other].finish() if how is How.FIN else flow.streams[other].reset()

        return leaving

    return planted(RelayedFlow, "leave", wrap)


def tells_openly() -> Plant:
    """An end passes a silent path, and the records say so."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        leaving: list[int] = []

        def wrap_leave(leave: Any) -> Any:
            def left(flow: RelayedFlow, side: Side, how: How) -> None:
                leaving.append(flow.cid)
                leave(flow, side, how)
                leaving.pop()

            return left

        around(patch, RelayedFlow, "leave", wrap_leave)
        around(
            patch, Device, "arrives",
            lambda arrives: lambda device, cid, way: ChunkFate.PASS if leaving else arrives(device, cid, way),
        )  # fmt: skip

    return plant


def tells_of_loss(how: How) -> Plant:
    """The server is told as the phone's own OS kills a connection."""

    def wrap(apply: Any) -> Any:
        def applying(flow: RelayedFlow, act: Act) -> None:
            apply(flow, act)
            if act.do is Do.ABORT and Side.SERVER in flow.streams:
                server = flow.streams[Side.SERVER]
                server.finish() if how is How.FIN else server.reset()

        return applying

    return planted(RelayedFlow, "apply", wrap)


# Bytes on their way. Behind the stage only the client's own socket meets them; before it the stage sees them too.


def spoils(
    where: str, way: Direction, spoil: Callable[[bytes], bytes], *, nth: int = 9, like: bytes = b"data: {"
) -> Plant:
    """Let the ``nth`` chunk of the clients' that is ``like`` this be another."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        canaries, once = canary_flows(patch), Once(nth)

        def wrap(carry: Any) -> Any:
            async def carrying(link: Link, *args: Any) -> None:
                *offset, data = args
                mine = link.direction is way and link.flow.cid not in canaries and like in data.lower()
                await carry(link, *offset, spoil(data) if once(mine) else data)

            return carrying

        around(patch, Link, where, wrap)

    return plant


def _flipped(data: bytes) -> bytes:
    """Another digit within the payload of an event."""
    return re.sub(rb'("processedCount":\d*)(\d)', lambda found: found[1] + bytes([found[2][0] ^ 1]), data, count=1)


def _asks_elsewhere(data: bytes) -> bytes:
    """Another cursor in a request."""
    return re.sub(rb"(?i)(last-event-id: a-\d*)(\d)", lambda found: found[1] + bytes([found[2][0] ^ 1]), data, count=1)


def loses_chunk(where: str) -> Plant:
    """One chunk of a stream does not arrive, and its records say that it did."""
    return spoils(where, DOWN, lambda data: b"")


def repeats_chunk(where: str) -> Plant:
    return spoils(where, DOWN, lambda data: data + data)


def swaps_chunks(where: str) -> Plant:
    """Two chunks of a stream change places."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        canaries, first, kept = canary_flows(patch), Once(9), []

        def wrap(carry: Any) -> Any:
            async def carrying(link: Link, *args: Any) -> None:
                *offset, data = args
                mine = link.direction is DOWN and link.flow.cid not in canaries and b"data: {" in data
                if first(mine):
                    kept.append(data)
                    await carry(link, *offset, b"")
                elif mine and kept:
                    await carry(link, *offset, data + kept.pop())
                else:
                    await carry(link, *offset, data)

            return carrying

        around(patch, Link, where, wrap)

    return plant


# Dials.

_BY_CLIENT: contextvars.ContextVar[bool] = contextvars.ContextVar("by the client", default=False)


def door(word: Reach, instead: Door) -> Plant:
    """Let each dial to a path of this word meet this door."""

    def wrap(reach: Any) -> Any:
        async def reaching(gate: Gate, path: str, its: Reach, **options: Any) -> Any:
            readback = await reach(gate, path, its, **options)
            if gate.device.word(path) is word:
                await gate._listeners[path].set_door(instead)
            return readback

        return reaching

    return planted(Gate, "reach", wrap)


def lets_the_client_in() -> Plant:
    """Dials of the client meet an open door where the canary's do not."""

    def connecting(connect: Any) -> Any:
        async def dial(phone: GatePhone, host: str, port: int) -> Any:
            token = _BY_CLIENT.set(True)
            try:
                return await connect(phone, host, port)
            finally:
                _BY_CLIENT.reset(token)

        return dial

    def meeting(meet: Any) -> Any:
        return lambda network, address: Door.OPEN if _BY_CLIENT.get() else meet(network, address)

    return both(planted(GatePhone, "connect", connecting), planted(SimNetwork, "_meets", meeting))


def _deaf_to(word: Reach) -> Plant:
    """A word that is only said: what is read back is what it should have been."""

    def wrap(reach: Any) -> Any:
        async def reaching(gate: Gate, path: str, its: Reach, **options: Any) -> Any:
            if its is not word:
                return await reach(gate, path, its, **options)
            return {**gate.path_readback(path), "word": word, "upstream": "pass", "downstream": "pass", "door": "open"}

        return reaching

    return planted(Gate, "reach", wrap)


H0, H1, H2, H3, H4 = "fault-seen", "history-whole", "server-as-planned", "network-as-planned", "in-time"

ROWS = (
    # silent
    Row("silent, felt by a canary only", "silent", H3, "wifi", meets(Reach.SILENT, ChunkFate.PASS, canary=False)),
    Row("silent, felt by the clients only", "silent", f"{H0}|{H3}", "wifi", meets(Reach.SILENT, ChunkFate.PASS, client=False)),
    Row("silent lets upstream bytes pass", "silent", f"{H0}|{H3}", "wifi", meets(Reach.SILENT, ChunkFate.PASS, UP)),
    Row("silent lets downstream bytes pass", "silent", f"{H0}|{H3}", "wifi", meets(Reach.SILENT, ChunkFate.PASS, DOWN)),
    Row("silent lets the clients' upstream bytes pass", "silent", H3, "wifi.*(upstream|end of the client)", meets(Reach.SILENT, ChunkFate.PASS, UP, canary=False)),
    Row("silent lets the clients' downstream bytes pass", "silent", H3, "wifi.*(downstream|end of the server)", meets(Reach.SILENT, ChunkFate.PASS, DOWN, canary=False)),
    Row("silent holds instead of losing", "silent", f"{H0}|{H3}", "wifi", meets(Reach.SILENT, ChunkFate.HOLD)),
    Row("silent ends by itself after a second", "silent", f"{H0}|{H1}|{H3}", "wifi|phone", meets(Reach.SILENT, ChunkFate.PASS, after=1.0)),
    Row("silent ends by itself after a second for the clients", "silent", f"{H1}|{H3}", "wifi|phone", meets(Reach.SILENT, ChunkFate.PASS, canary=False, after=1.0)),
    Row("silent upstream only is silent nowhere", "silent upstream", f"{H0}|{H3}", "wifi", meets(Reach.SILENT, ChunkFate.PASS, UP)),
    Row("silent upstream only loses downstream bytes too", "silent upstream", f"{H0}|{H3}", "wifi", meets(Reach.SILENT, ChunkFate.DROP, DOWN)),
    Row("silent upstream only loses the clients' downstream bytes too", "silent upstream", H3, "wifi.*(downstream|end of the server)", meets(Reach.SILENT, ChunkFate.DROP, DOWN, canary=False)),
    Row("silent downstream only loses the clients' upstream bytes too", "silent downstream", H3, "wifi.*(upstream|end of the client)", meets(Reach.SILENT, ChunkFate.DROP, UP, canary=False)),
    Row("silent tells the server of FIN, by the records too", "silent", H3, "wifi", tells_openly()),
    Row("silent tells the server of FIN", "silent", H3, "server.*told|told.*server", tells(Side.CLIENT)),
    Row("silent tells the server with RST", "silent", H3, "server.*told|told.*server", tells(Side.CLIENT, How.RST)),
    Row("silent tells the client of FIN", "silent, and the server leaves", f"{H0}|{H3}", "wifi", tells(Side.SERVER)),
    Row("a loss tells the server with FIN", "loses", f"{H0}|{H3}", "server.*told|told.*server|server was told", tells_of_loss(How.FIN)),
    Row("a loss tells the server with RST", "loses", f"{H0}|{H3}", "server.*told|told.*server|server was told", tells_of_loss(How.RST)),
    Row("going offline tells the server", "offline", f"{H0}|{H3}", "server.*told|told.*server|(device|server) ", tells_of_loss(How.FIN)),
    Row("waking up tells the server", "sleeps", f"{H0}|{H3}", "server.*told|told.*server|(device|server) ", tells_of_loss(How.FIN)),
    Row("silent is never over", "silent", f"{H0}|{H3}", "wifi", _deaf_to(Reach.UP)),
    # stalled
    Row("stalled lets bytes pass", "stalled", f"{H0}|{H3}", "wifi", meets(Reach.STALLED, ChunkFate.PASS)),
    Row("stalled lets the clients' bytes pass", "stalled", H3, "wifi", meets(Reach.STALLED, ChunkFate.PASS, canary=False)),
    Row("stalled lets the clients' downstream bytes pass", "stalled", H3, "wifi", meets(Reach.STALLED, ChunkFate.PASS, DOWN, canary=False)),
    Row("stalled loses bytes", "stalled", f"{H0}|{H3}", "wifi", meets(Reach.STALLED, ChunkFate.DROP)),
    Row("stalled loses the clients' bytes", "stalled", H3, "wifi", meets(Reach.STALLED, ChunkFate.DROP, canary=False)),
    Row("stalled upstream only stalls the clients' downstream too", "stalled upstream", H3, "wifi.*(downstream|end of the server)", meets(Reach.STALLED, ChunkFate.HOLD, DOWN, canary=False)),
    Row("stalled lets go after a second", "stalled", f"{H0}|{H3}", "wifi", lets_go(1.0)),
    Row("stalled lets go of the clients' bytes after a second", "stalled", H3, "wifi", lets_go(1.0, canary=False)),
    Row("stalled never lets go", "stalled", f"{H0}|{H3}", "wifi", released(canary=True)),
    Row("stalled never lets go of the clients' bytes", "stalled", H3, "wifi", released(canary=False)),
    # closed, reset
    Row("closed sends RST", "closed", H0, "wifi", ends(_instead(Do.RST))),
    Row("closed sends the clients RST", "closed", H3, "wifi", ends(_instead(Do.RST), canary=False)),
    Row("closed once sends the clients RST", "closed once", H3, "wifi", ends(_instead(Do.RST), canary=False)),
    Row("reset sends FIN", "reset", H0, "wifi", ends(_instead(Do.FIN))),
    Row("reset sends the clients FIN", "reset", H3, "wifi", ends(_instead(Do.FIN), canary=False)),
    Row("reset once sends the clients FIN", "reset once", H3, "wifi", ends(_instead(Do.FIN), canary=False)),
    Row("closed ends nothing", "closed", f"{H0}|{H3}", "wifi", ends(lambda _: None)),
    Row("closed ends no client's flow, but says so", "closed once", H3, "wifi", ends(lambda _: None, canary=False)),
    Row("closed ends no client's flow", "closed once", H3, "wifi", ends(lambda _: None, canary=False, says=False)),
    Row("closed strikes nobody", "closed", f"{H0}|{H3}", "wifi", _nothing_at_all(canary=True)),
    Row("closed strikes no client's flow", "closed", H3, "wifi", _nothing_at_all(canary=False)),
    Row("reset ends nothing", "reset", f"{H0}|{H3}", "wifi", ends(lambda _: None)),
    Row("reset ends no client's flow, but says so", "reset once", H3, "wifi", ends(lambda _: None, canary=False)),
    Row("reset once strikes no client's flow", "reset once", H3, "wifi", _nothing_at_all(canary=False)),
    Row("closed ends the phone's side only", "closed once", f"{H0}|{H3}", "wifi|server", ends(_only(DOWN))),
    Row("closed ends the server's side only", "closed once", f"{H0}|{H3}", "wifi", ends(_only(UP))),
    Row("reset ends the phone's side only", "reset once", f"{H0}|{H3}", "wifi|server", ends(_only(DOWN))),
    Row("reset ends the server's side only", "reset once", f"{H0}|{H3}", "wifi", ends(_only(UP))),
    Row("reset ends the server's side of the clients only", "reset once", H3, "wifi", ends(_only(UP), canary=False)),
    Row("reset ends the phone's side of the clients only", "reset once", H3, "wifi|server", ends(_only(DOWN), canary=False)),
    # refused, unreachable
    Row("refused lets dials hang", "refused", f"{H0}|{H3}", "wifi", door(Reach.REFUSED, Door.HANG)),
    Row("refused lets dials in", "refused", f"{H0}|{H3}", "wifi", door(Reach.REFUSED, Door.OPEN)),
    Row("refused lets the clients in", "refused", H3, "wifi", lets_the_client_in()),
    Row("unreachable refuses", "unreachable", f"{H0}|{H3}", "wifi", door(Reach.UNREACHABLE, Door.REFUSE)),
    Row("unreachable lets dials in", "unreachable", f"{H0}|{H3}", "wifi", door(Reach.UNREACHABLE, Door.OPEN)),
    Row("unreachable lets the clients in", "unreachable", H3, "wifi", lets_the_client_in()),
    Row("silent lets dials in", "silent", f"{H0}|{H3}", "wifi", door(Reach.SILENT, Door.OPEN)),
    Row("silent refuses dials", "silent", f"{H0}|{H3}", "wifi", door(Reach.SILENT, Door.REFUSE)),
    Row("stalled lets dials in", "stalled", f"{H0}|{H3}", "wifi", door(Reach.STALLED, Door.OPEN)),
    Row("closed lets dials in", "closed", f"{H0}|{H3}", "wifi", door(Reach.CLOSED, Door.OPEN)),
    Row("closed lets dials hang", "closed", f"{H0}|{H3}", "wifi", door(Reach.CLOSED, Door.HANG)),
    Row("closed lets the clients in", "closed", H3, "wifi", lets_the_client_in()),
    Row("up leaves the door refusing", "closed", f"{H0}|{H3}", "wifi", door(Reach.UP, Door.REFUSE)),
    # bytes
    Row("a byte of an event is flipped before the stage", "plain", H1, "phone|radio|written|digest", spoils("_take", DOWN, _flipped)),
    Row("a byte of an event is flipped behind the stage", "plain", H1, "radio|socket|digest", spoils("_send", DOWN, _flipped)),
    Row("a byte of a cursor is flipped before the stage", "reconnects", H1, "phone had sent", spoils("_take", UP, _asks_elsewhere, nth=1, like=b"last-event-id: a-")),
    Row("a byte of a cursor is flipped behind the stage", "reconnects", f"{H1}|{H2}", "asked|cursor|request|answered the id", spoils("_send", UP, _asks_elsewhere, nth=1, like=b"last-event-id: a-")),
    Row("a chunk is lost before the stage", "plain", f"{H1}|{H2}", "bytes|radio|written|stream", loses_chunk("_take")),
    Row("a chunk is lost behind the stage", "plain", f"{H1}|{H2}", "bytes|radio|socket", loses_chunk("_send")),
    Row("a chunk comes twice before the stage", "plain", f"{H1}|{H2}", "twice|bytes|radio|written|stream", repeats_chunk("_take")),
    Row("a chunk comes twice behind the stage", "plain", f"{H1}|{H2}", "twice|bytes|radio|socket", repeats_chunk("_send")),
    Row("two chunks change places before the stage", "plain", f"{H1}|{H2}", "order|bytes|radio|written|stream", swaps_chunks("_take")),
    Row("two chunks change places behind the stage", "plain", f"{H1}|{H2}", "order|bytes|radio|socket", swaps_chunks("_send")),
)  # fmt: skip
