"""Real time and real sockets: the host's clocks, and trio's own scheduler untouched."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from harness.network import kernel
from harness.network.real import RealNetwork
from harness.seams import Network
from harness.world.world import World

T = TypeVar("T")

NAME = "real"


def stamp() -> int:
    """``CLOCK_MONOTONIC`` in nanoseconds: the same for all processes of one host."""
    return time.monotonic_ns()


def wall_clock() -> float:
    """Seconds since 1970, for what the protocol dates (Retry-After as an HTTP date) and for names of folders."""
    return time.time()  # noqa: TID251 - the one place that may


def network() -> Network:
    """Return the kernel's network."""
    return RealNetwork()


def world() -> World:
    """This world, for one run."""
    return World(
        name=NAME,
        network=network(),
        stamp=stamp,
        wall_clock=wall_clock,
        sockets=None,
        proxies=None,
        facts=kernel.facts(),
    )


def run(main: Callable[[], Awaitable[T]]) -> T:
    """Run in this world until ``main`` returns."""
    return trio.run(main)
