"""The words of paths and radios, shared by the model, the gate and the scenario language."""

import enum

import msgspec


class Reach(enum.StrEnum):
    """A path's state: what open flows feel and what dials feel."""

    UP = "up"
    STALLED = "stalled"
    SILENT = "silent"
    CLOSED = "closed"
    RESET = "reset"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


class Radio(msgspec.Struct, frozen=True, kw_only=True):
    """The seconds that a connection through this path costs before its first byte.

    A dial is charged ``handshake``, and ``wake`` besides when the radio was quiet for longer than ``wake_after``
    (0: each time). The first chunk downstream after that much quiet is delayed by ``wake`` too.
    """

    handshake: float = 0.0
    wake: float = 0.0
    wake_after: float = 10.0
