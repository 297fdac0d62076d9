"""Shape: what a path does to bytes that pass, and the Toxiproxy toxics that express it."""

import math

import msgspec

from harness.toxics.bandwidth import Bandwidth
from harness.toxics.latency import Latency
from harness.toxics.slicer import Slicer
from harness.toxics.toxic import Toxic, ToxicSpec
from harness.vocabulary import Direction


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Delay, rate and slicing of one path. Latency is one way and holds in each direction; rates are bytes/s."""

    latency: float = 0.0
    jitter: float = 0.0  # uniform, ±, seconds
    down: float | None = None  # None: unlimited
    up: float | None = None
    slice_size: int | None = None  # bytes; None: not sliced


SLICE_PAUSE_US = 1000
"""Between slices. With less, the kernel joins slices again and the reader sees half as many (measured)."""


def toxics_of(shape: Shape, direction: Direction) -> tuple[ToxicSpec, ...]:
    """Return the toxics that give one direction this shape, in chain order, under names that never change.

    Toxiproxy counts whole milliseconds and whole KB/s: latency and jitter are rounded, a rate is rounded but stays at
    least 1. A rate of exactly 0 is a stall.
    """
    rate = shape.down if direction is Direction.DOWNSTREAM else shape.up
    toxics: list[Toxic] = []
    if shape.latency or shape.jitter:
        toxics.append(Latency(latency=_whole(shape.latency * 1000), jitter=_whole(shape.jitter * 1000)))
    if rate is not None:
        toxics.append(Bandwidth(rate=max(1, _whole(rate / 1000)) if rate else 0))
    if shape.slice_size is not None:
        toxics.append(Slicer(average_size=shape.slice_size, delay=SLICE_PAUSE_US))
    for toxic in toxics:
        toxic.check()
    return tuple(ToxicSpec(name=f"{toxic.type}_{direction}", stream=direction, toxic=toxic) for toxic in toxics)


def toxic_attributes(shape: Shape) -> dict[str, str]:
    """Return what a proxy shows of the toxics that give both directions this shape: NAME.ATTRIBUTE and its value."""
    specs = (spec for direction in Direction for spec in toxics_of(shape, direction))
    return {f"{spec.name}.{key}": str(value) for spec in specs for key, value in spec.toxic.attributes.items()}


def line_time(shape: Shape, size: int) -> float:
    """Return for how many seconds so many bytes from the server occupy a line of this shape: its rate, its slices."""
    found = size / shape.down if shape.down else 0.0
    if shape.slice_size is not None:
        found += math.ceil(size / shape.slice_size) * SLICE_PAUSE_US / 1e6
    return found


def _whole(value: float) -> int:
    """Round half up, so that 12.5 ms do not become 12."""
    return math.floor(value + 0.5)
