"""The words that the pure packages share with the seams. No trio here: a scenario is checked without loading it."""

import enum
from collections.abc import Callable

import msgspec

Address = tuple[str, int]
"""Host (a literal IP address) and port."""

Stamp = Callable[[], int]
"""The world's time in nanoseconds: ``CLOCK_MONOTONIC`` on real sockets, virtual time in the simulation."""


CANARY = "canary"
"""The client's name in the records of flows that the harness itself dialled."""

REQUEST_HEADER = "X-Harness-Request"
"""Carries a request's ``rid`` from the gate to the server, whose records so name it. A client's own is dropped."""


class Direction(enum.StrEnum):
    """The direction of bytes. Server to client is downstream, as in Toxiproxy."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


class Door(enum.StrEnum):
    """The door that a dial meets."""

    OPEN = "open"
    REFUSE = "refuse"  # RST at once: ECONNREFUSED
    HANG = "hang"  # the SYN is never answered


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """The OS's words to the app: it joins, loses, prefers …; ``what`` is the word.

    ``joins``, ``loses``, ``prefers`` (each with its path), ``offline``, ``online``, ``suspended``, ``resumed``.

    A suspended app hears nothing: it is told when it is resumed, in order.
    """

    what: str
    path: str | None = None
