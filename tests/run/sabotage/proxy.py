# ruff: noqa: E501 - a table
"""Faults of the proxies: the shapes of paths, and the weather."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest

from harness.clock import sleep_until
from harness.history import Weather
from harness.run.actuator import Actuator, ShapeRamp
from harness.run.nemesis import Nemesis
from harness.scenario.model import StallPulse
from harness.toxics import toxics_of
from harness.toxics.bandwidth import Bandwidth
from harness.toxics.latency import Latency
from harness.toxics.shape import Shape
from harness.toxics.slicer import Slicer
from harness.toxics.toxic import DelayedChunk, StageContext, StreamChunk
from harness.toxiproxy.simulated import SimulatedToxiproxy
from harness.toxiproxy.state import ToxicState
from harness.vocabulary import Direction
from tests.run.sabotage.gate import H0, H3, H4
from tests.run.sabotage.row import Once, Plant, Row, around, planted

UP, DOWN = Direction.UPSTREAM, Direction.DOWNSTREAM


def shapes(change: Callable[[Shape, Direction], Shape | None], *, at_start: bool, lies: bool = False) -> Plant:
    """Give paths other shapes than said (None: leaves them as they were), at the start or by deeds alone.

    ``lies``: what is read back is what was said.
    """

    def wrap(shape: Any) -> Any:
        seen: set[str] = set()

        async def shaping(proxies: SimulatedToxiproxy, name: str, wanted: Shape, way: Direction | None = None) -> Any:
            first = name not in seen
            seen.add(name)
            if first is not at_start:
                return await shape(proxies, name, wanted, way)
            for each in (way,) if way is not None else tuple(Direction):
                other = change(wanted, each)
                if other is not None:
                    await shape(proxies, name, other, each)
            said = [spec for each in Direction for spec in toxics_of(wanted, each)]
            there = said if lies else proxies._paths[name].toxics
            return {spec.name: ToxicState.of(spec).words for spec in there}

        return shaping

    return planted(SimulatedToxiproxy, "shape", wrap)


def never(_: Shape, __: Direction) -> None:
    return None


def latency(share: float, *ways: Direction) -> Callable[[Shape, Direction], Shape]:
    def change(shape: Shape, way: Direction) -> Shape:
        if ways and way not in ways:
            return shape
        return msgspec.structs.replace(shape, latency=shape.latency * share, jitter=shape.jitter * min(share, 1))

    return change


def rates(share: float | None) -> Callable[[Shape, Direction], Shape]:
    def change(shape: Shape, _: Direction) -> Shape:
        down, up = (None if share is None or rate is None else rate * share for rate in (shape.down, shape.up))
        return msgspec.structs.replace(shape, down=down, up=up)

    return change


def one_way(way: Direction) -> Callable[[Shape, Direction], Shape | None]:
    return lambda shape, each: shape if each is way else None


def unsliced(shape: Shape, _: Direction) -> Shape:
    return msgspec.structs.replace(shape, slice_size=None)


def finely_sliced(shape: Shape, _: Direction) -> Shape:
    return msgspec.structs.replace(shape, slice_size=4)


def _stays(patch: pytest.MonkeyPatch) -> None:
    """The first shape that a deed gives a path stays, and what is read back is what was said later."""

    def wrap(shape: Any) -> Any:
        times: dict[str, int] = {}

        async def shaping(proxies: SimulatedToxiproxy, name: str, wanted: Shape, way: Direction | None = None) -> Any:
            times[name] = times.get(name, 0) + 1
            if times[name] <= 2:
                return await shape(proxies, name, wanted, way)
            return {spec.name: ToxicState.of(spec).words for each in Direction for spec in toxics_of(wanted, each)}

        return shaping

    around(patch, SimulatedToxiproxy, "shape", wrap)


def at_work(kind: type, share: float) -> Plant:
    """A toxic that is there, as its proxy says, and does so much of its work: 0 is none."""

    def wrap(take: Any) -> Any:
        def taken(toxic: Any, chunk: StreamChunk, run: StageContext) -> Iterable[DelayedChunk]:
            if share == 0:
                return (DelayedChunk(0.0, chunk),)
            return tuple(DelayedChunk(step.wait * share, step.chunk) for step in take(toxic, chunk, run))

        return taken

    return planted(kind, "take", wrap)


def _ramps(at: Callable[[ShapeRamp], Shape]) -> Plant:
    return lambda patch: patch.setattr(ShapeRamp, "now", property(at))


def _climbs(share: float) -> Plant:
    """A change over time is through in so much of it."""

    def wrap(init: Any) -> Any:
        return lambda ramp, before, after, over=0.0: init(ramp, before, after, over * share)

    return planted(ShapeRamp, "__init__", wrap)


# Weather.


def _pulses(change: Callable[[StallPulse], StallPulse | None]) -> Plant:
    """Stalls are others than the weather has it; the records say what was planned."""

    def wrap(pulse: Any) -> Any:
        async def pulsing(nemesis: Nemesis, planned: StallPulse, zero: float) -> None:
            made = change(planned)
            if made is None:
                nemesis._journal.write(Weather(path=planned.path, what="stall", lasts=planned.lasts))
                return
            await sleep_until(zero + made.at)
            nemesis._journal.write(Weather(path=planned.path, what="stall", lasts=planned.lasts))
            for gate in nemesis._actuator.gates.values():
                gate.pause(made.path)
            try:
                await sleep_until(zero + made.at + made.lasts)
            finally:
                for gate in nemesis._actuator.gates.values():
                    gate.resume(made.path)

        return pulsing

    return planted(Nemesis, "_pulse", wrap)


def _no_weather(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any) -> None:
        pass

    patch.setattr(Nemesis, "_make_weather", nothing)


def _one_stall_missing(patch: pytest.MonkeyPatch) -> None:
    once = Once(2)
    _pulses(lambda pulse: None if once() else pulse)(patch)


def _steps(change: Callable[[Any, Any], Any]) -> Plant:
    async def nothing(*_: Any) -> dict[str, str]:
        return {}

    def wrap(step: Any) -> Any:
        def stepping(actuator: Actuator, one: Any) -> Any:
            other = change(actuator, one)
            return step(actuator, other) if other is not None else nothing()

        return stepping

    return planted(Actuator, "step", wrap)


def _longer(share: float) -> Callable[[StallPulse], StallPulse]:
    return lambda pulse: msgspec.structs.replace(pulse, lasts=pulse.lasts * share)


def _late(pulse: StallPulse) -> StallPulse:
    return msgspec.structs.replace(pulse, at=pulse.at + 1.0)


def _slower(_: Any, step: Any) -> Any:
    return msgspec.structs.replace(step, down=step.down / 2, up=step.up / 2)


H03 = f"{H0}|{H3}"
ROWS = (
    Row("no shape at the start", "slow", H03, "wifi", shapes(never, at_start=True)),
    Row("no shape at the start, as is said", "slow", H03, "wifi", shapes(never, at_start=True, lies=True)),
    Row("half the latency at the start", "slow", H03, "wifi", shapes(latency(0.5), at_start=True, lies=True)),
    Row("double the latency at the start", "slow", H03, "wifi", shapes(latency(2.0), at_start=True, lies=True)),
    Row("latency at the start upstream only", "slow", H03, "wifi", shapes(latency(0.0, DOWN), at_start=True, lies=True)),
    Row("latency at the start downstream only", "slow", H03, "wifi", shapes(latency(0.0, UP), at_start=True, lies=True)),
    Row("no rate at the start", "limited", H03, "wifi", shapes(rates(None), at_start=True, lies=True)),
    Row("double the rate at the start", "limited", H03, "wifi", shapes(rates(2.0), at_start=True, lies=True)),
    Row("half the rate at the start", "limited", H03, "wifi", shapes(rates(0.5), at_start=True, lies=True)),
    Row("a latency that is there and does nothing", "slow", H03, "wifi", at_work(Latency, 0)),
    Row("a rate that is there and does nothing", "limited", H03, "wifi", at_work(Bandwidth, 0)),
    Row("slices that are there and do nothing", "sliced", H03, "wifi", at_work(Slicer, 0)),
    Row("no shape by a deed", "slows down", H03, "wifi", shapes(never, at_start=False)),
    Row("no shape by a deed, as is said", "slows down", H03, "wifi", shapes(never, at_start=False, lies=True)),
    Row("half the latency by a deed", "slows down", H03, "wifi", shapes(latency(0.5), at_start=False, lies=True)),
    Row("double the latency by a deed", "slows down", H03, "wifi", shapes(latency(2.0), at_start=False, lies=True)),
    Row("a shape by a deed downstream only", "slows down", H03, "wifi", shapes(one_way(DOWN), at_start=False, lies=True)),
    Row("a shape by a deed upstream only", "slows down", H03, "wifi", shapes(one_way(UP), at_start=False, lies=True)),
    Row("a shape in the wrong direction", "slows down one way", H03, "wifi", planted(SimulatedToxiproxy, "shape", lambda shape: lambda proxies, name, wanted, way=None: shape(proxies, name, wanted, {DOWN: UP, UP: DOWN, None: None}[way]))),
    Row("a shape in both directions instead of one", "slows down one way", H03, "wifi", planted(SimulatedToxiproxy, "shape", lambda shape: lambda proxies, name, wanted, way=None: shape(proxies, name, wanted))),
    Row("a shape over time comes at once", "slows down slowly", H03, "wifi", _climbs(0.0)),
    Row("a shape over time comes twice as slowly", "slows down slowly", H03, "wifi", _climbs(2.0)),
    Row("a shape over time stays at its first step", "slows down slowly", H03, "wifi", _ramps(lambda ramp: ramp.before)),
    Row("a shape for a while stays", "slows down for a while", H03, "wifi", _stays),
    Row("a limit is not made", "is limited", H03, "wifi", shapes(rates(None), at_start=False, lies=True)),
    Row("a limit is twice as high", "is limited", H03, "wifi", shapes(rates(2.0), at_start=False, lies=True)),
    Row("a limit is half as high", "is limited", H03, "wifi", shapes(rates(0.5), at_start=False, lies=True)),
    Row("slices are not made", "sliced", H03, "wifi", shapes(unsliced, at_start=False, lies=True)),
    Row("slices are too fine", "sliced", H03, "wifi", shapes(finely_sliced, at_start=False, lies=True)),
    Row("slices downstream only", "sliced", H03, "wifi", shapes(one_way(DOWN), at_start=False, lies=True)),
    Row("slices upstream only", "sliced", H03, "wifi", shapes(one_way(UP), at_start=False, lies=True)),
    # Weather.
    Row("no weather is made", "stalls by itself", f"{H3}|{H4}", "wifi", _no_weather),
    Row("stalls are said and not made", "stalls by itself", H3, "wifi", _pulses(lambda _: None)),
    Row("one stall is said and not made", "stalls by itself", H3, "wifi", _one_stall_missing),
    Row("stalls last twice as long", "stalls by itself", H3, "wifi", _pulses(_longer(2.0))),
    Row("stalls last half as long", "stalls by itself", H3, "wifi", _pulses(_longer(0.5))),
    Row("stalls come a second late", "stalls by itself", f"{H3}|{H4}", "wifi", _pulses(_late)),
    Row("stalls come on another path", "stalls by itself", H3, "wifi", _pulses(lambda pulse: msgspec.structs.replace(pulse, path="cellular"))),
    Row("rates do not change", "changes its rate", H03, "wifi", _steps(lambda *_: None)),
    Row("rates change to half of what they should", "changes its rate", H03, "wifi", _steps(_slower)),
)  # fmt: skip
