"""Shape: what a path does to bytes that pass, and the Toxiproxy toxics that express it."""

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Delay, rate and slicing of one path. Latency is one way and holds in each direction; rates are bytes/s."""

    latency: float = 0.0
    jitter: float = 0.0  # uniform, ±, seconds
    down: float | None = None  # None: unlimited
    up: float | None = None
    slice_size: int | None = None  # bytes; None: not sliced
